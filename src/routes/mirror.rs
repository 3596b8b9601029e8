//! `/mirror/{name}/*`: an origin under a prefix, byte for byte.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, LOCATION};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, Version};

use crate::app::App;
use crate::cache::{Body, Broken};
use crate::http::failure::Failure;
use crate::http::{ReplyBody, RequestBody};
use crate::inflight::{Inflight, WAIT_MAX};
use crate::mirror::{self, Content, Reply, Upload};
use crate::upstream::PassedBody;

/// The reply to a request for `rest`, the path behind the mirror's name.
///
/// # Errors
/// When no mirror has this name, the request is not for it, or there is nothing to answer with.
pub(super) async fn answer(
    app: &App,
    (name, rest): (&str, &str),
    head: Arc<Parts>,
    body: RequestBody,
) -> Result<Response<ReplyBody>, Failure> {
    let mirror = app.mirror(name).ok_or(Failure::UnknownMirror)?;
    if rest.is_empty() {
        return Ok(to_home(name, head.uri.query()));
    }
    let upload = match head.method {
        // What a body would mean with these nobody says (RFC 9110 §9.3.1): it stays here.
        Method::GET | Method::HEAD => Upload::none(),
        _ => body.0.map_or_else(Upload::none, Upload::new),
    };
    let answered = app
        .mirrors
        .answer(mirror, rest, Arc::clone(&head), upload)
        .await;
    let failed = |error: mirror::Error| Failure::Mirror(Arc::new(error));
    let Reply {
        status,
        headers,
        content,
    } = answered.map_err(failed)?;
    let body = match content {
        // How long the body would be is said in the header fields or nowhere.
        Content::Nothing if head.method == Method::HEAD => ReplyBody::growing(stream::empty()),
        Content::Nothing => ReplyBody::empty(),
        Content::Whole(body) => ReplyBody::part(body),
        // HTTP/1.0 ends a body of unknown length by closing, which is how a cut one ends, too.
        Content::Playing(pieces)
            if head.version < Version::HTTP_11 && !headers.contains_key(CONTENT_LENGTH) =>
        {
            ReplyBody::whole(collect(pieces, &app.inflight).await.map_err(failed)?)
        }
        Content::Playing(pieces) => ReplyBody::growing(pieces),
        Content::Passing(body) => ReplyBody::growing(passing(body)),
    };
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    *reply.headers_mut() = headers;
    Ok(reply)
}

/// A body of unknown length, for those who can't tell its end from a cut.
async fn collect(
    mut pieces: impl Stream<Item = Result<Bytes, Broken>> + Unpin,
    budget: &Inflight,
) -> Result<Body, mirror::Error> {
    let mut grant = budget
        .begin(None, None)
        .await
        .map_err(|_| mirror::Error::Busy)?;
    let (mut held, mut bytes) = (Vec::new(), 0);
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|Broken| mirror::Error::Broken)?;
        bytes += piece.len() as u64;
        let covered = grant.cover(bytes, WAIT_MAX).await;
        covered.map_err(|_| mirror::Error::Busy)?;
        held.push(piece);
    }
    grant.settle(bytes);
    let body = Body::new(held);
    body.hold(&Arc::new(grant));
    Ok(body)
}

/// Redirects to the mirror's root with a slash, which relative URLs need.
fn to_home(name: &str, query: Option<&str>) -> Response<ReplyBody> {
    let mut reply = Response::new(ReplyBody::empty());
    *reply.status_mut() = StatusCode::PERMANENT_REDIRECT;
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    if let Ok(home) = HeaderValue::try_from(format!("{name}/{query}")) {
        reply.headers_mut().insert(LOCATION, home);
    }
    reply
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    reply
}

/// The origin's body as it is read; what goes wrong breaks it off.
fn passing(body: PassedBody) -> impl Stream<Item = Result<Bytes, Broken>> + Send + 'static {
    stream::unfold(Some(body), |body| async move {
        let mut body = body?;
        match body.chunk().await {
            Ok(piece) => piece.map(|piece| (Ok(piece), Some(body))),
            Err(error) => {
                tracing::debug!(reason = error.reason(), "passed-through body ended early");
                Some((Err(Broken), None))
            }
        }
    })
}
