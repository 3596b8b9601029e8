//! `Content-Type`, as it comes and as it goes. Pure.

use crate::feed::Format;

/// The publisher's media type where it is one for feeds, else the format's own; always with the
/// charset that we send (RFC 7303 §3).
pub(super) fn content_type(upstream: Option<&str>, format: Format) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

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
