//! Fields in, fields out.

mod covers;

use super::*;
use crate::html::apply;

fn proxy(image: &ImageReference<'_>) -> Option<String> {
    let stays = image.url.contains("keep") || image.marks != 0;
    (!stays).then(|| format!("P[{}]", image.url.trim()))
}

/// `html` with every URL `x` in it turned to `P(x)`; URLs with `keep` in them stay.
fn rewrite(html: &str, markup: Markup, skip: &[&str]) -> String {
    let skip: Vec<String> = skip.iter().map(ToString::to_string).collect();
    let skip: Vec<(&str, Marks)> = skip.iter().map(|skip| (skip.as_str(), 1)).collect();
    let pass = HtmlPass::new(&skip, Covers::default()).unwrap();
    let edits = pass.edits(html, markup, &mut proxy);
    apply(html, &edits)
}

fn check(html: &str, expected: &str) {
    assert_eq!(rewrite(html, Markup::Html, &[]), expected);
}

fn check_same(html: &str) {
    check(html, html);
}

fn check_xhtml(html: &str, expected: &str) {
    assert_eq!(rewrite(html, Markup::Xhtml, &[]), expected);
}

#[test]
fn spelling_survives() {
    check(
        "<P  Class=x><IMG  ALT = q   SRC=A.png   data-x='1' >",
        "<P  Class=x><IMG  ALT = q   SRC=\"P[A.png]\"   data-x='1' >",
    );
    check("<img src='a\"b'>", "<img src='P[a&quot;b]'>");
    check("<img src='a&apos;b'>", "<img src='P[a&#39;b]'>");
    check("<img src=\"a'b\">", "<img src=\"P[a'b]\">");
    check("<img src = \" a.png\n\">", "<img src = \"P[a.png]\">");
    check("<img src=a.png/>", "<img src=\"P[a.png/]\">");
    check("<img/src=\"x\"/alt=y/>", "<img/src=\"P[x]\"/alt=y/>");
    check(
        "<img src=a src='b' SRC=\"c\">",
        "<img src=\"P[a]\" src='P[b]' SRC=\"P[c]\">",
    );
    check(
        "é<img alt=\"é\" src=\"é.png\">é",
        "é<img alt=\"é\" src=\"P[é.png]\">é",
    );
    check(
        "<img alt='>' src=a title=\"<img src=b>\">",
        "<img alt='>' src=\"P[a]\" title=\"<img src=b>\">",
    );
    check(
        "<img src=\"a><p>text \"q\">",
        "<img src=\"P[a&gt;&lt;p&gt;text]\"q\">",
    );
}

#[test]
fn comments_in_drawn_style_sheets_end_where_they_do() {
    check(
        "<svg><style><!--><img src=\"a\">--></style></svg>",
        "<svg><style><!--><img src=\"P[a]\">--></style></svg>",
    );
    check(
        "<svg><style><!--a{b:url(c)}--><![CDATA[a{b:url(c)}]]></style></svg>",
        "<svg><style><!--a{b:url(P[c])}--><![CDATA[a{b:url(P[c])}]]></style></svg>",
    );
}

#[test]
fn a_script_that_hides_its_end_ends_all_the_same() {
    // To browsers it is a part of the script; other readers show it.
    check(
        "<script><!-- <script></script><img src=\"a\">--></script>",
        "<script><!-- <script></script><img src=\"P[a]\">--></script>",
    );
    check(
        "<script><img src='a<!--<script>.png'></script><img src=b>",
        "<script><img src='a<!--<script>.png'></script><img src=\"P[b]\">",
    );
    check(
        "<script><!--<script></script><img src=a<script><title></script><img src=b>",
        "<script><!--<script></script><img src=\"P[a&lt;script]\"><title></script><img src=\"P[b]\">",
    );
}

