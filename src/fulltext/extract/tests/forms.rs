//! Forms in which pages write what articles are made of: code, formulas, players, data for scripts.

use url::Url;

use super::{SENTENCES, article_of, extract, page};
use crate::fulltext::extract::{NoArticle, decode, look, show_the_same};
use crate::fulltext::recipe::Recipe;

#[track_caller]
fn check(part: &str, expected: &str) {
    let html = article_of(&format!(
        "<article><h1>T</h1><p>{SENTENCES}</p>{part}<p>{SENTENCES} B.</p><p>{SENTENCES} C.</p></article>"
    ));
    assert!(html.contains(expected), "{expected} is not in {html}");
}

#[test]
fn lines_are_not_torn() {
    check(
        "<p>See the <a href=\"https://example.org/m\">manual<svg><path d=\"M0 0\"/></svg></a> for <x-more>more</x-more>.</p>",
        "<p>See the <a href=\"https://example.org/m\">manual</a> for <span>more</span>.</p>",
    );
    check(
        "<p>Great <g-emoji>🎉</g-emoji> <output>42</output> <canvas></canvas> news.</p>",
        "<span>42</span>",
    );
    check(
        "<div>One <u>under</u> line, and <s>not</s> two of them.</div>",
        "<u>under</u> line, and <s>not</s> two",
    );
}

#[test]
fn formulas_stay_once() {
    let math = "<math><mi>E</mi><mo>=</mo><msup><mi>c</mi><mn>2</mn></msup></math>";
    check(
        &format!("<p>Energy is {math} here.</p>"),
        &format!("<p>Energy is {math} here.</p>"),
    );
    check(
        "<p>And <span class=katex><span class=katex-mathml><math><semantics><mrow><mi>a</mi></mrow><annotation encoding=\"application/x-tex\">a+b</annotation></semantics></math></span><span class=katex-html aria-hidden=true>aaa</span></span> too.</p>",
        "<math><semantics><mrow><mi>a</mi></mrow></semantics></math></span></span> too.",
    );
    check(
        "<p>So <span class=MathJax_Preview>x</span><span class=MathJax>xx</span><script type=\"math/tex\">\\frac{a}{b}</script> is.</p>",
        "<p>So \\(\\frac{a}{b}\\) is.</p>",
    );
    check(
        &format!(
            "<p>Or <mjx-container><mjx-math aria-hidden=true><mjx-mi></mjx-mi></mjx-math><mjx-assistive-mml>{math}</mjx-assistive-mml></mjx-container> it is.</p>"
        ),
        &format!("<p>Or {math} it is.</p>"),
    );
    check(
        &format!(
            "<p>Then <span class=mwe-math-element><span style=\"display: none;\">{math}</span><img class=mwe-math-fallback-image src=/m.svg alt=\"{{\\c}}\"></span> it was.</p>"
        ),
        &format!("{math}</span></span> it was."),
    );
    // Nothing of HTML hides in one.
    check(
        "<p>Last <math><mi onclick=x()>a<script>1</script></mi><mtext><img src=x onerror=y()></mtext></math> word.</p>",
        "<math><mi>a",
    );
}

#[test]
fn players_stay_where_they_stood() {
    let text = format!("<p>{SENTENCES}</p>");
    for (written, expected) in [
        (
            "<iframe src=\"https://video.example.com/embed/1\"></iframe>",
            "<iframe src=\"https://video.example.com/embed/1\"></iframe>",
        ),
        (
            "<div class=embed><iframe src=about:blank data-cookie-src=\"https://www.youtube.com/embed/a\"></iframe></div>",
            "src=\"https://www.youtube.com/embed/a\"",
        ),
        (
            "<noscript><iframe src=\"https://player.vimeo.com/video/1\"></iframe></noscript>",
            "src=\"https://player.vimeo.com/video/1\"",
        ),
        (
            "<amp-youtube data-videoid=abc></amp-youtube>",
            "src=\"https://www.youtube.com/embed/abc\"",
        ),
        (
            "<amp-iframe src=\"https://map.example.com/\"><amp-img src=/p.jpg placeholder></amp-img></amp-iframe>",
            "src=\"https://map.example.com/\"",
        ),
        (
            "<div><amp-video src=\"/v.mp4\" width=640 height=360><div fallback>No</div></amp-video></div>",
            "<video src=\"https://www.example.org/v.mp4\"",
        ),
        (
            "<amp-audio src=\"/a.mp3\"></amp-audio>",
            "<audio src=\"https://www.example.org/a.mp3\"",
        ),
        (
            "<figure><amp-img src=\"/i.jpg\"><noscript><img src=\"/i.jpg\"></noscript></amp-img><figcaption>The bridge</figcaption></figure>",
            "<img src=\"https://www.example.org/i.jpg\"></picture><figcaption>The bridge",
        ),
    ] {
        let html = article_of(&format!(
            "<article><h1>T</h1>{text}{written}{text}</article>"
        ));
        let expected = expected.replace("</picture>", "");
        assert!(html.contains(&expected), "{expected} is not in {html}");
    }
    for written in [
        "<iframe src=\"https://www.googletagmanager.com/ns.html?id=1\"></iframe>",
        "<iframe src=\"https://pixel.example.com/\" width=1 height=1></iframe>",
        "<iframe src=\"https://pixel.example.com/\" style=\"display: none\"></iframe>",
        "<iframe src=\"http://open.example.com/\"></iframe>",
    ] {
        let html = article_of(&format!(
            "<article><h1>T</h1>{text}{written}{text}</article>"
        ));
        assert!(!html.contains("<iframe"), "{html}");
    }
}

