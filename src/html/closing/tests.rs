//! Fragments that end badly, and lol_html as a second opinion on whether a footer is seen behind them.

use std::cell::Cell;

use proptest::prelude::*;

use super::{Closing, closing};

/// `kept` and `text` joined are the closed fragment; `None` where nothing can follow.
#[track_caller]
fn check(html: &str, expected: Option<(&str, &str)>) {
    let found = closing(html);
    let found = found
        .as_ref()
        .map(|closing| (&html[..closing.keep], closing.text.as_ref()));
    assert_eq!(found, expected, "{html}");
    if let Some((kept, text)) = expected {
        assert!(footer_is_seen(&format!("{kept}{text}")), "{html}");
    }
}

/// Whether an element behind `html` is an element to lol_html.
fn footer_is_seen(html: &str) -> bool {
    let seen = Cell::new(false);
    let settings = lol_html::RewriteStrSettings::new()
        .append_element_content_handler(lol_html::element!("i[id=fw]", |_| {
            seen.set(true);
            Ok(())
        }))
        .with_strict(false);
    lol_html::rewrite_str(&format!("{html}<i id=fw>"), settings).unwrap();
    seen.get()
}

#[test]
fn closed_fragments_need_nothing() {
    for html in [
        "",
        "text &amp; more",
        "a < b <3 1<2",
        "<p>one</p><p>two</p>",
        "<p>one<p>two</p>",
        "<br><hr/><img src=a.png><img src='a>b'/>",
        "<ul><li>a<li>b</ul>",
        "<table><tr><td>a<td>b<tr><td>c</table>",
        "<dl><dt>a<dd>b</dl>",
        "<select><option>a<option>b</select>",
        "<ruby>a<rt>b</ruby>",
        "<A HREF=x>y</a>",
        "<!-- a --><!--><!---><!-- b --!><!doctype html><?php ?><![CDATA[a]]>",
        "<style>a > b { }</style><script>if (a < b) \"</scrip\"</script>",
        "<script><!-- <script></script> --></script>",
        "<svg><style><a></a></style><path d=''/><title><b></b></title></svg>",
        "<svg><![CDATA[ <a> ]]></svg><math><mi>x</mi></math>",
        "<svg><g><p></p>",
        "<h1>a</h2>",
        "<b><p>x</b>y</p>",
        "<p><b>x</p></b>",
        "</div></a></p></br>",
        "<noscript><img src=x></noscript>",
        "<body><td>x</td></body></html>",
    ] {
        check(html, Some((html, "")));
    }
}

/// The ends of input that swallow a footer: inside tags and comments, and inside foreign content.
#[test]
fn unfinished_tokens_are_finished() {
    for (html, kept, text) in [
        ("a <img src=\"a.png", "a ", ""),
        ("a <img src=a.png", "a ", ""),
        ("<p><img alt='x> y", "<p>", "</p>"),
        ("<b>x</b", "<b>x", "</b>"),
        ("a <", "a ", "&lt;"),
        ("a </", "a ", "&lt;/"),
        ("a <<<b c=", "a ", "&lt;&lt;"),
        ("a <!-- b", "a <!-- b", "-->"),
        ("a <!-- b -", "a <!-- b -", "-->"),
        ("a <!-- b --", "a <!-- b --", "-->"),
        ("<!--", "<!--", "-->"),
        ("a <!x", "a <!x", ">"),
        ("a <!-", "a <!-", ">"),
        ("a <?x", "a <?x", ">"),
        ("a </3", "a </3", ">"),
        ("<![CDATA[x", "<![CDATA[x", ">"),
        ("<svg><![CDATA[x", "<svg><![CDATA[x", "]]></svg>"),
        ("<svg><a><p>x", "<svg><a><p>x", "</p>"),
        (
            "<svg><title><style>x",
            "<svg><title><style>x",
            "</style></title></svg>",
        ),
        ("<svg><style>x", "<svg><style>x", "</style></svg>"),
        ("<math><mi>x", "<math><mi>x", "</mi></math>"),
    ] {
        check(html, Some((kept, text)));
    }
}

/// What holds text only swallows a footer until its own end tag.
#[test]
fn raw_text_is_closed() {
    for (html, kept, text) in [
        ("<textarea>x", "<textarea>x", "</textarea>"),
        ("<textarea>x</texta", "<textarea>x</texta", "</textarea>"),
        ("<textarea>x</textarea foo=\"", "<textarea>x", "</textarea>"),
        ("<TITLE>x<b>", "<TITLE>x<b>", "</TITLE>"),
        ("<style>x", "<style>x", "</style>"),
        ("<script>x", "<script>x", "</script>"),
        ("<script><!-- x", "<script><!-- x", "--></script>"),
        (
            "<script><!-- <script> </script>",
            "<script><!-- <script> </script>",
            "--></script>",
        ),
        ("<iframe>x", "<iframe>x", "</iframe>"),
        ("<xmp>x", "<xmp>x", "</xmp>"),
        ("<noembed>x", "<noembed>x", "</noembed>"),
        ("<noframes>x", "<noframes>x", "</noframes>"),
        ("<noscript>x", "<noscript>x", "</noscript>"),
        (
            "<noscript><p title=\"</noscript><textarea>",
            "<noscript>",
            "</noscript>",
        ),
        (
            "<noscript><p title='</noscript><textarea>'>",
            "<noscript><p title='</noscript><textarea>'>",
            "</p></noscript></textarea>",
        ),
    ] {
        check(html, Some((kept, text)));
    }
}

