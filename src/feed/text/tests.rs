//! What fields carry, there and back.

use super::*;
use proptest::prelude::*;

/// The text with `edits` applied.
fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::new();
    let mut done = 0;
    for edit in edits {
        out.push_str(&text[done..edit.range.start]);
        out.push_str(&edit.text);
        done = edit.range.end;
    }
    out + &text[done..]
}

fn spliced(decoded: &Decoded<'_>, edits: &[Edit]) -> String {
    // What stands before the field in the output is not the splice's business.
    let mut out = "<x>&]]".to_owned();
    decoded.splice(edits, &mut out);
    out.split_off("<x>&]]".len())
}

fn check(decoded: &Decoded<'_>, raw: &str, text: &str) {
    assert_eq!(decoded.as_str(), text, "{raw}");
    assert_eq!(spliced(decoded, &[]), raw);
}

fn check_edit(decoded: &Decoded<'_>, range: Range<usize>, text: &str, expected: &str) {
    let edit = Edit {
        range,
        text: text.to_owned(),
    };
    assert_eq!(spliced(decoded, &[edit]), expected);
}

#[test]
fn content_is_decoded() {
    for (raw, text) in [
        ("", ""),
        ("plain é", "plain é"),
        ("<![CDATA[<p>&amp;</p>]]>", "<p>&amp;</p>"),
        ("<![CDATA[]]>", ""),
        ("a<![CDATA[<b>]]>&lt;c<![CDATA[d]]>", "a<b><cd"),
        ("<![CDATA[a]]]]><![CDATA[>b]]>", "a]]>b"),
        ("&lt;&gt;&amp;&quot;&apos;&#233;&#xE9;&#X41;", "<>&\"'ééA"),
        (
            "&nbsp;&eacute; R&D & &; &#; &#x; &#0; &#146; &#xD800; &#+1;",
            "&nbsp;&eacute; R&D & &; &#; &#x; &#0; &#146; &#xD800; &#+1;",
        ),
        ("&amp;lt;p&amp;gt;", "&lt;p&gt;"),
        ("a<!-- b -->c<?d e?>f", "acf"),
        ("<![CDATA[<!-- a -->]]><!--<![CDATA[b]]>-->", "<!-- a -->"),
        ("<!-- open <? <!", "<!-- open <? <!"),
        ("<![CDATA[open", "<![CDATA[open"),
        ("<![CDATA[", "<![CDATA["),
        ("<![CDATA[]]", "<![CDATA[]]"),
    ] {
        check(&Decoded::content(raw), raw, text);
    }
}

#[test]
fn what_is_one_run_is_borrowed() {
    for raw in ["plain", "", "<![CDATA[<p>&</p>]]>"] {
        let decoded = Decoded::content(raw);
        assert!(matches!(decoded.text, Cow::Borrowed(_)), "{raw}");
        assert!(matches!(decoded.runs, Runs::One(_)), "{raw}");
    }
    assert!(matches!(Decoded::attribute("a'b").text, Cow::Borrowed(_)));
    assert!(matches!(Decoded::json("a/b").text, Cow::Borrowed(_)));
}

#[test]
fn edits_are_encoded_for_where_they_land() {
    check_edit(&Decoded::content("ab"), 1..1, "<&>", "a&lt;&amp;&gt;b");
    check_edit(&Decoded::content(""), 0..0, "<p>", "&lt;p&gt;");
    check_edit(
        &Decoded::content("&lt;p&gt;&nbsp;"),
        0..3,
        "<b>",
        "&lt;b&gt;&nbsp;",
    );
    check_edit(
        &Decoded::content("<![CDATA[]]>"),
        0..0,
        "<p>",
        "<![CDATA[<p>]]>",
    );
    check_edit(
        &Decoded::content("<![CDATA[ab]]>"),
        1..1,
        "]]>",
        "<![CDATA[a]]]]><![CDATA[>b]]>",
    );
    check_edit(
        &Decoded::content("<![CDATA[]]b]]>"),
        2..3,
        ">",
        "<![CDATA[]]]]><![CDATA[>]]>",
    );
    check_edit(
        &Decoded::content("<![CDATA[a]x]>]]>"),
        2..3,
        "",
        "<![CDATA[a]]]]><![CDATA[>]]>",
    );
    check_edit(
        &Decoded::content("a<![CDATA[bc]]>d"),
        0..2,
        "<",
        "&lt;<![CDATA[c]]>d",
    );
    check_edit(
        &Decoded::content("a<![CDATA[b]]>c"),
        3..3,
        "<",
        "a<![CDATA[b]]>c&lt;",
    );
    check_edit(&Decoded::content("R&D"), 3..3, "<p>", "R&D&lt;p&gt;");
    check_edit(&Decoded::content("a&"), 2..2, "lt;", "a&amp;lt;");
    check_edit(
        &Decoded::attribute("a&amp;b"),
        1..2,
        "'\"&<",
        "a&#39;&quot;&amp;&lt;b",
    );
    check_edit(
        &Decoded::json(r"a\/b"),
        1..2,
        "\"\\\n\u{1}é",
        r#"a\"\\\n\u0001éb"#,
    );
    check_edit(
        &Decoded::markup("<p>&amp;</p>"),
        3..8,
        "<b/>",
        "<p><b/></p>",
    );
}

