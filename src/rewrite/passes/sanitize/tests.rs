//! What goes, what stays, and that nothing forbidden is left whatever comes in.

use super::*;
use crate::html::apply;

pub(super) fn run(html: &str, markup: Markup, mode: Sanitize) -> String {
    apply(html, &edits(html, markup, mode, &Trace::default()))
}

fn check(html: &str, expected: &str) {
    let once = run(html, Markup::Html, Sanitize::Scripts);
    assert_eq!(once, expected, "{html}");
    assert_eq!(
        run(&once, Markup::Html, Sanitize::Scripts),
        expected,
        "a second time"
    );
}

#[test]
fn scripts_and_what_acts_like_them_go() {
    check("a<script>alert(1)</script>b", "ab");
    check("a<SCRIPT src=x></SCRIPT >b", "ab");
    check("a<script>never closed", "a");
    check("a</script>b", "ab");
    check("<p onclick=\"x()\" id=a>b</p>", "<p id=a>b</p>");
    check("<img src=a.png ONERROR='x()'/>", "<img src=a.png/>");
    check("<a href=\"java\nscript:x()\">b</a>", "<a>b</a>");
    check("<a href=\" &#106;avascript&colon;x()\">b</a>", "<a>b</a>");
    check(
        "<a href=\"JaVaScRiPt:x()\" title=t>b</a>",
        "<a title=t>b</a>",
    );
    check(
        "<a href=\"data:text/html,<script>x()</script>\">b</a>",
        "<a>b</a>",
    );
    check("<object data=x><embed src=y>fallback</object>", "fallback");
    check(
        "<form action=x><input name=y><button>z</button></form>",
        "z",
    );
    check("<textarea><img src=x onerror=y></textarea>b", "b");
    check(
        "<iframe srcdoc=\"x\" src=\"https://x.org/\"></iframe>",
        "<iframe src=\"https://x.org/\"></iframe>",
    );
    check("<p style=\"width:expression(x())\">b</p>", "<p>b</p>");
    check(
        "<p style=\"background:url('javascript:x()')\">b</p>",
        "<p>b</p>",
    );
    check("<p style=\"be\\68 avior:url(x)\">b</p>", "<p>b</p>");
    check("<style>p{-moz-binding:url(x)}</style>b", "b");
    check(
        "<base href=x><meta http-equiv=refresh content='0;url=x'><link rel=stylesheet href=x>b",
        "b",
    );
    check(
        "<svg><script>x()</script><path d='M0'/></svg>",
        "<svg><path d='M0'/></svg>",
    );
    check(
        "<svg><animate attributeName=href values='javascript:x()'/></svg>",
        "<svg><animate/></svg>",
    );
    check(
        "<svg><script href=\"a.js\"/><path/></svg><p>on</p>",
        "<svg><path/></svg><p>on</p>",
    );
    check(
        "<div oncontentvisibilityautostatechange=x style=a>b</div>",
        "<div style=a>b</div>",
    );
    let long = format!("<div on{}=x>b</div>", "y".repeat(200));
    check(&long, "<div>b</div>");
    check(
        "<svg><use href=\"data:image/svg+xml,x\"/></svg>",
        "<svg><use/></svg>",
    );
    check("<a href=\"data:image/svg+xml,x\">b</a>", "<a>b</a>");
    check("<<script></script>script>x()</script>b", "");
    check("<img src onerror alt=b>", "<img src alt=b>");
    check("<p ONCLICK/>b", "<p/>b");
    check(
        "<a href=\"\u{200b}javascript:x()\">b</a><a href=\"\u{180e}&#xFEFF;javascript:x()\">c</a>",
        "<a>b</a><a>c</a>",
    );
    check("a<img src=x onerror=", "a");
    check("<b>a</b><img src=x onerror='", "<b>a</b>");
}

