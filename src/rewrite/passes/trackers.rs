//! Images that nobody is to see: they tell somebody that an item was read, and go.

use std::sync::LazyLock;

use crate::html::Markup;
use crate::html::tag::{Attribute, Tag};
use crate::html::walk::end_tag_at;
use crate::rewrite::domains::Domains;

/// Where images only count readers: hosts, with what their paths start with.
const TRACKERS: &[(&str, &str)] = &[
    ("feeds.feedburner.com", "/~r/"),
    ("feeds2.feedburner.com", "/~r/"),
    ("feedproxy.google.com", "/~r/"),
    ("feeds.wordpress.com", "/1.0/"),
    ("pixel.wp.com", "/"),
    ("stats.wordpress.com", "/"),
    ("stats.wp.com", "/"),
    ("doubleclick.net", "/"),
    ("google-analytics.com", "/"),
    ("googlesyndication.com", "/"),
    ("pixel.quantserve.com", "/"),
    ("b.scorecardresearch.com", "/"),
    ("sb.scorecardresearch.com", "/"),
    ("facebook.com", "/tr"),
    ("pi.feedsportal.com", "/"),
    ("da.feedsportal.com", "/"),
    ("res.feedsportal.com", "/"),
    ("feedsportal.com", "/c/"),
    ("a.rfihub.com", "/"),
    ("ads.pheedo.com", "/"),
    ("www.pheedo.com", "/"),
    ("segment.pbs.org", "/"),
    ("px.ads.linkedin.com", "/"),
    ("analytics.twitter.com", "/"),
    ("ct.pinterest.com", "/"),
    ("plausible.io", "/api/"),
    ("t.co", "/i/adsct"),
    ("vg.no", "/pixel"),
    ("counter.theconversation.com", "/"),
    ("medium.com", "/_/stat"),
];

static DOMAINS: LazyLock<Domains> =
    LazyLock::new(|| Domains::of(TRACKERS.iter().map(|(host, _)| *host)));

/// Takes out a tag that is one.
pub(super) fn read(tag: &mut Tag<'_>, (html, markup): (&str, Markup)) {
    if !tag.starts("img") || !is_tracker(tag) {
        return;
    }
    if markup == Markup::Xhtml && !tag.is_self_closed {
        // `<img …></img>`; without the end tag at once it stays.
        match end_tag_at(html, tag.range.end, markup) {
            Some(("img", end)) => tag.range.end = end.end,
            _ => return,
        }
    }
    tag.is_gone = true;
}

fn is_tracker(tag: &Tag<'_>) -> bool {
    is_a_dot(tag) || tag.value("src").is_some_and(|src| is_counter(&src))
}

/// No larger than a pixel.
fn is_a_dot(tag: &Tag<'_>) -> bool {
    // One that a script would fill is an image yet.
    if tag.attributes.iter().any(Attribute::is_data) {
        return false;
    }
    let has_size = |name| tag.attribute(name).is_some();
    if !(has_size("style") || has_size("width") && has_size("height")) {
        return false;
    }
    let style = tag.value("style").unwrap_or_default().to_ascii_lowercase();
    let is_none = |name: &str| {
        // CSS goes before attributes.
        let mut declarations = style.split(';').filter_map(|part| part.split_once(':'));
        let declared = declarations.find(|(property, _)| property.trim() == name);
        let attribute = tag.value(name);
        let size = match declared {
            Some((_, value)) => Some(value.trim().trim_end_matches("!important").trim()),
            None => attribute.as_deref().map(str::trim_ascii),
        };
        size.is_some_and(|size| matches!(size.trim_end_matches("px"), "0" | "1"))
    };
    is_none("width") && is_none("height")
}

/// Whether a URL is one of those that only count.
fn is_counter(url: &str) -> bool {
    let url = url.trim_ascii();
    let Some((_, rest)) = url.split_once("//") else {
        return false;
    };
    let path_at = memchr::memchr3(b'/', b'?', b'#', rest.as_bytes()).unwrap_or(rest.len());
    let (host, path) = rest.split_at(path_at);
    DOMAINS.may_hold(host)
        && TRACKERS.iter().any(|(tracker, start)| {
            let is_there = host
                .strip_suffix(tracker)
                .is_some_and(|before| before.is_empty() || before.ends_with('.'));
            let behind = path.strip_prefix(start);
            is_there
                && behind.is_some_and(|behind| {
                    start.ends_with('/') || behind.is_empty() || behind.starts_with(['?', '/', '.'])
                })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::apply;
    use crate::html::walk::tags;

    fn check(html: &str, markup: Markup, expected: &str) {
        let mut edits = Vec::new();
        for mut tag in tags(html, markup) {
            read(&mut tag, (html, markup));
            tag.write(&mut edits);
        }
        assert_eq!(apply(html, &edits), expected, "{html}");
    }

    #[test]
    fn dots_and_counters_go() {
        for tracker in [
            "<img src=\"https://x.org/c\" width=\"1\" height=\"1\">",
            "<IMG SRC=https://x.org/c WIDTH=1 HEIGHT=0 />",
            "<img height='1px' width='1' src='/c'>",
            "<img alt='a > b' src=/c width=1 height=1>",
            "<img src=/c style=\"width:1px; height: 1px !important\">",
            "<img width=1 style='height:0' src=/c>",
            "<img src=\"http://feeds.feedburner.com/~r/x/~4/y\">",
            "<img src=\"//pixel.wp.com/b.gif?x=1\">",
            "<img src=\"https://www.facebook.com/tr?id=1\">",
        ] {
            check(&format!("a{tracker}b"), Markup::Html, "ab");
        }
        check(
            "<p><img src=\"/c\" width=\"1\" height=\"1\"></img></p>",
            Markup::Xhtml,
            "<p></p>",
        );
    }

    #[test]
    fn images_stay() {
        for html in [
            "<img src=/a.jpg width=100 height=1>",
            "<img src=/a.jpg width=1>",
            "<img src=/a.jpg style=\"max-width:1px;height:1px\">",
            "<img src=/a.jpg width=10 height=10>",
            "<img src=\"https://www.facebook.com/photo.jpg\">",
            "<img src=\"https://www.facebook.com/travel/photo.jpg\">",
            "<img width=1 height=1 src=\"data:x\" data-src=\"https://x.org/a.jpg\">",
            "<img src=a.jpg width=1 height=1 style=\"width:100%;height:auto\">",
            "<img src=\"https://notpixel.wp.com.example/b.gif\">",
            "<iframe width=1 height=1 src=/f></iframe>",
            "<!-- <img src=/c width=1 height=1> -->",
        ] {
            check(html, Markup::Html, html);
        }
        let open = "<p><img src=\"/c\" width=\"1\" height=\"1\"> </p>";
        check(open, Markup::Xhtml, open);
    }
}
