//! Names that tools make from headings, and publishers from habit, cost an article nothing.

use super::{SENTENCES, article_of};

/// Headings as documentation has them, with words by which boilerplate is known.
const HEADINGS: &[&str] = &[
    "Cookies and sessions",
    "Comments in Python",
    "Related work",
    "Sharing state between threads",
    "Share a folder",
    "Ratings compared",
    "Rating functions",
    "The modal dialog",
    "Bio-inspired computing",
    "Newsletter tools",
    "Subscribe to events",
    "Ad hoc networks",
    "Ads in search results",
    "Trending topics",
    "See also the manual",
    "Pagination explained",
    "Reading timestamps",
    "Signup flow",
    "Recommended settings",
    "Breadcrumbs in navigation",
    "Sponsored builds",
    "Social login",
    "Popup windows",
    "Sidebar items",
    "Footer and header",
    "More on closures",
    "Tags and labels",
    "Author information in commits",
    "Promo codes",
    "Toolbar buttons",
];

/// Headings of the forms that generators write: what stands around a heading, `{id}` and `{text}` in it,
/// and behind its section.
const FORMS: &[(&str, &str, &str)] = &[
    // Hugo.
    (
        "Hugo",
        "<h2 id=\"{id}\">{text} <a class=anchor href=\"#{id}\" aria-hidden=true>#</a></h2>",
        "",
    ),
    // Jekyll with kramdown, and a class of a theme.
    ("Jekyll", "<h2 class=\"{id}\" id=\"{id}\">{text}</h2>", ""),
    // MkDocs, Sphinx.
    (
        "MkDocs",
        "<h3 id=\"{id}\">{text}<a class=headerlink href=\"#{id}\" title=\"Permanent link\">&para;</a></h3>",
        "",
    ),
    (
        "Sphinx",
        "<section id=\"{id}\"><span id=\"{id}-target\"></span><h2>{text}<a class=headerlink href=\"#{id}\">¶</a></h2>",
        "</section>",
    ),
    (
        "GitHub",
        "<div class=\"markdown-heading\" dir=auto><h2 tabindex=-1 class=heading-element>{text}</h2>\
         <a id=\"user-content-{id}\" class=anchor aria-label=\"Permalink: {text}\" href=\"#{id}\"><svg class=\"octicon octicon-link\"><path d=\"m7\"></path></svg></a></div>",
        "",
    ),
    (
        "pandoc",
        "<section id=\"{id}\" class=\"level2\"><h2 class=anchored data-anchor-id=\"{id}\">{text}</h2>",
        "</section>",
    ),
    (
        "Docusaurus",
        "<h2 class=\"anchor anchorWithStickyNavbar_LWe7\" id=\"{id}\">{text}<a href=\"#{id}\" class=hash-link aria-label=\"Direct link to {text}\">\u{200b}</a></h2>",
        "",
    ),
    (
        "AsciiDoc",
        "<div class=sect1 id=\"sect-{id}\"><h2 id=\"_{id}\">{text}</h2><div class=sectionbody>",
        "</div></div>",
    ),
];

fn slug(text: &str) -> String {
    let words: Vec<String> = text
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("-")
}

#[test]
fn of_240_headings_none_is_lost() {
    let mut lost = Vec::new();
    for (form, before, after) in FORMS {
        let sections: String = HEADINGS
            .iter()
            .enumerate()
            .map(|(index, heading)| {
                let fill = |form: &str| {
                    form.replace("{id}", &slug(heading))
                        .replace("{text}", heading)
                };
                format!(
                    "{}<p>Paragraph {index}. {SENTENCES}</p>{}",
                    fill(before),
                    fill(after)
                )
            })
            .collect();
        let html = article_of(&format!(
            "<main><article><h1>Notes</h1><p>{SENTENCES}</p>{sections}</article></main>"
        ));
        for (index, heading) in HEADINGS.iter().enumerate() {
            let has_heading = html.contains(&format!(">{heading}"));
            let has_text = html.contains(&format!("Paragraph {index}."));
            if !has_heading || !has_text {
                lost.push(format!("{form}: {heading} {has_heading} {has_text}"));
            }
        }
    }
    assert!(lost.is_empty(), "{} lost: {lost:#?}", lost.len());
}