#[test]
fn what_is_harmless_stays() {
    for html in [
        "<p class=a style=\"color:red !important; scroll-behavior:smooth\">b</p>",
        "<a href=\"page.html?on=1\">b</a> once upon=a",
        "<a href=\"mailto:a@b\" title=\"javascript: the good parts\">b</a>",
        "<img src=\"data:image/png;base64,AAAA\"><img src=\"data:image/svg+xml,%3Csvg/%3E\">",
        "<iframe src=\"https://www.youtube.com/embed/x\" allowfullscreen></iframe>",
        "<video controls><source src=a.mp4></video><audio src=a.mp3></audio>",
        "<style>p{color:red}</style><svg viewBox='0 0 1 1'><path d='M0'/></svg>",
        "<font color=red>a</font><center>b</center><marquee>c</marquee>",
        "<p>1 < 2 & 3 > 2, <b>unclosed",
        "<!-- a comment -->",
        "<img src=\"data:;base64,AAAA\"><video poster=\"data:image/svg+xml,x\"></video>",
        "<code>&lt;script&gt;</code>",
        "<img srcset=\"a.png 1x, b.png 2x\" alt=\"one=two\">",
        "<img alt=\"Based on a true story\" src=a title='on'><p title=one>once</p>",
    ] {
        check(html, html);
    }
}

#[test]
fn what_browsers_read_otherwise_is_judged_by_a_browser() {
    for html in [
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
        "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
        "<title><a title=\"</title><img src=x onerror=alert(1)>\"></title>",
        "<xmp><p title=\"</xmp><svg/onload=alert(1)>\">",
        "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "<svg><foreignobject><p><style><p title=\"</style><iframe onload&#x3d;alert(1)<!--\"></style>",
        "<math><mtext><table><mglyph><svg><mtext><style><path id=\"</style><img onerror=alert(1) src>\">",
    ] {
        let out = run(html, Markup::Html, Sanitize::Scripts);
        assert_eq!(browser::is_harmless(&out), Ok(true), "{html} → {out}");
        assert!(old::is_harmless(&out), "{html} → {out}");
    }
}

#[test]
fn inline_xhtml_stays_well_formed() {
    let check = |xml: &str, expected: &str| {
        assert_eq!(
            run(xml, Markup::Xhtml, Sanitize::Scripts),
            expected,
            "{xml}"
        );
    };
    check("<p>a<script><![CDATA[x < y]]></script>b</p>", "<p>ab</p>");
    check("<p>a<script src=\"x\"/>b</p>", "<p>ab</p>");
    check(
        "<h:p onclick=\"x\">a<h:script>x</h:script></h:p>",
        "<h:p>a</h:p>",
    );
    check("<object data=\"x\"><p>a</p></object>", "<p>a</p>");
    // What is not well-formed is read otherwise by everybody.
    for xml in [
        "<div><b <script>alert(57)//</script>0</script></b></div>",
        "<b><script<b></b><alert(58)</script </b></b>",
        "<p><script<{alert(75)}/></script </></p>",
        "<p>&<script&S1>alert(1)</p>",
        "<img src=\"x` `<script>alert(102)</script>\"` `>",
    ] {
        let out = run(xml, Markup::Xhtml, Sanitize::Scripts);
        assert!(
            !out.contains("<script") && xhtml::is_well_formed(&out),
            "{xml} → {out}"
        );
    }
}

#[test]
fn inline_xhtml_keeps_its_namespace_under_the_strict_list() {
    let xml = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a<br/></p></div>";
    assert_eq!(run(xml, Markup::Xhtml, Sanitize::Strict), xml);
}

#[test]
fn the_strict_list_judges_what_xml_leaves_of_an_address() {
    for hidden in ["&#2;", "&#x1f;", "\u{b}", "&#xffff;"] {
        let html = format!("<a href=\"ms{hidden}-word:x\">a</a> {hidden}b");
        let clean = run(&html, Markup::Html, Sanitize::Strict);
        assert_eq!(clean, "<a>a</a> b", "{html}");
    }
}

