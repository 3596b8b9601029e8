//! What stands around the items and would take readers away from us: `rel=self`, hubs, `cloud`,
//! `itunes:new-feed-url`, stylesheets, RFC 5005 links.
//!
//! Some readers move their subscription to what these name; others ask a hub that has never heard
//! of our URL.

use url::Url;

use crate::feed::element::Element;
use crate::feed::json::{Member, ValueKind};
use crate::feed::namespace::Ns;
use crate::feed::text::Decoded;
use crate::feed::xml::Tag;
use crate::html::Edit;
use crate::rewrite::field::{self, lower};
use crate::rewrite::piece;
use crate::rewrite::splice::Splicer;

/// RFC 5005 relations: pages and archives that stand at the publisher.
pub(super) const PAGE_RELATIONS: [&str; 7] = [
    "next",
    "previous",
    "prev",
    "first",
    "last",
    "prev-archive",
    "next-archive",
];

/// What becomes of an element of the envelope.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The other rules go on with it.
    Kept,
    /// It is left out.
    Dropped,
    /// This stands instead.
    Replaced(String),
}

/// What becomes of a child of the feed or channel.
pub(super) fn element(xml: &str, elements: &[Element<'_>], self_url: &str) -> Fate {
    let Some(element) = elements.first() else {
        return Fate::Kept;
    };
    match (element.ns, &*lower(element.local)) {
        (Ns::Core, "cloud") | (Ns::Itunes, "new-feed-url") => Fate::Dropped,
        (Ns::Atom, "link") => link(xml, element, self_url),
        _ => Fate::Kept,
    }
}

fn link(xml: &str, element: &Element<'_>, self_url: &str) -> Fate {
    let relation = field::relation(element);
    match relation.as_str() {
        "hub" => Fate::Dropped,
        relation if PAGE_RELATIONS.contains(&relation) => Fate::Dropped,
        "self" | "current" => match element.tag.attribute("href") {
            Some(href) => {
                let mut out = String::with_capacity(xml.len());
                let mut splicer = Splicer::new(xml, &mut out);
                piece::replace_value(element, &href, self_url.to_owned(), &mut splicer);
                splicer.finish();
                Fate::Replaced(out)
            }
            None => Fate::Kept,
        },
        _ => Fate::Kept,
    }
}

/// What becomes of a processing instruction: a CSS stylesheet is named absolutely, another (XSLT,
/// which browsers load from the document's own origin only) is left out.
pub(super) fn instruction(xml: &str, base: &Url) -> Fate {
    let Some(data) = xml.strip_prefix("<?xml-stylesheet") else {
        return Fate::Kept;
    };
    // Its pseudo-attributes are written as those of a tag.
    let Some(pseudo_attributes) = data.strip_suffix("?>") else {
        return Fate::Kept;
    };
    let lead = "<x";
    let tag_text = format!("{lead}{pseudo_attributes}>");
    let Some(tag) = Tag::parse(&tag_text) else {
        return Fate::Dropped;
    };
    let is_css = tag
        .attribute("type")
        .is_none_or(|kind| kind.value.trim() == "text/css");
    // Without quotes it is none (Associating Style Sheets with XML documents §3).
    let href = tag.attribute("href");
    let href = href.filter(|href| is_css && href.quote.is_some());
    let url = href.as_ref().and_then(|href| {
        base.join(Decoded::attribute(href.value).as_str().trim())
            .ok()
    });
    match (href, url) {
        (Some(href), Some(url)) => {
            let decoded = Decoded::attribute(href.value);
            let edit = Edit {
                range: 0..decoded.as_str().len(),
                text: url.into(),
            };
            let mut out = String::from("<?xml-stylesheet");
            out.push_str(&tag_text[lead.len()..href.span.start]);
            decoded.splice(&[edit], &mut out);
            out.push_str(&tag_text[href.span.end..tag_text.len() - 1]);
            out.push_str("?>");
            Fate::Replaced(out)
        }
        _ => Fate::Dropped,
    }
}

/// What becomes of a top-level member of a JSON Feed. A member can't be left out without touching
/// the commas around it, so its key gets an underscore in front, which JSON Feed reserves for
/// extensions.
pub(super) fn member(json: &str, member: &Member<'_>, self_url: &str) -> Fate {
    match member.key.as_ref() {
        "hubs" | "next_url" => Fate::Replaced(json.replacen('"', "\"_", 1)),
        "feed_url" if member.value.kind == ValueKind::String => {
            let mut out = String::with_capacity(json.len());
            let mut splicer = Splicer::new(json, &mut out);
            let decoded = Decoded::json(&json[member.value.inner()]);
            let edit = Edit {
                range: 0..decoded.as_str().len(),
                text: self_url.to_owned(),
            };
            splicer.replace(member.value.inner(), |out| decoded.splice(&[edit], out));
            splicer.finish();
            Fate::Replaced(out)
        }
        _ => Fate::Kept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stylesheets_have_their_url_in_quotes() {
        let base = Url::parse("https://x.org/a/b").unwrap();
        let check = |data: &str, expected: Option<&str>| {
            let expected = match expected {
                Some(data) => Fate::Replaced(format!("<?xml-stylesheet {data}?>")),
                None => Fate::Dropped,
            };
            let found = instruction(&format!("<?xml-stylesheet {data}?>"), &base);
            assert_eq!(found, expected, "{data}");
        };
        check("href='c.css'", Some("href='https://x.org/a/c.css'"));
        check("type=\"text/xsl\" href=\"c.xsl\"", None);
        check("href=c.css", None);
        check("href<channel>ss\" media=\"screen\"", None);
    }
}
