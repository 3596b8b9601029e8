//! What holds for any field: tested on soup made of the things that trip HTML readers.

use proptest::prelude::*;
use proptest::sample::select;
use url::Url;

use super::*;
use crate::html::apply;
use crate::rewrite::RuleOptions;
use crate::rewrite::image_urls::ImageUrlRules;

/// Pieces of markup; any sequence of them is a field.
const SOUP: &[&str] = &[
    "<img src=\"a.png\">",
    "<IMG SRC=b>",
    "<img alt='",
    "src=c",
    "'>",
    "\">",
    ">",
    "<",
    "/",
    "=",
    " ",
    "\n",
    "\"",
    "'",
    "x",
    "é",
    "&amp;",
    "<p>",
    "</p>",
    "<p title=\"",
    "<br/>",
    "<!--",
    "-->",
    "--!>",
    "--",
    "<!",
    "<?",
    "?>",
    "</",
    "<![CDATA[",
    "]]>",
    "<!DOCTYPE x \"",
    "<script",
    "<script>",
    "</script>",
    "</script ",
    "<style>",
    "</style>",
    "p{background:url(d)}",
    "<style ",
    "<title>",
    "</title>",
    "<title/>",
    "<textarea>",
    "</TEXTAREA>",
    "<iframe>",
    "</iframe>",
    "<iframe src=",
    "<noscript>",
    "</noscript>",
    "<noscript ",
    "<svg>",
    "</svg>",
    "<path d='/>'/>",
    "<g>",
    "<svg><desc>t</desc>",
    "</title x='",
    "<svg ",
    "<math>",
    "</math>",
    "<mi>",
    "</mi>",
    "<desc>",
    "</desc>",
    "<foreignObject>",
    "<image href='e'/>",
    "<xmp>",
    "</xmp>",
    "<plaintext>",
    "<template>",
    "<select>",
    "<noembed>",
    "</noembed>",
    "<noframes>",
    "<div style='background:url(f)'>",
    "<div data-src=g.jpg",
    "<video poster=h>",
    "<td background=i",
    "<source srcset=\"j 1x, k,l 2x\">",
    "<annotation-xml encoding=text/html>",
    "<font color=red>",
    "<x:img src='m'/>",
    "<a href='n.png'>",
    "<iframe srcdoc='<img src=o>",
    "<iframe srcdoc=\"&lt;img src='p'&gt;&lt;style>\">",
    "<rect mask=url(q) ",
    "<video src=r data-src='/s'>",
    "p{background:image-set('t' 1x)}",
    "<p style=\"background:u\\72l(u)\">",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(select(SOUP), 0..24).prop_map(|pieces| pieces.concat())
}

fn markup() -> impl Strategy<Value = Markup> {
    select(&[Markup::Html, Markup::Xhtml][..])
}

fn pass() -> HtmlPass {
    let covers = Covers {
        linked_images: true,
        media: true,
    };
    HtmlPass::new(&[], covers).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn twice_is_once(html in soup(), markup in markup()) {
        let base = Url::parse("https://x.org/").unwrap();
        let options = RuleOptions {
            images: Some("https://p.example/?a=b&url={url_enc}".into()),
            ..RuleOptions::default()
        };
        let rules = ImageUrlRules::new(&options).unwrap().unwrap();
        let pass = pass();
        let mut rewrite = |image: &ImageReference<'_>| {
            let decided = rules.decide(image.url, Some(&base), image.marks);
            decided.ok().map(|proxied| proxied.url)
        };
        let once = apply(&html, &pass.edits(&html, markup, &mut rewrite));
        let again = pass.edits(&once, markup, &mut rewrite);
        prop_assert_eq!(again, vec![], "in {}", once);
    }

    #[test]
    fn edits_are_in_order(html in "[<>a-z='\"/ é&;!-]{0,80}", tail in soup(), markup in markup()) {
        let html = html + &tail;
        let pass = pass();
        let mut at = 0;
        for edit in pass.edits(&html, markup, &mut |_| Some(" \"'<&,".into())) {
            prop_assert!(edit.range.start >= at && edit.range.end >= edit.range.start);
            prop_assert!(html.get(edit.range.clone()).is_some());
            at = edit.range.end;
        }
    }
}