#[test]
fn what_xml_cannot_hold_is_not_written() {
    let new = "a\u{1f}b\u{0}\u{fffe}\tc";
    check_edit(
        &Decoded::content("<![CDATA[x]]>"),
        0..1,
        new,
        "<![CDATA[ab\tc]]>",
    );
    check_edit(&Decoded::content("x"), 0..1, new, "ab\tc");
    check_edit(&Decoded::attribute("x"), 0..1, new, "ab&#9;c");
    check_edit(&Decoded::json("x"), 0..1, "a\u{1f}b", "a\\u001fb");
}

#[test]
fn json_is_decoded() {
    for (raw, text) in [
        (r#"\"\\\/\n\r\t\b\f"#, "\"\\/\n\r\t\u{8}\u{c}"),
        (r"\u00e9\u00E9", "éé"),
        (r"\ud834\udd1e", "𝄞"),
        (r"\ud834x\udd1e\ud834\u0041", "\u{fffd}x\u{fffd}\u{fffd}A"),
        (r"\q\u12", "qu12"),
        ("\\", "\\"),
    ] {
        check(&Decoded::json(raw), raw, text);
    }
}

/// Cuts `text` into edits at the given places.
fn edits_at(text: &str, places: &[(u16, u16, String)]) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut done = 0;
    for (skip, length, new) in places {
        let start = text
            .floor_char_boundary((done + *skip as usize % 6).min(text.len()))
            .max(done);
        let end = text.ceil_char_boundary((start + *length as usize % 4).min(text.len()));
        edits.push(Edit {
            range: start..end,
            text: new.clone(),
        });
        done = end;
    }
    edits
}

fn places() -> impl Strategy<Value = Vec<(u16, u16, String)>> {
    let text = proptest::collection::vec(
        prop_oneof![
            Just("<"),
            Just(">"),
            Just("]]>"),
            Just("]"),
            Just("&"),
            Just("lt;"),
            Just("amp;"),
            Just("#38;"),
            Just("\""),
            Just("'"),
            Just("\\"),
            Just("n"),
            Just("é"),
            Just("\n"),
        ],
        0..4,
    );
    proptest::collection::vec(
        (
            any::<u16>(),
            any::<u16>(),
            text.prop_map(|parts| parts.concat()),
        ),
        0..6,
    )
}

fn content() -> impl Strategy<Value = String> {
    let section =
        "[a\\]>&<é]{0,6}".prop_map(|text| format!("<![CDATA[{}]]>", text.replace("]]>", "")));
    let plain = proptest::collection::vec(
        prop_oneof![
            Just("a"),
            Just("lt;"),
            Just("#3"),
            Just("8;"),
            Just("&"),
            Just("&amp;"),
            Just("&lt;"),
            Just("&#65;"),
            Just("&nbsp;"),
            Just("]"),
            Just("é"),
        ],
        0..6,
    );
    let part = prop_oneof![plain.prop_map(|parts| parts.concat()), section];
    proptest::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_splice_decodes_to_the_edited_content(raw in content(), places in places()) {
        let decoded = Decoded::content(&raw);
        prop_assert_eq!(spliced(&decoded, &[]), raw.as_str());
        let edits = edits_at(decoded.as_str(), &places);
        let written = spliced(&decoded, &edits);
        let again = Decoded::content(&written);
        prop_assert_eq!(again.as_str(), apply(decoded.as_str(), &edits), "{}", written);
    }

    #[test]
    fn a_splice_decodes_to_the_edited_attribute(raw in "([a&é;]|&amp;|&quot;|lt;|&#65;){0,12}", places in places()) {
        let decoded = Decoded::attribute(&raw);
        let edits = edits_at(decoded.as_str(), &places);
        let written = spliced(&decoded, &edits);
        prop_assert!(!written.contains(['"', '<', '\'']));
        let again = Decoded::attribute(&written);
        prop_assert_eq!(again.as_str(), apply(decoded.as_str(), &edits));
    }

    #[test]
    fn a_splice_decodes_to_the_edited_json(raw in r#"([aé]|\\n|\\u00e9|\\"|\\\\|\\ud834\\udd1e){0,12}"#, places in places()) {
        let decoded = Decoded::json(&raw);
        let edits = edits_at(decoded.as_str(), &places);
        let written = spliced(&decoded, &edits);
        let parsed: String = serde_json::from_str(&format!("\"{written}\"")).unwrap();
        prop_assert_eq!(&parsed, &apply(decoded.as_str(), &edits));
        let again = Decoded::json(&written);
        prop_assert_eq!(again.as_str(), parsed);
    }
}
