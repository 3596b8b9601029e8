//! `/image/{signature}/{options}/{URL}` and `/image?url=…`: verify, fetch, process, reply.
//!
//! Invariant: whatever is answered here, a browser takes it for an image of this type or for
//! nothing: no script in it runs on our origin, whatever it is.

mod request;

use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    ACCEPT, ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_DISPOSITION,
    CONTENT_RANGE, CONTENT_TYPE, ETAG, EXPIRES, LAST_MODIFIED, LINK, LOCATION, VARY, VIA,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version};
use tokio::time::Instant;
use url::Url;

use crate::app::App;
use crate::cache::policy::{self, CacheStatus, Condition, Ranges};
use crate::cache::{Answer, Body, ProductionError, Times};
use crate::http::failure::{Failure, ImageFailure};
use crate::http::{ReplyBody, image_safety};
use crate::images::accept::Accepted;
use crate::images::delivery::ErrorRedirect;
use crate::images::fetching::{ImageError, ImageRequest, Imager, Original, OriginalBody, Variant};
use crate::images::transform::{ImageTransform, OutputFormat};
use crate::inflight::{Holder, Inflight, holder_of};

use request::{ParsedRequest, RefusedRequest};

/// The reply to a request for an image by its signed URL: the part after `/image/`.
///
/// # Errors
/// When the image is refused, can't be fetched, or can't be processed.
pub(super) async fn signed(
    app: &App,
    signed: &str,
    head: &Parts,
) -> Result<Response<ReplyBody>, Failure> {
    answer(app, request::from_signed_url(app, signed), head).await
}

/// The reply to a request in weserv's query language.
///
/// # Errors
/// As above.
pub(super) async fn queried(
    app: &App,
    query: &str,
    head: &Parts,
) -> Result<Response<ReplyBody>, Failure> {
    answer(app, request::from_query(app, query), head).await
}

async fn answer(
    app: &App,
    request: Result<ParsedRequest, RefusedRequest>,
    head: &Parts,
) -> Result<Response<ReplyBody>, Failure> {
    let fail = |error: Arc<ImageError>, instead: Option<Url>, is_literal: bool| {
        let options = app.imager.options();
        Failure::Image(Box::new(ImageFailure {
            error,
            instead,
            is_weserv: options.weserv_statuses,
            is_literal,
            body_bytes_max: options.body_bytes_max,
        }))
    };
    let request =
        request.map_err(|refused| fail(Arc::new(refused.error), refused.instead, false))?;
    let is_literal = !matches!(request.url.host(), Some(url::Host::Domain(_)));
    serve(app, &request, head).await.map_err(|error| {
        let instead = request
            .delivery
            .default
            .as_ref()
            .and_then(|instead| match instead {
                ErrorRedirect::Url(url) => Some(url.clone()),
                ErrorRedirect::Original if is_redirect_error(&error) => None,
                ErrorRedirect::Original => Some(request.url.clone()),
            })
            .filter(|url| app.imager.may_lead_to(url, request.is_signed));
        fail(error, instead, is_literal)
    })
}

/// No client is redirected to an image that redirects in circles.
fn is_redirect_error(error: &ImageError) -> bool {
    matches!(error, ImageError::Fetch(error) if error.reason() == "redirect")
}

async fn serve(
    app: &App,
    request: &ParsedRequest,
    head: &Parts,
) -> Result<Response<ReplyBody>, Arc<ImageError>> {
    let imager = &app.imager;
    let via = head
        .headers
        .get_all(VIA)
        .iter()
        .filter_map(|via| via.to_str().ok());
    if imager.is_loop(via, &request.url) {
        return Err(Arc::new(ImageError::Loop));
    }
    let rule = imager.rule(&request.url);
    let is_bypassed = rule.as_ref().is_some_and(|rule| rule.bypass);
    if is_bypassed && imager.may_lead_to(&request.url, request.is_signed) {
        return Ok(sent_on(&request.url));
    }
    let mut transform = ImageTransform::of(request.options.pairs());
    imager.settle(&mut transform, rule.as_ref());
    let holder = holder_of(&head.extensions);
    if transform.is_nothing() && !request.delivery.is_base64 {
        let answer = imager.original(&request.url, holder).await;
        let (original, status) = answer.map_err(|(error, _)| error)?;
        if original.kind.is_inert() {
            return serve_original(request, (&original, status), head).await;
        }
    }
    let is_auto = transform.output == OutputFormat::Auto;
    let made = variant(imager, request, transform, holder, head).await;
    let (variant, status) = made.map_err(|(error, _)| error)?;
    let served = (&*variant, status);
    Ok(reply_made((request, &app.inflight), served, is_auto, head))
}

