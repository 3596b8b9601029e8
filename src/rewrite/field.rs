//! What an element of a feed carries, as far as the rules care: HTML, a picture's address, or
//! nothing of ours.

use std::borrow::Cow;

use crate::feed::element::Element;
use crate::feed::namespace::Ns;
use crate::feed::text::Decoded;

/// Endings of paths that are pictures, for enclosures that do not say their type.
const PICTURE_ENDINGS: [&str; 8] = [
    ".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".svg", ".bmp",
];

/// How full a field that carries HTML usually is; the fullest of an item gets header and footer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fullness {
    /// Not the item's content: a podcast's notes, a picture's description.
    Aside,
    /// `description`, `summary`.
    Summary,
    /// `content:encoded`, `content`, an XHTML body.
    Content,
}

/// What an element carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// HTML in its content.
    Html(Fullness),
    /// The address of a picture as its content.
    AddressText,
    /// The address of a picture in this attribute.
    AddressAttribute(&'static str),
    /// Nothing that the rules change.
    None,
}

/// What `elements[index]` carries.
pub(super) fn role(elements: &[Element<'_>], index: usize) -> Role {
    let element = &elements[index];
    let parent = element.parent.map(|parent| &elements[parent]);
    match (element.ns, &*lower(element.local)) {
        (Ns::Core, "description") if !is_in_image(parent) => Role::Html(Fullness::Summary),
        (Ns::Core, "body" | "fullitem") => Role::Html(Fullness::Content),
        (Ns::Content, "encoded") => Role::Html(Fullness::Content),
        (Ns::Xhtml, "body" | "div") => Role::Html(Fullness::Content),
        (Ns::Atom, "content") => atom_content(element),
        (Ns::Atom, "summary") => atom_text(element, Fullness::Summary),
        (Ns::Atom, "subtitle" | "tagline" | "info" | "rights" | "copyright") => {
            atom_text(element, Fullness::Aside)
        }
        (Ns::Itunes, "summary" | "subtitle") | (Ns::DublinCore, "description") => {
            Role::Html(Fullness::Aside)
        }
        (Ns::Media, "description") if value(element, "type") == "html" => {
            Role::Html(Fullness::Aside)
        }
        (Ns::Core, "enclosure") => picture(element, "url"),
        (Ns::Media, "content") => picture(element, "url"),
        (Ns::Media, "thumbnail") => Role::AddressAttribute("url"),
        (Ns::Itunes | Ns::GooglePlay, "image") => Role::AddressAttribute("href"),
        (Ns::Core, "url") if is_in_image(parent) => Role::AddressText,
        (Ns::Core, "image") if !has_children(elements, index) => Role::AddressText,
        (Ns::Core | Ns::Atom, "logo" | "icon") => Role::AddressText,
        (Ns::Atom, "link") if value(element, "rel") == "enclosure" => picture(element, "href"),
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
        let is_picture = value(element, "type").starts_with("image/");
        return if is_picture {
            Role::AddressAttribute("src")
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
        _ => Role::None,
    }
}

/// Enclosures and `media:content`: a picture by what they say, or by the address when they say
/// nothing.
fn picture(element: &Element<'_>, attribute: &'static str) -> Role {
    let (kind, medium) = (value(element, "type"), value(element, "medium"));
    let is_picture = if kind.is_empty() && medium.is_empty() {
        ends_like_a_picture(&value(element, attribute))
    } else {
        medium == "image" || (medium.is_empty() && kind.starts_with("image/"))
    };
    if is_picture {
        Role::AddressAttribute(attribute)
    } else {
        Role::None
    }
}

/// Whether the path of an address ends as pictures' paths do.
pub(super) fn ends_like_a_picture(address: &str) -> bool {
    let path = address
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    PICTURE_ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// The same in lower case, for words whose case says nothing.
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
