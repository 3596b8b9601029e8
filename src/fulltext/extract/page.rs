//! A page's bytes as text: its charset, what it is instead of a page, how deep it is.

use std::fmt::{self, Display, Formatter};

use dom_query::Document;
use encoding_rs::{Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE, X_USER_DEFINED};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{NoArticle, tree, xhtml};
use crate::fulltext::recipe::Recipe;
use crate::html::Markup;
use crate::html::tag::Tag;
use crate::html::walk::Walk;
use crate::rewrite::article;

/// Bytes of a page; what is behind them is not read.
pub const PAGE_BYTES_MAX: usize = 5 << 20;
/// How far into a page its charset may be named.
const META_BYTES: usize = 4 << 10;
/// How deep elements may be nested: browsers stop at 512.
const DEPTH_MAX: usize = 1_000;
/// Letters that are guessed from.
const GUESS_BYTES: usize = 256 << 10;

/// What came in place of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A PDF document.
    Pdf,
    /// An image.
    Image,
    /// Audio or video.
    Media,
    /// JSON.
    Json,
    /// A feed.
    Feed,
    /// Any other file.
    Binary,
    /// Nothing at all.
    Empty,
}

impl Display for Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pdf => "a PDF document",
            Self::Image => "an image",
            Self::Media => "audio or video",
            Self::Json => "JSON",
            Self::Feed => "a feed",
            Self::Binary => "a file of an unknown kind",
            Self::Empty => "empty",
        })
    }
}

/// A page as text.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where it came from, after redirects.
    pub url: Url,
    /// Where it was asked for.
    pub asked: Url,
    /// Its text.
    pub text: String,
}

/// The text of a page that came as `bytes` with this `Content-Type`.
///
/// # Errors
/// When what came is no page.
pub fn decode(bytes: &[u8], content_type: Option<&str>) -> Result<String, NoArticle> {
    let bytes = &bytes[..bytes.len().min(PAGE_BYTES_MAX)];
    if let Some(kind) = kind_of(bytes, content_type) {
        return Err(NoArticle::NotAPage(kind));
    }
    let charset = charset_of(bytes, content_type);
    let (text, _) = charset.decode_with_bom_removal(bytes);
    if xhtml::is_xhtml(&text, content_type) {
        return Ok(xhtml::close_elements(&text).into_owned());
    }
    Ok(text.into_owned())
}

impl Page {
    /// What a recipe finds and replaces, and the images that a script would load.
    pub(super) fn prepared(&self, recipe: &Recipe) -> Result<Self, NoArticle> {
        let mut text = self.text.clone();
        for (find, replace) in &recipe.replace {
            let grown =
                text.matches(find.as_str()).count() * replace.len().saturating_sub(find.len());
            // SECURITY: bounded, or short texts replaced by long ones could fill the memory.
            if text.len() + grown <= 2 * PAGE_BYTES_MAX {
                text = text.replace(find.as_str(), replace);
            }
        }
        let text = article::promote_images(&text, &self.url);
        Ok(Self {
            text,
            ..self.clone()
        })
    }

    /// The page's tree.
    pub(super) fn parse(&self) -> Result<Document, NoArticle> {
        // SECURITY: html5ever's time grows with the square of the depth.
        if depth_of(&self.text) > DEPTH_MAX {
            return Err(NoArticle::TooDeep);
        }
        Ok(tree::parse(&self.text))
    }

    /// What the page's relative addresses are resolved against.
    pub(super) fn base(&self, document: &Document) -> Url {
        let written = document.base_uri();
        let joined = written.and_then(|base| self.url.join(base.trim()).ok());
        joined
            .filter(|base| matches!(base.scheme(), "http" | "https"))
            .unwrap_or_else(|| self.url.clone())
    }
}

/// What bytes are, if they are no page.
fn kind_of(bytes: &[u8], content_type: Option<&str>) -> Option<Kind> {
    let start = bytes.trim_ascii_start();
    let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start);
    let begins = |marks: &[&[u8]]| marks.iter().any(|mark| start.starts_with(mark));
    if start.is_empty() {
        return Some(Kind::Empty);
    }
    if begins(&[b"%PDF-"]) {
        return Some(Kind::Pdf);
    }
    let is_webp = start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP");
    if is_webp
        || begins(&[
            b"\x89PNG",
            b"GIF8",
            b"\xFF\xD8\xFF",
            b"BM\x36",
            b"\0\0\x01\0",
        ])
    {
        return Some(Kind::Image);
    }
    if start.get(4..8) == Some(b"ftyp") || begins(&[b"ID3", b"OggS", b"\x1A\x45\xDF\xA3", b"RIFF"])
    {
        return Some(Kind::Media);
    }
    if begins(&[
        b"PK\x03\x04",
        b"\x1F\x8B",
        b"7z\xBC\xAF",
        b"Rar!",
        b"\x7FELF",
        b"\xD0\xCF\x11\xE0",
    ]) {
        return Some(Kind::Binary);
    }
    let essence = content_type.and_then(|value| value.split(';').next());
    let essence = essence.unwrap_or_default().trim().to_ascii_lowercase();
    let is_markup = start.first() == Some(&b'<');
    match essence.as_str() {
        _ if is_feed(start) => Some(Kind::Feed),
        "application/pdf" => Some(Kind::Pdf),
        "application/json" | "application/ld+json" if !is_markup => Some(Kind::Json),
        kind if kind.starts_with("image/") && !is_markup => Some(Kind::Image),
        kind if kind.starts_with("audio/") || kind.starts_with("video/") => Some(Kind::Media),
        "application/octet-stream" | "application/zip" if !is_markup => Some(Kind::Binary),
        _ => None,
    }
}