#[test]
fn what_scripts_would_show_is_read_from_their_data() {
    let plea = "<body><div id=root></div><noscript>You need to enable JavaScript to run this app.</noscript>\
                <footer><p>Copyright 2026 Example Media Ltd. All rights reserved. <a href=/p>Privacy</a></p></footer><script src=a.js></script>";
    let of = |data: &str| extract(&[page(&format!("{data}{plea}"))], &Recipe::default());
    assert_eq!(of(""), Err(NoArticle::Scripts));
    let lines = format!("{SENTENCES} One.\\n\\n{SENTENCES} Two.");
    let article = of(&format!("<script type=\"application/ld+json\">{{\"@type\": \"NewsArticle\", \"articleBody\": \"{lines}\"}}</script>")).unwrap();
    assert_eq!(
        article.html,
        format!("<p>{SENTENCES} One.</p><p>{SENTENCES} Two.</p>")
    );
    let html = format!("<p>{SENTENCES} One.</p><p>{SENTENCES} Two.</p>");
    let state =
        serde_json::json!({"props": {"pageProps": {"post": {"title": "T", "content": html}}}});
    let article = of(&format!(
        "<script id=__NEXT_DATA__ type=\"application/json\">{state}</script>"
    ))
    .unwrap();
    assert_eq!(article.html, html);
}

#[test]
fn a_page_that_sends_on_is_followed() {
    let leads = |text: &str| {
        look(&page(text), &Recipe::default())
            .single_page
            .map(String::from)
    };
    let url = "https://www.example.org/real";
    assert_eq!(
        leads("<meta http-equiv=refresh content=\"0; url=/real#x\"><p>Wait.</p>").as_deref(),
        Some(url)
    );
    assert_eq!(
        leads("<META HTTP-EQUIV=\"Refresh\" CONTENT=\"1;URL='/real'\">").as_deref(),
        Some(url)
    );
    assert_eq!(leads("<meta http-equiv=refresh content=300>"), None);
    assert_eq!(
        leads("<noscript><meta http-equiv=refresh content=\"0; url=/no\"></noscript>"),
        None
    );
    let long = format!(
        "<meta http-equiv=refresh content=\"0; url=/real\"><article>{}</article>",
        format!("<p>{SENTENCES}</p>").repeat(9)
    );
    assert_eq!(leads(&long), None);
}

#[test]
fn pages_with_one_text_are_known() {
    let read = |next: &str| {
        let text = format!(
            "<article><p>{SENTENCES}</p><p>{SENTENCES} <a href=\"{next}\">Next</a></p></article>"
        );
        look(&page(&text), &Recipe::default()).article
    };
    assert!(show_the_same(&read("/2"), &read("/3")));
    assert!(!show_the_same(&read("/2"), &Err(NoArticle::Nothing)));
}

#[test]
fn xhtml_is_read_as_such() {
    let text = format!(
        "<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"><head><script src=\"a.js\" /><title>T</title></head>\
         <body><div><a id=\"x\"/><p>{SENTENCES}</p><p>{SENTENCES} B.</p></div></body></html>"
    );
    let text = decode(text.as_bytes(), None).unwrap();
    let article = extract(&[page(&text)], &Recipe::default()).unwrap();
    assert_eq!(
        article.html,
        format!("<p>{SENTENCES}</p><p>{SENTENCES} B.</p>")
    );
}

#[test]
fn many_character_references_cost_no_more_than_their_number() {
    let url = Url::parse("https://www.example.org/").unwrap();
    let text = format!(
        "<article><p>{SENTENCES} {}</p></article>",
        "a&nbsp;&amp;".repeat(60_000)
    );
    let mut page = page(&text);
    page.url = url;
    assert!(extract(&[page], &Recipe::default()).unwrap().html.len() > 400_000);
    // Scripts are full of them.
    let script = format!("<script>{}</script>", "a && b; '\u{a0}' ".repeat(60_000));
    assert!(
        article_of(&format!(
            "{script}<article><p>{SENTENCES}</p><p>{SENTENCES}</p></article>"
        ))
        .contains("thirteen")
    );
}
