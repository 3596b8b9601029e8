//! An archived item as an item of a feed, for what is kept of feeds. PURE.
//!
//! Invariant: what is read of it is the archived item, but for letters that XML has no place for.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::feed::Format;
use crate::feed::characters;
use crate::feed::raw_item::RawItem;
use crate::rewrite::entry::Entry;

const ATOM: (&str, &str) = ("atom", "http://www.w3.org/2005/Atom");
const CONTENT: (&str, &str) = ("content", "http://purl.org/rss/1.0/modules/content/");
const DUBLIN_CORE: (&str, &str) = ("dc", "http://purl.org/dc/elements/1.1/");
const RDF: (&str, &str) = ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#");

/// The item for a feed of this format; `id` tells it from the feed's other items.
#[must_use]
pub fn item(entry: &Entry, id: String, format: Format) -> RawItem {
    let mut declarations: Vec<(&str, &str)> = Vec::new();
    let text = match format {
        Format::Json => of_json(entry),
        Format::Atom => of_atom(entry),
        Format::Rss | Format::Rdf => {
            declarations.extend([CONTENT, DUBLIN_CORE, ATOM]);
            if format == Format::Rdf {
                declarations.push(RDF);
            }
            of_rss(entry, format)
        }
    };
    let used = |(prefix, _): &(&str, &str)| text.contains(&format!("{prefix}:"));
    let owned = |(prefix, name): (&str, &str)| (prefix.to_owned(), name.to_owned());
    RawItem {
        id,
        format,
        declarations: declarations.into_iter().filter(used).map(owned).collect(),
        base: None,
        text,
    }
}

fn of_rss(entry: &Entry, format: Format) -> String {
    let mut item = Xml::default();
    let is_rdf = format == Format::Rdf;
    match is_rdf && !entry.id.is_empty() {
        true => item.0 = format!("<item rdf:about=\"{}\">", escaped(&entry.id)),
        false => item.0.push_str("<item>"),
    }
    // Readers take it for HTML: what looks like a reference must not be one.
    let title = match htmlize::unescape(&entry.title) == entry.title {
        true => Cow::Borrowed(&*entry.title),
        false => Cow::Owned(entry.title.replace('&', "&amp;")),
    };
    item.element("title", &title);
    item.element("link", &entry.link);
    if !is_rdf && !entry.id.is_empty() {
        let id = escaped(&entry.id);
        item.0
            .push_str(&format!("<guid isPermaLink=\"false\">{id}</guid>"));
    }
    if let Some(date_ms) = entry.date_ms {
        match rfc2822_text(date_ms).filter(|_| !is_rdf) {
            Some(date) => item.element("pubDate", &date),
            None => item.element("dc:date", &rfc3339_text(date_ms)),
        }
    }
    if let Some(updated_ms) = entry.updated_ms {
        item.element("atom:updated", &rfc3339_text(updated_ms));
    }
    item.element("dc:creator", &entry.author);
    let category = if is_rdf { "dc:subject" } else { "category" };
    for name in &entry.categories {
        item.element(category, name);
    }
    if !entry.html.is_empty() {
        // SECURITY: what would end the section is written in two.
        let html = in_xml(&entry.html).replace("]]>", "]]]]><![CDATA[>");
        let content = format!("<content:encoded><![CDATA[{html}]]></content:encoded>");
        item.0.push_str(&content);
    }
    item.0 + "</item>"
}

fn of_atom(entry: &Entry) -> String {
    let mut item = Xml("<entry>".to_owned());
    item.element("id", &entry.id);
    // An entry has a title, and says when it was changed (RFC 4287 §4.1.2).
    item.0
        .push_str(&format!("<title>{}</title>", escaped(&entry.title)));
    if !entry.link.is_empty() {
        let link = escaped(&entry.link);
        item.0.push_str(&format!("<link href=\"{link}\"/>"));
    }
    if let Some(date_ms) = entry.date_ms {
        item.element("published", &rfc3339_text(date_ms));
    }
    if let Some(updated_ms) = entry.updated_ms.or(entry.date_ms) {
        item.element("updated", &rfc3339_text(updated_ms));
    }
    if !entry.author.is_empty() {
        let name = escaped(&entry.author);
        item.0
            .push_str(&format!("<author><name>{name}</name></author>"));
    }
    for name in &entry.categories {
        let term = escaped(name);
        item.0.push_str(&format!("<category term=\"{term}\"/>"));
    }
    if !entry.html.is_empty() {
        let html = escaped(&entry.html);
        item.0
            .push_str(&format!("<content type=\"html\">{html}</content>"));
    }
    item.0 + "</entry>"
}