#[test]
fn sections_and_what_they_are_made_of_stay() {
    let parts = [
        "<section id=comments><h2>In code</h2><p>A comment starts with a hash sign and ends with its line.</p></section>",
        "<div id=newsletter class=section><p>How letters are sent to many people at once, and why.</p></div>",
        "<p id=cookies>A short one.</p>",
        "<table class=ratings><tr><th>Phone</th><th>Score</th></tr><tr><td>X1</td><td>8</td></tr></table>",
        "<dl class=related><dt id=modal>modal</dt><dd>A dialog.</dd></dl>",
        "<ul class=share><li id=comments-item>An item.</li><li class=ad>Another.</li></ul>",
        "<pre class=comment><code><span class=\"hljs-comment\">// never twice</span>\n<span class=related>init</span>();</code></pre>",
        "<blockquote class=promo><p>Said is said.</p><footer>Who said it</footer></blockquote>",
        "<aside><p>A note to the reader, who may pass over it without a loss.</p></aside>",
        "<div role=alert class=admonition><p>Mind the gap between the train and the platform.</p></div>",
    ];
    let body: String = parts
        .iter()
        .map(|part| format!("{part}<p>{SENTENCES}</p><p>{SENTENCES} Again.</p>"))
        .collect();
    let html = article_of(&format!(
        "<article><h1>T</h1><p>{SENTENCES}</p>{body}</article>"
    ));
    for text in [
        "In code",
        "A comment starts",
        "How letters are sent",
        "A short one.",
        "<td>8</td>",
        "modal",
        "A dialog.",
        "An item.",
        "Another.",
        "// never twice",
        "init",
        "Said is said.",
        "Who said it",
        "A note to the reader",
        "Mind the gap",
    ] {
        assert!(html.contains(text), "{text} is not in {html}");
    }
    // What is said again is said again.
    assert_eq!(html.matches("Again.").count(), parts.len());
}

#[test]
fn what_behaves_like_boilerplate_goes() {
    let html = article_of(&format!(
        "<div id=cookie-bar>We use cookies to improve your experience here. <a href=/c>More</a></div>\
         <article><h1>T</h1><p>{SENTENCES}</p><div class=share><a href=/f>Facebook</a> <a href=/t>Twitter</a></div>\
         <p>{SENTENCES} One.</p><div class=related-posts><div><a href=/1><img src=1.jpg></a><h3>Teaser one</h3></div>\
         <div><a href=/2><img src=2.jpg></a><h3>Teaser two</h3></div></div><p>{SENTENCES} Two.</p>\
         <div class=newsletter><p>Get our letter each morning, for nothing.</p><form><input type=email><button>Go</button></form></div>\
         <p>{SENTENCES} Three.</p><article><h2>Another story</h2><p>It begins, and goes on elsewhere …</p></article><article><h2>One more</h2><p>So does this, which begins …</p></article></article>\
         <section class=comments><div class=comment><p>I do not agree with this at all.</p></div>\
         <div class=comment><p>Nor do I, to be honest with you.</p></div></section><footer><p>All rights are reserved by us.</p></footer>"
    ));
    for part in [
        "Facebook",
        "Teaser",
        "Another story",
        "begins",
        "each morning",
        "agree",
        "honest",
        "cookies",
        "reserved",
    ] {
        assert!(!html.contains(part), "{part} is in {html}");
    }
    assert!(html.contains("Three."));
}

#[test]
fn short_texts_with_a_link_and_choruses_stay() {
    let steps: String = (1..9)
        .map(|step| match step % 4 {
            1 => format!("<div>Step {step}: open the <a href=/d{step}>download page</a></div>"),
            _ => format!("<div>Step {step}: wait until the light is green, and then go on to the next one.</div>"),
        })
        .collect();
    let chorus = "<p>Row, row, row your boat gently down the stream, merrily, merrily.</p>";
    let html = article_of(&format!(
        "<main><h1>T</h1><p>{SENTENCES}</p><div>{steps}</div><p>{SENTENCES} B.</p>{chorus}<p>{SENTENCES} C.</p>{chorus}</main>"
    ));
    for step in 1..9 {
        assert!(html.contains(&format!("Step {step}:")), "{step}: {html}");
    }
    assert_eq!(html.matches("Row, row").count(), 2, "{html}");
}
