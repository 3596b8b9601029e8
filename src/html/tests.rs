//! The walk beside a browser's parser (html5ever), on soup made of the things that trip HTML readers.

use std::collections::BTreeSet;

use dom_query::Document;
use proptest::prelude::*;
use proptest::sample::select;

use super::Markup;
use super::tag::Tag;
use super::walk::{Token, Walk};

/// Pieces of markup; any sequence of them is a text. `#` becomes a number.
const SOUP: &[&str] = &[
    "<i data-p=#>",
    "<i data-p=#>",
    "<img data-p='#'>",
    "<img data-p=\"#\"/>",
    "<i title='<i data-p=#>'>",
    "<i data-p=# data-p=0>",
    "<i x=y/data-p=#/>",
    "<i =x data-p = #>",
    "<i \"data-p=#",
    "'>",
    "\">",
    ">",
    "<",
    "/",
    " ",
    "x",
    "é",
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<a>",
    "</a>",
    "<div>",
    "</div>",
    "<h1>",
    "</h2>",
    "<li>",
    "<ul>",
    "</ul>",
    "<!--",
    "-->",
    "--!>",
    "--",
    "<!-->",
    "<!--->",
    "<!x>",
    "<?x?>",
    "</>",
    "</ x>",
    "<1",
    "<![CDATA[",
    "]]>",
    "<script>",
    "</script>",
    "</script ",
    "<style>",
    "</style>",
    "<title>",
    "</title>",
    "<textarea>",
    "</TEXTAREA>",
    "<iframe>",
    "</iframe>",
    "<noscript>",
    "</noscript>",
    "<xmp>",
    "</xmp>",
    "<svg>",
    "<svg/>",
    "</svg>",
    "<math>",
    "</math>",
    "<mi>",
    "</mi>",
    "<g>",
    "<desc>",
    "</desc>",
    "<foreignObject>",
    "</foreignObject>",
    "<annotation-xml>",
    "<annotation-xml encoding=text/html>",
    "<font color=x>",
    "<font>",
    "<table>",
    "<tr>",
    "<td>",
    "</table>",
    "<plaintext>",
    "<br>",
    "</br>",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(select(SOUP), 0..20).prop_map(|pieces| {
        let mut text = String::new();
        for (number, piece) in pieces.into_iter().enumerate() {
            text.push_str(&piece.replace('#', &(number + 1).to_string()));
        }
        text
    })
}

/// The values that a walk finds.
fn walked(html: &str) -> BTreeSet<String> {
    let mut walk = Walk::of_reader(html, Markup::Html);
    let mut tag = Tag::default();
    let mut found = BTreeSet::new();
    while walk.read(&mut tag) {
        found.extend(tag.value("data-p").filter(|_| !tag.is_end).map(Into::into));
    }
    found
}

/// Those that are in a browser's tree.
fn parsed(html: &str) -> BTreeSet<String> {
    let document = Document::fragment(html);
    let nodes = document.select("[data-p]");
    let values = nodes.iter().filter_map(|node| node.attr("data-p"));
    values.map(|value| value.to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8000))]

    #[test]
    fn a_walk_finds_what_a_browser_does(html in soup()) {
        prop_assert_eq!(walked(&html), parsed(&html), "{}", html);
    }

    /// Rules read what readers show that know less than a browser.
    #[test]
    fn rules_find_at_least_that(html in soup()) {
        let mut walk = Walk::new(&html, Markup::Html).closing_at_end();
        let mut tag = Tag::default();
        let mut found = BTreeSet::new();
        while walk.read(&mut tag) {
            found.extend(tag.value("data-p").map(String::from));
        }
        if walk.closing().is_some() {
            let missed: Vec<_> = parsed(&html).difference(&found).cloned().collect();
            prop_assert!(missed.is_empty(), "{:?} in {}", missed, html);
        }
    }

    /// Every byte is in one token, or in the raw text behind one.
    #[test]
    fn nothing_is_left_out(html in soup(), is_xhtml: bool) {
        let markup = if is_xhtml { Markup::Xhtml } else { Markup::Html };
        let mut walk = Walk::new(&html, markup);
        let mut tag = Tag::default();
        let mut at = 0;
        while let Some(token) = walk.token(&mut tag) {
            prop_assert_eq!(walk.range().start, at);
            at = walk.range().end;
            if token == Token::Tag {
                prop_assert_eq!(at, tag.raw_end.unwrap_or(tag.range.end));
            }
        }
        prop_assert_eq!(at, html.len());
    }
}
