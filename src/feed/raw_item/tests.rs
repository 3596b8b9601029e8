//! Items that are in other documents.

use super::*;
use crate::feed::splitter::{Piece, Splitter, SplitterOptions};

const ORIGIN: &str = "https://www.example.org/feeds/all.xml";

fn origin() -> Url {
    ORIGIN.parse().unwrap()
}

/// The items of a document, and the frame at the end of its items.
fn read(document: &str) -> (Vec<RawItem>, Frame) {
    let mut splitter = Splitter::new(SplitterOptions::default());
    let (mut items, mut end) = (Vec::new(), None);
    splitter.push(document, &mut |frame, piece| match piece {
        Piece::Item(text) => items.push(RawItem::new("1".into(), text, frame, &origin())),
        Piece::ItemsEnd { .. } => end = Some(frame.clone()),
        _ => {}
    });
    (items, end.unwrap())
}

/// The item of one document in another one.
fn check(from: &str, to: &str, expected: &str) {
    let (items, _) = read(from);
    let bytes = items[0].to_bytes();
    let item = RawItem::from_bytes("1".into(), &bytes).unwrap();
    assert_eq!(item, items[0], "{from}");
    assert!(item.is_well_formed(), "{from}");
    let (_, frame) = read(to);
    assert_eq!(item.fitted(&frame, &origin()), expected, "{from} in {to}");
}

#[test]
fn what_the_document_does_not_declare_is_declared_on_the_item() {
    let dc = "xmlns:dc=\"http://purl.org/dc/elements/1.1/\"";
    let item = "<item><dc:date>1</dc:date></item>";
    let rss =
        |declared: &str, item: &str| format!("<rss {declared}><channel>{item}</channel></rss>");
    check(&rss(dc, item), &rss(dc, ""), item);
    check(&rss(dc, item), &rss(&dc.replace('"', "'"), ""), item);
    let declared = format!("<item {dc}><dc:date>1</dc:date></item>");
    check(&rss(dc, item), &rss("", ""), &declared);
    check(&rss(dc, item), &rss("xmlns:dc='urn:other'", ""), &declared);
    // What it does not use is not its own.
    check(
        &rss(dc, "<item>abcdc:x</item>"),
        &rss("", ""),
        "<item>abcdc:x</item>",
    );
    // What it declares itself it has.
    check(&rss(dc, &declared), &rss("", ""), &declared);
    check(
        &rss("xmlns:a='u&amp;&quot;&lt;'", "<item a:b='1'/>"),
        &rss("", ""),
        "<item xmlns:a=\"u&amp;&quot;&lt;\" a:b='1'/>",
    );
    check(
        &rss(
            "xmlns:x='urn:x'",
            "<item><a xmlns:xsi='i' xsi:type=\"x:T\"/></item>",
        ),
        &rss("", ""),
        "<item xmlns:x=\"urn:x\"><a xmlns:xsi='i' xsi:type=\"x:T\"/></item>",
    );
}

#[test]
fn items_without_a_prefix_are_the_documents() {
    let atom = "http://www.w3.org/2005/Atom";
    let feed = |declared: &str, item: &str| format!("<feed {declared}>{item}</feed>");
    let entry = "<entry><id>1</id></entry>";
    check(
        &feed(&format!("xmlns='{atom}'"), entry),
        &feed("xmlns='http://purl.org/atom/ns#'", ""),
        entry,
    );
    check(
        &feed(&format!("xmlns='{atom}'"), entry),
        &format!("<a:feed xmlns:a='{atom}'></a:feed>"),
        &format!("<entry xmlns=\"{atom}\"><id>1</id></entry>"),
    );
    let prefixed = "<a:entry><a:id>1</a:id></a:entry>";
    check(
        &format!("<a:feed xmlns:a='{atom}'>{prefixed}</a:feed>"),
        &feed(&format!("xmlns='{atom}'"), ""),
        &format!("<a:entry xmlns:a=\"{atom}\"><a:id>1</a:id></a:entry>"),
    );
    check(
        "<rss xmlns='urn:odd'><channel><item>1</item></channel></rss>",
        "<rss><channel></channel></rss>",
        "<item>1</item>",
    );
}

#[test]
fn bases_are_kept() {
    let feed = |base: &str, item: &str| format!("<feed {base}>{item}</feed>");
    let entry = "<entry><link href='a'/></entry>";
    check(
        &feed("xml:base='x/'", entry),
        &feed("xml:base='x/'", ""),
        entry,
    );
    check(
        &feed("xml:base='x/'", entry),
        &feed("", ""),
        "<entry xml:base=\"https://www.example.org/feeds/x/\"><link href='a'/></entry>",
    );
    check(
        &feed("xml:base='x/'", "<entry a='1' xml:base='y/' b='2'/>"),
        &feed("xml:base='z/'", ""),
        "<entry a='1' xml:base=\"https://www.example.org/feeds/x/y/\" b='2'/>",
    );
}

#[test]
fn what_is_not_well_formed_is_known() {
    let is_well_formed = |text: &str, format| {
        let item = RawItem {
            id: "1".into(),
            format,
            text: text.to_owned(),
            declarations: Vec::new(),
            base: None,
        };
        item.is_well_formed()
    };
    for (text, expected) in [
        ("<item><title>a &amp; b</title></item>", true),
        ("<item/>", true),
        ("<item><![CDATA[ & <b> ]]></item>", true),
        ("<item><title>a & b</title></item>", false),
        ("<item><title>a</item>", false),
        ("<item><title>&nbsp;</title></item>", false),
        ("<item a=1/>", false),
        ("<item><x:y>1</x:y></item>", false),
        ("<item>", false),
        ("<item></item></channel>", false),
        ("<item>\u{1}</item>", false),
    ] {
        assert_eq!(is_well_formed(text, Format::Rss), expected, "{text}");
        let document = format!("<rss>{text}</rss>");
        assert_eq!(
            roxmltree::Document::parse(&document).is_ok(),
            expected,
            "{text}"
        );
    }
    assert!(is_well_formed("{\"id\":\"1\"}", Format::Json));
    assert!(!is_well_formed("{\"id\":\"1\",}", Format::Json));
    assert!(RawItem::from_bytes("1".into(), b"{}").is_none());
    assert!(RawItem::from_bytes("1".into(), b"{\"format\":\"x\"}\n<item/>").is_none());
}
