//! What is promoted, what is left, and which twins go.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::html::apply;
use crate::rewrite::base::{FeedBase, PieceBase};

fn edits(html: &str, markup: Markup) -> Vec<Edit> {
    let feed = FeedBase::new(url::Url::parse("https://x.org/feed").unwrap());
    let piece = PieceBase::of_element(&feed, &[]);
    super::edits(html, markup, &FieldBase::of_piece(&piece))
}

fn check_as(html: &str, markup: Markup, expected: &str) {
    assert_eq!(apply(html, &edits(html, markup)), expected, "{html}");
    assert_eq!(
        apply(expected, &edits(expected, markup)),
        expected,
        "a second time"
    );
}

fn check(html: &str, expected: &str) {
    check_as(html, Markup::Html, expected);
}

#[test]
fn promoted_where_there_is_nothing_to_see() {
    check(
        "<img data-src=\"a.jpg\">",
        "<img data-src=\"a.jpg\" src=\"a.jpg\">",
    );
    check(
        "<img src=\"data:image/gif;base64,R0lGOD\" data-src='a.jpg?x=1&amp;y=2'>",
        "<img src=\"a.jpg?x=1&amp;y=2\" data-src='a.jpg?x=1&amp;y=2'>",
    );
    check(
        "<img src='/img/spacer.gif' data-original=/a.jpg alt=x/>",
        "<img src='/a.jpg' data-original=/a.jpg alt=x/>",
    );
    check(
        "<img src data-src=b.png>",
        "<img src=\"b.png\" data-src=b.png>",
    );
    check(
        "<img srcset=\"a.jpg 320w, b.jpg 1024w\">",
        "<img srcset=\"a.jpg 320w, b.jpg 1024w\" src=\"b.jpg\">",
    );
    check(
        "<img src=\"\" data-srcset=\"/w_1,c_2/a.jpg 1x, /w_2,c_2/a.jpg 2x\">",
        "<img src=\"/w_2,c_2/a.jpg\" data-srcset=\"/w_1,c_2/a.jpg 1x, /w_2,c_2/a.jpg 2x\">",
    );
    check(
        "<picture><source type=image/avif srcset=a.avif><source srcset=\"a.webp\"><img alt=x></picture>",
        "<picture><source type=image/avif srcset=a.avif><source srcset=\"a.webp\"><img alt=x src=\"a.webp\"></picture>",
    );
    check(
        "<img data-medium-file=m.jpg data-large-file=l.jpg data-orig-file=o.jpg src=about:blank>",
        "<img data-medium-file=m.jpg data-large-file=l.jpg data-orig-file=o.jpg src=\"o.jpg\">",
    );
    check(
        "<img data-any=\"/x/y.webp\">",
        "<img data-any=\"/x/y.webp\" src=\"/x/y.webp\">",
    );
}

#[test]
fn left_where_there_is_an_image_or_no_candidate() {
    for html in [
        "<img src=\"https://x.org/a.jpg\" data-src=\"https://x.org/b.jpg\">",
        "<img src=\"data:image/png;base64,AAAA\">",
        "<img src=\"/spacer.gif\">",
        "<img data-pin-media=\"https://x.org/pin.jpg\">",
        "<img data-src=\"lazy\">",
        "<img data-attrs='{\"src\":\"https://x.org/a.jpg\"}'>",
        "<!-- <img data-src=a.jpg> -->",
        "<textarea><img data-src=a.jpg></textarea>",
    ] {
        check(html, html);
    }
}

