//! Random documents: well-formed ones stay, others become so; chunks and repetition change nothing.

use proptest::prelude::*;

use roxmltree::{Document, ParsingOptions};

use super::{repair, repair_whole};
use crate::feed::splitter::{Completeness, Piece, Splitter, SplitterOptions};

/// Parts of documents, well-formed together or not.
const PARTS: &[&str] = &[
    "<item>",
    "</item>",
    "<item/>",
    "<title>",
    "</title>",
    "<description>",
    "</description>",
    "</DESCRIPTION>",
    "<content:encoded>",
    "</content:encoded>",
    "<x:y z:a='1'>",
    "</x:y>",
    "<image>",
    "</image>",
    "<p>",
    "</p>",
    "<br>",
    "<br/>",
    "</br>",
    "<b c=d e>",
    "<b c=ü>",
    "<é ü='ü'ö=ü/>",
    "</b>",
    "<a href=\"x?y=1&z\"title='&nbsp;' href=\"<\">",
    "</a>",
    "<a b=\"c>",
    "<a b='",
    "\">",
    "<q@r>",
    "<![CDATA[",
    "]]>",
    "<![CDATA[ <b> ]]>",
    "]]",
    "]",
    ">",
    "<",
    "<!",
    "<!-- a -- b --->",
    "<!--",
    "-->",
    "&",
    "&amp;",
    "&nbsp;",
    "&#x1;",
    "&#xD83D;",
    "&#xDE00;",
    "&copy ",
    "&x",
    ";",
    "<?xml ?>",
    "<?a b?>",
    "<? ?>",
    "<!DOCTYPE rss>",
    "<!x>",
    "\u{1}",
    "\u{ffff}",
    "ü",
    " text ",
    "=",
    "'",
    "\"",
    "</channel>",
    "<channel>",
    "<a:b:c>",
    "xmlns:x=''",
];
const STARTS: &[&str] = &[
    "",
    "\u{feff}",
    "\n",
    "<?xml version='1.0'?>",
    "<?xml version=1.0 encoding='bogus'>",
    "junk ",
    "<!-- - -- -->",
    "<!DOCTYPE rss>",
    "<!DOCTYPE rss [<!ENTITY nbsp ' '>]>",
    "<br><?xml version='1.0'?>",
    "<?a?>",
];
const ROOTS: &[(&str, &str)] = &[
    ("<rss version=2.0><channel>", "</channel></rss>"),
    ("<rss>", "</rss>"),
    ("<x:channel>", "</x:channel"),
    ("<rdf:RDF>", "</rdf:rdf>"),
    ("<feed xmlns='http://www.w3.org/2005/Atom'>", "</feed>"),
    (
        "<feed xmlns='http://www.w3.org/2005/Atom'><entry><content type='xhtml'>",
        "</feed>",
    ),
    (
        "<feed xmlns='http://www.w3.org/2005/Atom'><entry><content type='a/xml'>",
        "</feed>",
    ),
];
const ENDS: &[&str] = &[
    "",
    "\n",
    "<!-- - -->",
    "<script>x</script>",
    "<rss/>",
    "<!--",
];

fn parts(of: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(of)
}

fn documents() -> impl Strategy<Value = String> {
    let body = proptest::collection::vec(parts(PARTS), 0..40);
    let starts = proptest::collection::vec(parts(STARTS), 0..3);
    let root = proptest::sample::select(ROOTS);
    (starts, root, body, parts(ENDS)).prop_map(|(starts, (open, close), body, end)| {
        format!("{}{open}{}{close}{end}", starts.concat(), body.concat())
    })
}

