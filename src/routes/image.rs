//! `/image/{signature}/{options}/{URL}` and `/image?url=…`: verify, bring, hand on.
//!
//! Invariant: whatever is answered here, a browser takes it for an image of this type or for
//! nothing: no script in it runs on our origin, whatever it is.

mod asked;

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

use asked::{Asked, Refused};

/// The reply to a request for an image by its signed address: what stands behind `/image/`.
///
/// # Errors
/// When it may not be had, can't be had, or can't be made.
pub(super) async fn signed(
    app: &App,
    address: &str,
    head: &Parts,
) -> Result<Response<ReplyBody>, Failure> {
    answer(app, asked::by_address(app, address), head).await
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
    answer(app, asked::by_query(app, query), head).await
}

async fn answer(
    app: &App,
    asked: Result<Asked, Refused>,
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
    let asked = asked.map_err(|refused| fail(Arc::new(refused.error), refused.instead, false))?;
    let is_literal = !matches!(asked.url.host(), Some(url::Host::Domain(_)));
    serve(app, &asked, head).await.map_err(|error| {
        let instead = asked
            .delivery
            .default
            .as_ref()
            .and_then(|instead| match instead {
                ErrorRedirect::Url(url) => Some(url.clone()),
                ErrorRedirect::Original if is_redirect_error(&error) => None,
                ErrorRedirect::Original => Some(asked.url.clone()),
            })
            .filter(|url| app.imager.may_lead_to(url, asked.is_signed));
        fail(error, instead, is_literal)
    })
}

/// An image that redirects in circles is none to be sent to.
fn is_redirect_error(error: &ImageError) -> bool {
    matches!(error, ImageError::Fetch(error) if error.reason() == "redirect")
}

async fn serve(
    app: &App,
    asked: &Asked,
    head: &Parts,
) -> Result<Response<ReplyBody>, Arc<ImageError>> {
    let imager = &app.imager;
    let via = head
        .headers
        .get_all(VIA)
        .iter()
        .filter_map(|via| via.to_str().ok());
    if imager.is_loop(via, &asked.url) {
        return Err(Arc::new(ImageError::Loop));
    }
    let rule = imager.rule(&asked.url);
    let is_bypassed = rule.as_ref().is_some_and(|rule| rule.bypass);
    if is_bypassed && imager.may_lead_to(&asked.url, asked.is_signed) {
        return Ok(sent_on(&asked.url));
    }
    let mut transform = ImageTransform::of(asked.options.pairs());
    imager.settle(&mut transform, rule.as_ref());
    let holder = holder_of(&head.extensions);
    if transform.is_nothing() && !asked.delivery.is_base64 {
        let answer = imager.original(&asked.url, holder).await;
        let (original, status) = answer.map_err(|(trouble, _)| trouble)?;
        if original.kind.is_inert() {
            return untouched(asked, (&original, status), head).await;
        }
    }
    let is_auto = transform.output == OutputFormat::Auto;
    let made = variant(imager, asked, transform, holder, head).await;
    let (variant, status) = made.map_err(|(trouble, _)| trouble)?;
    let served = (&*variant, status);
    Ok(reply_made((asked, &app.inflight), served, is_auto, head))
}

/// The variant that is asked for. Where the client chooses and reads WebP it
/// is that of `output=webp`: the same bytes under one key, whichever way they are asked for.
async fn variant(
    imager: &Arc<Imager>,
    asked: &Asked,
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
        url: asked.url.clone(),
        holder,
        text: format!("{}{moves}", asked.options.of_image()),
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
        text: format!("{}{moves}", asked.options.of_image_as("webp")),
        accepted: Accepted::default(),
        transform: ImageTransform {
            output: OutputFormat::WebP,
            ..wanted.transform.clone()
        },
        ..wanted.clone()
    };
    match imager.variant(&as_webp).await {
        // What can't be made may still go out as it came.
        Err((trouble, _)) if trouble.reason() == "unsupported" => imager.variant(&wanted).await,
        made => made,
    }
}

/// The image's own bytes: those that are there, a part of them, or as they come.
async fn untouched(
    asked: &Asked,
    (original, status): (&Original, CacheStatus),
    head: &Parts,
) -> Result<Response<ReplyBody>, Arc<ImageError>> {
    let mut headers = HeaderMap::new();
    let kind = original.kind;
    put(&mut headers, CONTENT_TYPE, kind.media_type());
    let max_age = asked.delivery.max_age;
    write_common(
        &mut headers,
        asked,
        (original.canonical.as_ref(), max_age.as_secs()),
        original.last_modified.as_ref(),
    );
    let name = format!(
        "inline; filename={}.{}",
        asked.delivery.filename,
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

/// All of an image, the part that is asked for, or that the client has it already.
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
    (asked, budget): (&Asked, &Inflight),
    (variant, status): (&Variant, CacheStatus),
    is_auto: bool,
    head: &Parts,
) -> Response<ReplyBody> {
    let mut headers = HeaderMap::new();
    let max_age = asked.delivery.max_age.as_secs();
    write_common(
        &mut headers,
        asked,
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
    if asked.delivery.is_base64 {
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
            asked.delivery.filename, variant.extension
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
    asked: &Asked,
    (canonical, max_age_s): (Option<&Url>, u64),
    last_modified: Option<&HeaderValue>,
) {
    let immutable = if asked.is_signed { ", immutable" } else { "" };
    put(
        headers,
        CACHE_CONTROL,
        &format!("public, max-age={max_age_s}{immutable}"),
    );
    let expires = SystemTime::now() + asked.delivery.max_age;
    put(headers, EXPIRES, &httpdate::fmt_http_date(expires));
    put(headers, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    put(headers, "timing-allow-origin", "*");
    let canonical = canonical.unwrap_or(&asked.url);
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

/// Text of ours, or of an address, which has no character that a header may not hold.
fn put(headers: &mut HeaderMap, name: impl http::header::IntoHeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
