//! Header and footer: seen behind whatever a publisher left open, and once however often a feed
//! passes.

use std::sync::Arc;

use dom_query::Document;
use feedwright::rewrite::Rules;

use crate::golden::{rewrite, rules};

/// What ends an item's HTML: five that hide nothing behind them, and twelve that do, with the same in
/// well-formed XHTML where that is possible.
const ENDINGS: [(&str, Option<&str>); 17] = [
    ("<p>x</p>", Some("<p>x</p>")),
    ("<p>x", None),
    ("<p><a href=\"https://x.org/\">x", None),
    ("<table><tr><td>x", None),
    ("<b><i>x", None),
    ("a <img src=\"a.png", Some("a <img src=\"a.png\"/>")),
    ("a <p title=x", None),
    ("a <!-- x", Some("a <!-- x -->")),
    ("a </", None),
    ("<textarea>x", Some("<textarea/>")),
    ("<title>x", Some("<title/>")),
    ("<noscript>x", Some("<noscript/>")),
    ("<script>x", Some("<script src=\"x\"/>")),
    ("<style>x", Some("<style/>")),
    (
        "<iframe src=\"https://x.org/\">x",
        Some("<iframe src=\"https://x.org/\"/>"),
    ),
    ("<plaintext>x", None),
    ("<svg><![CDATA[x", Some("<svg><![CDATA[x]]></svg>")),
];

/// Rules with a header and a footer, and the keys that `more` has.
fn wrapping(more: &str) -> Arc<Rules> {
    rules(&format!(
        "header = '<b>HEAD</b>'\nfooter = '<hr><em id=\"foot\">FOOT</em>'\n{more}"
    ))
}

/// A feed with this HTML in its one item, escaped.
fn escaped(html: &str) -> String {
    let text = html.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<rss><channel><item><title>t</title><description>{text}</description></item></channel></rss>"
    )
}

fn cdata(html: &str) -> String {
    let text = html.replace("]]>", "]]]]><![CDATA[>");
    format!(
        "<rss><channel><item><title>t</title><description><![CDATA[{text}]]></description></item></channel></rss>"
    )
}

fn xhtml(markup: &str) -> String {
    format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><title>t</title><content type=\"xhtml\"><div xmlns=\"http://www.w3.org/1999/xhtml\">{markup}</div></content></entry></feed>"
    )
}

fn json(html: &str) -> String {
    let html = serde_json::to_string(html).unwrap();
    format!(
        "{{\"version\":\"https://jsonfeed.org/version/1.1\",\"items\":[{{\"id\":\"1\",\"content_html\":{html}}}]}}"
    )
}

/// The text between two others.
fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let from = text
        .find(start)
        .unwrap_or_else(|| panic!("no {start} in {text}"))
        + start.len();
    &text[from..from + text[from..].rfind(end).unwrap()]
}

