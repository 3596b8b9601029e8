//! Fragments with their XHTML, and a small reader of XML that holds every output to the rules.

use proptest::prelude::*;

use super::well_formed;

#[track_caller]
fn check(html: &str, expected: &str) {
    let xhtml = well_formed(html);
    assert_eq!(xhtml, expected, "{html}");
    assert_eq!(read_xml(&xhtml), Ok(()), "{xhtml}");
}

#[test]
fn writes_xhtml() {
    for (html, expected) in [
        ("", ""),
        ("text", "text"),
        ("<div><i><br>2022</i></div>", "<div><i><br/>2022</i></div>"),
        ("<br><hr>", "<br/><hr/>"),
        ("<br/>", "<br/>"),
        ("<IMG SRC=a.png ALT>", "<img src=\"a.png\" alt=\"\"/>"),
        ("<a href='x?a=1&b=2'>", "<a href=\"x?a=1&amp;b=2\"></a>"),
        (
            "<a href=\"x?a=1&amp;b=2\">y</a>",
            "<a href=\"x?a=1&amp;b=2\">y</a>",
        ),
        ("<input disabled>", "<input disabled=\"disabled\"/>"),
        (
            "<a title='\"<>&#10;'>",
            "<a title=\"&quot;&lt;&gt;&#10;\"></a>",
        ),
        (
            "a &nbsp;&eacute;&copy &lt; & < b",
            "a \u{a0}é© &lt; &amp; &lt; b",
        ),
        ("&zzz; &#x1F600; &#0;", "&amp;zzz; 😀 \u{fffd}"),
        ("<p>a<p>b", "<p>a</p><p>b</p>"),
        ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        (
            "<table><tr><td>a<td>b<tr><td>c</table>",
            "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>",
        ),
        ("</b>x</p>", "x"),
        ("<b><i>x</b></i>", "<b><i>x</i></b>"),
        ("<a a=1 A=2 b>", "<a a=\"1\" b=\"b\"></a>"),
        (
            "<p @click=x :y=z on\"x=1 xml:lang=de xlink:href=x>",
            "<p xml:lang=\"de\"></p>",
        ),
        ("<o:p>x</o:p>", "x"),
        ("<!-- a -- b ---><!-->", "<!-- a - - b - --><!---->"),
        ("<!doctype html><?php x ?></>", ""),
        (
            "<style>a > b & c</style>",
            "<style>a &gt; b &amp; c</style>",
        ),
        (
            "<script>a </b> <!-- </script>",
            "<script>a &lt;/b&gt; &lt;!-- </script>",
        ),
        ("<textarea>&lt;b", "<textarea>&lt;b</textarea>"),
        (
            "<svg><path d=''/><![CDATA[<x>]]></svg>",
            "<svg><path d=\"\"/>&lt;x&gt;</svg>",
        ),
        ("<div/>x", "<div>x</div>"),
        ("a\u{0}\u{b}\u{ffff}b", "ab"),
        ("a <img src=\"x", "a "),
        ("a <", "a "),
        ("]]>", "]]&gt;"),
        ("<plaintext><b>", "<plaintext>&lt;b&gt;</plaintext>"),
    ] {
        check(html, expected);
    }
    assert_eq!(read_xml(&well_formed(&"<b>".repeat(1000))), Ok(()));
}

#[test]
fn the_reader_of_xml_refuses() {
    for xml in [
        "<a>",
        "</a>",
        "<a></b>",
        "<a b>",
        "<a b=c/>",
        "<a b=\"<\"/>",
        "<a b=\"1\" b=\"2\"/>",
        "&nbsp;",
        "a & b",
        "<!-- -- -->",
        "<!-- --->",
        "\u{0}",
        "<A:b/>",
        "<br>",
        "<",
        "<a b=\"&x\"/>",
        "]]>",
    ] {
        assert!(read_xml(xml).is_err(), "{xml}");
    }
}