/// The variant that is asked for. Where the client chooses and reads WebP it
/// is that of `output=webp`: the same bytes under one key, whichever way they are asked for.
async fn variant(
    imager: &Arc<Imager>,
    request: &ParsedRequest,
    transform: ImageTransform,
    holder: Holder,
    head: &Parts,
) -> Answer<ImageError, Variant> {
    let accept = head
        .headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|accept| accept.to_str().ok());
    let moves = if imager.options().animate { "*" } else { "" };
    let wanted = ImageRequest {
        url: request.url.clone(),
        holder,
        text: format!("{}{moves}", request.options.of_image()),
        accepted: match transform.output {
            OutputFormat::Auto => Accepted::of(accept),
            _ => Accepted::default(),
        },
        transform,
    };
    if !wanted.accepted.webp {
        return imager.variant(&wanted).await;
    }
    let as_webp = ImageRequest {
        text: format!("{}{moves}", request.options.of_image_as("webp")),
        accepted: Accepted::default(),
        transform: ImageTransform {
            output: OutputFormat::WebP,
            ..wanted.transform.clone()
        },
        ..wanted.clone()
    };
    match imager.variant(&as_webp).await {
        // What can't be made may still go out as it came.
        Err((error, _)) if error.reason() == "unsupported" => imager.variant(&wanted).await,
        made => made,
    }
}

/// The original: whole, a range of it, or as it arrives.
async fn serve_original(
    request: &ParsedRequest,
    (original, status): (&Original, CacheStatus),
    head: &Parts,
) -> Result<Response<ReplyBody>, Arc<ImageError>> {
    let mut headers = HeaderMap::new();
    let kind = original.kind;
    put(&mut headers, CONTENT_TYPE, kind.media_type());
    let max_age = request.delivery.max_age;
    write_common(
        &mut headers,
        request,
        (original.canonical.as_ref(), max_age.as_secs()),
        original.last_modified.as_ref(),
    );
    let name = format!(
        "inline; filename={}.{}",
        request.delivery.filename,
        kind.extension()
    );
    put(&mut headers, CONTENT_DISPOSITION, &name);
    put(&mut headers, ACCEPT_RANGES, "bytes");
    let body = match &original.content {
        OriginalBody::Whole(body) => body.clone(),
        OriginalBody::Growing(recording) => {
            put(&mut headers, "cache-status", &status.to_string());
            // A part needs the whole; HTTP/1.0 ends a body of unknown length as a cut one ends.
            let needs_whole =
                head.headers.contains_key(http::header::RANGE) || head.version < Version::HTTP_11;
            if !needs_whole {
                // One that is passed on has no start for those who come late.
                let player = recording.join().ok_or(ImageError::PassedOn)?;
                let body = ReplyBody::growing(player.into_stream());
                return Ok(reply(StatusCode::OK, headers, body));
            }
            recording
                .whole()
                .await
                .map_err(|_| Arc::new(ImageError::Broken))?
        }
    };
    if let Some(digest) = original.digest {
        put(&mut headers, ETAG, &format!("\"{digest:032x}\""));
        put_status(&mut headers, status, &original.times);
    }
    Ok(part(body, headers, head))
}

fn put_status(headers: &mut HeaderMap, mut status: CacheStatus, times: &Times) {
    status.ttl_s = Some(times.ttl_s(Instant::now()));
    put(headers, "cache-status", &status.to_string());
}