fn is_feed(start: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&start[..start.len().min(1024)]).to_ascii_lowercase();
    ["<rss", "<feed", "<rdf:rdf"]
        .iter()
        .any(|root| head.contains(root))
        && !head.contains("<html")
}

/// The charset: byte order mark, HTTP, UTF-8 by its looks, `<meta>` or the XML declaration, a guess.
fn charset_of(bytes: &[u8], content_type: Option<&str>) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // Cut at the limit.
        Err(error) => error.error_len().is_none() && bytes.len() - error.valid_up_to() < 4,
    };
    if valid {
        // Whatever is said: text that is no UTF-8 hardly ever looks like it.
        return UTF_8;
    }
    let http = content_type.and_then(|value| label_in(value.as_bytes()));
    let head = &bytes[..bytes.len().min(META_BYTES)];
    let named = http.or_else(|| label_in(head)).and_then(encoding_of);
    named
        .filter(|encoding| *encoding != UTF_8)
        .unwrap_or_else(|| {
            let mut detector =
                chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
            detector.feed(&bytes[..bytes.len().min(GUESS_BYTES)], true);
            let guess = detector.guess(None, chardetng::Utf8Detection::Allow);
            if guess == GBK { GB18030 } else { guess }
        })
}

fn encoding_of(label: &[u8]) -> Option<&'static Encoding> {
    let encoding = Encoding::for_label_no_replacement(label)?;
    match encoding {
        // A page that names these in ASCII is not in them.
        _ if encoding == UTF_16LE || encoding == UTF_16BE => Some(UTF_8),
        _ if encoding == X_USER_DEFINED => None,
        _ if encoding == GBK => Some(GB18030),
        _ => Some(encoding),
    }
}

/// The name behind `charset=` or `encoding=`.
fn label_in(text: &[u8]) -> Option<&[u8]> {
    let lower = text.to_ascii_lowercase();
    [&b"charset"[..], b"encoding"].iter().find_map(|key| {
        let at = memchr::memmem::find(&lower, key)? + key.len();
        let rest = text[at..].trim_ascii_start().strip_prefix(b"=")?;
        let rest = rest.trim_ascii_start();
        let rest = rest
            .strip_prefix(b"\"")
            .or_else(|| rest.strip_prefix(b"'"))
            .unwrap_or(rest);
        let end = rest
            .iter()
            .position(|byte| !byte.is_ascii_alphanumeric() && !b"-_:.".contains(byte));
        Some(&rest[..end.unwrap_or(rest.len())]).filter(|label| !label.is_empty())
    })
}

/// Elements that hold nothing, or end where the next one starts.
const FLAT: &[&str] = &[
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta",
    "option", "p", "param", "source", "td", "th", "tr", "track", "wbr",
];

/// How deep the elements of `text` are nested, at most and about: what closes something that is not
/// the last open element counts for nothing.
fn depth_of(text: &str) -> usize {
    let (mut open, mut deepest): (Vec<&str>, usize) = (Vec::new(), 0);
    let mut walk = Walk::new(text, Markup::Html);
    let mut tag = Tag::default();
    while walk.read(&mut tag) {
        if tag.is_end {
            close(&mut open, tag.name);
        } else if tag.raw_end.is_none() && !FLAT.iter().any(|flat| tag.starts(flat)) {
            open.push(tag.name);
            deepest = deepest.max(open.len());
        }
    }
    deepest
}

/// Elements that open again behind the end of one that they were left open in.
const FORMATTING: &[&str] = &[
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];

/// Closes the last open element of this name, if it is near, with what was left open inside. What
/// formats text opens again: `<b><i></b>` over and over gets deeper and deeper.
fn close(open: &mut Vec<&str>, name: &str) {
    let near = open.iter().rev().take(8);
    let Some(back) = near
        .clone()
        .position(|last| last.eq_ignore_ascii_case(name))
    else {
        return;
    };
    let inside = open.split_off(open.len() - back - 1);
    let reopened = inside.into_iter().skip(1);
    open.extend(reopened.filter(|inner| {
        FORMATTING
            .iter()
            .any(|name| inner.eq_ignore_ascii_case(name))
    }));
}
