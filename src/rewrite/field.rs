//! What an element of a feed carries, as far as the rules care: HTML, an image's URL, or
//! nothing of ours.

use std::borrow::Cow;

use crate::feed::element::Element;
use crate::feed::namespace::Ns;
use crate::feed::text::Decoded;
use crate::rewrite::places::{ends_like_an_image, ends_like_media};

/// How full a field that carries HTML usually is; the fullest of an item gets header and footer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fullness {
    /// Not the item's content: a podcast's notes, an image's description.
    Aside,
    /// `description`, `summary`.
    Summary,
    /// `content:encoded`, `content`, an XHTML body.
    Content,
}

/// Elements of no vocabulary that news sites put an image's URL in.
const NAMED_IMAGES: &[&str] = &[
    "thumbnail",
    "thumb",
    "smallimage",
    "bigimage",
    "fullimage",
    "storyimage",
    "coverimages",
];

/// What an element carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// HTML in its content.
    Html(Fullness),
    /// The URL of an image as its content.
    UrlText,
    /// The URL of an image in this attribute.
    UrlAttribute(&'static str),
    /// Image URLs as candidates in this attribute.
    SrcsetAttribute(&'static str),
    /// The URL of audio or video in this attribute.
    MediaAttribute(&'static str),
    /// Nothing that the rules change.
    None,
}

/// What `elements[index]` carries.
pub(super) fn role(elements: &[Element<'_>], index: usize) -> Role {
    match named(elements, index) {
        // What holds elements is no URL.
        Role::UrlText if elements[index].has_markup || has_children(elements, index) => Role::None,
        role => role,
    }
}

/// The same by its name.
fn named(elements: &[Element<'_>], index: usize) -> Role {
    let element = &elements[index];
    let parent = element.parent.map(|parent| &elements[parent]);
    match (element.ns, &*lower(element.local)) {
        (Ns::Core, "description") if !is_in_image(parent) => Role::Html(Fullness::Summary),
        // In Microsoft's CDF.
        (Ns::Core, "abstract") => Role::Html(Fullness::Summary),
        (Ns::Core, "body" | "fullitem") => Role::Html(Fullness::Content),
        (Ns::Content, "encoded") => Role::Html(Fullness::Content),
        (Ns::Xhtml, "body" | "div") => Role::Html(Fullness::Content),
        (Ns::Atom, "content") => atom_content(element),
        (Ns::Atom, "summary") => atom_text(element, Fullness::Summary),
        (Ns::Atom, "subtitle" | "tagline" | "info" | "rights" | "copyright") => {
            atom_text(element, Fullness::Aside)
        }
        // What feedparser reads as content, although no RSS has it.
        (Ns::Core, "content" | "summary") => Role::Html(Fullness::Aside),
        (Ns::Itunes, "summary" | "subtitle") | (Ns::DublinCore, "description") => {
            Role::Html(Fullness::Aside)
        }
        (Ns::Media, "description") if value(element, "type") == "html" => {
            Role::Html(Fullness::Aside)
        }
        (Ns::Core, "enclosure") => enclosed(element, "url"),
        (Ns::Media, "content") => enclosed(element, "url"),
        (Ns::Media, "thumbnail") => attribute_or_text(elements, index, &["url"]),
        (Ns::Itunes, "link") if value(element, "rel") == "image" => Role::UrlAttribute("href"),
        (Ns::Itunes | Ns::GooglePlay, "image") => {
            attribute_or_text(elements, index, &["href", "url"])
        }
        (Ns::Core, "url") if is_in_image(parent) => Role::UrlText,
        (Ns::Core, "image") => Role::UrlText,
        (Ns::Core, name) if NAMED_IMAGES.contains(&name) => {
            attribute_or_text(elements, index, &["url", "href", "src"])
        }
        (Ns::GoogleData, "image") => Role::UrlAttribute("src"),
        (Ns::WebFeeds, "cover") => Role::UrlAttribute("image"),
        (Ns::WebFeeds, "icon" | "logo") => Role::UrlText,
        (Ns::Podcast, "image") => attribute_or_text(elements, index, &["href", "url"]),
        (Ns::Podcast, "images") => Role::SrcsetAttribute("srcset"),
        (Ns::Podcast, "person") => Role::UrlAttribute("img"),
        (Ns::Podcast, "source") => parent.map_or(Role::None, alternate),
        (Ns::Core | Ns::Atom, "logo" | "icon") => Role::UrlText,
        (Ns::Atom, "link") => match relation(element).as_str() {
            "enclosure" => enclosed(element, "href"),
            "icon" | "shortcut icon" | "apple-touch-icon" => Role::UrlAttribute("href"),
            _ => Role::None,
        },
        _ => Role::None,
    }
}

/// A name in lower case, which nearly all are.
pub(super) fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

fn is_in_image(parent: Option<&Element<'_>>) -> bool {
    parent.is_some_and(|parent| parent.is(Ns::Core, "image") || parent.is(Ns::Core, "textinput"))
}

fn has_children(elements: &[Element<'_>], index: usize) -> bool {
    elements
        .get(index + 1)
        .is_some_and(|next| next.parent == Some(index))
}

fn atom_content(element: &Element<'_>) -> Role {
    if element.tag.attribute("src").is_some() {
        let is_image = value(element, "type").starts_with("image/");
        return if is_image {
            Role::UrlAttribute("src")
        } else {
            Role::None
        };
    }
    atom_text(element, Fullness::Content)
}

/// Atom's text constructs (RFC 4287 §3.1) and those of Atom 0.3, which carry HTML only when they
/// say so.
fn atom_text(element: &Element<'_>, fullness: Fullness) -> Role {
    if value(element, "mode") == "base64" {
        return Role::None;
    }
    let essence = value(element, "type");
    let essence = essence.split(';').next().unwrap_or_default().trim();
    match essence {
        "html" | "xhtml" | "text/html" | "application/xhtml+xml" => Role::Html(fullness),
        // Readers take tags for HTML that somebody forgot to declare.
        "" | "text" | "text/plain" if element.has_markup => Role::Html(fullness),
        _ => Role::None,
    }
}

/// Whether tags in an element are its HTML, rather than what somebody forgot to escape.
pub(super) fn is_xhtml(element: &Element<'_>) -> bool {
    let kind = value(element, "type");
    element.ns == Ns::Xhtml || kind == "xhtml" || kind == "application/xhtml+xml"
}

/// Whether an element holds XHTML in one `div`, as Atom has it (RFC 4287 §3.1.1.3).
pub(super) fn holds_one_div(element: &Element<'_>) -> bool {
    element.ns == Ns::Atom && value(element, "type") == "xhtml"
}

/// Whether one of Atom's text constructs is plain text, which it is when it says nothing else
/// (RFC 4287 §3.1.1).
pub(super) fn says_text(element: &Element<'_>) -> bool {
    let is_text = || matches!(value(element, "type").as_str(), "" | "text" | "text/plain");
    element.ns == Ns::Atom && is_text()
}

/// Whether this is Atom's content or summary as plain text.
pub(super) fn is_plain_text(element: &Element<'_>) -> bool {
    (element.is(Ns::Atom, "content") || element.is(Ns::Atom, "summary"))
        && element.tag.attribute("src").is_none()
        && value(element, "mode") != "base64"
        && says_text(element)
}

/// A URL in the first of these attributes that is there, else in the text: some write it there.
fn attribute_or_text(elements: &[Element<'_>], index: usize, names: &[&'static str]) -> Role {
    let element = &elements[index];
    let mut there = names
        .iter()
        .filter(|name| element.tag.attribute(name).is_some());
    match there.next() {
        Some(name) => Role::UrlAttribute(name),
        None if has_children(elements, index) => Role::None,
        None => Role::UrlText,
    }
}

/// Enclosures and `media:content`: what they are by what they say, or by the URL when they say
/// nothing.
fn enclosed(element: &Element<'_>, attribute: &'static str) -> Role {
    let (kind, medium) = (value(element, "type"), value(element, "medium"));
    match sort_of(&kind, &medium, || value(element, attribute)) {
        Some(Sort::ImageUrl) => Role::UrlAttribute(attribute),
        Some(Sort::Media) => Role::MediaAttribute(attribute),
        None => Role::None,
    }
}

/// A source of `podcast:alternateEnclosure`, which says what it is.
fn alternate(enclosure: &Element<'_>) -> Role {
    match sort_of(&value(enclosure, "type"), "", String::new) {
        Some(Sort::ImageUrl) => Role::UrlAttribute("uri"),
        Some(Sort::Media) => Role::MediaAttribute("uri"),
        None => Role::None,
    }
}

/// What something enclosed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    ImageUrl,
    /// Audio or video.
    Media,
}

/// MIME types, and what is in their place, that say nothing of what a file is.
const GENERIC: &[&str] = &[
    "",
    "application/octet-stream",
    "application/octetstream",
    "application/x-octet-stream",
    "binary/octet-stream",
    "application/binary",
    "application/download",
    "application/force-download",
    "application/x-download",
    "application/x-force-download",
    "application/unknown",
    "application/x-unknown",
    "application/x-unknown-content-type",
    "unknown",
    "unknown/unknown",
    "file",
    "media",
    "multipart/form-data",
    "null",
    "none",
    "undefined",
    "*/*",
    "*",
];

/// The sort by MIME type and Media RSS's medium, or by the URL when neither says anything.
pub(super) fn sort_of(kind: &str, medium: &str, url: impl FnOnce() -> String) -> Option<Sort> {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let main = kind.split('/').next().unwrap_or_default();
    match (kind, medium) {
        (_, "image") => Some(Sort::ImageUrl),
        // Some write `image` or `jpg`.
        (_, "") if main == "image" || ends_like_an_image(&format!(".{kind}")) => {
            Some(Sort::ImageUrl)
        }
        _ if matches!(main, "audio" | "video") || ends_like_media(&format!(".{kind}")) => {
            Some(Sort::Media)
        }
        (kind, "audio" | "video") if GENERIC.contains(&kind) => Some(Sort::Media),
        (kind, "") if GENERIC.contains(&kind) => {
            let url = url();
            let is_media = ends_like_media(&url).then_some(Sort::Media);
            if ends_like_an_image(&url) {
                Some(Sort::ImageUrl)
            } else {
                is_media
            }
        }
        _ => None,
    }
}

/// Where IANA registers relations: RFC 4287 §4.2.7.2 has the full form of a name stand for it.
const REGISTRIES: &[&str] = &[
    "//www.iana.org/assignments/relation/",
    "//www.iana.org/assignments/link-relations/",
    "//www.iana.org/assignments/link-relations#",
];

/// What an element says in `rel`, in lower case, by the short name of the relation.
pub(super) fn relation(element: &Element<'_>) -> String {
    let relation = value(element, "rel");
    let full = relation.strip_prefix("http:");
    let full = full.or_else(|| relation.strip_prefix("https:"));
    let mut registries = REGISTRIES.iter();
    let name = full.and_then(|full| registries.find_map(|start| full.strip_prefix(start)));
    name.map_or_else(|| relation.clone(), ToOwned::to_owned)
}

/// An attribute's value in lower case, for words whose case says nothing.
fn value(element: &Element<'_>, name: &str) -> String {
    attribute(element, name).to_ascii_lowercase()
}

/// An attribute's value, decoded and trimmed; empty when there is none.
pub(super) fn attribute(element: &Element<'_>, name: &str) -> String {
    element
        .tag
        .attribute(name)
        .map_or_else(String::new, |found| {
            Decoded::attribute(found.value).as_str().trim().to_owned()
        })
}