/// Text as it may stand between tags.
const TEXTS: &[&str] = &[
    "a",
    " ",
    "\n",
    "&amp;",
    "&lt;br&gt;",
    "&#160;",
    "&#x1f600;",
    "]] ",
    "&#93;>",
    " > ",
    "'",
    "ü",
    "<!-- - -->",
    "<?p & < ?>",
    "<![CDATA[<br>&nbsp;]]>",
    "<![CDATA[]]]]>",
    "<br/>",
    "<b c='&lt;' d=\"'>\"></b>",
    "<x:e xmlns:x='u' x:f=''/>",
    "<item/>",
    "<entry/>",
];
const NAMES: &[&str] = &[
    "item",
    "entry",
    "title",
    "description",
    "content",
    "summary",
    "br",
    "p",
    "img",
    "div",
    "link",
    "channel",
    "rss",
    "feed",
    "image",
    "Item",
    "é",
    "content:encoded",
    "media:group",
    "x:item",
    "xhtml:body",
    "html",
];
const ATTRIBUTES: &[&str] = &[
    "",
    " type='html'",
    " type=\"xhtml\" a='&amp;'",
    " type='a/xml'",
    " b = ''\n",
];
const DECLARED: &str = "xmlns:content='http://purl.org/rss/1.0/modules/content/' xmlns:media='urn:m' xmlns:x='urn:x' xmlns:xhtml='http://www.w3.org/1999/xhtml'";

fn elements() -> impl Strategy<Value = String> {
    let leaf = proptest::collection::vec(parts(TEXTS), 0..4).prop_map(|texts| texts.concat());
    leaf.prop_recursive(6, 60, 5, |inner| {
        let inner = proptest::collection::vec(inner, 0..5);
        (parts(NAMES), parts(ATTRIBUTES), inner).prop_map(|(name, attributes, inner)| {
            format!("<{name}{attributes}>{}</{name}>", inner.concat())
        })
    })
}

fn well_formed() -> impl Strategy<Value = String> {
    let starts = parts(&[
        "",
        "\u{feff}",
        "<?xml version='1.0'?>\n",
        "<?xml version=\"1.0\" encoding='utf-8'?><!DOCTYPE x>",
        "<!-- & --><?p?>",
        "<!DOCTYPE rss [<!ENTITY a \"]>\"><!-- ' -->]>",
        "\n",
    ]);
    let roots =
        proptest::sample::select(vec!["rss", "rdf:RDF", "feed", "channel", "RSS", "a:feed"]);
    (
        starts,
        roots,
        elements(),
        parts(&["", "\n<!-- & -->\n", "<?p?>"]),
    )
        .prop_map(|(start, root, inner, end)| {
            format!("{start}<{root} xmlns:rdf='r' xmlns:a='a' {DECLARED}>{inner}</{root}>{end}")
        })
}

/// How many items there are, and whether the document is a whole feed.
fn split(text: &str) -> (usize, bool) {
    let mut splitter = Splitter::new(SplitterOptions::default());
    let ending = {
        splitter.push(text, &mut |_, _| {});
        splitter.finish(&mut |_: &_, _: Piece<'_>| {})
    };
    (ending.items, ending.completeness == Completeness::Complete)
}

fn is_well_formed(text: &str) -> bool {
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, options).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn well_formed_documents_stay(text in well_formed(), size in 1_usize..40) {
        prop_assert!(is_well_formed(&text), "the test is wrong: {}", text);
        prop_assert_eq!(&repair(&text, size).0, &text);
    }

    #[test]
    fn others_become_well_formed(text in documents()) {
        let (out, skips, is_whole) = repair_whole(&text, text.len());
        prop_assert!(skips > 0 || !is_whole || is_well_formed(&out), "{}\n{}", text, out);
    }

    #[test]
    fn chunks_and_repetition_change_nothing(text in documents(), size in 1_usize..20) {
        let (whole, skips) = repair(&text, text.len());
        prop_assert_eq!(&repair(&text, size), &(whole.clone(), skips));
        prop_assert_eq!(&repair(&whole, size).0, &whole);
    }

    #[test]
    fn no_item_is_lost(text in documents()) {
        let before = split(&text);
        // What is not closed swallows other tags before and after.
        if !before.1 || text.contains("'bogus'>") || text.contains("<a b=") {
            return Ok(());
        }
        let after = split(&repair(&text, text.len()).0);
        prop_assert!(after.0 >= before.0 && after.1, "{:?} {:?} {}", before, after, text);
    }
}