/// Open elements would make the footer a link, a table cell, bold.
#[test]
fn open_elements_are_closed() {
    for (html, kept, text) in [
        (
            "<select><option>x",
            "<select><option>x",
            "</option></select>",
        ),
        ("<p><a href=x>y", "<p><a href=x>y", "</a></p>"),
        ("<b><div>x</b>y", "<b><div>x</b>y", "</div>"),
        ("<p><b>x</p>y", "<p><b>x</p>y", "</b>"),
        (
            "<table><tr><td><b>x",
            "<table><tr><td><b>x",
            "</b></td></tr></table>",
        ),
        (
            "<table><tr><td><p><font>x</p></td></tr>",
            "<table><tr><td><p><font>x</p></td></tr>",
            "</table>",
        ),
        ("<table><td><svg></tr>", "<table><td><svg></tr>", "</table>"),
        ("<ul><li><b>x<li>y", "<ul><li><b>x<li>y", "</li></ul></b>"),
        ("<template><p>x", "<template><p>x", "</p></template>"),
        ("<x-y><span>a</x-y>", "<x-y><span>a</x-y>", ""),
        (
            "<div><span>a</div>b</span>",
            "<div><span>a</div>b</span>",
            "",
        ),
    ] {
        check(html, Some((kept, text)));
    }
}

#[test]
fn some_have_no_end() {
    check("a <plaintext> b", None);
    check(&"<div>".repeat(513), None);
    check(&"<p><b>".repeat(600), None);
    let deep = "<div>".repeat(512);
    assert!(closing(&deep).is_some());
    // Cells forget their formatting, list items their brothers: long is not deep.
    let table = format!("<table>{}</table>", "<tr><td><p><font></p>".repeat(2000));
    check(&table, Some((&table, "")));
    let list = format!("<ul>{}</ul>", "<li>a".repeat(2000));
    check(&list, Some((&list, "")));
}

#[test]
fn hostile_fragments_take_linear_time() {
    for piece in [
        "<",
        "</",
        "<!--",
        "<!",
        "<a b='",
        "-",
        "<script><!--",
        "</p>",
        "<svg>",
        "</b>",
        "<b>",
    ] {
        let _ = closing(&piece.repeat(100_000));
    }
}

/// Pieces that open, close and hide.
const PIECES: &[&str] = &[
    "<",
    ">",
    "</",
    "<!--",
    "-->",
    "--!>",
    "-",
    "<!",
    "<?",
    "<![CDATA[",
    "]]>",
    "\"",
    "'",
    "=",
    " ",
    "/",
    "a",
    "<p>",
    "</p>",
    "<a href=\"",
    "<b>",
    "</b>",
    "<i title='x'>",
    "<div",
    "<div>",
    "</div>",
    "<table>",
    "<tr>",
    "<td>",
    "</td>",
    "</table>",
    "<select>",
    "<option>",
    "</select>",
    "<textarea>",
    "</textarea>",
    "<title>",
    "</title>",
    "<style>",
    "</style>",
    "<script>",
    "</script",
    "</script>",
    "<iframe>",
    "</iframe>",
    "<xmp>",
    "<noembed>",
    "<noframes>",
    "<noscript>",
    "</noscript>",
    "<br>",
    "<template>",
    "</template>",
    "<li>",
    "<ul>",
    "</ul>",
    "<button>",
    "<h1>",
    "</h2>",
    "é",
];

/// Pieces of foreign content. lol_html does not notice when `</div>` closes an `<svg>`, so it is no judge here.
const FOREIGN_PIECES: &[&str] = &[
    "<svg>",
    "</svg>",
    "<svg/>",
    "<math>",
    "</math>",
    "<desc>",
    "<mi>",
    "</mi>",
    "<foreignObject>",
    "<annotation-xml encoding=text/html>",
    "<font color=x>",
];

fn html_only() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..12).prop_map(|pieces| pieces.concat())
}

fn html_and_foreign() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(PIECES),
        prop::sample::select(FOREIGN_PIECES)
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    /// The footer is an element behind every fragment that can be closed.
    #[test]
    fn the_footer_is_seen(html in html_only()) {
        if let Some(Closing { keep, text }) = closing(&html) {
            let closed = format!("{}{text}", &html[..keep]);
            prop_assert!(footer_is_seen(&closed), "{}", closed);
        }
    }

    /// Closing what is closed does nothing.
    #[test]
    fn once_is_enough(html in html_and_foreign()) {
        if let Some(Closing { keep, text }) = closing(&html) {
            let closed = format!("{}{text}", &html[..keep]);
            let again = closing(&closed);
            prop_assert_eq!(again, Some(Closing { keep: closed.len(), text: "".into() }));
        }
    }

    #[test]
    fn nothing_panics(html in "\\PC{0,60}") {
        let _ = closing(&html);
    }
}