#[test]
fn character_references() {
    check(
        "<img src=\"a?x=1&amp;y=2\">",
        "<img src=\"P[a?x=1&amp;y=2]\">",
    );
    check(
        "<img src=\"a?x=1&y=2&copy=3\">",
        "<img src=\"P[a?x=1&amp;y=2&amp;copy=3]\">",
    );
    check(
        "<img src=\"&#104;ttp&colon;//x&#x2f;a\">",
        "<img src=\"P[http://x/a]\">",
    );
    check(
        "<img srcset=\"a?x&amp;y 1x, keep?x&amp;y 2x\">",
        "<img srcset=\"P[a?x&amp;y] 1x, keep?x&amp;y 2x\">",
    );
    check(
        "<p style=\"font-family:&quot;A&quot;;background:url(&quot;a b&quot;)\">",
        "<p style=\"font-family:&quot;A&quot;;background:url(&quot;P[a\\ b]&quot;)\">",
    );
    check(
        "<p style='background:u&#114;l(a)'>",
        "<p style='background:u&#114;l(P[a])'>",
    );
}

#[test]
fn every_place() {
    check(
        "<img srcset='a,b 1x, c 2x'>",
        "<img srcset='P[a,b] 1x, P[c] 2x'>",
    );
    check("<img srcset=a>", "<img srcset=\"P[a]\">");
    check(
        "<picture><source srcset=\"a 1x\"><img src=\"b\"></picture>",
        "<picture><source srcset=\"P[a] 1x\"><img src=\"P[b]\"></picture>",
    );
    check(
        "<video poster=\"a\" src=\"b\"><source src=\"c\"></video>",
        "<video poster=\"P[a]\" src=\"b\"><source src=\"c\"></video>",
    );
    check(
        "<input type=image src=\"a\">",
        "<input type=image src=\"P[a]\">",
    );
    check(
        "<amp-img src=\"a\" srcset=\"b\"></amp-img><a-img src=\"c\">",
        "<amp-img src=\"P[a]\" srcset=\"P[b]\"></amp-img><a-img src=\"P[c]\">",
    );
    check(
        "<svg><image href=\"a\" xlink:href=\"b\"/></svg>",
        "<svg><image href=\"P[a]\" xlink:href=\"P[b]\"/></svg>",
    );
    check("<image src=\"a\">", "<image src=\"P[a]\">");
    check(
        "<table background=\"a\"><td BACKGROUND='b'>",
        "<table background=\"P[a]\"><td BACKGROUND='P[b]'>",
    );
    check(
        "<p style=background:url(a)>",
        "<p style=\"background:url(P[a])\">",
    );
    check(
        "<STYLE>p{background:url('a&b')}</STYLE>",
        "<STYLE>p{background:url('P[a&b]')}</STYLE>",
    );
    check(
        "<object data=\"a.svg\"><embed src=\"b.png\">",
        "<object data=\"P[a.svg]\"><embed src=\"P[b.png]\">",
    );
    check(
        "<link href=\"a.png\" imagesrcset=\"b 2x\"><link href=\"c.css\">",
        "<link href=\"P[a.png]\" imagesrcset=\"P[b] 2x\"><link href=\"c.css\">",
    );
    check(
        "<a href=\"a.png\"><iframe src=\"b.png\"></iframe><script src=\"c.png\"></script>",
        "<a href=\"a.png\"><iframe src=\"b.png\"></iframe><script src=\"c.png\"></script>",
    );
}

