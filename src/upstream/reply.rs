//! The outcome of a fetch.

use super::Body;
use http::{HeaderMap, HeaderValue, header};
use std::time::{Duration, SystemTime};
use url::Url;

/// The longest `Retry-After` that counts.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The validators of a stored copy, byte for byte as upstream sent them: an `ETag` without quotes or
/// a `Last-Modified` that is no date goes back as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`, sent back as `If-None-Match`.
    pub etag: Option<HeaderValue>,
    /// `Last-Modified`, sent back as `If-Modified-Since`.
    pub last_modified: Option<HeaderValue>,
}

/// The outcome of a fetch that did not fail.
#[derive(Debug)]
pub enum Fetched {
    /// 200: a new body.
    Found(Box<Found>),
    /// 304 to the validators that were sent: the stored copy is still right.
    NotModified(Box<NotModified>),
}

/// A response with a body that is yet to be read.
#[derive(Debug)]
pub struct Found {
    /// Where it came from after redirects; without userinfo and fragment.
    pub url: Url,
    /// What the next conditional request sends.
    pub validators: Validators,
    /// The response's header fields, as they came.
    pub headers: HeaderMap,
    /// Where the upstream moved to, when every redirect on the way was permanent (301, 308).
    pub moved_to: Option<Url>,
    /// The body, its content coding undone.
    pub body: Body,
}

/// News about a stored copy that is still right.
#[derive(Debug)]
pub struct NotModified {
    /// Where the answer came from, as in [`Found::url`].
    pub url: Url,
    /// The validators from now on: upstream's where it sent new ones, else those we sent.
    pub validators: Validators,
    /// The header fields that update the stored ones (RFC 9111 §4.3.4).
    pub headers: HeaderMap,
    /// As in [`Found::moved_to`].
    pub moved_to: Option<Url>,
}

impl Validators {
    /// The validators of a response.
    pub fn of(headers: &HeaderMap) -> Self {
        Self {
            etag: headers.get(header::ETAG).and_then(copy),
            last_modified: headers.get(header::LAST_MODIFIED).and_then(copy),
        }
    }

    /// Whether there is nothing to make a request conditional with.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }

    /// These, and `earlier` where one is missing.
    pub(super) fn or(self, earlier: &Self) -> Self {
        Self {
            etag: self.etag.or_else(|| earlier.etag.clone()),
            last_modified: self.last_modified.or_else(|| earlier.last_modified.clone()),
        }
    }
}

/// A value in memory of its own: as it came it is a slice of the whole buffer that was read, which
/// it would keep as long as a stored copy lives.
fn copy(value: &HeaderValue) -> Option<HeaderValue> {
    HeaderValue::from_bytes(value.as_bytes()).ok()
}

impl Found {
    /// `Content-Type`, where it is text.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get(header::CONTENT_TYPE)?.to_str().ok()
    }
}

/// `Retry-After` as a time from `now`: seconds or a date (RFC 9110 §10.2.3); a past date is zero, and
/// nothing is longer than a day.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let delay = if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        // More digits than fit are a long time too.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        date.duration_since(now).unwrap_or_default()
    };
    Some(delay.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_bounded_and_never_in_the_past() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (text, expected) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("315360000", Some(86_400)),
            ("99999999999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:48:37 GMT", Some(0)),
            ("Sat, 06 Nov 2094 08:48:37 GMT", Some(86_400)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            let delay = retry_after(&headers, now).map(|delay| delay.as_secs());
            assert_eq!(delay, expected, "{text}");
        }
    }
}
