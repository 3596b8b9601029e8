//! Reads the items of a document as they stand, without rewriting anything: what is kept of a feed
//! is what its publisher wrote.

use xxhash_rust::xxh3::xxh3_128;

use crate::feed::encoding::Decoder;
use crate::feed::raw_item::RawItem;
use crate::feed::splitter::{self, Frame, Piece, Splitter};
use crate::feed::{Format, element, json};
use crate::rewrite::entry::Entry;
use crate::rewrite::facts;
use crate::rewrite::gate::Gate;
use crate::rewrite::identity::{self, Parts};
use crate::rewrite::inlet::Inlet;
use crate::rewrite::link;
use crate::rewrite::stream::Origin;
use crate::rewrite::texts;

/// Items that are read of one document.
pub const ITEMS_MAX: usize = 10_000;
/// Bytes of a document without its items.
const SHELL_BYTES_MAX: usize = 1 << 20;
/// Bytes of a `guid`, `id` or link that tells an item from others; a longer one is hashed.
const ID_BYTES_MAX: usize = 2 << 10;

/// The items of a document, in its order, each once.
#[derive(Debug, Default)]
pub struct Reading {
    /// The items; those that share a guid have ids of their own.
    pub items: Vec<RawItem>,
    /// The document without its items, in UTF-8; `None` where it is too large to be held.
    pub shell: Option<String>,
    /// Whether there were more than [`ITEMS_MAX`]; only the first are here then.
    pub is_overfull: bool,
}

/// Reads the items of a document that came from `origin`; with `repairs`, as it is once it was made
/// well-formed.
#[must_use]
pub fn read<'a>(
    document: impl IntoIterator<Item = &'a [u8]>,
    origin: &Origin,
    repairs: bool,
) -> Reading {
    let mut decoder = Decoder::new(origin.charset.as_deref());
    let mut inlet = Inlet::new(repairs, None);
    let mut splitter = Splitter::new(splitter::SplitterOptions {
        is_repaired: repairs,
        ..splitter::SplitterOptions::default()
    });
    let mut reading = Reading::default();
    let mut shell = Shell::default();
    let mut take = |frame: &Frame, piece: Piece<'_>| {
        shell.take(frame, piece);
        let Piece::Item(text) = piece else { return };
        if reading.items.len() == ITEMS_MAX {
            reading.is_overfull = true;
            return;
        }
        let item = RawItem::new(id_of(text, frame), text, frame, &origin.url);
        reading.items.push(item);
    };
    for bytes in document {
        inlet.push(&mut decoder, bytes, &mut |text| {
            splitter.push(text, &mut take)
        });
    }
    inlet.finish(&mut decoder, &mut |text| splitter.push(text, &mut take));
    if repairs && let Some(ends) = splitter.missing_ends() {
        splitter.push(&ends, &mut take);
    }
    splitter.finish(&mut take);
    reading.shell = shell.finish();
    name(&mut reading.items);
    reading
}

/// Gives items that share a guid names of their own, and takes out those that are there already.
fn name(items: &mut Vec<RawItem>) {
    let guids: Vec<_> = items.iter().map(|item| item.id.as_str()).collect();
    let names = identity::tell_apart(&guids, |index| parts_of(&items[index]));
    let mut names = names.into_iter();
    items.retain_mut(|item| {
        let name = names.next().flatten();
        if let Some(name) = &name {
            item.id.clone_from(name);
        }
        name.is_some()
    });
}

/// What tells an item from others that share its guid.
#[must_use]
pub fn parts_of(item: &RawItem) -> Parts {
    let text = &item.text;
    let facts = match item.format {
        Format::Json => facts::of_json_item(text, &json::members(text, 0..text.len()), None),
        _ => facts::of_item(text, &element::elements(text, &item.frame()), None),
    };
    Parts::new([&facts.link, &facts.title, &facts.published], text)
}

/// A document without its items, as it comes.
#[derive(Debug, Default)]
struct Shell {
    gate: Gate,
    text: String,
    is_too_large: bool,
}

impl Shell {
    fn take(&mut self, frame: &Frame, piece: Piece<'_>) {
        if self.is_too_large {
            return;
        }
        match piece {
            Piece::Between(text) => self.gate.between(text, frame.format, &mut self.text),
            Piece::Element(text) | Piece::Instruction(text) => {
                self.gate.flush(&mut self.text);
                self.text.push_str(text);
            }
            Piece::Item(_) => self.gate.hold(),
            Piece::ItemsEnd { .. } | Piece::ChannelEnd => {}
        }
        if self.text.len() > SHELL_BYTES_MAX {
            (self.is_too_large, self.text) = (true, String::new());
        }
    }

    fn finish(mut self) -> Option<String> {
        self.gate.flush(&mut self.text);
        (!self.is_too_large).then_some(self.text)
    }
}

