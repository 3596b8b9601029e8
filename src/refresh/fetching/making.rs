//! A document on its way through the rules into a recording.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

use super::Recorded;
use super::answer::times;
use crate::cache::{FeedCopy, Forms, Head, Recorder};
use crate::feed::Format;
use crate::feed::splitter::{Ending, NotAFeed};
use crate::inflight::Inflight;
use crate::refresh::arrived::Arrived;
use crate::refresh::ending::{check, finish};
use crate::refresh::full_text::{self, LookAhead};
use crate::refresh::intake::Incoming;
use crate::refresh::pieces::{self, push, take};
use crate::refresh::{Error, Feed, Refresher, media_type, remake, tag};
use crate::rewrite::{Additions, FeedRewriter};
use crate::upstream::Validators;

/// A document and what is made of it are too much together when no more than this is left.
const NEARLY_BYTES: usize = 256 << 10;

/// A document that is being rewritten.
pub(super) struct Making<'a> {
    refresher: &'a Refresher,
    feed: &'a Feed,
    arrived: &'a Arrived,
    rewriter: FeedRewriter,
    recorder: Recorder,
    /// What was rewritten and is not recorded yet.
    out: String,
    digest: Xxh3,
    source: Came,
    /// Whether it comes from upstream: then nothing is added but full texts.
    is_streaming: bool,
    /// Whether readers get it while it grows.
    is_played: bool,
    /// Where it streams and its items get full texts.
    ahead: Option<LookAhead<'a>>,
    /// The copy, once the document is known to be a feed.
    growing: Option<FeedCopy>,
}

impl<'a> Making<'a> {
    pub(super) fn begin(
        refresher: &'a Refresher,
        feed: &'a Feed,
        arrived: &'a Arrived,
        (incoming, is_played): (&Incoming, bool),
    ) -> Self {
        let origin = arrived.origin();
        let digest = remake::begin_digest(&origin.url, origin.charset.as_deref());
        let articles = feed.full_text.as_ref().map(|full| full.articles());
        let mut rewriter = remake::rewriter(feed, origin, incoming.additions(), articles);
        if arrived.is_framed && feed.track.past().is_unclosed {
            rewriter.write_missing_ends();
        }
        let is_streaming = matches!(incoming, Incoming::Upstream(..));
        let ahead = match is_streaming {
            true => LookAhead::new(&refresher.library, feed, arrived),
            false => None,
        };
        Self {
            refresher,
            feed,
            arrived,
            rewriter,
            recorder: Recorder::new(refresher.cache.options().recording_bytes_max),
            out: String::new(),
            digest,
            // What is to be compared with it, or made again of it, is at hand whatever the store is.
            source: Came::begin(refresher.store.is_persistent() || feed.adds_content()),
            is_streaming,
            is_played,
            ahead,
            growing: None,
        }
    }

    pub(super) async fn next_chunk(
        &mut self,
        incoming: &mut Incoming,
    ) -> Result<Option<Bytes>, Error> {
        let is_feed = self.growing.is_some();
        pieces::next_chunk(incoming, &mut self.recorder, &mut self.out, is_feed).await
    }

    pub(super) async fn read(
        &mut self,
        chunk: Bytes,
        incoming: &mut Incoming,
    ) -> Result<(), Error> {
        self.digest.update(&chunk);
        if let Some(ahead) = &mut self.ahead {
            ahead.read(&chunk).await;
        }
        push(&mut self.rewriter, &chunk, &mut self.out);
        self.source.push(chunk);
        let made = self.recorder.bytes() + self.out.len() + self.rewriter.held_bytes();
        let budget = self.refresher.client.budget();
        self.source.give_up_above(budget, made);
        incoming.cover(self.source.bytes, made).await?;
        check(&self.rewriter)
    }

    /// The growing copy, when the document has just turned out to be a feed.
    pub(super) fn begin_growing(&mut self) -> Result<Option<FeedCopy>, Error> {
        if self.growing.is_some() {
            return Ok(None);
        }
        let Some(format) = self.rewriter.format() else {
            return Ok(None);
        };
        self.recorder.append(take(&mut self.out))?;
        self.growing = Some(self.growing_copy(format));
        Ok(self.growing.clone())
    }

    /// Has the articles at hand of what the rules held back until the document ended.
    pub(super) async fn look_ahead_to_end(&mut self) {
        if let Some(ahead) = &mut self.ahead {
            ahead.finish().await;
        }
    }

    /// The document has ended.
    pub(super) fn finish(mut self, incoming: Incoming) -> Result<Recorded, Error> {
        let (feed, arrived) = (self.feed, self.arrived);
        let ending = finish(&mut self.rewriter, arrived.is_framed, &mut self.out)?;
        let mut copy = match (self.growing.take(), self.rewriter.format()) {
            (Some(copy), _) => copy,
            // The text was held back to its end, until its charset was clear.
            (None, Some(format)) => self.growing_copy(format),
            (None, None) => return Err(Error::NotAFeed(NotAFeed::Other)),
        };
        self.recorder.append(take(&mut self.out))?;
        self.source.close(&ending, &mut self.digest);
        let body = self.recorder.finish();
        let (held, made) = incoming.into_held();
        if let Some(made) = &made {
            body.hold(made);
        }
        let pieces = body.pieces();
        if feed.adds_content() {
            // Articles and kept items are no part of what came.
            pieces.iter().for_each(|piece| self.digest.update(piece));
        }
        if let (Some(_), Some(pieces)) = (&self.ahead, &self.source.pieces) {
            full_text::remember(feed, arrived, (pieces, &Additions::default()));
        }
        let bytes = body.len();
        let output = remake::digest_of(pieces);
        let missing = self.rewriter.missing_articles();
        copy.missing_articles = missing.len();
        let document = feed.document(&arrived.url, missing, pieces);
        copy.forms.complete(body);
        copy.items = ending.items;
        Ok(Recorded {
            copy,
            ending,
            bytes,
            digest: self.digest.digest128(),
            hints: *self.rewriter.hints(),
            source: self.source.pieces,
            held,
            output,
            document,
        })
    }

    fn growing_copy(&self, format: Format) -> FeedCopy {
        let (feed, arrived) = (self.feed, self.arrived);
        let content_type = media_type::content_type(arrived.content_type(), format);
        let Validators {
            etag: tag,
            last_modified,
        } = &arrived.validators;
        let inputs =
            [tag, last_modified].map(|value| value.as_ref().map_or(&[][..], |v| v.as_bytes()));
        // With more in it, what upstream says of its own body says too little.
        let has_more = feed.full_text.is_some() || feed.adds_content() && !self.is_streaming;
        let says_enough = !arrived.validators.is_empty() && !has_more;
        let url = arrived.url.as_str().as_bytes();
        let etag = match says_enough {
            true => Some(tag::make(&[inputs[0], inputs[1], url], &feed.rules)),
            // What it will be made of is not known yet, and readers get its head now.
            false if self.is_played => tag::unrepeated(),
            false => None,
        };
        FeedCopy {
            head: Head::new(&content_type, etag, SystemTime::now()),
            forms: Arc::new(Forms::growing(
                self.recorder.recording(),
                self.refresher.client.budget(),
            )),
            validators: arrived.validators.clone(),
            digest: None,
            items: 0,
            // As long as nobody knows, it is as if some were to come.
            missing_articles: usize::from(feed.full_text.is_some()),
            times: times(feed, feed.settings.refresh),
        }
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