#[test]
fn lazy_places() {
    check(
        "<img data-src=\"/a\" data-lazy=\"true\" data-delay=5>",
        "<img data-src=\"P[/a]\" data-lazy=\"true\" data-delay=5>",
    );
    check(
        "<img data-lazy-srcset=\"a 1x\" data-orig-file='b.png'>",
        "<img data-lazy-srcset=\"P[a] 1x\" data-orig-file='P[b.png]'>",
    );
    check(
        "<div data-src=\"/a\"><div data-src=\"/a.jpg\">",
        "<div data-src=\"/a\"><div data-src=\"P[/a.jpg]\">",
    );
    check(
        "<img file=\"/a\" zoomfile=\"b.jpg\" real_src=\"c.jpg\" original=\"1\"><input file=\"d.jpg\">",
        "<img file=\"P[/a]\" zoomfile=\"P[b.jpg]\" real_src=\"P[c.jpg]\" original=\"1\"><input file=\"d.jpg\">",
    );
    check(
        "<div data-bg=\"url('a.jpg')\">",
        "<div data-bg=\"url('P[a.jpg]')\">",
    );
    check(
        "<iframe data-src=\"https://x/embed\"></iframe>",
        "<iframe data-src=\"https://x/embed\"></iframe>",
    );
    check(
        "<img data-any=\"https://x/a.jpg\" longdesc=\"https://x/a\" any=\"//x/b.png?c&amp;d\" alt=\"https://x/a.jpg\">",
        "<img data-any=\"P[https://x/a.jpg]\" longdesc=\"https://x/a\" any=\"P[//x/b.png?c&amp;d]\" alt=\"https://x/a.jpg\">",
    );
    check(
        "<p data-any=\"https://x/a.jpg 1x, https://x/b 2x\" any=\"https://x/a.jpg\" data-b=\"a.jpg\">",
        "<p data-any=\"P[https://x/a.jpg] 1x, https://x/b 2x\" any=\"https://x/a.jpg\" data-b=\"a.jpg\">",
    );
}

#[test]
fn left_alone() {
    check_same("");
    check_same("text < text <");
    check_same("<img src>");
    check_same("<img src=\"\">");
    check_same("<img src=\"keep\">");
    check_same("<p style=\"color:red\">");
    check_same("<p>hi <img src=\"a.png");
    check_same("<p>hi <img src=\"a.png\"");
    check_same("<p>hi <img src=a.png ");
    check_same("</img src=\"a\">");
    check_same("<!-- <img src=\"a\"> -->");
    check_same("<!--[if mso]><img src=\"a\"><![endif]-->");
    check_same("<textarea><img src=\"a\"></textarea>");
    check_same("<script>x = '<img src=\"a\">'</script>");
    check_same("<svg><![CDATA[<img src=\"a\">]]></svg>");
}

#[test]
fn tags_behind_text_that_hides_tags() {
    let image = "<img src=\"a\">";
    for before in [
        "<!-- open ",
        "<!-- open <!-- ",
        "<title>b</titlex>",
        "<textarea>",
        "<iframe>",
        "<style>p{color:red}",
        "<script>",
        "<script/>",
        "<iframe />",
        "<plaintext></plaintext>",
        "<xmp></xmp><xmp>",
        "<!-->",
        "<!--->",
        "<!-- -- --!>",
        "<!doctype html>",
        "<?xml version='1.0'?>",
        "<![CDATA[>",
        "</>",
        "</ x>",
        "<1",
        "<<",
        "a\"b='<p title='>'>",
        "<p \"'>",
        "<p ='>",
        "<p a=b'c>",
        "<p a= 'x'b=\"y\">",
        "<textarea></textareax></TEXTAREA >",
        "<iframe src=x></iframe/>",
        "<script>'<!' + '--'</script>",
        "<script><!-- </script>",
        "<title></title a='>'>",
        "<svg><title><style></style></title>",
        "<svg><desc><textarea></textarea>",
        "<svg/>",
        "<svg><title>t</title><path d='>'/></svg><title></title>",
        "<svg><title><path></svg></title></svg>",
        "<math><path></svg><style></style>",
        "<math><mi><style></style>",
        "<noscript>",
        "<noscript><noscript></noscript>",
    ] {
        check(
            &format!("{before}{image}"),
            &format!("{before}<img src=\"P[a]\">"),
        );
    }
}

#[test]
fn noscript_twins() {
    check(
        "<img data-src=\"/a\" src=\"keep\"><NOSCRIPT><img src=\"/a\"></NOSCRIPT><svg><style></style></svg><noscript><img src=b>",
        "<img data-src=\"P[/a]\" src=\"keep\"><NOSCRIPT><img src=\"P[/a]\"></NOSCRIPT><svg><style></style></svg><noscript><img src=\"P[b]\">",
    );
}

