//! The host slot of one fetch, which follows its redirects from host to host.

use std::sync::Arc;

use url::Url;

use super::{HostOutcome, HostSlot, Urgency};
use crate::upstream::FetchError;

/// Holds a slot of one host at a time; it is freed before the next host's is taken.
#[derive(Debug)]
pub struct FetchSlot(Option<(HostSlot, Urgency)>);

impl FetchSlot {
    /// No slot: the fetch is not limited per host.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Starts with the slot of the first host.
    #[must_use]
    pub fn new(slot: HostSlot, urgency: Urgency) -> Self {
        Self(Some((slot, urgency)))
    }

    /// Changes to a slot of the host of `url`.
    pub(in crate::upstream) async fn enter(&mut self, url: &Url) -> Result<(), FetchError> {
        let Some((slot, urgency)) = self.0.take_if(|(slot, _)| !slot.is_at(url)) else {
            return Ok(());
        };
        let hosts = Arc::clone(&slot.hosts);
        // A host that redirects is healthy.
        slot.conclude(HostOutcome::Answered);
        self.0 = Some((hosts.enter(url, urgency).await?, urgency));
        Ok(())
    }

    /// Frees the slot, and tells the last host's breaker the outcome where there is one.
    pub fn conclude(self, outcome: Option<HostOutcome>) {
        if let (Some((slot, _)), Some(outcome)) = (self.0, outcome) {
            slot.conclude(outcome);
        }
    }
}
