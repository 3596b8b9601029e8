//! Brings one feed up to date: fetch, rewrite, record. Runs in a task of its own, so that a reader
//! who leaves cancels nothing.
//!
//! Invariants: a document that is cut, or that is no feed, never replaces a copy and never ends a
//! reply cleanly; what can become an error is decided before the first byte.

mod trouble;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use xxhash_rust::xxh3::Xxh3;

use crate::cache::{Cache, FeedCopy, Flight, Forms, Head, Recorder, Times};
use crate::config::FeedSettings;
use crate::feed::Format;
use crate::feed::splitter::{Completeness, NotAFeed};
use crate::rewrite::{FeedRewriter, Origin, RuleError, Rules};
use crate::upstream::{Client, Fetched, Found, Validators};

pub use trouble::Trouble;

/// A configured feed, ready to be fetched and rewritten.
#[derive(Debug)]
pub struct Feed {
    /// The key of its copies.
    pub key: Arc<str>,
    /// What was configured.
    pub settings: FeedSettings,
    rules: Arc<Rules>,
}

impl Feed {
    /// Parses the rules of a configured feed.
    ///
    /// # Errors
    /// When a rule can't be parsed; validated settings hold none of these.
    pub fn new(settings: FeedSettings) -> Result<Self, RuleError> {
        let rules = Arc::new(Rules::new(settings.rules.clone())?);
        Ok(Self {
            key: Arc::from(settings.name.as_str()),
            rules,
            settings,
        })
    }
}

/// What refreshing needs.
#[derive(Debug)]
pub struct Refresher {
    /// Where copies are kept.
    pub cache: Cache<Trouble>,
    /// What fetches.
    pub client: Client,
    /// Carries the fetches.
    pub tasks: TaskTracker,
}

impl Refresher {
    /// Fetches `feed` in a task and lands `flight`. With `stale` at hand the new copy is recorded
    /// to its end first; without, readers play it while it grows.
    pub fn start(self: &Arc<Self>, feed: Arc<Feed>, flight: Arc<Flight<Trouble>>, has_stale: bool) {
        let refresher = Arc::clone(self);
        self.tasks.spawn(async move {
            let started = Instant::now();
            let fetching = refresher.fetch(&feed, (!has_stale).then_some(&*flight));
            let outcome = AssertUnwindSafe(fetching).catch_unwind().await;
            let outcome = outcome.unwrap_or(Err(Trouble::Panicked));
            log(&feed, started, &outcome);
            match outcome {
                Ok((copy, _)) => {
                    let copy = Arc::new(copy);
                    refresher.cache.keep(&feed.key, Arc::clone(&copy));
                    flight.land(Ok(copy));
                }
                Err(trouble) => {
                    let trouble = Arc::new(trouble);
                    let until = Instant::now() + feed.settings.retry_after_error;
                    refresher.cache.fail(&feed.key, Arc::clone(&trouble), until);
                    flight.land(Err(trouble));
                }
            }
        });
    }

    /// One fetch. `early` is landed with the growing copy as soon as it is known to be a feed.
    async fn fetch(
        &self,
        feed: &Feed,
        early: Option<&Flight<Trouble>>,
    ) -> Result<(FeedCopy, What), Trouble> {
        let known = self.cache.peek(&feed.key);
        let validators = known
            .as_ref()
            .map(|copy| copy.validators.clone())
            .unwrap_or_default();
        let fetched = self
            .client
            .fetch(&feed.settings.upstream, &validators)
            .await?;
        match (fetched, known) {
            (Fetched::NotModified(news), Some(known)) => Ok((
                known.confirmed(news.validators, Instant::now()),
                What::Confirmed,
            )),
            (Fetched::NotModified(_), None) => Err(Trouble::NothingToConfirm),
            (Fetched::Found(found), known) => self
                .record(feed, found, known.as_deref(), early)
                .await
                .map(|copy| (copy, What::Recorded)),
        }
    }

