//! One fetch of a feed: asked for with what upstream told us last time, rewritten and recorded
//! while it comes.
//!
//! Invariant: a document that is cut, or that is no feed, never becomes a copy and never ends a
//! recording cleanly.

mod answer;
mod ending;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;
use url::Url;
use xxhash_rust::xxh3::Xxh3;

use super::freshness::{self, Finding};
use super::history::{self, Kept};
use super::intake::{Incoming, Intake};
use super::news::News;
use super::persist;
use super::pieces::{next_chunk, push, take};
use super::{Feed, Refresher, Trouble, media_type, remake, tag};
use crate::archive::Document;
use answer::{compare, conditions, stated_by_http, times};
pub(super) use ending::judge;
use ending::{check, finish};

use crate::cache::{FeedCopy, Flight, Forms, Head, Recorder};
use crate::causes::chain;
use crate::feed::Format;
use crate::feed::encoding::http_charset;
use crate::feed::splitter::{Ending, NotAFeed};
use crate::inflight::{Grant, Inflight};
use crate::rewrite::{Hints, Origin};
use crate::upstream::hosts::Passage;
use crate::upstream::{FetchError, Fetched, Found, Validators};

/// A document and what is made of it are too much together when no more than this is left.
const NEARLY_BYTES: usize = 256 << 10;

/// What is said of a document that has come.
#[derive(Debug, Clone)]
pub(super) struct Arrived {
    /// Where it came from, after redirects.
    pub(super) url: Url,
    pub(super) validators: Validators,
    pub(super) headers: HeaderMap,
    /// Whether its end was told by its own framing.
    pub(super) is_framed: bool,
}

impl Arrived {
    pub(super) fn content_type(&self) -> Option<&str> {
        self.headers.get(CONTENT_TYPE)?.to_str().ok()
    }

    pub(super) fn origin(&self) -> Origin {
        Origin {
            url: self.url.clone(),
            charset: http_charset(self.content_type()),
        }
    }
}

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
    pub(super) document: Option<Document>,
}

