//! The allow-list: what articles are made of, and nothing else.

mod list;
mod plain;
mod reduced;

use std::borrow::Cow;
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use url::Url;

use super::danger;
use crate::feed::characters::{is_allowed, may_be_illegal};
use crate::html::Markup;
use crate::html::escape::ANY_QUOTES;
use crate::html::tag::Tag;
use crate::html::walk::{open_comments, tags};
use crate::html::{Edit, apply};
use crate::rewrite::tree::{self, Context, Limits, TooComplex};
use crate::rewrite::xhtml;

/// Where frames may come from: players and maps that readers show.
const FRAME_HOSTS: &[&str] = &[
    "youtube.com",
    "youtube-nocookie.com",
    "vimeo.com",
    "dailymotion.com",
    "soundcloud.com",
    "spotify.com",
    "bandcamp.com",
    "archive.org",
    "bilibili.com",
    "vk.com",
    "twitch.tv",
    "openstreetmap.org",
    "ted.com",
    "rumble.com",
    "odysee.com",
    "mixcloud.com",
    "podbean.com",
    "podcasts.apple.com",
    "cdn.embedly.com",
    "streamable.com",
    "codepen.io",
    "datawrapper.de",
    "datawrapper.dwcdn.net",
    "flourish.studio",
    "invidious.io",
    "nebula.tv",
    "arte.tv",
    "zdf.de",
    "ard.de",
    "dw.com",
    "bbc.com",
    "bbc.co.uk",
    "slideshare.net",
    "scribd.com",
    "infogram.com",
];

const XHTML_NAMESPACE: &str = "http://www.w3.org/1999/xhtml";

static LIST: LazyLock<Builder<'static>> = LazyLock::new(|| build(is_frame));
static ARTICLE_LIST: LazyLock<Builder<'static>> = LazyLock::new(|| build(is_https_frame));

/// How often a parser may make something else of what it wrote itself.
const ROUNDS_MAX: usize = 6;

/// What is left of a field.
pub(super) struct Cleaned {
    pub(super) text: String,
    /// Whether it was too complex for a tree, so that only its tokens were read.
    pub(super) is_reduced: bool,
}

/// What is kept, and how much a tree of it may take.
#[derive(Clone, Copy)]
struct Terms {
    list: &'static LazyLock<Builder<'static>>,
    limits: Limits,
}

const FIELD: Terms = Terms {
    list: &LIST,
    limits: Limits::FIELD,
};
const ARTICLE: Terms = Terms {
    list: &ARTICLE_LIST,
    limits: Limits::ARTICLE,
};

/// `html` with nothing in it that is not on the list; in a form that stays as it is when it comes
/// here again.
pub(super) fn clean(html: &str, markup: Markup) -> Cleaned {
    clean_by(html, markup, FIELD)
}

/// The same for an article, with frames from anywhere over https.
pub(super) fn clean_article(html: &str) -> Cleaned {
    clean_by(html, Markup::Html, ARTICLE)
}

fn clean_by(html: &str, markup: Markup, terms: Terms) -> Cleaned {
    let unprefixed = (markup == Markup::Xhtml)
        .then(|| unprefixed(html))
        .flatten();
    let text = unprefixed.map_or(Cow::Borrowed(html), Cow::Owned);
    settle(text, markup, terms).unwrap_or_else(|| Cleaned {
        // SECURITY: nested such that no parser agrees with itself; then it is only text.
        text: ANY_QUOTES.write(html),
        is_reduced: true,
    })
}

