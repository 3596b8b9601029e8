//! What selectors mark, and what is read where it is asked for.

use super::*;

#[test]
fn skipped_by_selector() {
    let check = |skip: &[&str], html: &str, expected: &str| {
        assert_eq!(rewrite(html, Markup::Html, skip), expected, "{skip:?}");
    };
    check(
        &[".avatar img", "img.icon"],
        "<p><img src=\"a\"><span class='avatar'><img src=\"b\"></span><img class=icon src=\"c\"><img src=\"d\">",
        "<p><img src=\"P[a]\"><span class='avatar'><img src=\"b\"></span><img class=icon src=\"c\"><img src=\"P[d]\">",
    );
    check(
        &["img[width=\"1\"]"],
        "<noscript><img src=a width=1><img src=b>",
        "<noscript><img src=a width=1><img src=\"P[b]\">",
    );
    check(
        &["style"],
        "<style>p{background:url(a)}</style>",
        "<style>p{background:url(a)}</style>",
    );
}

#[test]
fn selectors_are_checked() {
    assert!(check_selector("div.x > img[src^='https:']:not(.y)").is_ok());
    for selector in ["", "img +", "a + b", "a:has(img)", "<img>"] {
        let error = check_selector(selector).unwrap_err();
        assert!(error.to_string().contains(selector), "{error}");
        assert!(HtmlPass::new(&[(selector, 1)], Covers::default()).is_err());
    }
}

#[test]
fn marks_say_which_selectors_match() {
    let selectors = [(".a img", 1), ("img.b", 2), (".b", 4), ("p", 8)];
    let pass = HtmlPass::new(&selectors, Covers::default()).unwrap();
    let mut seen = Vec::new();
    let html = "<img src=1><p class=a><img src=2><img class=b src=3></p><b class=b><img src=4>";
    pass.edits(html, Markup::Html, &mut |found| {
        assert_eq!((found.element, found.attribute), ("img", "src"));
        seen.push((found.url.to_owned(), found.marks));
        None
    });
    let expected = [("1", 0), ("2", 1), ("3", 7), ("4", 0)];
    let expected = expected.map(|(url, marks)| (url.to_owned(), marks));
    assert_eq!(seen, expected);
}

fn check_covering(covers: Covers, html: &str, expected: &str) {
    let pass = HtmlPass::new(&[], covers).unwrap();
    let edits = pass.edits(html, Markup::Html, &mut proxy);
    assert_eq!(apply(html, &edits), expected);
    check_same(html);
}

#[test]
fn links_where_they_are_asked_for() {
    let covers = Covers {
        linked_images: true,
        ..Covers::default()
    };
    check_covering(
        covers,
        "<a href=\"/a.png?w=1\"><area href=a.jpg><a href=\"/\"><a href=\"/wiki/File:a.png\">",
        "<a href=\"P[/a.png?w=1]\"><area href=\"P[a.jpg]\"><a href=\"/\"><a href=\"/wiki/File:a.png\">",
    );
    let html = "<svg><style></style><a href=\"a.png\">";
    check_covering(covers, html, "<svg><style></style><a href=\"P[a.png]\">");
}

#[test]
fn sound_and_film_where_they_are_asked_for() {
    let covers = Covers {
        media: true,
        ..Covers::default()
    };
    check_covering(
        covers,
        "<video src=\"a\" data-src=\"/b\"><source src=\"c\"></video><audio src=\"d\"><iframe src=\"e\">",
        "<video src=\"P[a]\" data-src=\"P[/b]\"><source src=\"P[c]\"></video><audio src=\"P[d]\"><iframe src=\"e\">",
    );
}

#[test]
fn documents_in_attributes() {
    check(
        "<iframe srcdoc='<p>&lt;img src=\"a?b&amp;amp;c\"><style>p{background:url(d)}</style>'></iframe>",
        "<iframe srcdoc='<p>&lt;img src=\"P[a?b&amp;amp;c]\"><style>p{background:url(P[d])}</style>'></iframe>",
    );
    check(
        "<iframe srcdoc=\"<iframe srcdoc='<img src=&quot;a&quot;>'>\">",
        "<iframe srcdoc=\"<iframe srcdoc='&lt;img src=&quot;P[a]&quot;&gt;'>\">",
    );
    check_same("<iframe srcdoc=\"<img src=keep>\">");
    check_same("<iframe srcdoc=\"<p>\">");
}

#[test]
fn svg_masks_and_cursors() {
    check(
        "<svg><rect mask=\"url(a.png)\" fill=\"url(b.svg#c)\" cursor=\"url(d.cur)\"/><use href=\"e.svg#f\"/></svg>",
        "<svg><rect mask=\"url(P[a.png])\" fill=\"url(b.svg#c)\" cursor=\"url(P[d.cur])\"/><use href=\"e.svg#f\"/></svg>",
    );
    check_same("<p mask=\"url(a.png)\">");
}
