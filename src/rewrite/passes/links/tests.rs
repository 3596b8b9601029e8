//! Which links change, and that nothing else of them does.

use super::*;
use crate::html::apply;
use crate::rewrite::base::{FeedBase, PieceBase};
use crate::rewrite::link::ItemLink;

fn run(html: &str, options: &LinkOptions, with_images: bool) -> String {
    let feed = FeedBase::new(Url::parse("https://x.org/feed").unwrap());
    let piece = PieceBase::of_item(
        &feed,
        &[],
        ItemLink {
            written: "https://x.org/blog/1.html".to_owned(),
            bases: Vec::new(),
        },
    );
    let base = FieldBase::of_piece(&piece);
    let links = Links::new(options, with_images).unwrap();
    apply(
        html,
        &links.edits(html, (Markup::Html, &base), &Budget::default()),
    )
}

fn check(html: &str, expected: &str) {
    let options = LinkOptions {
        absolute: true,
        clean: true,
        tracking_params: vec!["own".into(), "my_*".into()],
    };
    let once = run(html, &options, false);
    assert_eq!(once, expected);
    assert_eq!(run(&once, &options, false), expected, "a second time");
}

#[test]
fn relative_links_become_absolute() {
    check(
        "<a href=\"2.html\">",
        "<a href=\"https://x.org/blog/2.html\">",
    );
    check(
        "<a href='/a?b=1&amp;c'>",
        "<a href='https://x.org/a?b=1&amp;c'>",
    );
    check("<A HREF=../up>", "<A HREF=\"https://x.org/up\">");
    check(
        "<iframe src=\"//y.org/v\"></iframe>",
        "<iframe src=\"https://y.org/v\"></iframe>",
    );
    check(
        "<video src=v.mp4 poster=p.jpg>",
        "<video src=\"https://x.org/blog/v.mp4\" poster=p.jpg>",
    );
    check(
        "<blockquote cite=\"?q\">",
        "<blockquote cite=\"https://x.org/blog/1.html?q\">",
    );
}

#[test]
fn others_stay_as_they_are() {
    for html in [
        "<a href=\"https://X.org/a b?q=ä&amp;x=%zz\">",
        "<a href=\"#part\">",
        "<a href=\"\">",
        "<a href>",
        "<a href=\"mailto:a@x.org\">",
        "<a href=\"data:text/plain,x\">",
        "<a name=\"x.html\">",
        "<!-- <a href=\"2.html\"> -->",
        "<a href=\"http://[bad\">",
    ] {
        check(html, html);
    }
}

#[test]
fn tracking_parameters_go() {
    check(
        "<a href=\"https://x.org/a?utm_source=rss&amp;id=7&amp;UTM_medium=x#utm_c=1\">",
        "<a href=\"https://x.org/a?id=7#utm_c=1\">",
    );
    check(
        "<a href=\"https://x.org/a?fbclid=1\">",
        "<a href=\"https://x.org/a\">",
    );
    check(
        "<a href=\"/a?own=1&my_x=2&x=%20+\">",
        "<a href=\"https://x.org/a?x=%20+\">",
    );
    check(
        "<a href=\"https://x.org/a?x=utm_source\">",
        "<a href=\"https://x.org/a?x=utm_source\">",
    );
}

#[test]
fn images_when_nobody_else_sees_to_them() {
    let options = LinkOptions {
        absolute: true,
        ..LinkOptions::default()
    };
    let html = "<img src=a.jpg srcset=\"b.jpg 2x, https://y.org/c 3x\">";
    let expected = "<img src=\"https://x.org/blog/a.jpg\" \
                    srcset=\"https://x.org/blog/b.jpg 2x, https://y.org/c 3x\">";
    assert_eq!(run(html, &options, true), expected);
    assert_eq!(run(html, &options, false), html);
}