/// Well-formedness of content, for the XML that `well_formed` writes (no sections, no instructions).
fn read_xml(xml: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    if let Some(c) = xml.chars().find(|c| !super::is_allowed(*c)) {
        return Err(format!("character {c:?}"));
    }
    while !rest.is_empty() {
        let Some(tag) = rest.strip_prefix('<') else {
            let end = rest.find('<').unwrap_or(rest.len());
            read_text(&rest[..end])?;
            rest = &rest[end..];
            continue;
        };
        if let Some(comment) = tag.strip_prefix("!--") {
            let end = comment.find("--").ok_or("comment")?;
            rest = comment[end..]
                .strip_prefix("-->")
                .ok_or("-- in a comment")?;
            continue;
        }
        let end = tag.find('>').ok_or("tag")?;
        rest = &tag[end + 1..];
        let tag = &tag[..end];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("end tag {name}"));
            }
        } else {
            let name = read_start(tag.trim_end_matches('/'))?;
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(format!("open: {open:?}"))
    }
}

fn read_start(tag: &str) -> Result<&str, String> {
    let name_end = tag.find(' ').unwrap_or(tag.len());
    let (name, mut rest) = tag.split_at(name_end);
    if !super::is_xml_name(name) {
        return Err(format!("name {name}"));
    }
    let mut names = Vec::new();
    while let Some(attribute) = rest.strip_prefix(' ') {
        let (name, value) = attribute.split_once("=\"").ok_or("attribute")?;
        let (value, next) = value.split_once('"').ok_or("quote")?;
        let is_name = super::is_xml_name(name) || name == "xml:lang";
        if !is_name || names.contains(&name) || value.contains('<') {
            return Err(format!("attribute {name}"));
        }
        names.push(name);
        read_text(value)?;
        rest = next;
    }
    if rest.is_empty() {
        Ok(name)
    } else {
        Err(format!("behind attributes: {rest}"))
    }
}

fn read_text(text: &str) -> Result<(), String> {
    if text.contains("]]>") {
        return Err("]]>".to_owned());
    }
    for reference in text.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;", "#10;", "#13;", "#9;"];
        if !known.iter().any(|name| reference.starts_with(name)) {
            return Err(format!("reference &{reference}"));
        }
    }
    Ok(())
}

/// What HTML is made of.
const PIECES: &[&str] = &[
    "<",
    ">",
    "</",
    "<!--",
    "-->",
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
    "&",
    "&amp;",
    "&nbsp;",
    "&#",
    "a",
    "<p>",
    "</p>",
    "<a href=\"",
    "<b>",
    "</b>",
    "<i title='x' title=y z>",
    "<div",
    "<td>",
    "<li>",
    "<br>",
    "<img/>",
    "<x:y>",
    "<textarea>",
    "</textarea>",
    "<style>",
    "<script>",
    "</script>",
    "<svg>",
    "</svg>",
    "<title>",
    "é",
    "\u{1}",
    "\u{ffff}",
    "<plaintext>",
    "xml:lang=x",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn is_well_formed(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..16)) {
        let xhtml = well_formed(&pieces.concat());
        prop_assert_eq!(read_xml(&xhtml), Ok(()), "{}", xhtml);
    }

    #[test]
    fn twice_is_once(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..16)) {
        let once = well_formed(&pieces.concat());
        // Raw text is escaped in XHTML, which HTML would read literally.
        prop_assume!(!["<style", "<script", "<plaintext"].iter().any(|name| once.contains(name)));
        prop_assert_eq!(well_formed(&once), once);
    }

    #[test]
    fn nothing_panics(html in "\\PC{0,60}") {
        prop_assert_eq!(read_xml(&well_formed(&html)), Ok(()));
    }
}

#[test]
fn what_is_well_formed() {
    for markup in [
        "",
        "text &amp; &nbsp;",
        "<p>a<br/></p>",
        "<h:p xml:lang=\"de\" a='>'>x</h:p><!-- <b> --><![CDATA[<]]><?x y?>",
        "<übung/>",
    ] {
        assert!(super::is_well_formed(markup), "{markup}");
    }
    for markup in [
        "<p>",
        "</p>",
        "<b><i></b></i>",
        "a < b",
        "<p a=b/>",
        "<p a/>",
        "<p a=\"<\"/>",
        "<p <b>x</p>",
        "<p&x/>",
        "<p a&=\"\"/>",
        "<p a=\"/>",
        "<!-- x",
        "<p>x</P>",
    ] {
        assert!(!super::is_well_formed(markup), "{markup}");
    }
}
