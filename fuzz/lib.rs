//! What the fuzz targets share.

use std::sync::Arc;

use feedwright::config;
use feedwright::feed::splitter::Skip;
use feedwright::html::Edit;
use feedwright::rewrite::passes::images::ImageReference;
use feedwright::rewrite::{FeedRewriter, Origin, Rules};

/// Where our own image URLs start.
pub const PROXY: &str = "https://images.weserv.nl/?url=";

/// The rules of the feed called `fuzz` in the configuration `text`.
#[must_use]
pub fn rules(text: &str) -> Arc<Rules> {
    let settings =
        config::parse("fuzz.toml", text, std::iter::empty()).expect("the configuration is right");
    let feed = settings.feeds.first().expect("a feed");
    Arc::new(Rules::new(feed.rules.clone()).expect("the rules are right"))
}

/// `bytes` through the rules, `size` of them at a time; and whether it is a feed all of whose items could be
/// told apart: what has another item inside one of its fields passes unread, and no rule counts it.
#[must_use]
pub fn rewrite(
    rules: &Arc<Rules>,
    bytes: &[u8],
    size: usize,
    charset: Option<&str>,
) -> (String, bool) {
    let origin = Origin {
        url: url::Url::parse("https://news.example/feed.xml").expect("an address"),
        charset: charset.map(str::to_owned),
    };
    let mut rewriter = FeedRewriter::new(Arc::clone(rules), origin);
    let mut out = String::new();
    for chunk in bytes.chunks(size.max(1)) {
        rewriter.push(chunk, &mut out);
    }
    let ending = rewriter.finish(&mut out);
    let mut skips = ending.skips.iter();
    let is_told = !skips.any(|(skip, _)| *skip == Skip::Interrupted);
    (out, is_told && rewriter.format().is_some())
}

/// `text` with the edits carried out; they must be sorted and stand apart, on characters.
#[must_use]
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let (mut out, mut at) = (String::new(), 0);
    for edit in edits {
        assert!(edit.range.start >= at && edit.range.end >= edit.range.start);
        out.push_str(&text[at..edit.range.start]);
        out.push_str(&edit.text);
        at = edit.range.end;
    }
    out.push_str(&text[at..]);
    out
}

/// An image proxy in a line: what it has done it does not do again.
pub fn proxied(image: &ImageReference<'_>) -> Option<String> {
    let address = image.url;
    if image.marks != 0 || address.starts_with(PROXY) || !address.starts_with("http") {
        return None;
    }
    let mut out = PROXY.to_owned();
    for byte in address.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Some(out)
}