/// Inline XHTML whose elements have a prefix, without it: parsers of HTML know none of them. Its outermost
/// element, a `div` by RFC 4287 §3.1.1.3, tells the prefix; `None` where that has none.
fn unprefixed(xhtml: &str) -> Option<String> {
    let mut tags = tags(xhtml, Markup::Xhtml);
    let outermost = tags.next()?;
    let prefix = outermost.full_name().strip_suffix("div")?;
    prefix.strip_suffix(':')?;
    let without = |tag: &Tag<'_>| {
        let start = tag.name_range.start;
        let has_it = tag.full_name().starts_with(prefix);
        has_it.then(|| Edit::removing(start..start + prefix.len()))
    };
    let mut edits: Vec<_> = without(&outermost).into_iter().collect();
    edits.push(Edit {
        range: outermost.name_range.end..outermost.name_range.end,
        text: format!(" xmlns=\"{XHTML_NAMESPACE}\""),
    });
    edits.extend(tags.filter_map(|tag| without(&tag)));
    Some(apply(xhtml, &edits))
}

/// Cleans until nothing changes; `None` when it never ends.
fn settle(html: Cow<'_, str>, markup: Markup, terms: Terms) -> Option<Cleaned> {
    let mut text = html;
    let (mut is_reduced, mut is_of_tokens) = (false, false);
    for _ in 0..=ROUNDS_MAX {
        let next = match clean_once(&text, markup, terms) {
            Ok(next) => next,
            // It is idempotent there.
            Err(TooComplex) if is_of_tokens => text.clone().into_owned(),
            Err(TooComplex) => {
                (is_reduced, is_of_tokens) = (true, true);
                text = Cow::Owned(reduced::reduce(&text, markup));
                continue;
            }
        };
        if *next == *text {
            let text = next;
            return Some(Cleaned { text, is_reduced });
        }
        is_of_tokens = false;
        text = Cow::Owned(next);
    }
    None
}

/// The same, by the tokens of `html` first.
pub(super) fn reduce(html: &str, markup: Markup) -> Cleaned {
    let reduced = reduced::reduce(html, markup);
    let text = clean(&reduced, markup).text;
    Cleaned {
        text,
        is_reduced: true,
    }
}

#[cfg(test)]
pub(super) fn tokens_only(html: &str, markup: Markup) -> String {
    reduced::reduce(html, markup)
}

fn clean_once(html: &str, markup: Markup, terms: Terms) -> Result<String, TooComplex> {
    let mut clean = match plain::clean(html) {
        Some(clean) => clean,
        None => clean_by_tree(html, terms)?,
    };
    // SECURITY: they go from every feed of XML, and what they stood in is something else then:
    // `x&#2;:y` has no scheme.
    if may_be_illegal(&clean) {
        clean.retain(is_allowed);
    }
    Ok(match markup {
        Markup::Html => clean,
        Markup::Xhtml => xhtml::well_formed(&clean),
    })
}

fn clean_by_tree(html: &str, terms: Terms) -> Result<String, TooComplex> {
    // To browsers that run scripts, what these hold is text; nobody is to see it as such.
    let mut unwrapped: Vec<_> = tags(html, Markup::Html)
        .filter_map(|tag| match tag.raw_end {
            Some(end) if tag.starts("iframe") => Some(Edit::removing(tag.range.end..end)),
            _ if tag.is_open_raw => closed(&tag),
            _ if tag.name.eq_ignore_ascii_case("noscript") => Some(Edit::removing(tag.range)),
            _ => None,
        })
        .collect();
    unwrapped.extend(open_comments(html).into_iter().map(|at| Edit {
        range: at..at + 1,
        text: "&lt;".to_owned(),
    }));
    unwrapped.extend(blank_lines(html));
    unwrapped.sort_by_key(|edit| edit.range.start);
    let html = if unwrapped.is_empty() {
        Cow::Borrowed(html)
    } else {
        Cow::Owned(apply(html, &unwrapped))
    };
    tree::measure(&html, Context::AMMONIA, terms.limits)?;
    Ok(terms.list.clean(&html).to_string())
}