#[test]
fn twins_are_seen_once() {
    check(
        "<p><img class=lazy data-src=\"/a.jpg\"><noscript><img src=\"/a.jpg\"></noscript></p>",
        "<p><img class=lazy data-src=\"/a.jpg\" src=\"/a.jpg\"></p>",
    );
    check(
        "<img src='data:image/gif;base64,R0'>\n<noscript>\n<img src=\"/a.jpg?w=1&amp;h=2\"/></noscript>x",
        "<img src='/a.jpg?w=1&amp;h=2'>\nx",
    );
    check(
        "<noscript><img src=\"/a-300x200.jpg\"></noscript><img data-src=/a.jpg>",
        "<img data-src=/a.jpg src=\"/a.jpg\">",
    );
    check(
        "<a href=x><picture><source srcset=\"a 1w\"><img></picture></a><noscript><picture><img src=a></picture></noscript>",
        "<a href=x><picture><source srcset=\"a 1w\"><img src=\"a\"></picture></a>",
    );
    check(
        "<img src=https://x.org/a.jpg><noscript><img src=https://x.org/a.jpg></noscript>",
        "<img src=https://x.org/a.jpg>",
    );
    check(
        "<img src=/a.jpg><noscript><img src=https://x.org/a.jpg></noscript>",
        "<img src=/a.jpg>",
    );
    check(
        "<img src=/a.jpg><noscript><img src=/n.jpg></noscript><img data-src=/n.jpg>",
        "<img src=/a.jpg><img data-src=/n.jpg src=\"/n.jpg\">",
    );
    check_as(
        "<img data-src=\"/a.jpg\" /><noscript><img src=\"/a.jpg\" /></noscript>",
        Markup::Xhtml,
        "<img data-src=\"/a.jpg\" src=\"/a.jpg\" />",
    );
}

#[test]
fn noscript_with_more_stays() {
    for html in [
        "<img data-src=/a.jpg src=\"/a.jpg\"><noscript>Please <img src=/a.jpg></noscript>",
        "<img data-src=/a.jpg src=\"/a.jpg\"><noscript><iframe src=/f></iframe></noscript>",
        "<img data-src=/a.jpg src=\"/a.jpg\"><noscript><img src=/a.jpg><img src=/b.jpg></noscript>",
        "<img data-src=/a.jpg src=\"/a.jpg\">text<noscript><img src=/a.jpg></noscript>",
        "<img src=/a.jpg><noscript><img src=/other.jpg></noscript>",
        "<img data-src=/b.jpg src=\"/b.jpg\"><noscript><img src=/a.jpg></noscript>",
        "<noscript><img src=/a.jpg></noscript>",
        "<img data-src=/a.jpg src=\"/a.jpg\"><noscript><img src=/a.jpg>",
    ] {
        check(html, html);
    }
}

const SOUP: &[&str] = &[
    "<img data-src=a.jpg>",
    "<img src=\"\" data-srcset='a 1x, b,c 2x'>",
    "<img src=\"https://x.org/a.png\">",
    "<IMG SRC data-original=\"b.jpg\"/>",
    "<noscript>",
    "</noscript>",
    "<img src=a.jpg>",
    "<picture>",
    "</picture>",
    "<source srcset=\"c.webp 2x\">",
    "<p>",
    "</a>",
    "text",
    " ",
    "<img src='x",
    "'>",
    "<!--",
    "-->",
    "<amp-img data-src=/d.png>",
    "<script>",
    "</script>",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn twice_is_once(
        pieces in prop::collection::vec(select(SOUP), 0..16),
        markup in select(&[Markup::Html, Markup::Xhtml][..]),
    ) {
        let html = pieces.concat();
        let found = edits(&html, markup);
        let mut at = 0;
        for edit in &found {
            prop_assert!(edit.range.start >= at, "{:?} in {}", found, html);
            at = edit.range.end;
        }
        let once = apply(&html, &found);
        let again = apply(&once, &edits(&once, markup));
        prop_assert_eq!(once, again);
    }
}

#[test]
fn images_in_a_noscript_that_is_no_twin_are_images() {
    let lazy = "<img data-src=\"b.jpg\">";
    let promoted = "<img data-src=\"b.jpg\" src=\"b.jpg\">";
    for (before, after) in [
        // More than one, text beside it, no URL, no end.
        ("<noscript><img src=\"a.jpg\">", "</noscript>"),
        ("<noscript>Look: ", "</noscript>"),
        ("<noscript>", "</noscript>"),
        ("<noscript><p>", ""),
        ("<img src=\"a.jpg\"><noscript>", "<p>"),
    ] {
        check(
            &format!("{before}{lazy}{after}"),
            &format!("{before}{promoted}{after}"),
        );
    }
    check(
        "<noscript><picture><source srcset=\"a.webp\"><img alt></picture><p>x</noscript>",
        "<noscript><picture><source srcset=\"a.webp\"><img alt src=\"a.webp\"></picture><p>x</noscript>",
    );
}
