//! Charsets.

use super::*;
use encoding_rs::{GB18030, ISO_2022_JP, SHIFT_JIS, WINDOWS_1251, WINDOWS_1252};
use proptest::prelude::*;

fn decode_in(bytes: &[u8], http: Option<&str>, size: usize) -> (String, Option<&'static str>) {
    let mut decoder = Decoder::new(http);
    let mut out = String::new();
    for chunk in bytes.chunks(size) {
        decoder.push(chunk, &mut out);
    }
    decoder.finish(&mut out);
    (out, decoder.charset())
}

fn check(bytes: &[u8], http: Option<&str>, expected: &str, charset: Option<&str>) {
    for size in [1, 2, 3, 5, 1000, bytes.len().max(1)] {
        let found = decode_in(bytes, http, size);
        assert_eq!(found.0, expected, "{http:?} in chunks of {size}");
        assert_eq!(found.1, charset, "{expected}");
    }
}

fn declared(label: &str, rest: &str) -> String {
    format!("<?xml version=\"1.0\" encoding='{label}' standalone=\"yes\"?>\n<rss>{rest}</rss>")
}

const RUSSIAN: &str = "Съешь же ещё этих мягких французских булок";
const CHINESE: &str = "汉字汉字，中文网站的新闻频道，提供最新消息";

#[test]
fn another_instruction_declares_nothing() {
    for head in [
        "<?xml-stylesheet encoding=\"gbk\"?><rss>",
        "<?xmlrvo encoding=\"latin1\"?><rss>",
    ] {
        for size in [1, 5, 6, 100] {
            let (mut decoder, mut out) = (Decoder::new(None), String::new());
            decoder.name_utf_8();
            for chunk in head.as_bytes().chunks(size) {
                decoder.push(chunk, &mut out);
            }
            decoder.finish(&mut out);
            assert_eq!(out, head, "by {size}");
        }
    }
}

#[test]
fn utf_8_comes_out_as_it_came() {
    let long = CHINESE.repeat(1000);
    for text in [
        "",
        "<",
        "{",
        "<rss/>",
        "é",
        &declared("UTF-8", CHINESE),
        &declared("utf8", &long),
        &format!("\u{feff}{}", declared("utf-8", RUSSIAN)),
        &format!("<rss>{long}"),
        &format!("\n \n<?xml version='1.0'?><rss>{RUSSIAN}"),
    ] {
        let charset = (!text.is_ascii()).then_some("UTF-8");
        for http in [None, Some("utf-8"), Some("iso-8859-1"), Some("nonsense")] {
            check(text.as_bytes(), http, text, charset);
        }
    }
}

#[test]
fn ascii_keeps_its_declaration() {
    for label in ["iso-8859-1", "gb2312", "us-ascii", "utf-16", "nonsense", ""] {
        let text = declared(label, "plain");
        check(text.as_bytes(), Some("windows-1251"), &text, None);
    }
}

#[test]
fn ascii_says_utf_8_where_text_may_be_added() {
    for label in [
        "iso-8859-1",
        "us-ascii",
        "Shift_JIS",
        "utf-16",
        "nonsense",
        "utf8",
        "UTF-8",
    ] {
        for rest in ["plain", "café"] {
            let text = declared(label, rest);
            let expected = match label {
                "UTF-8" => text.clone(),
                _ => declared("UTF-8", rest),
            };
            for size in [1, 7, 1000] {
                let (mut decoder, mut out) = (Decoder::new(None), String::new());
                decoder.name_utf_8();
                for chunk in text.as_bytes().chunks(size) {
                    decoder.push(chunk, &mut out);
                }
                decoder.finish(&mut out);
                assert_eq!(out, expected, "{label}");
            }
        }
    }
    // It is not held back.
    let (mut decoder, mut out) = (Decoder::new(None), String::new());
    decoder.name_utf_8();
    decoder.push(b"<?xml version='1.0' encoding='us-ascii'?><rss>", &mut out);
    assert_eq!(out, "<?xml version='1.0' encoding='UTF-8'?><rss>");
}

#[test]
fn a_label_of_ascii_over_other_bytes_is_replaced() {
    let expected = declared("UTF-8", "café");
    check(
        declared("US-ASCII", "café").as_bytes(),
        None,
        &expected,
        Some("UTF-8"),
    );
    let (bytes, ..) = WINDOWS_1252.encode("café");
    let (head, tail) = ("<rss>", "</rss>");
    let latin = declared("US-ASCII", "\u{1}");
    let at = latin.find('\u{1}').unwrap();
    assert!(latin[..at].ends_with(head) && latin[at + 1..].starts_with(tail));
    let document = [&latin.as_bytes()[..at], &bytes, &latin.as_bytes()[at + 1..]].concat();
    check(&document, None, &expected, Some("windows-1252"));
}

