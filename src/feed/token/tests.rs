//! Tokens, cut anywhere.

use super::*;
use proptest::prelude::*;

/// The tokens of `text`, given in chunks of `size` bytes; parts of text are put together.
fn scan(text: &str, size: usize) -> Vec<(Token, String)> {
    let mut scanner = Scanner::default();
    let mut found: Vec<(Token, String)> = Vec::new();
    let mut there = 0;
    while there < text.len() {
        there = text.ceil_char_boundary((there + size).min(text.len()));
        while let Some((token, range)) = scanner.next(&text[..there]) {
            match found.last_mut() {
                Some((Token::Text, last)) if token == Token::Text => last.push_str(&text[range]),
                _ => found.push((token, text[range].to_owned())),
            }
        }
    }
    if scanner.start < text.len() {
        found.push((Token::Text, format!("…{}", &text[scanner.start..])));
    }
    found
}

fn check(text: &str, expected: &[(Token, &str)]) {
    for size in [1, 2, 3, 7, text.len().max(1)] {
        let found = scan(text, size);
        let seen: Vec<_> = found
            .iter()
            .map(|(token, raw)| (*token, raw.as_str()))
            .collect();
        assert_eq!(seen, expected, "{text} in chunks of {size}");
    }
}

#[test]
fn tokens_are_found_for_any_chunking() {
    use Token::*;
    check(
        "a<b>c</b >",
        &[(Text, "a"), (Start, "<b>"), (Text, "c"), (End, "</b >")],
    );
    check("<a t='>' u=\"'\"/>", &[(Start, "<a t='>' u=\"'\"/>")]);
    check("<p it's><q>", &[(Start, "<p it's>"), (Start, "<q>")]);
    check("1 < 2 <3 <<b>", &[(Text, "1 < 2 <3 <"), (Start, "<b>")]);
    check("<a <b>", &[(Text, "<a "), (Start, "<b>")]);
    check("</a<b>", &[(End, "</a"), (Start, "<b>")]);
    check(
        "<!-- <a> -- --><c>",
        &[(Comment, "<!-- <a> -- -->"), (Start, "<c>")],
    );
    check(
        "<![CDATA[ ]] > ]]]>x",
        &[(Cdata, "<![CDATA[ ]] > ]]]>"), (Text, "x")],
    );
    check(
        "<!DOCTYPE a [<?b it's ]> c ?><!ENTITY d \"?>\">]><a>",
        &[
            (
                Declaration,
                "<!DOCTYPE a [<?b it's ]> c ?><!ENTITY d \"?>\">]>",
            ),
            (Start, "<a>"),
        ],
    );
    check("<?a > ?>", &[(Instruction, "<?a > ?>")]);
    check("<![endif]><!>", &[(Text, "<![endif]><!>")]);
    check(
        "<!DOCTYPE a [<!-- it's ]> --><!ENTITY b \"]>\">]><a>",
        &[
            (
                Declaration,
                "<!DOCTYPE a [<!-- it's ]> --><!ENTITY b \"]>\">]>",
            ),
            (Start, "<a>"),
        ],
    );
    check("<a b='<c>' <d>", &[(Text, "<a b='<c>' "), (Start, "<d>")]);
    check("<é>ü", &[(Start, "<é>"), (Text, "ü")]);
    check("x<a b='", &[(Text, "x"), (Text, "…<a b='")]);
}

proptest! {
    #[test]
    fn any_text_scans_alike_in_any_chunks(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("<a b='"), Just("'"), Just("\""), Just(">"), Just("<"), Just("</a"), Just("<!--"),
                Just("-->"), Just("<![CDATA["), Just("]]>"), Just("<?"), Just("?>"), Just("<!D"),
                Just("["), Just("]"), Just("é"), Just("="), Just(" "), Just("x"), Just("-"), Just("/"),
            ],
            0..40,
        ),
        size in 1usize..9,
    ) {
        let text = parts.concat();
        let whole = scan(&text, text.len().max(1));
        prop_assert_eq!(&scan(&text, size), &whole);
        let joined: String = whole.iter().map(|(_, raw)| raw.trim_start_matches('…')).collect();
        prop_assert_eq!(joined, text);
    }
}

#[test]
fn a_stray_quote_or_bracket_does_not_hold_the_document() {
    for opening in ["<a b='", "<!DOCTYPE x ["] {
        let text = format!("{opening}{}<c>", "x".repeat(TAG_BYTES_MAX));
        let found = scan(&text, 64 << 10);
        assert_eq!(
            found.last().unwrap(),
            &(Token::Start, "<c>".to_owned()),
            "{opening}"
        );
    }
}

#[test]
fn quotes_in_quotes_are_read_once() {
    // Each `<a` would be a tag up to the end of the text.
    let text = "<a b='\" c=\"".repeat(200_000);
    let mut scanner = Scanner::default();
    let mut tokens = 0;
    while scanner.next(&text).is_some() {
        tokens += 1;
    }
    assert!(tokens < 10, "{tokens}");
}
