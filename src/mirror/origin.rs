//! A configured mirror.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::cache::policy;
use crate::config::MirrorSettings;

/// A configured mirror.
#[derive(Debug)]
pub struct Mirror {
    /// What was configured.
    pub settings: MirrorSettings,
    /// Where readers find it, without a slash at its end.
    pub(super) home: String,
    pub(super) options: policy::PolicyOptions,
    /// Places of exchanges with this origin.
    pub(super) places: Arc<Semaphore>,
}

impl Mirror {
    /// A mirror of a service at `public_url`.
    #[must_use]
    pub fn new(settings: MirrorSettings, public_url: &str) -> Self {
        Self {
            home: format!("{public_url}/mirror/{}", settings.name),
            options: policy::PolicyOptions {
                honor_request_cache_control: settings.honor_request_cache_control,
                stale_if_error: settings.stale_if_error,
                ..policy::PolicyOptions::default()
            },
            places: Arc::new(Semaphore::new(settings.fetches_max)),
            settings,
        }
    }
}