#[test]
fn a_document_that_says_nothing_is_utf_8_but_for_broken_bytes() {
    let text = |broken: &str| format!("<rss>Café ‘zwei’ 日本語 {broken} für alle</rss>");
    let at = text("\u{1}").find('\u{1}').unwrap();
    for http in [None, Some("utf-8"), Some("nonsense")] {
        let whole = text("\u{1}");
        let (before, after) = (&whole.as_bytes()[..at], &whole.as_bytes()[at + 1..]);
        let cut = [before, b"\xE2\x80", after].concat();
        check(&cut, http, &text("\u{fffd}"), Some("UTF-8"));
        let pair = [before, b"\xED\xA0\xBD\xED\xB8\x80", after].concat();
        check(&pair, http, &text("😀"), Some("UTF-8"));
    }
}

#[test]
fn other_charsets_are_decoded_and_relabelled() {
    for (label, encoding, text) in [
        ("windows-1251", WINDOWS_1251, RUSSIAN),
        ("gb2312", GB18030, CHINESE),
        ("GBK", GB18030, CHINESE),
        ("Shift_JIS", SHIFT_JIS, "日本語のテキスト"),
        ("ISO-2022-JP", ISO_2022_JP, "日本語のテキスト"),
        ("iso-8859-1", WINDOWS_1252, "Und tschüss, à bientôt"),
    ] {
        let (bytes, _, had_errors) = encoding.encode(text);
        assert!(!had_errors);
        let head = declared(label, "");
        let (head, tail) = head.split_at(head.len() - "</rss>".len());
        let document = [head.as_bytes(), &bytes, tail.as_bytes()].concat();
        let expected = declared("UTF-8", text);
        check(&document, None, &expected, Some(encoding.name()));
        check(&document, Some("utf-8"), &expected, Some(encoding.name()));
        // HTTP comes before a declaration that says otherwise.
        let wrong = [declared("koi8-r", "").as_bytes(), &bytes].concat();
        let expected = format!("{}{text}", declared("UTF-8", ""));
        check(&wrong, Some(label), &expected, Some(encoding.name()));
    }
}

#[test]
fn valid_utf_8_wins_over_what_anybody_says() {
    let lying = declared("iso-8859-1", RUSSIAN);
    let expected = declared("UTF-8", RUSSIAN);
    check(lying.as_bytes(), Some("gb2312"), &expected, Some("UTF-8"));
}

#[test]
fn a_charset_nobody_names_is_guessed() {
    let (bytes, ..) = WINDOWS_1251.encode(RUSSIAN);
    check(&bytes, None, RUSSIAN, Some("windows-1251"));
    check(
        &bytes,
        Some("x-user-defined"),
        RUSSIAN,
        Some("windows-1251"),
    );
    check(&bytes, Some("utf-7"), RUSSIAN, Some("windows-1251"));
}

#[test]
fn broken_utf_8_stays_utf_8() {
    let head = declared("utf-8", CHINESE);
    let bytes = [head.as_bytes(), b"\xE6\xB1<x/>\xFF"].concat();
    check(
        &bytes,
        None,
        &format!("{head}\u{fffd}<x/>\u{fffd}"),
        Some("UTF-8"),
    );
    // Cut off in a character.
    let cut = &head.as_bytes()[..head.find('汉').unwrap() + 4];
    let expected = format!("{}汉\u{fffd}", &head[..head.find('汉').unwrap()]);
    check(cut, None, &expected, Some("UTF-8"));
}

#[test]
fn wide_charsets_are_found_by_mark_and_by_nulls() {
    for text in ["<rss>é𝄞</rss>", "{\"a\":\"é\"}", " <a/>"] {
        for name in ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"] {
            let to_bytes = |text: &str| wide_bytes(text, name);
            check(&to_bytes(text), None, text, Some(name));
            check(
                &to_bytes(&format!("\u{feff}{text}")),
                None,
                text,
                Some(name),
            );
            let labelled = to_bytes(&declared("utf-16", text));
            check(
                &labelled,
                Some("utf-8"),
                &declared("UTF-8", text),
                Some(name),
            );
        }
    }
}

fn wide_bytes(text: &str, name: &str) -> Vec<u8> {
    let units = || text.encode_utf16();
    let letters = || text.chars().map(u32::from);
    match name {
        "UTF-16LE" => units().flat_map(u16::to_le_bytes).collect(),
        "UTF-16BE" => units().flat_map(u16::to_be_bytes).collect(),
        "UTF-32LE" => letters().flat_map(u32::to_le_bytes).collect(),
        _ => letters().flat_map(u32::to_be_bytes).collect(),
    }
}

