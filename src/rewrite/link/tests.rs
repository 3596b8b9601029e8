//! Which link readers take.

use super::*;
use crate::feed::Format;
use crate::feed::splitter::{Piece, Splitter, SplitterOptions};

fn links(document: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut splitter = Splitter::new(SplitterOptions::default());
    let mut see = |frame: &crate::feed::splitter::Frame, piece: Piece<'_>| {
        if let Piece::Item(text) = piece {
            assert_ne!(frame.format, Format::Json);
            let elements = element::elements(text, frame);
            found.push(of_item(text, &elements).written);
        }
    };
    splitter.push(document, &mut see);
    splitter.finish(&mut see);
    found
}

#[track_caller]
fn check_rss(item: &str, expected: &str) {
    let document = format!(
        "<rss xmlns:atom='http://www.w3.org/2005/Atom'><channel><item>{item}</item></channel></rss>"
    );
    assert_eq!(links(&document), [expected], "{item}");
}

#[track_caller]
fn check_atom(entry: &str, expected: &str) {
    let document =
        format!("<feed xmlns='http://www.w3.org/2005/Atom'><entry>{entry}</entry></feed>");
    assert_eq!(links(&document), [expected], "{entry}");
}

#[test]
fn links_of_rss() {
    let own = "<link>https://x.org/1</link>";
    let amp = "<atom:link href='https://amp.example/1' rel='alternate'/>";
    check_rss(&format!("{amp}{own}"), "https://x.org/1");
    check_rss(&format!("{own}{amp}"), "https://x.org/1");
    check_rss(amp, "https://amp.example/1");
    check_rss("<link/><link> b </link>", "b");
    check_rss("<link href='c'/>", "c");
    check_rss("<link rel='self' href='c'/>", "");
    check_rss("<link href='c'>https://x.org/1</link>", "https://x.org/1");
    check_rss("<atom:link rel='self' href='s'/>", "");
    check_rss("", "");
}

#[test]
fn permanent_links() {
    let guid = "<guid>https://x.org/g</guid>";
    check_rss(guid, "https://x.org/g");
    check_rss(&format!("{guid}<link>l</link>"), "l");
    check_rss(
        "<guid isPermaLink='TRUE'>http://x.org/g</guid>",
        "http://x.org/g",
    );
    check_rss("<guid isPermaLink='true'>/2026/g</guid>", "/2026/g");
    check_rss("<guid isPermaLink='true'>2026/g.html</guid>", "2026/g.html");
    for none in [
        "<guid isPermaLink='false'>https://x.org/g</guid>",
        "<guid isPermaLink='true'>1234</guid>",
        "<guid isPermaLink='true'>tag:x.org,2026:/g</guid>",
        "<guid>1234</guid>",
        "<guid>/2026/g</guid>",
        "<guid>post 17 on https://x.org/</guid>",
        "<guid>urn:uuid:1225c695-cfb8-4ebb-aaaa-80da344efa6a</guid>",
    ] {
        check_rss(none, "");
    }
}

#[test]
fn links_of_atom() {
    let json = "<link rel='alternate' type='application/json' href='j'/>";
    let html = "<link rel='alternate' type='text/html' href='h'/>";
    check_atom(&format!("{json}{html}"), "h");
    check_atom(&format!("{html}{json}"), "h");
    check_atom(json, "j");
    check_atom("<link rel='enclosure' href='e'/><link href='h'/>", "h");
    check_atom("<link>https://x.org/1</link>", "https://x.org/1");
    check_atom("<link rel='Alternate' href='h'/>", "h");
    for registry in ["relation/", "link-relations/", "link-relations#"] {
        let rel = |name: &str| format!("rel='http://www.iana.org/assignments/{registry}{name}'");
        check_atom(&format!("<link {} href='h'/>", rel("alternate")), "h");
        check_atom(&format!("<link {} href='h'/>", rel("self")), "");
    }
    check_atom("<link rel='https://example.org/alternate' href='h'/>", "");
    check_atom(
        "<id>https://x.org/1</id><link rel='edit' href='e'/>",
        "https://x.org/1",
    );
    check_atom("<id>tag:x.org,2026:1</id><link rel='edit' href='e'/>", "");
}
