//! How the work on one key ends, whatever becomes of it.

use std::sync::Arc;

use tokio::time::Instant;

use super::error::ImageError;
use crate::cache::{Cache, Flight, Kept};

/// The end of a flight. Dropped before it has landed, it lands as given up.
pub(super) struct Landing<'a, C: Kept> {
    cache: &'a Cache<ImageError, C>,
    key: &'a Arc<str>,
    flight: &'a Flight<ImageError, C>,
    begun: Instant,
    is_done: bool,
}

impl<'a, C: Kept> Landing<'a, C> {
    /// The work begins.
    pub(super) fn begin(
        cache: &'a Cache<ImageError, C>,
        key: &'a Arc<str>,
        flight: &'a Flight<ImageError, C>,
    ) -> Self {
        Self {
            cache,
            key,
            flight,
            begun: Instant::now(),
            is_done: false,
        }
    }

    /// It came out so. What came is kept; a failure is remembered, and `stale` stands in for what
    /// did not come.
    pub(super) fn land(mut self, outcome: Result<Arc<C>, Arc<ImageError>>, stale: Option<Arc<C>>) {
        self.is_done = true;
        match outcome {
            Ok(value) => {
                self.cache
                    .keep_since(self.begun, self.key, Arc::clone(&value));
                self.flight.land(Ok(value));
            }
            Err(trouble) => {
                let until = Instant::now() + trouble.remembered_for();
                self.cache.fail(self.key, Arc::clone(&trouble), until);
                self.flight.land(stale.ok_or(trouble));
            }
        }
    }
}

impl<C: Kept> Drop for Landing<'_, C> {
    fn drop(&mut self) {
        if !self.is_done {
            let trouble = Arc::new(ImageError::GivenUp);
            self.cache
                .fail(self.key, Arc::clone(&trouble), Instant::now());
            self.flight.land(Err(trouble));
        }
    }
}
