//! What holds for any field: nothing forbidden is left, whoever reads it.

use proptest::prelude::*;
use proptest::sample::select;

use super::tests::run;
use super::*;
use crate::html::walk::Walk;

const SOUP: &[&str] = &[
    "<script>",
    "</script>",
    "<scr",
    "ipt>",
    "<img src=x onerror=alert(1)>",
    "<svg>",
    "</svg>",
    "<svg onload=x>",
    "<math>",
    "</math>",
    "<style>",
    "</style>",
    "<noscript>",
    "</noscript>",
    "<title>",
    "</title>",
    "<textarea>",
    "</textarea>",
    "<xmp>",
    "</xmp>",
    "<plaintext>",
    "<iframe>",
    "</iframe>",
    "<iframe srcdoc='<script>x</script>'>",
    "<!--",
    "-->",
    "--!>",
    "<![CDATA[",
    "]]>",
    "<p title=\"",
    "\">",
    "'",
    ">",
    "<",
    "x",
    " ",
    "=",
    "/",
    "<a href=javascript:x>",
    "<a href='java\tscript:x'>",
    "</a>",
    "<form>",
    "</form>",
    "<mglyph>",
    "<mtext>",
    "<table>",
    "<td>",
    "<select>",
    "</select>",
    "<option>",
    "<template>",
    "</template>",
    "<foreignObject>",
    "<desc>",
    "<annotation-xml encoding=text/html>",
    "<base href=x>",
    "<object>",
    "<embed src=x>",
    "<p style='x:expression(1)'>",
    "onclick=x",
    "<b",
    "<image href=javascript:x>",
    "<set attributeName=onload to=x>",
    "<noembed>",
    "</noembed>",
    "&lt;script&gt;",
    "<br/>",
];

/// Names of tags, of attributes, and what may follow those.
const NAMES: &[&str] = &[
    "img", "a", "p", "/p", "div", "x:script", "table", "td", "image", "b", "/b", "template",
    "video",
];
const ATTRIBUTES: &[&str] = &[
    "src",
    "href",
    "alt",
    "onload",
    "ONx",
    "style",
    "srcdoc",
    "data-src",
    "xlink:href",
    "o",
    "x`y",
    "srcset",
];
const VALUES: &[&str] = &[
    "",
    "=a",
    "=\"a b\"",
    "='a'",
    "=\"`` onload=x\"",
    "=`a`",
    "=a`b",
    "=\"javascript:x\"",
    "=\"<script>\"",
    "='>'",
    "=\"java&#10;script:x\"",
    "=x\"onload=y",
    "=\"x\"onload=\"y\"",
    "=data:text/html,x",
    "=\"a?onload=x\"",
    "=\"width:expression(x)\"",
    "=",
    "=/",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(select(SOUP), 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6000))]

    #[test]
    fn nothing_forbidden_comes_out(
        html in soup(),
        markup in select(&[Markup::Html, Markup::Xhtml][..]),
        mode in select(&[Sanitize::Scripts, Sanitize::Strict][..]),
    ) {
        let once = run(&html, markup, mode);
        prop_assert_eq!(browser::is_harmless(&once), Ok(true), "{} → {}", html, once);
        let twice = run(&once, markup, mode);
        prop_assert_eq!(&once, &twice, "from {}", html);
    }

    #[test]
    fn what_is_plainly_harmless_is_so_to_every_parser(
        html in soup(),
        tags in prop::collection::vec(
            (select(NAMES), prop::collection::vec((select(ATTRIBUTES), select(VALUES)), 0..4)),
            0..6,
        ),
    ) {
        let written = tags.iter().map(|(name, attributes)| {
            let attributes = attributes.iter().map(|(name, value)| format!(" {name}{value}"));
            format!("<{name}{}>", attributes.collect::<String>())
        });
        for html in [html, written.collect()] {
            let mut walk = Walk::new(&html, Markup::Html);
            let mut tag = Tag::default();
            let mut is_seen = true;
            while walk.read(&mut tag) {
                is_seen &= walk.is_plain() && is_harmless(&tag);
            }
            if is_seen && walk.is_plain() {
                prop_assert_eq!(browser::is_harmless(&html), Ok(true), "{}", html);
                prop_assert!(old::is_harmless(&html), "{}", html);
            }
        }
    }

    #[test]
    fn tokens_of_the_list_alone_are_harmless_and_stay(
        html in soup(),
        markup in select(&[Markup::Html, Markup::Xhtml][..]),
    ) {
        let once = strict::tokens_only(&html, markup);
        prop_assert_eq!(browser::is_harmless(&once), Ok(true), "{} → {}", html, once);
        prop_assert!(old::is_harmless(&once), "{} → {}", html, once);
        prop_assert!(xhtml::is_well_formed(&once), "{} → {}", html, once);
        let allowed = strict::clean(&once, markup);
        prop_assert!(!allowed.is_reduced);
        let twice = strict::tokens_only(&once, markup);
        prop_assert_eq!(&once, &twice, "from {}", html);
    }
}
