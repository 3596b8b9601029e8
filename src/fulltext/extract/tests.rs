//! Pages and the articles on them.

mod forms;
mod names;

use url::Url;

use super::{Kind, NoArticle, Page, Wall, decode, join, look};
use crate::fulltext::recipe::{Finder, Link, Recipe};
use crate::rewrite::article::Article;

const SENTENCES: &str = "It was a bright cold day in April, and the clocks were striking thirteen, as they do. \
     Winston Smith slipped quickly through the glass doors of the house, though not quickly enough for the dust.";

fn page(text: &str) -> Page {
    let url = Url::parse("https://www.example.org/2026/story.html").unwrap();
    Page {
        asked: url.clone(),
        url,
        text: text.to_owned(),
    }
}

fn extract(pages: &[Page], recipe: &Recipe) -> Result<Article, NoArticle> {
    join(
        pages
            .iter()
            .map(|page| look(page, recipe).article)
            .collect(),
    )
}

/// The article of a page with this body.
#[track_caller]
fn article_of(body: &str) -> String {
    let text = format!("<html><head><title>T</title></head><body>{body}</body></html>");
    extract(&[page(&text)], &Recipe::default()).unwrap().html
}

#[test]
fn what_articles_are_made_of_survives() {
    let body = format!(
        "<nav><a href=/>Home</a></nav><div class=\"share-buttons\"><a href=/s>Share</a></div><article><h1>T</h1>\
         <div class=\"picture-box\"><img data-src=\"/lead.jpg\" src=\"blank.gif\"><p class=\"caption\">The <em>lead</em></p></div>\
         <p>{SENTENCES} <a href=\"/more\">more</a></p><h2>Heading</h2><p>{SENTENCES} One.</p>\
         <ul><li>First thing of the list</li><li>Second thing of the list</li></ul>\
         <blockquote><p>To be quoted is to be remembered.</p></blockquote><pre><code>let x = 1;</code></pre>\
         <table><tr><th>Year</th><th>Count</th></tr><tr><td>1984</td><td>1</td></tr></table>\
         <figure><img src=\"second.jpg\" srcset=\"second-2.jpg 2x\"><figcaption>Second</figcaption></figure>\
         <iframe src=\"https://www.youtube.com/embed/abc\"></iframe><p>{SENTENCES} Two.</p></article>\
         <div class=\"related-posts\"><h3>Related</h3><a href=/r>Another</a></div><footer>Imprint</footer>"
    );
    let html = article_of(&body);
    for part in [
        "<figure><img src=\"https://www.example.org/lead.jpg\"",
        "<figcaption>The <em>lead</em></figcaption></figure>",
        "<a href=\"https://www.example.org/more\"",
        "<h2>Heading</h2>",
        "<li>Second thing of the list</li>",
        "<blockquote><p>To be quoted is to be remembered.</p></blockquote>",
        "<code>let x = 1;</code>",
        "<td>1984</td>",
        "<img src=\"https://www.example.org/2026/second.jpg\"",
        "<figcaption>Second</figcaption>",
        "https://www.youtube.com/embed/abc",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    for part in [
        "Home",
        "Share",
        "Related",
        "Another",
        "Imprint",
        "<h1>",
        "<div",
        "blank.gif",
    ] {
        assert!(!html.contains(part), "{part} is in {html}");
    }
}

#[test]
fn nothing_runs_in_what_comes_out() {
    let html = article_of(&format!(
        "<article><p onclick=\"x()\">{SENTENCES}</p><p>{SENTENCES} B.</p><script>x()</script><p><a href=\"javascript:x()\">{SENTENCES}</a> C, and on it goes for a while.</p></article>"
    ));
    assert!(html.contains("thirteen"));
    for part in ["script", "onclick", "javascript:"] {
        assert!(!html.contains(part), "{html}");
    }
}

#[test]
fn bytes_are_read_in_their_charset() {
    let check = |bytes: &[u8], content_type: Option<&str>, expected: &str| {
        let text = decode(bytes, content_type).unwrap();
        assert!(text.contains(expected), "{text}");
    };
    let german = "<html><body><p>Größe, Übermaß und Straße für alle Bürger: die Prüfung läuft.</p>";
    let (latin, ..) = encoding_rs::WINDOWS_1252.encode(german);
    check(&latin, Some("text/html; charset=iso-8859-1"), "Größe");
    check(&latin, None, "Größe");
    check(
        german.as_bytes(),
        Some("text/html; charset=iso-8859-1"),
        "Größe",
    );
    let russian = "<meta charset=windows-1251><p>Съешь ещё этих мягких булок</p>";
    let (bytes, ..) = encoding_rs::WINDOWS_1251.encode(russian);
    check(&bytes, None, "Съешь ещё");
    let chinese = "<p>中国政府的新闻报道，这是文章的一句话，它继续写下去</p>".repeat(4);
    let (bytes, ..) = encoding_rs::GBK.encode(&chinese);
    check(&bytes, None, "中国政府");
    check(&bytes, Some("text/html; charset=gb2312"), "中国政府");
    check("\u{feff}<p>x</p>".as_bytes(), None, "<p>x</p>");
}

#[test]
fn what_is_no_page_is_told() {
    let check = |bytes: &[u8], content_type: Option<&str>, kind: Kind| {
        let problem = decode(bytes, content_type).unwrap_err();
        assert_eq!(problem, NoArticle::NotAPage(kind));
    };
    check(b"%PDF-1.4", Some("text/html"), Kind::Pdf);
    check(b"\x89PNG\r\n", None, Kind::Image);
    check(b"\xFF\xD8\xFF\xE0", None, Kind::Image);
    check(b"\0\0\0\x20ftypisom", None, Kind::Media);
    check(b"PK\x03\x04", None, Kind::Binary);
    check(b"{\"a\": 1}", Some("application/json"), Kind::Json);
    check(
        b"<?xml version='1.0'?><rss version='2.0'>",
        None,
        Kind::Feed,
    );
    check(b" \n", None, Kind::Empty);
}

#[test]
fn depth_is_bounded_before_a_tree_is_built() {
    for text in [
        "<div>".repeat(200_000),
        "<b><i></b>".repeat(100_000),
        "<x-y/>".repeat(100_000),
    ] {
        let problem = extract(&[page(&text)], &Recipe::default()).unwrap_err();
        assert_eq!(problem, NoArticle::TooDeep);
    }
    // A page whose paragraphs nobody closed is none of these.
    let flat = format!(
        "<article>{}</article>",
        format!("<p>{SENTENCES}<li>x").repeat(3_000)
    );
    assert!(extract(&[page(&flat)], &Recipe::default()).is_ok());
}

#[test]
fn walls_are_named() {
    let check = |page: &Page, wall: Wall| {
        let problem = extract(std::slice::from_ref(page), &Recipe::default()).unwrap_err();
        assert_eq!(problem, NoArticle::Wall(wall));
    };
    let title =
        "<title>Just a moment...</title><body><p>Checking, please wait for a second here.</p>";
    check(&page(title), Wall::Challenge);
    check(
        &page("<form><input type=password></form><p>Log in to read on, dear reader.</p>"),
        Wall::Login,
    );
    let mut sent = page("<p>We value your privacy, and so on and so forth, for a while.</p>");
    sent.url = Url::parse("https://consent.example.org/collect").unwrap();
    check(&sent, Wall::Consent);
    sent.url = Url::parse("https://www.example.org/login?next=1").unwrap();
    check(&sent, Wall::Login);
    let paid = "<script type=\"application/ld+json\">{\"isAccessibleForFree\": false}</script><p>The teaser of a story that is to be paid for.</p>";
    check(&page(paid), Wall::Payment);
}

#[test]
fn recipes_are_carried_out() {
    let mut recipe = Recipe {
        content: vec![Finder::css("div.story").unwrap()],
        remove: vec![Finder::css("p.ad").unwrap()],
        title: vec![Finder::xpath("//h2/text()").unwrap()],
        date: vec![Finder::css("time").unwrap()],
        next_page: vec![Link {
            to: Finder::css("a.next").unwrap(),
            when: None,
        }],
        prune: false,
        ..Recipe::default()
    };
    let text = "<base href=\"/b/\"><h2>Own title</h2><time datetime=2026-01-02>x</time><div class=story><p>The story itself, and nothing but it.</p><p class=ad>Buy</p></div><a class=next href=\"2\">Next</a>";
    let article = extract(&[page(text)], &recipe).unwrap();
    assert_eq!(article.html, "<p>The story itself, and nothing but it.</p>");
    assert_eq!(
        (article.title.as_str(), article.published.as_str()),
        ("Own title", "2026-01-02")
    );
    assert_eq!(article.words, 7);
    let next = look(&page(text), &recipe).next_page.unwrap();
    assert_eq!(next.as_str(), "https://www.example.org/b/2");
    recipe.content = vec![Finder::css("div.other").unwrap()];
    recipe.autodetect = false;
    assert_eq!(extract(&[page(text)], &recipe), Err(NoArticle::Nothing));
}

#[test]
fn facts_are_found_where_pages_say_them() {
    let text = format!(
        "<html lang=de><head><meta property=og:site_name content=\"The &amp; Site\"><meta property=og:image content=\"/p.jpg\">\
         <script type=\"application/ld+json\">{{\"@graph\":[{{\"@type\":\"NewsArticle\",\"headline\":\"Head\",\"author\":[{{\"name\":\"Ann\"}},{{\"name\":\"Bob\"}}],\"datePublished\":\"2026-01-01\",\"dateModified\":\"2026-01-02\"}}]}}</script></head>\
         <body><article><h1>Other</h1><p>{SENTENCES}</p><p>{SENTENCES} B.</p></article></body></html>"
    );
    let article = extract(&[page(&text)], &Recipe::default()).unwrap();
    assert_eq!(article.title, "Head");
    assert_eq!(article.author, "Ann, Bob");
    assert_eq!(
        (article.published.as_str(), article.modified.as_str()),
        ("2026-01-01", "2026-01-02")
    );
    assert_eq!(
        (article.site_name.as_str(), article.language.as_str()),
        ("The & Site", "de")
    );
    assert_eq!(article.image, "https://www.example.org/p.jpg");
}
