//! Documents in pieces.

mod ends;

use super::*;
use proptest::prelude::*;

/// What a document was split into; pieces between are put together.
fn split(text: &str, size: usize, options: SplitterOptions) -> (Vec<String>, Ending) {
    let mut splitter = Splitter::new(options);
    let mut pieces: Vec<String> = Vec::new();
    let mut rest = text;
    let mut sink = |_: &Frame, piece: Piece<'_>| match piece {
        Piece::Between(raw) => match pieces.last_mut() {
            Some(last) if last.starts_with('-') => last.push_str(raw),
            _ => pieces.push(format!("-{raw}")),
        },
        Piece::Instruction(raw) => pieces.push(format!("?{raw}")),
        Piece::Element(raw) => pieces.push(format!("E{raw}")),
        Piece::Item(raw) => pieces.push(format!("I{raw}")),
        // The golden files of kept items show where these are.
        Piece::ItemsEnd { .. } | Piece::ChannelEnd => {}
    };
    while !rest.is_empty() {
        let (chunk, later) = rest.split_at(rest.ceil_char_boundary(size.min(rest.len())));
        splitter.push(chunk, &mut sink);
        rest = later;
    }
    let ending = splitter.finish(&mut sink);
    let joined: String = pieces.iter().map(|piece| &piece[1..]).collect();
    assert_eq!(joined, text, "in chunks of {size}");
    (pieces, ending)
}

/// `expected` leaves out what is between.
fn check(text: &str, expected: &[&str], completeness: Completeness) {
    for size in [1, 2, 3, 7, 64, text.len().max(1)] {
        let (pieces, ending) = split(text, size, SplitterOptions::default());
        let seen: Vec<_> = pieces
            .iter()
            .filter(|piece| !piece.starts_with('-'))
            .collect();
        assert_eq!(seen, expected, "{text} in chunks of {size}");
        assert_eq!(ending.completeness, completeness, "{text}");
        let items = expected
            .iter()
            .filter(|piece| piece.starts_with('I'))
            .count();
        assert_eq!(ending.items, items, "{text}");
        assert_eq!(ending.skips, [], "{text}");
    }
}

const COMPLETE: Completeness = Completeness::Complete;
const TRUNCATED: Completeness = Completeness::Truncated;

#[test]
fn feeds_of_all_formats_are_split() {
    check(
        "<?xml version='1.0'?><?xml-stylesheet href='a'?><!-- <rss> --><rss xmlns:a='b'>\n<channel><title>t</title>\
         <atom:link href='x'/><item><title>1</title></item>\n<item/></channel></rss>\n<!-- end -->",
        &[
            "?<?xml-stylesheet href='a'?>",
            "E<title>t</title>",
            "E<atom:link href='x'/>",
            "I<item><title>1</title></item>",
            "I<item/>",
        ],
        COMPLETE,
    );
    check(
        "<rdf:RDF xmlns='http://purl.org/rss/1.0/'><channel><items><rdf:Seq/></items></channel><image><url/></image>\
         <item r='1'><x/></item></rdf:RDF>",
        &[
            "E<items><rdf:Seq/></items>",
            "E<image><url/></image>",
            "I<item r='1'><x/></item>",
        ],
        COMPLETE,
    );
    check(
        "<a:feed xmlns:a='http://www.w3.org/2005/Atom'><a:id/><a:entry><a:id>1</a:id></a:entry></a:feed>",
        &["E<a:id/>", "I<a:entry><a:id>1</a:id></a:entry>"],
        COMPLETE,
    );
    check(
        "<CHANNEL><ITEM HREF='x'></ITEM></CHANNEL>",
        &["I<ITEM HREF='x'></ITEM>"],
        COMPLETE,
    );
    check("<rss><item>1</item></rss>", &["I<item>1</item>"], COMPLETE);
    check(
        "<feed xmlns='http://www.w3.org/2005/Atom'><item>1</item><entry/></feed>",
        &["I<item>1</item>", "I<entry/>"],
        COMPLETE,
    );
    check(
        "<rss><channel><entry>1</entry></channel></rss>",
        &["I<entry>1</entry>"],
        COMPLETE,
    );
    check(
        "<rss><channel><x:entry xmlns:x='urn:x'/></channel></rss>",
        &["E<x:entry xmlns:x='urn:x'/>"],
        COMPLETE,
    );
    check("<feed/>", &[], COMPLETE);
    check(
        "\u{feff} {\"version\": \"https://jsonfeed.org/version/1\", \"items\" : [ {\"id\":\"a}\\\"\"},{\"b\":[{}]}, 1 ],\"x\": 1e400 } ",
        &[
            "E\"version\": \"https://jsonfeed.org/version/1\"",
            "I{\"id\":\"a}\\\"\"}",
            "I{\"b\":[{}]}",
            "E\"x\": 1e400",
        ],
        COMPLETE,
    );
}

