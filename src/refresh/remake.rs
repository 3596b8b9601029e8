//! Makes a copy of a stored body, as fetching would make it of one that comes.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::persisted::{Said, hex, of_ms};
use super::{Feed, ending, media_type, tag};
use crate::archive::FeedSnapshot;
use crate::cache::{FeedCopy, Forms, Head, Recorder, Times};
use crate::feed::encoding::http_charset;
use crate::inflight::Inflight;
use crate::rewrite::article::Articles;
use crate::rewrite::{Additions, FeedRewriter, Origin};

/// A copy that was made again.
pub(super) struct Remade {
    pub(super) copy: FeedCopy,
    /// What the archive gets.
    pub(super) document: Option<FeedSnapshot>,
}

/// What rewrites a document of the feed.
pub(super) fn rewriter(
    feed: &Feed,
    origin: Origin,
    additions: Additions,
    articles: Option<Articles>,
) -> FeedRewriter {
    let rewriter = FeedRewriter::new(Arc::clone(&feed.rules), origin).with_additions(additions);
    match articles {
        Some(articles) => rewriter.with_articles(articles),
        None => rewriter,
    }
}

/// The copy; `None` when the body is none by the rules of the day.
pub(super) fn copy(
    feed: &Feed,
    said: &Said,
    (body, additions): (&[Bytes], Additions),
    (recording_bytes_max, budget): &(usize, Inflight),
    now: SystemTime,
) -> Option<Remade> {
    let charset = http_charset(said.content_type());
    let mut digest = begin_digest(&said.url, charset.as_deref());
    let url = said.url.clone();
    let articles = feed.full_text.as_ref().map(|full| full.articles());
    let mut rewriter = rewriter(feed, Origin { url, charset }, additions, articles);
    let mut out = String::new();
    for piece in body {
        digest.update(piece);
        rewriter.push(piece, &mut out);
    }
    let ending = rewriter.finish(&mut out);
    ending::judge(&ending, rewriter.is_outgrown()).ok()?;
    feed.track.lock().hints = *rewriter.hints();
    let content_type = media_type::content_type(said.content_type(), rewriter.format()?);
    if feed.adds_content() {
        // Articles and kept items are no part of what came.
        digest.update(out.as_bytes());
    }
    let digest = digest.digest128();
    let head = head(feed, said, &content_type, (digest, out.as_bytes()), now);
    let mut recorder = Recorder::new(*recording_bytes_max);
    let forms = Forms::growing(recorder.recording(), budget);
    let charge = budget.force(out.len() as u64);
    recorder.append(out.into()).ok()?;
    let body = recorder.finish();
    body.hold(&Arc::new(charge));
    let missing = rewriter.missing_articles();
    let missing_articles = missing.len();
    let document = feed.document(&said.url, missing, body.pieces());
    forms.complete(body);
    let (fetched_at, fresh_for) = said.times(feed, now);
    let copy = FeedCopy {
        head,
        forms: Arc::new(forms),
        validators: said.validators(),
        digest: Some(digest),
        items: ending.items,
        missing_articles,
        times: Times {
            fetched_at,
            fresh_for,
            stale_if_error: feed.settings.stale_if_error,
        },
    };
    Some(Remade { copy, document })
}

/// What readers are told: the same as before when they get the same bytes. Other rules make other
/// bytes, which are new.
fn head(
    feed: &Feed,
    said: &Said,
    content_type: &str,
    (digest, out): (u128, &[u8]),
    now: SystemTime,
) -> Head {
    if hex(xxh3_128(out)) == said.output {
        return Head::new(content_type, said.tag.clone(), of_ms(said.modified_at_ms));
    }
    let opaque = tag::make(&[&digest.to_be_bytes()], &feed.rules);
    Head::new(content_type, Some(opaque), now)
}

/// The digest of what was made of a body.
pub(super) fn digest_of(pieces: &[Bytes]) -> u128 {
    let mut digest = Xxh3::new();
    pieces.iter().for_each(|piece| digest.update(piece));
    digest.digest128()
}

/// The digest of a body, over what its rewriting depends on besides: relative addresses and text do.
pub(super) fn begin_digest(url: &url::Url, charset: Option<&str>) -> Xxh3 {
    let mut digest = Xxh3::new();
    digest.update(url.as_str().as_bytes());
    digest.update(charset.unwrap_or_default().as_bytes());
    digest
}
