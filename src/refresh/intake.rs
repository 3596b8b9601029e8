//! How a document comes in: as upstream sends it, or whole first where something is to be known of it
//! before the rules see it.

use std::collections::VecDeque;

use bytes::Bytes;

use super::fetching::Arrived;
use super::history::{self, Kept};
use super::{Feed, Refresher, Trouble, full_text};
use crate::rewrite::Additions;
use crate::upstream::{Body, FetchError};

/// Where a document's pieces come from.
#[derive(Debug)]
pub(super) enum Incoming {
    Upstream(Box<Body>),
    Whole(VecDeque<Bytes>, Additions),
}

impl Incoming {
    /// A document that is there, and what is added to it.
    pub(super) fn whole(pieces: &[Bytes], additions: Additions) -> Self {
        Self::Whole(pieces.iter().cloned().collect(), additions)
    }

    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        match self {
            Self::Upstream(body) => body.chunk().await,
            Self::Whole(pieces, _) => Ok(pieces.pop_front()),
        }
    }

    /// What is added to the document.
    pub(super) fn additions(&self) -> Additions {
        match self {
            Self::Upstream(_) => Additions::default(),
            Self::Whole(_, additions) => additions.clone(),
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
    /// and of their articles.
    pub(super) async fn take_in(
        &self,
        feed: &Feed,
        arrived: &Arrived,
        mut body: Body,
    ) -> Result<Intake, Trouble> {
        if !feed.adds_content() {
            return Ok(Intake {
                incoming: Incoming::Upstream(Box::new(body)),
                plain: None,
                kept: None,
            });
        }
        let mut pieces = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            pieces.push(chunk);
        }
        let kept = history::compare(&self.store, feed, arrived, &pieces).await;
        let additions = history::additions(&kept);
        let document = (pieces.as_slice(), &additions);
        full_text::recall(&self.library, feed, arrived.clone(), document).await;
        let plain = (!additions.is_empty()).then(|| Incoming::whole(&pieces, Additions::default()));
        Ok(Intake {
            incoming: Incoming::whole(&pieces, additions),
            plain,
            kept,
        })
    }
}