#[test]
fn what_is_in_an_item_stays_in_it() {
    for inner in [
        "<![CDATA[</item><item>]]>",
        "<!-- </item> -->",
        "<?x </item>?>",
        "<title><![CDATA[ ]]></title>",
        "<p>no end",
        "<description><p>a<br><img src='</item>'></description>",
        "<description>1 < 2 & 3</description>",
        "</stray>",
        "<x:item xmlns:x='urn:x'></x:item>",
        "<g><item>nested</item></g>",
        "<category><category>a</category></category>",
        "<br><br/>",
    ] {
        let item = format!("I<item>{inner}</item>");
        let text = format!("<rss><channel>{}<item>2</item></channel></rss>", &item[1..]);
        check(&text, &[&item, "I<item>2</item>"], COMPLETE);
    }
    check(
        "<feed><entry><content type='application/xml'><feed><entry/><entry>x</entry></feed></content></entry><entry/></feed>",
        &[
            "I<entry><content type='application/xml'><feed><entry/><entry>x</entry></feed></content></entry>",
            "I<entry/>",
        ],
        COMPLETE,
    );
}

#[test]
fn what_was_not_closed_swallows_nothing() {
    check(
        "<rss><channel><item>1<item>2</item></channel></rss>",
        &["I<item>1", "I<item>2</item>"],
        COMPLETE,
    );
    check(
        "<rss><channel><item><description>1<item>2</item></channel></rss>",
        &["I<item><description>1", "I<item>2</item>"],
        COMPLETE,
    );
    check(
        "<rss><channel><title>t<item>1</item></channel></rss>",
        &["E<title>t", "I<item>1</item>"],
        COMPLETE,
    );
    check(
        "<rss><channel><item>1</channel></rss>",
        &["I<item>1"],
        COMPLETE,
    );
    check(
        "<rss><channel></stray><item>1</item></rss>x",
        &["I<item>1</item>"],
        COMPLETE,
    );
    check(
        "<rss><channel><item>1</item\n<item>2</item></rss>",
        &["I<item>1</item\n", "I<item>2</item>"],
        COMPLETE,
    );
    check(
        "<rss><channel><item>1</item><item>2",
        &["I<item>1</item>"],
        TRUNCATED,
    );
    check(
        "<rss><channel><item>1</item></channel>",
        &["I<item>1</item>"],
        TRUNCATED,
    );
    check(
        "<rss><item>1</item><!-- </rss>",
        &["I<item>1</item>"],
        TRUNCATED,
    );
    check("{\"items\":[{\"a\":1},{\"a\":", &["I{\"a\":1}"], TRUNCATED);
    check("{\"items\":[{\"a\":1}]", &["I{\"a\":1}"], TRUNCATED);
}

#[test]
fn what_is_no_feed_is_said_so() {
    let not = Completeness::NotAFeed;
    for text in ["", " \n", "\u{feff}"] {
        check(text, &[], not(NotAFeed::Empty));
    }
    for text in [
        "<html><item/></html>",
        "<!doctype HTML><title/><rss/>",
        " <!-- --><HTML>",
        "<!DOCTYPE html\n PUBLIC ''><p>",
    ] {
        check(text, &[], not(NotAFeed::Html));
    }
    for text in ["plain", "<opml/>", "[{}]", "<", "{\"", "{é", "<!-- <rss> "] {
        check(text, &[], not(NotAFeed::Other));
    }
    check(
        "{\"a\":{\"items\":[]}}",
        &["E\"a\":{\"items\":[]}"],
        not(NotAFeed::Other),
    );
    check("<!DOCTYPE html PUBLIC 'x'><rss/>", &[], COMPLETE);
    let mut splitter = Splitter::new(SplitterOptions::default());
    splitter.push("<!doctype html><title>", &mut |_, _| {});
    assert!(splitter.rejected().is_some() && splitter.frame().is_none());
}

#[test]
fn the_frame_knows_bindings_and_bases() {
    let mut splitter = Splitter::new(SplitterOptions::default());
    let mut seen = Vec::new();
    let text = "<rdf:RDF xml:base='http://a/?b&amp;c'><channel xml:base='d' xmlns:m='http://search.yahoo.com/mrss/'>\
                <title/></channel><item/></rdf:RDF>";
    splitter.push(text, &mut |frame, piece| {
        if matches!(piece, Piece::Element(_) | Piece::Item(_)) {
            seen.push((frame.bases.join(" "), frame.namespaces.resolve("m")));
        }
    });
    let expected = [
        (
            "http://a/?b&c d".to_owned(),
            super::super::namespace::Ns::Media,
        ),
        (
            "http://a/?b&c".to_owned(),
            super::super::namespace::Ns::Other,
        ),
    ];
    assert_eq!(seen, expected);
    assert_eq!(splitter.frame().unwrap().format, Format::Rdf);
}

/// What is skipped, for all chunkings, when the second item is `item`.
fn check_skip(document: (&str, &str), item: &str, skip: Skip) {
    let options = SplitterOptions {
        item_bytes_max: 200,
        prolog_bytes_max: 1000,
        depth_max: 20,
        is_repaired: false,
    };
    let text = format!("{}{item}{}", document.0, document.1);
    for size in [1, 10, 100, 1000, text.len()] {
        let (pieces, ending) = split(&text, size, options);
        assert_eq!(ending.skips, [(skip, 1)], "{text} in chunks of {size}");
        assert_eq!((ending.items, ending.completeness), (2, COMPLETE), "{text}");
        assert!(
            !pieces
                .iter()
                .any(|piece| piece.contains(item) && !piece.starts_with('-'))
        );
    }
}