/// Edits that keep the line break right behind a start tag, which HTML's parsers drop there (HTML
/// §13.2.6.4.7).
fn blank_lines(html: &str) -> impl Iterator<Item = Edit> {
    let dropping = ["pre", "listing", "textarea"];
    let tags =
        tags(html, Markup::Html).filter(move |tag| dropping.iter().any(|one| tag.starts(one)));
    let at = tags.map(|tag| tag.range.end);
    let breaks = at.filter(|&at| html[at..].starts_with(['\n', '\r']));
    breaks.map(|at| Edit {
        range: at..at,
        text: "\n".to_owned(),
    })
}

/// What keeps raw text that is left open from holding what follows: a frame ends at once, and of
/// another element nothing would be left.
fn closed(tag: &Tag<'_>) -> Option<Edit> {
    if tag.starts("iframe") {
        let (range, text) = (tag.range.end..tag.range.end, "</iframe>".to_owned());
        return Some(Edit { range, text });
    }
    (!tag.starts("script") || tag.is_self_closed).then(|| Edit::removing(tag.range.clone()))
}

fn build(is_frame: fn(&str) -> bool) -> Builder<'static> {
    let mut list = Builder::default();
    list.add_tags([
        "figure",
        "figcaption",
        "picture",
        "source",
        "video",
        "audio",
        "track",
        "iframe",
        "section",
        "main",
        "big",
        "font",
        "u",
        "s",
        "dfn",
        "wbr",
        "details",
        "summary",
        "mark",
        "small",
    ]);
    list.rm_tags(["map", "area"]);
    list.add_generic_attributes(["dir"]);
    list.add_tag_attributes("div", ["xmlns"]);
    list.add_tag_attributes("img", ["srcset", "sizes", "loading", "decoding"]);
    list.add_tag_attributes("source", ["src", "srcset", "sizes", "type", "media"]);
    list.add_tag_attributes(
        "video",
        [
            "src", "poster", "controls", "width", "height", "loop", "muted",
        ],
    );
    list.add_tag_attributes("audio", ["src", "controls", "loop", "muted"]);
    list.add_tag_attributes("track", ["src", "kind", "srclang", "label"]);
    list.add_tag_attributes(
        "iframe",
        ["src", "width", "height", "title", "allowfullscreen"],
    );
    list.add_tag_attributes("details", ["open"]);
    list.link_rel(None);
    list.url_relative(UrlRelative::PassThrough);
    list.attribute_filter(move |element, attribute, value| {
        let is_kept = match (element, attribute) {
            ("iframe", "src") => {
                is_frame(value) && !danger::is_attribute(element, attribute, value)
            }
            _ => is_value(element, attribute, value),
        };
        is_kept.then_some(Cow::Borrowed(value))
    });
    list
}

/// Whether an attribute that is on the list may have this value.
fn is_value(element: &str, attribute: &str, value: &str) -> bool {
    match (element, attribute) {
        ("div", "xmlns") if value != XHTML_NAMESPACE => false,
        ("iframe", "src") if !is_frame(value) => false,
        // The list knows schemes, and not what old parsers skipped before one.
        _ => !danger::is_attribute(element, attribute, value),
    }
}

/// Whether a frame comes from a host that every reader may show.
pub(super) fn is_frame(url: &str) -> bool {
    let url = frame_url(url).filter(|url| matches!(url.scheme(), "http" | "https"));
    url.and_then(|url| url.host_str().map(str::to_owned))
        .is_some_and(|host| {
            FRAME_HOSTS.iter().any(|known| {
                host.strip_suffix(known)
                    .is_some_and(|before| before.is_empty() || before.ends_with('.'))
            })
        })
}

fn is_https_frame(url: &str) -> bool {
    is_frame(url) || frame_url(url).is_some_and(|url| url.scheme() == "https")
}

fn frame_url(url: &str) -> Option<Url> {
    let url = url.trim();
    if url.starts_with("//") {
        Url::parse(&format!("https:{url}")).ok()
    } else {
        Url::parse(url).ok()
    }
}