fn of_json(entry: &Entry) -> String {
    let mut item = Map::new();
    let mut text = |key: &str, text: &str| {
        if !text.is_empty() {
            item.insert(key.to_owned(), Value::from(text));
        }
    };
    text("id", &entry.id);
    text("url", &entry.link);
    text("title", &entry.title);
    text("content_html", &entry.html);
    let moments = [
        ("date_published", entry.date_ms),
        ("date_modified", entry.updated_ms),
    ];
    for (key, moment) in moments {
        text(key, &moment.map(rfc3339_text).unwrap_or_default());
    }
    if !entry.author.is_empty() {
        item.insert("authors".to_owned(), json!([{ "name": entry.author }]));
    }
    if !entry.categories.is_empty() {
        item.insert("tags".to_owned(), json!(entry.categories));
    }
    Value::Object(item).to_string()
}

#[derive(Default)]
struct Xml(String);

impl Xml {
    /// Adds an element that holds text, unless there is none.
    fn element(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            let text = escaped(text);
            self.0.push_str(&format!("<{name}>{text}</{name}>"));
        }
    }
}

/// A moment as RFC 822 has it, which knows seconds only; `None` where that says too little.
fn rfc2822_text(ms: i64) -> Option<String> {
    let moment = Timestamp::from_millisecond(ms).ok()?;
    let is_whole = ms.rem_euclid(1_000) == 0;
    let zoned = moment.to_zoned(TimeZone::UTC);
    let is_usual = (1970..=9999).contains(&zoned.year());
    (is_whole && is_usual)
        .then(|| rfc2822::to_string(&zoned).ok())
        .flatten()
}

fn rfc3339_text(ms: i64) -> String {
    let moment = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{moment:.3}")
}

/// A text without what XML 1.0 §2.2 has no place for.
fn in_xml(text: &str) -> String {
    let is_in = |letter: &char| characters::is_allowed(*letter);
    text.chars().filter(is_in).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    characters::escape(text, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use crate::rewrite::entry;

    const FORMATS: [Format; 4] = [Format::Rss, Format::Rdf, Format::Atom, Format::Json];

    /// The item in a document of its own.
    fn document(item: &RawItem) -> String {
        let declared: String = item
            .declarations
            .iter()
            .map(|(prefix, name)| format!(" xmlns:{prefix}=\"{name}\""))
            .collect();
        let text = &item.text;
        match item.format {
            Format::Rss => format!("<rss{declared}><channel>{text}</channel></rss>"),
            Format::Rdf => {
                let (prefix, name) = RDF;
                let declared = declared.replace(&format!(" xmlns:{prefix}=\"{name}\""), "");
                format!(
                    "<rdf:RDF xmlns:{prefix}=\"{name}\" xmlns=\"http://purl.org/rss/1.0/\"{declared}>{text}</rdf:RDF>"
                )
            }
            Format::Atom => format!("<feed xmlns=\"{}\">{text}</feed>", ATOM.1),
            Format::Json => {
                format!("{{\"version\":\"https://jsonfeed.org/version/1.1\",\"items\":[{text}]}}")
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_read_of_it_is_the_archived_item(
            texts in prop::collection::vec("(&[a-z]{2,3};|&#[0-9]{2};)?[a-z<>&\"'中\\]]([ -~中\u{a1}\u{2028}]{0,10}[a-z<>&\\]])?", 5),
            dates in prop::collection::vec(0..4_102_444_800_000_i64, 2),
            has_updated in any::<bool>(),
        ) {
            let before = Entry {
                apart: String::new(),
                id: texts[0].clone(),
                link: "https://news.example.org/a?b=1&c=2".to_owned(),
                title: texts[1].clone(),
                date_ms: Some(dates[0]),
                updated_ms: has_updated.then_some(dates[1]),
                author: texts[2].clone(),
                categories: vec![texts[3].clone()],
                html: texts[4].clone(),
            };
            for format in FORMATS {
                let raw = item(&before, before.id.clone(), format);
                prop_assert!(raw.is_well_formed(), "{}", raw.text);
                let url = Url::parse("https://news.example.org/feed").unwrap();
                let read = entry::entries(&document(&raw), url);
                let mut expected = before.clone();
                if format == Format::Atom {
                    expected.updated_ms = expected.updated_ms.or(expected.date_ms);
                }
                prop_assert_eq!(&read[..], std::slice::from_ref(&expected), "{}", raw.text);
            }
        }
    }

    #[test]
    fn what_is_missing_is_left_out() {
        for (format, expected) in [
            (Format::Rss, "<item></item>"),
            (Format::Rdf, "<item></item>"),
            (Format::Atom, "<entry><title></title></entry>"),
            (Format::Json, "{}"),
        ] {
            let raw = item(&Entry::default(), String::new(), format);
            assert_eq!(raw.text, expected);
            assert!(raw.declarations.is_empty());
        }
    }
}