#[test]
fn style_sheets_in_svg() {
    check(
        "<svg><style/><style>p{background:url(a&amp;b)}</style><img src=b>",
        "<svg><style/><style>p{background:url(P[a&amp;b])}</style><img src=\"P[b]\">",
    );
    check(
        "<svg><style><![CDATA[p{background:url(a&b)}]]></style></svg>",
        "<svg><style><![CDATA[p{background:url(P[a&b])}]]></style></svg>",
    );
}

#[test]
fn xhtml() {
    check_xhtml("<title/><img src=\"a\"/>", "<title/><img src=\"P[a]\"/>");
    check_xhtml(
        "<script/><style /><textarea/><iframe src='x'/><img src='a'/>",
        "<script/><style /><textarea/><iframe src='x'/><img src='P[a]'/>",
    );
    check_xhtml(
        "<![CDATA[<img src='a'/>]]><img src='b'/>",
        "<![CDATA[<img src='a'/>]]><img src='P[b]'/>",
    );
    check_xhtml(
        "<![CDATA[ <!-- ]]><img src='b'/>",
        "<![CDATA[ <!-- ]]><img src='P[b]'/>",
    );
    check_xhtml(
        "<!-- <![CDATA[ --><img src='b'/>",
        "<!-- <![CDATA[ --><img src='P[b]'/>",
    );
    check_xhtml(
        "<?x > <img src='a'/> ?><img src='b'/>",
        "<?x > <img src='a'/> ?><img src='P[b]'/>",
    );
    check_xhtml(
        "<xh:img src='a'/><svg:image xlink:href='b'/>",
        "<xh:img src='P[a]'/><svg:image xlink:href='P[b]'/>",
    );
    check_xhtml(
        "<style>p{background:url(a?b&amp;c)}</style>",
        "<style>p{background:url(P[a?b&amp;c])}</style>",
    );
    check_xhtml(
        "<style><![CDATA[p{background:url(a?b&c)}]]></style>",
        "<style><![CDATA[p{background:url(P[a?b&c])}]]></style>",
    );
    check_xhtml(
        "<noscript><img src='a'/></noscript>",
        "<noscript><img src='P[a]'/></noscript>",
    );
    check_xhtml(
        "<svg><title>t</title></svg><img src='a'/>",
        "<svg><title>t</title></svg><img src='P[a]'/>",
    );
}

#[test]
fn xhtml_style_sheet_of_many_parts() {
    check_xhtml(
        "<style>a{background:url(a?b&amp;c)}<!--b{background:url(b?b&c)}--><![CDATA[c{background:url(c?b&c)}]]>d{background:url(d)}<x/></style>",
        "<style>a{background:url(P[a?b&amp;c])}<!--b{background:url(P[b?b&c])}--><![CDATA[c{background:url(P[c?b&c])}]]>d{background:url(P[d])}<x/></style>",
    );
}

#[test]
fn deep_nesting_leaks_nothing() {
    for before in ["", "<svg><style></style>"] {
        let html = format!("{before}{}<img src=\"a\">", "<div>".repeat(100_000));
        assert!(rewrite(&html, Markup::Html, &[]).ends_with("<img src=\"P[a]\">"));
        assert!(rewrite(&html, Markup::Html, &[".skip"]).ends_with("<img src=\"P[a]\">"));
    }
}

#[test]
fn is_shared_between_tasks() {
    fn check<T: Send + Sync>() {}
    check::<HtmlPass>();
}

#[test]
fn no_tag_is_too_long() {
    let many = " a".repeat(5_000);
    check(
        &format!("<p><img{many} src=\"b\"><img src=\"c\">"),
        &format!("<p><img{many} src=\"P[b]\"><img src=\"P[c]\">"),
    );
    check_xhtml(
        &format!("<img{many} src=\"b\"/>"),
        &format!("<img{many} src=\"P[b]\"/>"),
    );
}

#[test]
fn no_raw_text_ends_in_its_own_start_tag() {
    check(
        "<iframe title=x</iframe><img src=\"a\">",
        "<iframe title=x</iframe><img src=\"P[a]\">",
    );
    check_same("<iframe title=x</iframe><img src=\"a\"></iframe>");
}