/// The same for an item that was archived, when it is an item of a feed again.
#[must_use]
pub fn id_of_entry(entry: &Entry) -> String {
    tell_apart([&entry.id, &entry.link], &entry.identity())
}

/// What tells an item from the feed's others: its `guid`, `id` or `rdf:about`, else its link, else
/// a hash of all of it.
fn id_of(text: &str, frame: &Frame) -> String {
    let (guid, link) = match frame.format {
        Format::Json => {
            let members = json::members(text, 0..text.len());
            let link = link::of_json_item(text, &members);
            (texts::last_string(text, &members, "id"), link)
        }
        _ => {
            let elements = element::elements(text, frame);
            (facts::guid(text, &elements), link::of_item(text, &elements))
        }
    };
    tell_apart([&guid, &link.written], text)
}

fn tell_apart(ids: [&str; 2], whole: &str) -> String {
    let hash = |text: &str| format!("hash:{:032x}", xxh3_128(text.as_bytes()));
    match ids.into_iter().find(|id| !id.is_empty()) {
        Some(id) if id.len() <= ID_BYTES_MAX => id.to_owned(),
        Some(id) => hash(id),
        None => hash(whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &str, expected: &[&str]) {
        let origin = Origin {
            url: "https://example.org/feed".parse().unwrap(),
            charset: None,
        };
        for size in [1, 1000] {
            let reading = read(document.as_bytes().chunks(size), &origin, true);
            let ids: Vec<_> = reading.items.iter().map(|item| item.id.as_str()).collect();
            assert_eq!(ids, expected, "{document}");
            assert!(!reading.is_overfull);
        }
    }

    fn linked(guid: &str, link: &str) -> String {
        Parts::new([link, "", ""], "").names(guid)[0].clone()
    }

    fn named(guid: &str, link: &str, title: &str) -> String {
        Parts::new([link, title, ""], "").names(guid)[1].clone()
    }

    #[test]
    fn items_are_told_apart() {
        check(
            "<rss><channel><item><guid> a&amp;b </guid><link>c</link></item><item><link>c</link></item>\
             <item><guid/><link>d</link></item><item><link>c</link><title>again</title></item></channel></rss>",
            &["a&b", &named("c", "c", ""), "d", &named("c", "c", "again")],
        );
        check(
            "<rss><channel><item><guid>g</guid><link>1</link></item><item><guid>g</guid><link>2</link></item>\
             <item><guid>g</guid><link>2</link></item></channel></rss>",
            &[&linked("g", "1"), &linked("g", "2")],
        );
        check(
            "<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id></entry><entry><link rel='self' href='s'/>\
             <link href='h'/></entry></feed>",
            &["1", "h"],
        );
        check(
            "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>\
             <channel/><item rdf:about='about'><link>l</link></item></rdf:RDF>",
            &["about"],
        );
        check(
            "{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[{\"id\":\"1\"},{\"id\":2},{\"url\":\"u\"}]}",
            &["1", "2", "u"],
        );
        let hash = format!("hash:{:032x}", xxh3_128(b"<item><title>t</title></item>"));
        check(
            "<rss><channel><item><title>t</title></item></channel></rss>",
            &[&hash],
        );
        let long = "x".repeat(ID_BYTES_MAX + 1);
        let hash = format!("hash:{:032x}", xxh3_128(long.as_bytes()));
        check(
            &format!("<rss><channel><item><guid>{long}</guid></item></channel></rss>"),
            &[&hash],
        );
    }

    #[test]
    fn what_is_left_without_items() {
        for (document, expected) in [
            (
                "<?xml version='1.0'?>\n<rss><channel>\n<title>t</title>\n<item/>\n<item/>\n</channel></rss>\n",
                "<?xml version='1.0'?>\n<rss><channel>\n<title>t</title>\n</channel></rss>\n",
            ),
            (
                "{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[ {}, {\"id\":1} ],\"a\":1}",
                "{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[ ],\"a\":1}",
            ),
        ] {
            let origin = Origin {
                url: "https://example.org/feed".parse().unwrap(),
                charset: None,
            };
            for size in [1, 1000] {
                let reading = read(document.as_bytes().chunks(size), &origin, true);
                assert_eq!(reading.shell.as_deref(), Some(expected));
            }
        }
    }

    #[test]
    fn so_many_and_no_more() {
        let items: String = (0..=ITEMS_MAX)
            .map(|n| format!("<item><guid>{n}</guid></item>"))
            .collect();
        let document = format!("<rss><channel>{items}</channel></rss>");
        let origin = Origin {
            url: "https://example.org/feed".parse().unwrap(),
            charset: None,
        };
        let reading = read([document.as_bytes()], &origin, false);
        assert!(reading.is_overfull);
        assert_eq!(reading.items.len(), ITEMS_MAX);
    }
}
