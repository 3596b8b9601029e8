//! Why there is no image, in weserv's words and with its status codes, or with those that say more.

use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use url::Url;

use crate::cache::ProductionError;
use crate::cache::policy::{CacheStatus, Forwarded};
use crate::http::{ReplyBody, image_safety};
use crate::images::fetching::ImageError;
use crate::images::processing::ProcessingError;
use crate::upstream::guard::Refusal;
use crate::upstream::{FetchError, RedirectProblem};

/// Why there is no image, and what is done about it.
#[derive(Debug, Clone)]
pub struct ImageFailure {
    /// Why.
    pub error: Arc<ImageError>,
    /// Where the client is sent instead.
    pub instead: Option<Url>,
    /// Whether the status code is weserv's, to which every failure of a host is a 404.
    pub is_weserv: bool,
    /// Whether the address names no host but an IP address.
    pub is_literal: bool,
    /// The limit on an image's bytes.
    pub body_bytes_max: u64,
}

impl ImageFailure {
    /// The status code that the text goes with.
    pub(super) fn status(&self) -> StatusCode {
        match (&*self.error, self.is_weserv) {
            (ImageError::NoUrl | ImageError::BadUrl | ImageError::Malformed, _) => {
                StatusCode::BAD_REQUEST
            }
            (ImageError::NotSigned | ImageError::WrongSignature, _) => StatusCode::FORBIDDEN,
            (
                ImageError::Busy(_)
                | ImageError::PassedOn
                | ImageError::NoWorker
                | ImageError::Abandoned
                | ImageError::Fetch(FetchError::Crowded),
                _,
            ) => StatusCode::SERVICE_UNAVAILABLE,
            (ImageError::GivenUp, _) => StatusCode::INTERNAL_SERVER_ERROR,
            (ImageError::Pixels(error), is_weserv) => pixels_status(error, is_weserv),
            (ImageError::Late(_), _) => StatusCode::BAD_REQUEST,
            (ImageError::Fetch(FetchError::Refused(_)), true) if self.is_literal => {
                StatusCode::BAD_REQUEST
            }
            (ImageError::Loop, false) => StatusCode::LOOP_DETECTED,
            (ImageError::Memory | ImageError::Crashed, false) => StatusCode::UNPROCESSABLE_ENTITY,
            (ImageError::TooLarge(_) | ImageError::Fetch(FetchError::TooLarge { .. }), false) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            (ImageError::Fetch(error), false) => fetch_status(error),
            (ImageError::Broken, false) => StatusCode::BAD_GATEWAY,
            (_, true) => StatusCode::NOT_FOUND,
        }
    }

    /// What weserv says then.
    fn message(&self) -> String {
        match &*self.error {
            ImageError::NoUrl => "The request names no image: url is missing".into(),
            ImageError::BadUrl => "Unable to parse URI".into(),
            ImageError::Malformed => "Unable to parse the address".into(),
            ImageError::NotSigned => "Images of this host need a signature".into(),
            ImageError::WrongSignature => "The signature is wrong".into(),
            ImageError::Loop => "The request leads back here".into(),
            ImageError::Fetch(FetchError::Crowded) => "Too many images are being fetched".into(),
            ImageError::Fetch(error) => self.fetch_message(error),
            ImageError::Broken => "The transfer of the image ended early".into(),
            ImageError::TooLarge(bytes) => too_large(*bytes),
            ImageError::Pixels(error) => error.to_string(),
            ImageError::Late(time) => {
                let seconds = time.as_secs_f32();
                let plural = if seconds == 1.0 { "" } else { "s" };
                format!("Maximum image processing time of {seconds} second{plural} exceeded")
            }
            ImageError::Memory => "Input image takes more memory than is allowed".into(),
            ImageError::Crashed => ProcessingError::Unreadable.to_string(),
            ImageError::NoWorker => "Images can't be processed at present".into(),
            ImageError::Busy(_) => "Too many images are being processed".into(),
            ImageError::PassedOn => "The image is on its way to others".into(),
            ImageError::Abandoned | ImageError::GivenUp => "Something's wrong!".into(),
        }
    }

    fn fetch_message(&self, error: &FetchError) -> String {
        match error {
            FetchError::Refused(Refusal::Address(_)) if self.is_literal => {
                "IP address blocked by policy".into()
            }
            FetchError::Refused(Refusal::Address(_) | Refusal::Name(_))
            | FetchError::Resolve(_) => {
                "The hostname of the origin is unresolvable (DNS) or blocked by policy.".into()
            }
            FetchError::Refused(refusal) => format!("The address is blocked by policy: {refusal}"),
            FetchError::Timeout { .. } => "The requested URL timed out.".into(),
            FetchError::Status { status, .. } => {
                format!("The requested URL returned error: {}", status.as_u16())
            }
            FetchError::Redirect {
                problem: RedirectProblem::Itself,
            } => "Will not follow a redirection to itself".into(),
            FetchError::Redirect {
                problem: RedirectProblem::Loop | RedirectProblem::TooMany(_),
            } => "Will not follow more than 10 redirects".into(),
            FetchError::Crowded => "Too many images are under way".into(),
            FetchError::TooLarge { .. } => too_large(self.body_bytes_max),
            other => format!("The requested URL could not be fetched: {}", other.reason()),
        }
    }

    /// weserv's JSON.
    pub(super) fn text(&self) -> String {
        let code = self.status().as_u16();
        let message = serde_json::Value::from(self.message());
        format!("{{\"status\":\"error\",\"code\":{code},\"message\":{message}}}")
    }

    /// The reply. SECURITY: never a byte of what upstream sent.
    pub(super) fn into_reply(self) -> Response<ReplyBody> {
        let mut reply = Response::new(ReplyBody::text(self.text()));
        *reply.status_mut() = self.status();
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        image_safety(headers);
        let status = CacheStatus {
            forwarded: Some(Forwarded::UriMiss),
            detail: Some(self.error.reason()),
            ..CacheStatus::default()
        };
        if let Ok(status) = HeaderValue::try_from(status.to_string()) {
            headers.insert("cache-status", status);
        }
        let location = self
            .instead
            .and_then(|url| HeaderValue::try_from(url.as_str()).ok());
        if let Some(location) = location {
            headers.insert(LOCATION, location);
            *reply.status_mut() = StatusCode::FOUND;
        }
        reply
    }
}

fn too_large(bytes: u64) -> String {
    format!("The image is too large to be downloaded. Max image size: {bytes} bytes")
}

fn pixels_status(error: &ProcessingError, is_weserv: bool) -> StatusCode {
    match error {
        ProcessingError::Saver(_) | ProcessingError::Unsupported(_) | ProcessingError::Late => {
            StatusCode::BAD_REQUEST
        }
        _ if is_weserv => StatusCode::NOT_FOUND,
        ProcessingError::Invalid => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// 404 and 410 as the host means them, 504 for its slowness, 403 for what is forbidden here.
fn fetch_status(error: &FetchError) -> StatusCode {
    match error {
        FetchError::Refused(_) => StatusCode::FORBIDDEN,
        FetchError::Status { status, .. } if matches!(status.as_u16(), 404 | 410) => *status,
        FetchError::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    }
}
