//! Image URLs in HTML: no edit outside the text, and twice is once.
#![no_main]

use std::sync::LazyLock;

use feedwright::html::Markup;
use feedwright::rewrite::passes::images::{Covers, HtmlPass};
use feedwright_fuzz::{apply, proxied};
use libfuzzer_sys::fuzz_target;

static PASS: LazyLock<HtmlPass> =
    LazyLock::new(|| {
        let covers = Covers {
            linked_images: true,
            media: true,
        };
        HtmlPass::new(&[("img.skip", 1)], covers).expect("the selector is right")
    });

fuzz_target!(|data: (bool, &str)| {
    let (is_xhtml, html) = data;
    let markup = if is_xhtml { Markup::Xhtml } else { Markup::Html };
    let once = apply(html, &PASS.edits(html, markup, &mut proxied));
    let twice = apply(&once, &PASS.edits(&once, markup, &mut proxied));
    assert_eq!(once, twice, "from {html:?}");
});
