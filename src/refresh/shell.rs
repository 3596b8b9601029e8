//! A document without its items, which archive pages take their envelope from.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use super::arrived::Arrived;
use crate::upstream::Validators;

/// A document without its items.
#[derive(Debug)]
pub(super) struct Shell {
    pub(super) arrived: Arrived,
    pub(super) text: Bytes,
}

impl Shell {
    /// The rest of a document, in UTF-8.
    pub(super) fn new(text: String, arrived: &Arrived) -> Self {
        let essence = arrived
            .content_type()
            .and_then(|value| value.split(';').next());
        let content_type = format!("{}; charset=utf-8", essence.unwrap_or("text/xml"));
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::try_from(content_type) {
            headers.insert(header::CONTENT_TYPE, value);
        }
        Self {
            arrived: Arrived {
                url: arrived.url.clone(),
                validators: Validators::default(),
                headers,
                is_framed: true,
            },
            text: text.into(),
        }
    }
}