#[test]
fn ascii_streams_and_little_is_held_back() {
    let mut decoder = Decoder::new(None);
    let mut out = String::new();
    decoder.push(b"<rss>plain", &mut out);
    assert_eq!(out, "<rss>plain");
    decoder.push("é".repeat(PROBE_BYTES / 2).as_bytes(), &mut out);
    assert_eq!(out.len(), "<rss>plain".len() + PROBE_BYTES);

    let long = declared("iso-8859-1", &"x".repeat(2 * HELD_BYTES_MAX));
    let mut bytes = long.replace("</rss>", "").into_bytes();
    bytes.extend_from_slice(b"\xE9</rss>");
    let expected = declared("UTF-8", &format!("{}é", "x".repeat(2 * HELD_BYTES_MAX)));
    check(&bytes, None, &expected, Some("windows-1252"));
}

proptest! {
    #[test]
    fn chunks_make_no_difference(
        head in prop_oneof![Just(""), Just("<?xml version='1.0' encoding='gbk'?>"), Just("<?xml version='1.0'?>")],
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        size in 1usize..20,
    ) {
        let bytes = [head.as_bytes(), &bytes].concat();
        let whole = decode_in(&bytes, None, bytes.len().max(1));
        prop_assert_eq!(decode_in(&bytes, None, size), whole);
    }

    #[test]
    fn any_text_in_utf_8_is_kept(text in "<?[a-zà-ü汉<>é]{0,300}", size in 1usize..20) {
        prop_assert_eq!(decode_in(text.as_bytes(), None, size).0, text);
    }
}

#[test]
fn charset_of_a_content_type() {
    for (content_type, expected) in [
        ("text/xml; charset=utf-8", Some("utf-8")),
        ("text/xml;x=1; Charset=\"gb2312\"", Some("gb2312")),
        ("text/xml; charset=", None),
        ("text/xml", None),
    ] {
        assert_eq!(
            http_charset(Some(content_type)).as_deref(),
            expected,
            "{content_type}"
        );
    }
}

#[test]
fn code_pages_that_the_standard_leaves_out() {
    for (label, expected) in [
        ("cp437", 'Ç'),
        ("IBM862", 'א'),
        ("koi8_t", 'қ'),
        ("windows_1251", 'Ђ'),
        ("mac-cyrillic", 'А'),
        ("macroman", 'Ä'),
    ] {
        let document = [
            format!("<?xml version=\"1.0\" encoding=\"{label}\"?><rss>").as_bytes(),
            b"\x80</rss>",
        ]
        .concat();
        for size in [1, 7, 1000] {
            let out = decode_in(&document, None, size).0;
            let utf_8 = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss>{expected}</rss>");
            assert_eq!(out, utf_8, "{label}");
        }
    }
}

#[test]
fn charsets_that_are_refused_by_name() {
    let check = |document: &[u8], http: Option<&str>, expected: Option<&str>| {
        for size in [1, 7, 1000] {
            let mut decoder = Decoder::new(http);
            let mut out = String::new();
            for chunk in document.chunks(size) {
                decoder.push(chunk, &mut out);
            }
            decoder.finish(&mut out);
            assert_eq!(decoder.unsupported(), expected, "{out}");
        }
    };
    // <?xml version="1.0" encoding="cp500"?><a>[</a>
    let ebcdic = b"\x4C\x6F\xA7\x94\x93\x40\xA5\x85\x99\xA2\x89\x96\x95\x7E\x7F\xF1\x4B\xF0\x7F\
        \x40\x85\x95\x83\x96\x84\x89\x95\x87\x7E\x7F\x83\x97\xF5\xF0\xF0\x7F\x6F\x6E\
        \x4C\x81\x6E\x4A\x4C\x61\x81\x6E";
    check(ebcdic, None, Some("EBCDIC"));
    let declared = |label: &str, letter: &[u8]| {
        let start = format!("<?xml version=\"1.0\" encoding=\"{label}\"?><rss>");
        [start.as_bytes(), letter, b"</rss>"].concat()
    };
    check(&declared("Mac_Greek", b"\xB0"), None, Some("mac-greek"));
    check(&declared("maclatin2", b"\x80"), None, Some("mac-latin2"));
    check(b"<rss>\x80</rss>", Some("macturkish"), Some("mac-turkish"));
    // ASCII and UTF-8 are what they are under any label.
    check(&declared("mac-iceland", b"x"), None, None);
    check(&declared("mac-iceland", "\u{e4}".as_bytes()), None, None);
    check(&declared("mac-cyrillic", b"\x80"), None, None);
}

#[test]
fn a_stray_letter_or_two_is_no_ground_to_guess_from() {
    let text = "<rss><title>Espa\u{f1}a, \u{f3} tierra</title></rss>";
    let (bytes, _, _) = WINDOWS_1252.encode(text);
    check(&bytes, None, text, Some("windows-1252"));
}