/// The whole image, the requested range, or 304.
fn part(body: Body, mut headers: HeaderMap, head: &Parts) -> Response<ReplyBody> {
    let now = SystemTime::now();
    if policy::evaluate(&head.headers, &headers, now) == Condition::NotModified {
        headers.remove(CONTENT_TYPE);
        return reply(StatusCode::NOT_MODIFIED, headers, ReplyBody::empty());
    }
    let total = body.len() as u64;
    let ranges = match policy::if_range_holds(&head.headers, &headers, now) {
        true => policy::requested(&head.headers, total),
        false => Ranges::Whole,
    };
    match ranges {
        Ranges::Unsatisfiable => {
            put(
                &mut headers,
                CONTENT_RANGE,
                &policy::content_range(None, total),
            );
            headers.remove(CONTENT_TYPE);
            reply(
                StatusCode::RANGE_NOT_SATISFIABLE,
                headers,
                ReplyBody::empty(),
            )
        }
        Ranges::Parts(parts) if parts.len() == 1 => {
            let part = &parts[0];
            put(
                &mut headers,
                CONTENT_RANGE,
                &policy::content_range(Some(part), total),
            );
            let part = body.play_part(part.start as usize..part.end as usize);
            reply(StatusCode::PARTIAL_CONTENT, headers, ReplyBody::part(part))
        }
        // Several parts of an image are nothing that clients ask for.
        Ranges::Parts(_) | Ranges::Whole => reply(StatusCode::OK, headers, ReplyBody::whole(body)),
    }
}

fn reply_made(
    (request, budget): (&ParsedRequest, &Inflight),
    (variant, status): (&Variant, CacheStatus),
    is_auto: bool,
    head: &Parts,
) -> Response<ReplyBody> {
    let mut headers = HeaderMap::new();
    let max_age = request.delivery.max_age.as_secs();
    write_common(
        &mut headers,
        request,
        (variant.canonical.as_ref(), max_age),
        variant.last_modified.as_ref(),
    );
    put(&mut headers, ETAG, &format!("\"{:032x}\"", variant.digest));
    put_status(&mut headers, status, &variant.times);
    if is_auto {
        put(&mut headers, VARY, "accept");
    }
    if policy::evaluate(&head.headers, &headers, SystemTime::now()) == Condition::NotModified {
        return reply(StatusCode::NOT_MODIFIED, headers, ReplyBody::empty());
    }
    if request.delivery.is_base64 {
        put(&mut headers, CONTENT_TYPE, "text/plain");
        let text = format!(
            "data:{};base64,{}",
            variant.media_type,
            STANDARD.encode(variant.bytes())
        );
        // It is made for this one reader.
        let body = Body::new(vec![text.into()]).within(budget);
        return reply(StatusCode::OK, headers, ReplyBody::whole(body));
    }
    put(&mut headers, CONTENT_TYPE, variant.media_type);
    if variant.extension != "json" {
        let name = format!(
            "inline; filename={}.{}",
            request.delivery.filename, variant.extension
        );
        put(&mut headers, CONTENT_DISPOSITION, &name);
    }
    reply(
        StatusCode::OK,
        headers,
        ReplyBody::whole(variant.body.clone()),
    )
}

fn write_common(
    headers: &mut HeaderMap,
    request: &ParsedRequest,
    (canonical, max_age_s): (Option<&Url>, u64),
    last_modified: Option<&HeaderValue>,
) {
    let immutable = if request.is_signed { ", immutable" } else { "" };
    put(
        headers,
        CACHE_CONTROL,
        &format!("public, max-age={max_age_s}{immutable}"),
    );
    let expires = SystemTime::now() + request.delivery.max_age;
    put(headers, EXPIRES, &httpdate::fmt_http_date(expires));
    put(headers, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    put(headers, "timing-allow-origin", "*");
    let canonical = canonical.unwrap_or(&request.url);
    put(headers, LINK, &format!("<{canonical}>; rel=\"canonical\""));
    if let Some(last_modified) = last_modified {
        headers.insert(LAST_MODIFIED, last_modified.clone());
    }
}

fn sent_on(url: &Url) -> Response<ReplyBody> {
    let mut headers = HeaderMap::new();
    put(&mut headers, LOCATION, url.as_str());
    put(&mut headers, CACHE_CONTROL, "public, max-age=3600");
    reply(StatusCode::FOUND, headers, ReplyBody::empty())
}

fn reply(status: StatusCode, mut headers: HeaderMap, body: ReplyBody) -> Response<ReplyBody> {
    image_safety(&mut headers);
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    *reply.headers_mut() = headers;
    reply
}

/// Sets a header field to text of ours or a URL, which hold no character that is invalid there.
fn put(headers: &mut HeaderMap, name: impl http::header::IntoHeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
