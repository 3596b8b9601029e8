//! What a reader gets: a kept response with its age, a part of it, 304, or the origin's response as
//! it is.

use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use http::header::{
    AGE, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
};
use http::{Method, StatusCode};

use super::question::Question;
use super::resource::Variant;
use super::{Error, fields, safety};
use crate::cache::policy::{self, CacheStatus, Condition, Ranges};
use crate::cache::{Body, Broken, Form, Playback, Player};
use crate::upstream::{Passed, PassedBody};

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// What a 304 says of the body besides is left to the response that the reader holds (RFC 9110
/// §15.4.5).
const OF_THE_BODY: [&str; 7] = [
    "content-type",
    "content-length",
    "content-encoding",
    "content-language",
    "content-range",
    "content-md5",
    "content-disposition",
];

/// The answer to a request.
pub struct Reply {
    /// The status code.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub content: Content,
}

/// The body of an answer.
pub enum Content {
    /// There is none.
    Nothing,
    /// It is all there.
    Whole(Playback),
    /// It is played while it grows, or in parts; its length, where it is known, is in the header fields.
    Playing(BoxStream<'static, Result<Bytes, Broken>>),
    /// It comes from the origin as it is read.
    Passing(PassedBody),
}

/// Where the bytes of a kept response come from.
pub(super) enum Source {
    Whole(Body),
    Playing(Player),
}

impl Source {
    /// `None` where it grows and its start is gone.
    pub(super) fn of(variant: &Variant) -> Option<Self> {
        match &variant.content {
            Form::Whole(body) => Some(Self::Whole(body.clone())),
            Form::Growing(recording) => recording.join().map(Self::Playing),
        }
    }
}

/// Seconds that a response stays fresh; below zero since it went stale.
pub(super) fn ttl_s(variant: &Variant, now: SystemTime) -> i64 {
    let seconds = |duration: std::time::Duration| i64::try_from(duration.as_secs()).unwrap_or(0);
    match variant.terms.remaining(now) {
        Some(rest) => seconds(rest),
        None => -seconds(variant.terms.stale_for(now)),
    }
}

/// The answer by a kept response, by the request's conditions and ranges.
pub(super) fn of_variant(
    question: &Question,
    (variant, source): (&Arc<Variant>, Option<Source>),
    status: CacheStatus,
    now: SystemTime,
) -> Result<Reply, Error> {
    let asked = question.headers();
    let received_at = variant.terms.received_at;
    let mut headers = variant.headers.clone();
    if status.forwarded.is_none() || status.collapsed || headers.contains_key(AGE) {
        headers.insert(AGE, variant.terms.age(now).as_secs().into());
    }
    if !headers.contains_key(DATE) {
        headers.insert(DATE, text(&httpdate::fmt_http_date(received_at)));
    }
    finish(question, variant.status, &mut headers, status);
    let is_ok = variant.status == StatusCode::OK;
    if is_ok && policy::evaluate(asked, &headers, received_at) == Condition::NotModified {
        OF_THE_BODY.iter().for_each(|name| {
            headers.remove(*name);
        });
        return Ok(nothing(StatusCode::NOT_MODIFIED, headers));
    }
    let Some(source) = source else {
        return Err(Error::Broken);
    };
    let total = length(&headers, &source);
    if variant.status != StatusCode::NO_CONTENT
        && let Some(total) = total
    {
        headers.insert(CONTENT_LENGTH, total.into());
    }
    let is_part = is_ok
        && question.head.method == Method::GET
        && policy::if_range_holds(asked, &headers, received_at);
    match total {
        Some(total) if is_part => parts(asked, headers, source, total),
        _ => Ok(whole(question, variant.status, headers, source)),
    }
}

/// The origin's response as it is.
pub(super) fn of_passed(question: &Question, passed: Passed, status: CacheStatus) -> Reply {
    let mut headers = fields::response(&passed.headers, &question.mirror.settings);
    finish(question, passed.status, &mut headers, status);
    let has_body = question.head.method != Method::HEAD
        && !matches!(passed.status.as_u16(), 100..200 | 204 | 304);
    Reply {
        status: passed.status,
        headers,
        content: match has_body {
            true => Content::Passing(passed.body),
            false => Content::Nothing,
        },
    }
}

/// What every answer gets.
fn finish(question: &Question, status: StatusCode, headers: &mut HeaderMap, cache: CacheStatus) {
    let mirror = &question.mirror;
    if status.is_redirection() {
        let origin = &mirror.settings.upstream.url;
        fields::mirror_location(headers, origin, &mirror.home, &question.url);
    }
    safety::confine(headers, &mirror.settings);
    headers.append(CACHE_STATUS, text(&cache.to_string()));
}

fn whole(question: &Question, status: StatusCode, headers: HeaderMap, source: Source) -> Reply {
    let content = match source {
        _ if question.head.method == Method::HEAD => Content::Nothing,
        Source::Whole(body) => Content::Whole(body.play()),
        Source::Playing(player) => Content::Playing(player.into_stream().boxed()),
    };
    Reply {
        status,
        headers,
        content,
    }
}

/// The parts that a request asks for, or the whole.
fn parts(
    asked: &HeaderMap,
    mut headers: HeaderMap,
    source: Source,
    total: u64,
) -> Result<Reply, Error> {
    let ranges = match policy::requested(asked, total) {
        Ranges::Whole => None,
        Ranges::Unsatisfiable => {
            headers.insert(CONTENT_RANGE, text(&policy::content_range(None, total)));
            headers.insert(CONTENT_LENGTH, 0.into());
            return Ok(nothing(StatusCode::RANGE_NOT_SATISFIABLE, headers));
        }
        Ranges::Parts(ranges) => Some(ranges),
    };
    let (content, status) = match (ranges.as_deref(), source) {
        (Some([part]), source) => {
            headers.insert(
                CONTENT_RANGE,
                text(&policy::content_range(Some(part), total)),
            );
            headers.insert(CONTENT_LENGTH, (part.end - part.start).into());
            (one_part(source, part.clone()), StatusCode::PARTIAL_CONTENT)
        }
        (Some(parts), Source::Whole(body)) => {
            let parts = parts.to_vec();
            (
                several(&mut headers, &body, parts),
                StatusCode::PARTIAL_CONTENT,
            )
        }
        (None, Source::Whole(body)) => (Content::Whole(body.play()), StatusCode::OK),
        (_, Source::Playing(player)) => (
            Content::Playing(player.into_stream().boxed()),
            StatusCode::OK,
        ),
    };
    Ok(Reply {
        status,
        headers,
        content,
    })
}

fn one_part(source: Source, part: Range<u64>) -> Content {
    match source {
        Source::Whole(body) => Content::Whole(body.play_part(to_usize(&part))),
        Source::Playing(player) => {
            let cut = player.into_stream().scan(0_u64, move |before, piece| {
                let cut = piece.map(|piece: Bytes| {
                    let end = *before + piece.len() as u64;
                    let from = part.start.clamp(*before, end) - *before;
                    let to = part.end.clamp(*before, end) - *before;
                    *before = end;
                    (piece.slice(from as usize..to as usize), end >= part.end)
                });
                futures_util::future::ready(Some(cut))
            });
            Content::Playing(until_done(cut).boxed())
        }
    }
}

/// Ends with the piece that completes the part, so that nobody waits for what follows.
fn until_done(
    pieces: impl Stream<Item = Result<(Bytes, bool), Broken>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, Broken>> + Send + 'static {
    stream::unfold(Some(pieces.boxed()), |pieces| async move {
        let mut pieces = pieces?;
        match pieces.next().await? {
            Ok((piece, is_last)) => Some((Ok(piece), (!is_last).then_some(pieces))),
            Err(broken) => Some((Err(broken), None)),
        }
    })
}

fn several(headers: &mut HeaderMap, body: &Body, ranges: Vec<Range<u64>>) -> Content {
    let content_type = headers
        .get(CONTENT_TYPE)
        .map(|value| value.as_bytes().to_vec());
    let boundary = boundary(body);
    let total = body.len() as u64;
    let framed = policy::multipart(ranges, total, content_type.as_deref(), &boundary);
    let mut parts = Vec::new();
    for part in framed.parts {
        let bytes = body.play_part(to_usize(&part.range)).into_stream();
        parts.push(one(part.head).chain(bytes).boxed());
    }
    parts.push(one(framed.tail).boxed());
    let kind = format!("multipart/byteranges; boundary={boundary}");
    headers.insert(CONTENT_TYPE, text(&kind));
    headers.insert(CONTENT_LENGTH, framed.bytes.into());
    Content::Playing(stream::iter(parts).flatten().boxed())
}

fn one(piece: Bytes) -> impl Stream<Item = Result<Bytes, Broken>> + Send + 'static {
    stream::once(futures_util::future::ready(Ok(piece)))
}

/// A boundary that depends on the whole body, so that the body can't hold it but by accident.
fn boundary(body: &Body) -> String {
    let mut digest = xxhash_rust::xxh3::Xxh3::new();
    body.pieces().iter().for_each(|piece| digest.update(piece));
    format!("feedwright-{:032x}", digest.digest128())
}

fn nothing(status: StatusCode, headers: HeaderMap) -> Reply {
    Reply {
        status,
        headers,
        content: Content::Nothing,
    }
}

/// How long the whole body is, as far as that is known.
fn length(headers: &HeaderMap, source: &Source) -> Option<u64> {
    match source {
        Source::Whole(body) => Some(body.len() as u64),
        Source::Playing(_) => headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok(),
    }
}

fn to_usize(range: &Range<u64>) -> Range<usize> {
    let bound = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    bound(range.start)..bound(range.end)
}

/// Our own text as a header value.
fn text(value: &str) -> HeaderValue {
    HeaderValue::try_from(value).unwrap_or_else(|_| HeaderValue::from_static(""))
}