fn html_of_escaped(feed: &str) -> String {
    let raw = between(feed, "<description>", "</description>");
    raw.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

fn html_of_cdata(feed: &str) -> String {
    let raw = between(feed, "<description><![CDATA[", "]]></description>");
    raw.replace("]]]]><![CDATA[>", "]]>")
}

fn html_of_xhtml(feed: &str) -> String {
    between(feed, "<content type=\"xhtml\">", "</content>").to_owned()
}

fn html_of_json(feed: &str) -> String {
    let feed: serde_json::Value = serde_json::from_str(feed).unwrap();
    feed["items"][0]["content_html"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Whether a browser's parser finds the footer once, in nothing that the publisher left open.
#[track_caller]
fn check_seen(html: &str, document: &str) {
    let tree = Document::fragment(html);
    let found = tree.select("em#foot");
    assert_eq!(found.length(), 1, "{document}\n{html}");
    let around = found.nodes()[0].ancestors(None);
    let names: Vec<String> = around
        .iter()
        .filter_map(|node| node.node_name())
        .map(|name| name.to_string())
        .filter(|name| !["html", "body", "div"].contains(&name.as_str()))
        .collect();
    assert!(names.is_empty(), "inside {names:?}: {html}");
    assert_eq!(html.matches("HEAD").count(), 1, "{html}");
}

/// How a fragment is written into a feed, and read from one.
type Carrier = (fn(&str) -> String, fn(&str) -> String);

#[test]
fn no_ending_swallows_the_footer() {
    const HTML: [Carrier; 3] = [
        (escaped, html_of_escaped),
        (cdata, html_of_cdata),
        (json, html_of_json),
    ];
    let mut seen = 0;
    for more in [
        "sanitize = \"off\"",
        "",
        "sanitize = \"strict\"",
        "mark = false",
    ] {
        let rules = wrapping(more);
        for (html, markup) in ENDINGS {
            let written = HTML.map(|(write, read)| (write(html), read));
            let inline = markup.map(|markup| (xhtml(markup), html_of_xhtml as fn(&str) -> String));
            for (document, read) in written.into_iter().chain(inline) {
                let once = rewrite(&rules, document.as_bytes(), 1000);
                check_seen(&read(&once), &document);
                let twice = rewrite(&rules, once.as_bytes(), 1000);
                assert_eq!(twice, once, "twice, {more}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 4 * (17 * 3 + 10));
}

#[test]
fn a_footer_that_changed_is_replaced() {
    let first = rules("header = '<p>{{ item.updated }}</p>'\nfooter = '<p>one</p>'");
    let second = rules(
        "header = '<p>as of {{ item.updated }}</p>'\nfooter = '<p>two</p>'\nsanitize = \"strict\"",
    );
    let plain =
        rules("header = '<p>as of {{ item.updated }}</p>'\nfooter = '<p>two</p>'\nmark = false");
    for write in [escaped, cdata, xhtml, json] {
        let document = write("<p>text</p>");
        let once = rewrite(&first, document.as_bytes(), 1000);
        assert_eq!(once.matches("one").count(), 1);
        let expected = rewrite(&second, document.as_bytes(), 1000);
        // Publishers add to what they have published.
        let extended = once.replacen("text", "text, and more", 1);
        assert_eq!(
            rewrite(&second, once.as_bytes(), 1000).replace("/>", ">"),
            expected.replace("/>", ">")
        );
        let out = rewrite(&second, extended.as_bytes(), 1000);
        assert_eq!(
            (out.matches("one").count(), out.matches("two").count()),
            (0, 1),
            "{out}"
        );
        assert_eq!(
            rewrite(&plain, once.as_bytes(), 1000),
            rewrite(&plain, document.as_bytes(), 1000)
        );
    }
}

#[test]
fn without_rules_for_them_marks_of_others_stay() {
    let document = cdata("<!--feedwright:header-->a<!--/feedwright:header--><p>b</p>");
    for more in ["", "footer = ''", "images = \"weserv\""] {
        assert_eq!(rewrite(&rules(more), document.as_bytes(), 1000), document);
    }
}

#[test]
fn a_template_that_comes_out_empty_puts_nothing() {
    let rules = rules("footer = '{% if item.author %}<p>{{ item.author }}</p>{% endif %}'");
    for document in [
        "<rss><channel><item><title>t</title></item></channel></rss>".to_owned(),
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><summary>1 &lt; 2</summary></entry></feed>".to_owned(),
        "{\"version\":\"https://jsonfeed.org/version/1.1\",\"items\":[{\"id\":\"1\",\"content_text\":\"a < b\"}]}".to_owned(),
        cdata("<p>x"),
    ] {
        assert_eq!(rewrite(&rules, document.as_bytes(), 1000), document);
    }
}

#[test]
fn hostile_titles_stay_text() {
    let rules = rules("footer = '<p>{{ item.title }}</p>'");
    let title = "]]&gt;&lt;script&gt;x()&lt;/script&gt;&lt;!--/feedwright:footer--&gt;";
    let document = format!(
        "<rss><channel><item><title>{title}</title><description><![CDATA[<p>x</p>]]></description></item></channel></rss>"
    );
    let once = rewrite(&rules, document.as_bytes(), 1000);
    assert!(once.contains(&format!("<title>{title}</title>")), "{once}");
    assert_eq!(
        once.matches("<!--/feedwright:footer-->").count(),
        1,
        "{once}"
    );
    assert!(!once.contains("<script>"), "{once}");
    assert_eq!(rewrite(&rules, once.as_bytes(), 1000), once);
}
