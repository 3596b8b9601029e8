//! Candidates of `srcset`, through the pass that reads them: each address of the standard's
//! parser is asked for, descriptors stay, and twice is once.
#![no_main]

use std::sync::LazyLock;

use feedwright::html::Markup;
use feedwright::rewrite::passes::images::{Covers, HtmlPass};
use feedwright_fuzz::{apply, proxied};
use libfuzzer_sys::fuzz_target;

static PASS: LazyLock<HtmlPass> =
    LazyLock::new(|| HtmlPass::new(&[], Covers::default()).expect("no selectors"));

fuzz_target!(|srcset: &str| {
    let html = format!("<img srcset='{}'>", srcset.replace(['\'', '<', '&'], ""));
    let edits = PASS.edits(&html, Markup::Html, &mut proxied);
    let once = apply(&html, &edits);
    assert!(once.starts_with("<img srcset='") && once.ends_with("'>"));
    let twice = apply(&once, &PASS.edits(&once, Markup::Html, &mut proxied));
    assert_eq!(once, twice, "from {html:?}");
});