#[test]
fn a_megabyte_of_references_is_not_given_to_a_tree() {
    for part in ["&nbsp;&amp;", "&amp;</x>"] {
        let html = part.repeat(120_000);
        assert_eq!(browser::is_harmless(&html), Err(TooComplex), "{part}");
    }
    // Where the tree is plain to see none is made, and text that is left open needs one.
    let plain = "&nbsp;&amp;".repeat(90_000);
    assert!(run(&plain, Markup::Html, Sanitize::Strict) == plain);
    let open = format!("<p>{plain}");
    let text = run(&open, Markup::Html, Sanitize::Strict);
    assert!(text == format!("<p>{plain}</p>"));
}

#[test]
fn the_strict_list() {
    let check = |html: &str, expected: &str| {
        let once = run(html, Markup::Html, Sanitize::Strict);
        assert_eq!(once, expected, "{html}");
        assert_eq!(
            run(&once, Markup::Html, Sanitize::Strict),
            expected,
            "a second time"
        );
    };
    check(
        "<div class=a style=b><p>x</p><svg><path/></svg><marquee>y</marquee></div>",
        "<div><p>x</p>y</div>",
    );
    check(
        "<figure><picture><source srcset=\"a.webp 1x\"><img src=\"a.jpg\" srcset=\"b.jpg 2x\"></picture></figure>",
        "<figure><picture><source srcset=\"a.webp 1x\"><img src=\"a.jpg\" srcset=\"b.jpg 2x\"></picture></figure>",
    );
    check(
        "<iframe src=\"https://www.youtube.com/embed/x\"></iframe><iframe src=\"https://evil.example/\"></iframe>",
        "<iframe src=\"https://www.youtube.com/embed/x\"></iframe><iframe></iframe>",
    );
    check(
        "<noscript><img src=\"a.jpg\"></noscript>",
        "<img src=\"a.jpg\">",
    );
    check("<a href=\"javascript:x\" href=\"y\">b</a>", "<a>b</a>");
    check("<a href=\"&nbsp;javascript:x\">b</a>", "<a>b</a>");
    check("<a href=\"\u{1}java\u{3}script:x\">b</a>", "<a>b</a>");
}

#[test]
fn what_is_too_complex_is_read_tag_by_tag() {
    let deep = format!(
        "{}<p class=a>x<img src=\"https://x.org/a.png\" onerror=y><a href=\"java\tscript:x\">z</a><script>1</script>",
        "<div>".repeat(2000)
    );
    let out = run(&deep, Markup::Html, Sanitize::Strict);
    assert!(
        out.starts_with("<div><div>")
            && out.contains("x<img src=\"https://x.org/a.png\"")
            && out.contains("z</div>")
            && !out.contains("onerror")
            && out.ends_with("</div></div>"),
        "{out}"
    );
    assert_eq!(
        run(&out, Markup::Html, Sanitize::Strict),
        out,
        "a second time"
    );
    // Cutting alone suffices where nothing is hidden.
    let out = run(&deep, Markup::Html, Sanitize::Scripts);
    assert!(
        out.contains("<p class=a>x<img src=\"https://x.org/a.png\"><a>z</a>"),
        "{out}"
    );
    // Where something may be, the strict list decides.
    let hidden = format!(
        "{deep}<svg><p id=\"<style>\"></svg><noscript><p title=\"</noscript><img src=x onerror=y>\">"
    );
    let out = run(&hidden, Markup::Html, Sanitize::Scripts);
    assert!(!out.contains("onerror") && !out.contains("<svg"), "{out}");
}

#[test]
fn what_is_too_complex_is_noted_and_counted() {
    let trace = Trace::taking();
    edits(
        &"<div>".repeat(2000),
        Markup::Html,
        Sanitize::Strict,
        &trace,
    );
    assert_eq!(trace.complex(), 1);
    let (notes, _) = trace.take();
    assert!(format!("{notes:?}").contains("too complex"), "{notes:?}");
}