#[test]
fn what_goes_on_behind_an_item_in_it_passes() {
    let repaired = SplitterOptions {
        is_repaired: true,
        ..SplitterOptions::default()
    };
    for (text, expected, skips) in [
        (
            "<rss><channel><a><b><item>1</item></b></a></channel></rss>",
            &[
                "-<rss><channel><a><b>",
                "I<item>1</item>",
                "-</b></a></channel></rss>",
            ][..],
            1,
        ),
        (
            "<rss><item><description><item>1</item></description></item></rss>",
            &[
                "-<rss><item><description>",
                "I<item>1</item>",
                "-</description></item></rss>",
            ],
            1,
        ),
        (
            "<rss><item><title>t</title><item>1</item></item></rss>",
            &[
                "-<rss>",
                "I<item><title>t</title>",
                "I<item>1</item>",
                "-</item></rss>",
            ],
            1,
        ),
    ] {
        let (pieces, ending) = split(text, text.len(), repaired);
        assert_eq!(pieces, expected, "{text}");
        let skipped = ending.skips.iter().map(|(_, count)| count).sum::<usize>();
        assert_eq!(skipped, skips, "{text}");
    }
}

#[test]
fn what_is_too_large_or_too_deep_passes_through() {
    let rss = (
        "<rss><channel><item>1</item>",
        "<item>2</item></channel></rss>",
    );
    let json = ("{\"items\":[{\"a\":1},", ",{\"a\":2}]}");
    let long = "x".repeat(3000);
    for item in [
        format!("<item>{long}</item>"),
        format!("<item><![CDATA[{long}]]></item>"),
        format!("<item><!-- {long} --></item>"),
        format!("<item>{}</item>", "<x>a</x>".repeat(300)),
    ] {
        check_skip(rss, &item, Skip::ItemTooLarge);
    }
    check_skip(
        rss,
        &format!("<image>{long}</image>"),
        Skip::ElementTooLarge,
    );
    let deep = format!("<item>{}{}</item>", "<x>".repeat(25), "</x>".repeat(25));
    check_skip(rss, &deep, Skip::TooDeep);
    check_skip(json, &format!("{{\"a\":\"{long}\"}}"), Skip::ItemTooLarge);
    check_skip(
        json,
        &format!("{{\"a\":{}{}}}", "[".repeat(25), "]".repeat(25)),
        Skip::TooDeep,
    );
}

#[test]
fn a_prolog_without_end_is_rejected() {
    for start in ["", "<!-- ", "text ", "<!DOCTYPE x [", "{\"a\":\""] {
        let mut splitter = Splitter::new(SplitterOptions::default());
        let mut out = String::new();
        splitter.push(start, &mut |_, piece| push(&mut out, piece));
        for _ in 0..200 {
            splitter.push(&" ".repeat(1000), &mut |_, piece| push(&mut out, piece));
        }
        assert!(splitter.rejected().is_some(), "{start}");
        assert_eq!(out.len(), start.len() + 200_000);
    }
}

fn push(out: &mut String, piece: Piece<'_>) {
    if let Piece::Between(raw) | Piece::Element(raw) = piece {
        out.push_str(raw);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_soup_comes_out_whole_and_alike(
        head in prop_oneof![Just("<rss><channel>"), Just("<feed>"), Just("<rdf:RDF>"), Just("{\"items\":["), Just("{"), Just("")],
        parts in proptest::collection::vec(
            prop_oneof![
                Just("<item>"), Just("</item>"), Just("<entry>"), Just("</entry>"), Just("<item/>"), Just("<p>"),
                Just("</p>"), Just("<description>"), Just("</description>"), Just("<content type='a/xml'>"),
                Just("</content>"), Just("<channel>"), Just("</channel>"), Just("</rss>"), Just("</feed>"),
                Just("<![CDATA["), Just("]]>"), Just("<!--"), Just("-->"), Just("<?x"), Just("?>"), Just("<"),
                Just(">"), Just("<a b='"), Just("'"), Just("\""), Just("é"), Just("{"), Just("}"), Just("["),
                Just("]"), Just(","), Just(":"), Just("\\"), Just("\"items\":["), Just("\"version\":"), Just(" "),
            ],
            0..60,
        ),
        size in 1usize..12,
        is_repaired: bool,
    ) {
        let text = format!("{head}{}", parts.concat());
        let options = SplitterOptions { item_bytes_max: 60, prolog_bytes_max: 200, depth_max: 4, is_repaired };
        let (whole, one) = split(&text, text.len().max(1), options);
        let (parted, other) = split(&text, size, options);
        prop_assert_eq!(parted, whole);
        prop_assert_eq!((other.completeness, other.items), (one.completeness, one.items));
    }
}