    async fn record(
        &self,
        feed: &Feed,
        mut found: Box<Found>,
        known: Option<&FeedCopy>,
        early: Option<&Flight<Trouble>>,
    ) -> Result<FeedCopy, Trouble> {
        let origin = Origin {
            url: found.url.clone(),
            charset: charset(found.content_type()),
        };
        let mut rewriter = FeedRewriter::new(Arc::clone(&feed.rules), origin);
        let mut recorder = Recorder::new(self.cache.options().recording_bytes_max);
        let mut growing = None;
        let (mut digest, mut out) = (Xxh3::new(), String::new());
        while let Some(chunk) = found.body.chunk().await? {
            digest.update(&chunk);
            rewriter.push(&chunk, &mut out);
            if let Some(what) = rewriter.rejected() {
                return Err(Trouble::NotAFeed(what));
            }
            let Some(format) = rewriter.format() else {
                continue;
            };
            recorder.append(take(&mut out))?;
            if growing.is_none() {
                let copy = self.growing_copy(feed, &found, format, &recorder);
                if let Some(flight) = early {
                    flight.land(Ok(Arc::new(copy.clone())));
                }
                growing = Some(copy);
            }
        }
        match rewriter.finish(&mut out).completeness {
            Completeness::Complete => {}
            Completeness::Truncated => return Err(Trouble::Truncated),
            Completeness::NotAFeed(what) => return Err(Trouble::NotAFeed(what)),
        }
        let copy = match (growing, rewriter.format()) {
            (Some(copy), _) => copy,
            // The text was held back to its end, until its charset was clear.
            (None, Some(format)) => self.growing_copy(feed, &found, format, &recorder),
            (None, None) => return Err(Trouble::NotAFeed(NotAFeed::Other)),
        };
        recorder.append(take(&mut out))?;
        copy.forms.complete(recorder.finish());
        Ok(settle(copy, known, digest.digest128(), &feed.rules))
    }

    fn growing_copy(
        &self,
        feed: &Feed,
        found: &Found,
        format: Format,
        recorder: &Recorder,
    ) -> FeedCopy {
        let content_type = content_type(found.content_type(), format);
        let Validators {
            etag: tag,
            last_modified,
        } = &found.validators;
        let inputs =
            [tag, last_modified].map(|value| value.as_ref().map_or(&[][..], |v| v.as_bytes()));
        let etag = (!found.validators.is_empty()).then(|| {
            etag(
                &[inputs[0], inputs[1], found.url.as_str().as_bytes()],
                &feed.rules,
            )
        });
        FeedCopy {
            head: Head {
                content_type,
                etag,
                last_modified: SystemTime::now(),
            },
            forms: Arc::new(Forms::growing(recorder.recording())),
            validators: found.validators.clone(),
            digest: None,
            times: Times {
                fetched_at: Instant::now(),
                fresh_for: feed.settings.refresh,
                stale_if_error: feed.settings.stale_if_error,
            },
        }
    }
}

/// What a fetch brought.
#[derive(Debug, Clone, Copy)]
enum What {
    Recorded,
    Confirmed,
}

/// The copy of a body that is whole. The same bytes as before keep their entity tag and date,
/// whatever upstream's validators say.
fn settle(mut copy: FeedCopy, known: Option<&FeedCopy>, digest: u128, rules: &Rules) -> FeedCopy {
    copy.digest = Some(digest);
    match known.filter(|known| known.digest == Some(digest)) {
        Some(known) => {
            copy.head = Head {
                content_type: copy.head.content_type,
                ..known.head.clone()
            }
        }
        None if copy.head.etag.is_none() => {
            copy.head.etag = Some(etag(&[&digest.to_be_bytes()], rules));
        }
        None => {}
    }
    copy
}

