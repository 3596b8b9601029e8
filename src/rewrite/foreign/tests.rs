//! Elements of a browser's vocabularies in pieces of a feed.

use super::*;
use crate::feed::Format;
use crate::html::apply;

const XHTML: &str = "http://www.w3.org/1999/xhtml";
const SVG: &str = "http://www.w3.org/2000/svg";

fn frame(declared: &[(&str, &str)]) -> Frame {
    Frame {
        format: Format::Rss,
        namespaces: Namespaces::default(),
        bases: Vec::new(),
        declarations: declared
            .iter()
            .map(|(prefix, name)| ((*prefix).to_owned(), (*name).to_owned()))
            .collect(),
    }
}

fn stripped(xml: &str) -> String {
    let frame = frame(&[("h", XHTML), ("s", SVG), ("o", "urn:other")]);
    let once = apply(xml, &edits(xml, &frame, &[]));
    assert_eq!(edits(&once, &frame, &[]), [], "idempotent: {once}");
    once
}

#[track_caller]
fn check(xml: &str, expected: &str) {
    assert_eq!(stripped(xml), expected, "{xml}");
}

#[test]
fn what_runs_goes_with_all_that_it_holds() {
    for name in [
        "h:script",
        "s:script",
        "h:SCRIPT",
        "h:iframe",
        "h:object",
        "h:embed",
        "h:applet",
        "h:style",
        "s:style",
        "s:use",
        "s:foreignObject",
        "s:handler",
        "h:textarea",
        "h:link rel='stylesheet' href='x'",
        "h:link rel='alternate import' href='x'",
    ] {
        let local = name.split(' ').next().unwrap();
        check(&format!("<a>1<{name}>x<b/>y</{local}>2</a>"), "<a>12</a>");
        check(&format!("<a>1<{name}/>2</a>"), "<a>12</a>");
        check(&format!("<{name}>x</{local}>"), "");
        check(&format!("<{name}><{local}>x</{local}>y</{local}>"), "");
        // Left open, it ends where what is around it does.
        check(&format!("<a>1<{name}>x</a>2"), "<a>1</a>2");
    }
    check(
        "<item><b xmlns:q='http://www.w3.org/1999/x&#104;tml'><q:script>1</q:script></b></item>",
        "<item><b xmlns:q='http://www.w3.org/1999/x&#104;tml'></b></item>",
    );
    check(
        "<item><script xmlns='http://www.w3.org/2000/svg'>1</script><script>2</script></item>",
        "<item><script>2</script></item>",
    );
    check(
        "<_:script xmlns:_='http://www.w3.org/1999/xhtml'>1</_:script>",
        "",
    );
    check(
        "<é:script xmlns:é='http://www.w3.org/1999/xhtml'>1</é:script>",
        "",
    );
}

#[test]
fn tags_of_forms_and_header_fields_go() {
    check("<h:form action='x'>a<h:input/>b</h:form>", "ab");
    check("<h:meta http-equiv='refresh' content='0;url=x'/>", "");
    check("<h:base href='http://evil.example/'/>", "");
}

#[test]
fn attributes_that_run_go() {
    check("<h:p onclick='x'>a</h:p>", "<h:p>a</h:p>");
    check("<s:svg ONLOAD=\"x\" width='5'/>", "<s:svg width='5'/>");
    check(
        "<h:a href='java&#x9;script:x' id='i'>a</h:a>",
        "<h:a id='i'>a</h:a>",
    );
    check("<s:a s:href='a' href='javascript:x'/>", "<s:a s:href='a'/>");
    check("<s:set attributeName='onload' to='x'/>", "<s:set to='x'/>");
    check(
        "<h:img src='x' onerror='x' alt='b'/>",
        "<h:img src='x' alt='b'/>",
    );
    let many: String = (0..5_000).map(|n| format!(" a{n}='1'")).collect();
    check(
        &format!("<h:p{many} onclick='x'/>"),
        &format!("<h:p{many}/>"),
    );
}

#[test]
fn everything_else_stays() {
    for xml in [
        "<link>a</link>",
        "<script>of some other vocabulary</script>",
        "<o:script onload='x'>a</o:script>",
        "<nobody:script>a</nobody:script>",
        "<media:embed url='a'/>",
        "<h:div><h:p class='a'>b</h:p></h:div>",
        "<h:meta name='robots' content='noindex'/>",
        "<h:link rel='alternate' hreflang='de' href='x'/>",
        "<s:svg><s:path d='M0'/></s:svg>",
        "<![CDATA[<h:script>]]><!-- <h:script> --><?p <h:script> ?>",
        "</h:script>a",
    ] {
        check(xml, xml);
    }
}

#[test]
fn fields_are_left_to_the_sanitiser_but_for_what_html_can_not_name() {
    let frame = frame(&[("h", XHTML)]);
    let xml = "<d><h:script>1</h:script></d><h:script>2</h:script>";
    let field = 3..xml.find("</d>").unwrap();
    let out = apply(xml, &edits(xml, &frame, &[field]));
    assert_eq!(out, "<d><h:script>1</h:script></d>");
    let xml =
        "<d xmlns:_='http://www.w3.org/1999/xhtml'><_:script>1</_:script><h:p onclick=''/></d>";
    let field = xml.find("<_").unwrap()..xml.find("</d>").unwrap();
    let out = apply(xml, &edits(xml, &frame, &[field]));
    assert!(!out.contains("script") && out.contains("onclick"), "{out}");
}

#[test]
fn what_can_not_be_told_is_taken_for_what_runs() {
    let many: Vec<_> = (0..200).map(|n| (format!("p{n}"), "urn:x")).collect();
    let many: Vec<_> = many
        .iter()
        .map(|(prefix, name)| (prefix.as_str(), *name))
        .collect();
    let frame = frame(&many);
    let xml = "<q:script>1</q:script>";
    assert_eq!(apply(xml, &edits(xml, &frame, &[])), "");
    let long = format!("<h:script a='{}'>1</h:script>", "x".repeat(TAG_BYTES_MAX));
    assert!(!stripped(&long).contains("<h:script"));
}

#[test]
fn time_grows_with_the_bytes() {
    let open: String = (0..200_000)
        .map(|n| format!("<h:a{n} xmlns:p{n}='{SVG}'>"))
        .collect();
    let close = "</h:none>".repeat(200_000);
    stripped(&format!("{open}{close}"));
    stripped(&format!("<h:a>{}", "<h:script>".repeat(200_000)));
}
