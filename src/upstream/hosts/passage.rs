//! The way of one fetch past the hosts that its redirects lead to.

use std::sync::Arc;

use url::Url;

use super::{Place, Urgency, Verdict};
use crate::upstream::FetchError;

/// Has a place at each host in turn; the one before is given back first.
#[derive(Debug)]
pub struct Passage(Option<(Place, Urgency)>);

impl Passage {
    /// A passage that asks no host for a place.
    #[must_use]
    pub fn free() -> Self {
        Self(None)
    }

    /// A passage that starts at this place.
    #[must_use]
    pub fn new(place: Place, urgency: Urgency) -> Self {
        Self(Some((place, urgency)))
    }

    /// Goes on to the host of `url`.
    pub(in crate::upstream) async fn enter(&mut self, url: &Url) -> Result<(), FetchError> {
        let Some((place, urgency)) = self.0.take_if(|(place, _)| !place.is_at(url)) else {
            return Ok(());
        };
        let hosts = Arc::clone(&place.hosts);
        // A host that redirects us answers.
        place.conclude(Verdict::Answers);
        self.0 = Some((hosts.enter(url, urgency).await?, urgency));
        Ok(())
    }

    /// The fetch has ended, and this is what it says about the last host; `None`: nothing.
    pub fn conclude(self, verdict: Option<Verdict>) {
        if let (Some((place, _)), Some(verdict)) = (self.0, verdict) {
            place.conclude(verdict);
        }
    }
}