/// An entity tag from what a rewritten feed is made of.
fn etag(inputs: &[&[u8]], rules: &Rules) -> String {
    let mut hash = Xxh3::new();
    for input in inputs
        .iter()
        .copied()
        .chain([rules.fingerprint().as_slice()])
    {
        hash.update(&(input.len() as u64).to_be_bytes());
        hash.update(input);
    }
    format!("{:032x}", hash.digest128())
}

fn take(out: &mut String) -> Bytes {
    let piece = Bytes::copy_from_slice(out.as_bytes());
    out.clear();
    piece
}

/// The charset that `Content-Type` names.
fn charset(content_type: Option<&str>) -> Option<String> {
    let parameters = content_type?.split(';').skip(1);
    let charset = parameters
        .filter_map(|parameter| parameter.split_once('='))
        .find_map(|(name, value)| {
            name.trim()
                .eq_ignore_ascii_case("charset")
                .then(|| value.trim().trim_matches(['"', '\'']))
        });
    charset
        .filter(|charset| !charset.is_empty())
        .map(str::to_owned)
}

/// The publisher's media type where it is one for feeds, else the format's own; always with the
/// charset that we send (RFC 7303 §3).
fn content_type(upstream: Option<&str>, format: Format) -> String {
    let essence = upstream
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim();
    let essence = essence.to_ascii_lowercase();
    let known: &[&str] = match format {
        Format::Json => &["application/feed+json", "application/json"],
        _ => &[
            "application/rss+xml",
            "application/atom+xml",
            "application/rdf+xml",
            "application/xml",
            "text/xml",
        ],
    };
    let own = match format {
        Format::Rss => "application/rss+xml",
        Format::Rdf => "application/rdf+xml",
        Format::Atom => "application/atom+xml",
        Format::Json => "application/feed+json",
    };
    let essence = if known.contains(&essence.as_str()) {
        essence.as_str()
    } else {
        own
    };
    format!("{essence}; charset=utf-8")
}

/// One line per fetch; a failure with its whole chain.
fn log(feed: &Feed, started: Instant, outcome: &Result<(FeedCopy, What), Trouble>) {
    let duration_ms = started.elapsed().as_secs_f64() * 1e3;
    let name = feed.settings.name.as_str();
    match outcome {
        Ok((copy, what)) => tracing::info!(
            target: "feedwright::fetch",
            outcome = ?what,
            feed.name = name,
            bytes = copy.forms.bytes(),
            duration_ms,
            "fetch"
        ),
        Err(trouble) => tracing::warn!(
            target: "feedwright::fetch",
            outcome = trouble.reason(),
            feed.name = name,
            error = trouble.chain(),
            duration_ms,
            "fetch"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets() {
        for (content_type, expected) in [
            ("text/xml; charset=utf-8", Some("utf-8")),
            ("text/xml;x=1; Charset=\"gb2312\"", Some("gb2312")),
            ("text/xml; charset=", None),
            ("text/xml", None),
        ] {
            assert_eq!(
                charset(Some(content_type)).as_deref(),
                expected,
                "{content_type}"
            );
        }
    }

    #[test]
    fn the_content_type_is_the_publishers_where_it_is_one_for_feeds() {
        for (upstream, format, expected) in [
            (Some("text/xml"), Format::Rss, "text/xml; charset=utf-8"),
            (
                Some("Application/RSS+XML; charset=gbk"),
                Format::Rss,
                "application/rss+xml; charset=utf-8",
            ),
            (
                Some("text/html"),
                Format::Rss,
                "application/rss+xml; charset=utf-8",
            ),
            (
                Some("text/plain"),
                Format::Atom,
                "application/atom+xml; charset=utf-8",
            ),
            (None, Format::Rdf, "application/rdf+xml; charset=utf-8"),
            (
                Some("application/json"),
                Format::Json,
                "application/json; charset=utf-8",
            ),
            (
                Some("text/xml"),
                Format::Json,
                "application/feed+json; charset=utf-8",
            ),
        ] {
            assert_eq!(content_type(upstream, format), expected, "{upstream:?}");
        }
    }
}
