//! Where more items, and more of the channel, can stand.

use super::*;

#[test]
fn ends_are_said_where_more_can_stand() {
    for expected in [
        "<rss><channel><title/><item/>\n(channel)(items)</channel></rss>",
        "<rss><channel><title/>(channel)(items)</channel></rss>",
        "<rss><channel><title/>(channel)(items)</channel><item/></rss>",
        "<rss><channel><item><guid>a(channel)(items)</channel></rss>",
        "<rss><channel><item/>(channel)(items)</rss>",
        "<rss><channel><item/>(channel)(items)</channel><channel><item/></channel></rss>",
        "<rdf:RDF><channel><title/>(channel)</channel><item/> (items)</rdf:RDF>",
        "<rdf:RDF><channel><title/>(channel)</channel>(items)</rdf:RDF>",
        "<rdf:RDF><channel><item/>(channel)(items)</channel></rdf:RDF>",
        "<feed><entry/><!-- x -->(channel)(items)</feed>",
        "<feed>(channel)(items)</feed>",
        "<feed/>",
        "<feed><entry/>",
        "{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[{},7 (items)],\"a\":[](channel)}",
        "{\"items\":[ (empty)],\"items\":[{}](channel)}",
        "{\"items\":[null(items)](channel)}",
        "{\"items\":{},\"version\":\"jsonfeed.org\"(channel)}",
    ] {
        let text = ["(items)", "(channel)", "(empty)"]
            .iter()
            .fold(expected.to_owned(), |text, mark| text.replace(mark, ""));
        for size in [1, 2, 5, text.len()] {
            let (mut splitter, mut out) =
                (Splitter::new(SplitterOptions::default()), String::new());
            for chunk in text.as_bytes().chunks(size) {
                let chunk = std::str::from_utf8(chunk).unwrap();
                splitter.push(chunk, &mut |_, piece| push(&mut out, piece));
            }
            splitter.finish(&mut |_, piece| push(&mut out, piece));
            assert_eq!(out, expected, "by {size}");
        }
    }
}

fn push(out: &mut String, piece: Piece<'_>) {
    match piece {
        Piece::Between(raw) | Piece::Instruction(raw) | Piece::Element(raw) | Piece::Item(raw) => {
            out.push_str(raw);
        }
        Piece::ItemsEnd { is_empty: true } => out.push_str("(empty)"),
        Piece::ItemsEnd { is_empty: false } => out.push_str("(items)"),
        Piece::ChannelEnd => out.push_str("(channel)"),
    }
}
