//! One fetch of a feed: asked for with what upstream told us last time, rewritten and recorded
//! while it comes.
//!
//! Invariant: a document that is cut, or that is no feed, never becomes a copy and never ends a
//! recording cleanly.

mod answer;
mod making;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::time::Instant;

use super::arrived::Arrived;
use super::freshness::{self, Finding};
use super::history::{self, Kept};
use super::intake::{Incoming, Intake};
use super::news::News;
use super::persisted::Source;
use super::refresher::Production;
use super::{Error, Feed, Refresher, ending, tag};
use crate::archive::FeedSnapshot;
use answer::{compare, conditions, stated_by_http, times};
use making::Making;

use crate::cache::{self, FeedCopy};
use crate::causes::chain;
use crate::feed::splitter::Ending;
use crate::inflight::Grant;
use crate::rewrite::Hints;
use crate::upstream::hosts::FetchSlot;
use crate::upstream::{FetchError, Fetched, Found, Validators};

/// What became of a document.
pub(super) struct Recorded {
    pub(super) copy: FeedCopy,
    pub(super) ending: Ending,
    /// The rewritten feed's length.
    pub(super) bytes: usize,
    pub(super) digest: u128,
    pub(super) hints: Hints,
    /// The body as it came, where it is to be stored, what it takes of the budget of what is under
    /// way, and the digest of what was made of it.
    pub(super) source: Option<Vec<Bytes>>,
    pub(super) held: Option<Arc<Grant>>,
    pub(super) output: u128,
    /// What the archive gets.
    pub(super) document: Option<FeedSnapshot>,
}

impl Refresher {
    /// One fetch. Readers of `early` get the growing copy as soon as it is known to be a feed.
    pub(super) async fn fetch(
        &self,
        feed: &Arc<Feed>,
        early: Option<&Production>,
        slot: &mut FetchSlot,
    ) -> Result<News, Error> {
        let known = match self.cache.peek(&feed.key) {
            None => self.restore(feed).await,
            known => known,
        };
        let early = early.filter(|_| known.is_none());
        let upstream = &feed.settings.upstream;
        let validators = conditions(feed, known.as_deref(), self.now_ms(Instant::now()));
        let mut answer = self.client.fetch_through(upstream, &validators, slot).await;
        if matches!(answer, Err(FetchError::Unasked)) {
            let anew = Validators::default();
            answer = self.client.fetch_through(upstream, &anew, slot).await;
        }
        match (answer?, known) {
            (Fetched::NotModified(news), Some(known)) => {
                let stated =
                    stated_by_http(StatusCode::NOT_MODIFIED, &news.headers, (self.wall_clock)());
                // What it does not say is as it was (RFC 9111 §4.3.4).
                let past = feed.track.past();
                let stated = stated.or(past.stated);
                let fresh_for = self.fresh_for(feed, stated, past.hints, Finding::Same);
                let times = times(feed, fresh_for);
                Ok(News {
                    copy: Arc::new(known.confirmed(news.validators, times)),
                    ending: None,
                    bytes: 0,
                    moved_to: news.moved_to,
                    source: Source::Confirmed {
                        headers: news.headers,
                    },
                    kept: None,
                    document: None,
                })
            }
            (Fetched::NotModified(_), None) => Err(Error::NothingToConfirm),
            (Fetched::Found(found), known) => {
                self.record(feed, found, known.as_deref(), early).await
            }
        }
    }

    async fn record(
        &self,
        feed: &Feed,
        found: Box<Found>,
        known: Option<&FeedCopy>,
        early: Option<&Production>,
    ) -> Result<News, Error> {
        let Found {
            url,
            validators,
            headers,
            moved_to,
            body,
        } = *found;
        let arrived = Arrived {
            url,
            validators,
            headers,
            is_framed: body.is_framed(),
        };
        let intake = self.take_in(feed, &arrived, body, early.is_some()).await?;
        let is_streamed = matches!(intake.incoming, Incoming::Upstream(..));
        let (recorded, mut kept) = self.record_intake(feed, &arrived, intake, early).await?;
        let Recorded {
            mut copy,
            ending,
            bytes,
            digest,
            hints,
            source,
            held,
            output,
            document,
        } = recorded;
        if is_streamed {
            kept = history::compare_streamed(&self.store, feed, &arrived, source.as_deref()).await;
        }
        ending::compare(&ending, known)?;
        let stated = stated_by_http(StatusCode::OK, &arrived.headers, (self.wall_clock)());
        copy.times.fresh_for = self.fresh_for(feed, stated, hints, compare(known, digest));
        feed.track.note_loaded(self.now_ms(Instant::now()));
        Ok(News {
            copy: Arc::new(tag::settle(copy, known, digest, &feed.rules)),
            ending: Some(ending),
            bytes,
            moved_to,
            source: Source::Body {
                url: arrived.url,
                headers: arrived.headers,
                body: source,
                held,
                output,
            },
            kept,
            document,
        })
    }

    /// A document through the rules with what is added to it, or without where that fails.
    async fn record_intake(
        &self,
        feed: &Feed,
        arrived: &Arrived,
        intake: Intake,
        early: Option<&Production>,
    ) -> Result<(Recorded, Option<Kept>), Error> {
        let Intake {
            incoming,
            plain,
            kept,
        } = intake;
        let Some(plain) = plain else {
            let recorded = self.record_from(feed, arrived, incoming, early).await?;
            return Ok((recorded, kept));
        };
        let with_kept = self.record_from(feed, arrived, incoming, None);
        let recorded = match cache::run(with_kept).await {
            Ok(recorded) => recorded,
            Err(error) => {
                let recorded = self.record_from(feed, arrived, plain, None).await?;
                history::leave_out(feed, &chain(&error));
                recorded
            }
        };
        Ok((recorded, kept))
    }

    /// A document through the rules into a recording, which readers of `early` play while it grows.
    pub(super) async fn record_from(
        &self,
        feed: &Feed,
        arrived: &Arrived,
        mut incoming: Incoming,
        early: Option<&Production>,
    ) -> Result<Recorded, Error> {
        let mut making = Making::begin(self, feed, arrived, (&incoming, early.is_some()));
        while let Some(chunk) = making.next_chunk(&mut incoming).await? {
            making.read(chunk, &mut incoming).await?;
            if let (Some(copy), Some(production)) = (making.begin_growing()?, early) {
                production.publish(Arc::new(copy));
                incoming.set_played();
            }
        }
        making.look_ahead_to_end().await;
        making.finish(incoming)
    }

    /// How long what has just come is fresh.
    fn fresh_for(
        &self,
        feed: &Feed,
        by_http: Option<Duration>,
        hints: Hints,
        finding: Finding,
    ) -> Duration {
        let bounds = feed.bounds();
        let stated = freshness::stated(by_http, &hints, &bounds);
        let mut past = feed.track.lock();
        let interval = freshness::interval(stated, past.interval, finding, &bounds);
        past.interval = Some(interval);
        past.stated = by_http;
        past.hints = hints;
        let fraction = self.jitter.fraction();
        freshness::fresh_for(interval, &hints, &bounds, (self.wall_clock)(), fraction)
    }
}