impl Refresher {
    /// One fetch. `early` is landed with the growing copy as soon as it is known to be a feed.
    pub(super) async fn fetch(
        &self,
        feed: &Arc<Feed>,
        early: Option<&Flight<Trouble>>,
        passage: &mut Passage,
    ) -> Result<News, Trouble> {
        let known = match self.cache.peek(&feed.key) {
            None => self.restore(feed).await,
            known => known,
        };
        let early = early.filter(|_| known.is_none());
        let upstream = &feed.settings.upstream;
        let validators = conditions(feed, known.as_deref(), self.now_ms(Instant::now()));
        let mut answer = self
            .client
            .fetch_through(upstream, &validators, passage)
            .await;
        if matches!(answer, Err(FetchError::Unasked)) {
            let anew = Validators::default();
            answer = self.client.fetch_through(upstream, &anew, passage).await;
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
                    source: persist::Source::Confirmed {
                        headers: news.headers,
                    },
                    kept: None,
                    document: None,
                })
            }
            (Fetched::NotModified(_), None) => Err(Trouble::NothingToConfirm),
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
        early: Option<&Flight<Trouble>>,
    ) -> Result<News, Trouble> {
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
        let intake = self.take_in(feed, &arrived, body).await?;
        let (recorded, kept) = self.record_intake(feed, &arrived, intake, early).await?;
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
        let items_before = known
            .filter(|_| early.is_none())
            .map_or(0, |known| known.items);
        if ending.items == 0 && items_before > 0 {
            return Err(Trouble::NoItems);
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
            source: persist::Source::Body {
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
        early: Option<&Flight<Trouble>>,
    ) -> Result<(Recorded, Option<Kept>), Trouble> {
        let Intake {
            incoming,
            plain,
            kept,
        } = intake;
        let Some(plain) = plain else {
            let recorded = self.record_from(feed, arrived, incoming, early).await?;
            return Ok((recorded, kept));
        };
        let with_kept = AssertUnwindSafe(self.record_from(feed, arrived, incoming, None));
        let outcome = with_kept.catch_unwind().await;
        let recorded = match outcome.unwrap_or(Err(Trouble::Panicked)) {
            Ok(recorded) => recorded,
            Err(trouble) => {
                let recorded = self.record_from(feed, arrived, plain, None).await?;
                history::leave_out(feed, &chain(&trouble));
                recorded
            }
        };
        Ok((recorded, kept))
    }

    /// A document through the rules into a recording. `early` is landed while it grows.
    pub(super) async fn record_from(
        &self,
        feed: &Feed,
        arrived: &Arrived,
        mut incoming: Incoming,
        early: Option<&Flight<Trouble>>,
    ) -> Result<Recorded, Trouble> {
        let origin = arrived.origin();
        let mut digest = remake::begin_digest(&origin.url, origin.charset.as_deref());
        let mut source = Came::begin(self.store.is_persistent());
        let articles = feed.full_text.as_ref().map(|full| full.articles());
        let mut rewriter = remake::rewriter(feed, origin, incoming.additions(), articles);
        if arrived.is_framed && feed.track.past().is_unclosed {
            rewriter.write_missing_ends();
        }
        let mut recorder = Recorder::new(self.cache.options().recording_bytes_max);
        let mut growing = None;
        let mut out = String::new();
        while let Some(chunk) =
            next_chunk(&mut incoming, &mut recorder, &mut out, growing.is_some()).await?
        {
            digest.update(&chunk);
            push(&mut rewriter, &chunk, &mut out);
            source.push(chunk);
            let made = recorder.bytes() + out.len() + rewriter.held_bytes();
            source.give_up_above(self.client.budget(), made);
            incoming.cover(source.bytes, made).await?;
            check(&rewriter)?;
            let Some(format) = rewriter.format().filter(|_| growing.is_none()) else {
                continue;
            };
            recorder.append(take(&mut out))?;
            let copy = self.growing_copy(feed, arrived, format, &recorder);
            if let Some(flight) = early {
                flight.land(Ok(Arc::new(copy.clone())));
                incoming.set_played();
            }
            growing = Some(copy);
        }
        let ending = finish(&mut rewriter, arrived.is_framed, &mut out)?;
        let mut copy = match (growing, rewriter.format()) {
            (Some(copy), _) => copy,
            // The text was held back to its end, until its charset was clear.
            (None, Some(format)) => self.growing_copy(feed, arrived, format, &recorder),
            (None, None) => return Err(Trouble::NotAFeed(NotAFeed::Other)),
        };
        recorder.append(take(&mut out))?;
        source.close(&ending, &mut digest);
        let body = recorder.finish();
        let (held, made) = incoming.into_held();
        if let Some(made) = &made {
            body.hold(made);
        }
        let pieces = body.pieces();
        if feed.adds_content() {
            // Articles and kept items are no part of what came.
            pieces.iter().for_each(|piece| digest.update(piece));
        }
        let bytes = body.len();
        let output = remake::digest_of(pieces);
        let missing = rewriter.missing_articles();
        copy.missing_articles = missing.len();
        let document = feed.document(&arrived.url, missing, pieces);
        copy.forms.complete(body);
        copy.items = ending.items;
        Ok(Recorded {
            copy,
            ending,
            bytes,
            digest: digest.digest128(),
            hints: *rewriter.hints(),
            source: source.pieces,
            held,
            output,
            document,
        })
    }

    fn growing_copy(
        &self,
        feed: &Feed,
        arrived: &Arrived,
        format: Format,
        recorder: &Recorder,
    ) -> FeedCopy {
        let content_type = media_type::content_type(arrived.content_type(), format);
        let Validators {
            etag: tag,
            last_modified,
        } = &arrived.validators;
        let inputs =
            [tag, last_modified].map(|value| value.as_ref().map_or(&[][..], |v| v.as_bytes()));
        // With more in it, what upstream says of its own body says too little.
        let says_enough = !arrived.validators.is_empty() && !feed.adds_content();
        let etag = says_enough.then(|| {
            tag::make(
                &[inputs[0], inputs[1], arrived.url.as_str().as_bytes()],
                &feed.rules,
            )
        });
        FeedCopy {
            head: Head::new(&content_type, etag, SystemTime::now()),
            forms: Arc::new(Forms::growing(recorder.recording(), self.client.budget())),
            validators: arrived.validators.clone(),
            digest: None,
            items: 0,
            missing_articles: 0,
            times: times(feed, feed.settings.refresh),
        }
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

/// What is kept of a document as it comes, to be stored.
struct Came {
    pieces: Option<Vec<Bytes>>,
    bytes: usize,
}

impl Came {
    fn begin(is_stored: bool) -> Self {
        Self {
            pieces: is_stored.then(Vec::new),
            bytes: 0,
        }
    }

    fn push(&mut self, piece: Bytes) {
        if let Some(pieces) = &mut self.pieces {
            self.bytes += piece.len();
            pieces.push(piece);
        }
    }

    /// What is stored is the document as it was read, with the end tags that it lacked.
    fn close(&mut self, ending: &Ending, digest: &mut Xxh3) {
        if let Some(ends) = &ending.missing_ends {
            digest.update(ends.as_bytes());
            self.push(Bytes::from(ends.clone()));
        }
    }

    /// Where it and what is made of it are too much together, readers get it, the store does not.
    fn give_up_above(&mut self, budget: &Inflight, made: usize) {
        if (self.bytes + made + NEARLY_BYTES) as u64 > budget.body_bytes_max() {
            (self.pieces, self.bytes) = (None, 0);
        }
    }
}
