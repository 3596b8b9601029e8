//! How a document comes in: as upstream sends it, or whole first where something is to be known of it
//! before the rules see it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::arrived::Arrived;
use super::history::{self, Kept};
use super::{Error, Feed, Refresher, full_text};
use crate::inflight::{Grant, Inflight};
use crate::rewrite::Additions;
use crate::upstream::{Body, FetchError};

/// Where a document's pieces come from.
#[derive(Debug)]
pub(super) enum Incoming {
    /// The body, and what was read of it but not taken.
    Upstream(Box<Body>, Bytes),
    Whole(Whole),
}

/// A document that is there.
#[derive(Debug)]
pub(super) struct Whole {
    pieces: VecDeque<Bytes>,
    additions: Additions,
    /// What it takes of the budget of what is under way, and what is made of it.
    held: Option<Arc<Grant>>,
    made: Grant,
}

impl Incoming {
    /// A document that is there, and what is added to it.
    pub(super) fn whole(
        (pieces, held): (&[Bytes], Option<Arc<Grant>>),
        additions: Additions,
        budget: &Inflight,
    ) -> Self {
        Self::Whole(Whole {
            pieces: pieces.iter().cloned().collect(),
            additions,
            held,
            made: budget.force(0),
        })
    }

    /// Counts what is held of the document and what is made of it.
    pub(super) async fn cover(&mut self, source: usize, made: usize) -> Result<(), FetchError> {
        match self {
            Self::Upstream(body, _) => body.cover((source + made) as u64).await,
            Self::Whole(whole) => {
                whole.made.force(made as u64);
                Ok(())
            }
        }
    }

    /// Readers play what is made of it.
    pub(super) fn set_played(&mut self) {
        if let Self::Upstream(body, _) = self {
            body.set_played();
        }
    }

    /// What the document takes of the budget, and what was made of it.
    pub(super) fn into_held(self) -> (Option<Arc<Grant>>, Option<Arc<Grant>>) {
        match self {
            Self::Upstream(body, _) => {
                let held = body.into_grant().map(Arc::new);
                (held.clone(), held)
            }
            Self::Whole(whole) => (whole.held, Some(Arc::new(whole.made))),
        }
    }

    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        match self {
            Self::Upstream(body, rest) if rest.is_empty() => body.chunk().await,
            Self::Upstream(_, rest) => {
                // Who waits for what was made of the part before has its turn.
                tokio::task::yield_now().await;
                Ok(Some(std::mem::take(rest)))
            }
            Self::Whole(whole) => Ok(whole.pieces.pop_front()),
        }
    }

    /// Gives back the end of the chunk that came last, which comes next.
    pub(super) fn unread(&mut self, rest: Bytes) {
        match self {
            Self::Upstream(_, kept) => *kept = rest,
            Self::Whole(whole) => whole.pieces.push_front(rest),
        }
    }

    /// What is added to the document.
    pub(super) fn additions(&self) -> Additions {
        match self {
            Self::Upstream(..) => Additions::default(),
            Self::Whole(whole) => whole.additions.clone(),
        }
    }
}

/// A document that comes in.
pub(super) struct Intake {
    pub(super) incoming: Incoming,
    /// The same with nothing added, where something is.
    pub(super) plain: Option<Incoming>,
    pub(super) kept: Option<Kept>,
}

impl Refresher {
    /// Reads the whole body where it takes that, and has at hand what is stored of the feed's items
    /// and of their articles. Where a reader waits for it, it takes that only if there are such items.
    pub(super) async fn take_in(
        &self,
        feed: &Feed,
        arrived: &Arrived,
        mut body: Body,
        is_awaited: bool,
    ) -> Result<Intake, Error> {
        if !feed.adds_content() || is_awaited && !self.has_items(feed).await {
            return Ok(Intake {
                incoming: Incoming::Upstream(Box::new(body), Bytes::new()),
                plain: None,
                kept: None,
            });
        }
        let mut pieces = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            pieces.push(chunk);
        }
        let held = body.into_grant().map(Arc::new);
        let kept = history::compare(&self.store, feed, arrived, &pieces).await;
        let additions = history::additions(&kept);
        let document = (pieces.as_slice(), &additions);
        full_text::recall(&self.library, feed, arrived, document).await;
        let budget = self.client.budget();
        let whole = |additions| Incoming::whole((&pieces, held.clone()), additions, budget);
        let plain = (!additions.is_empty()).then(|| whole(Additions::default()));
        Ok(Intake {
            incoming: whole(additions),
            plain,
            kept,
        })
    }

    /// Whether items of the feed are stored.
    async fn has_items(&self, feed: &Feed) -> bool {
        feed.keeps_items() && self.store.places(&feed.key).await.is_some()
    }
}
