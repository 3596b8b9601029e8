//! What stands around an article on its page, by what publishers call it: navigation, share
//! buttons, related links, newsletters, advertising. It goes before the article is looked for.
//!
//! Invariant: what holds a good part of the page's text, or an article's body, stays whatever it is
//! called.

use dom_query::{Document, Matcher, NodeRef};
use std::sync::LazyLock;

use super::tree::{self, chars_of, matcher};

/// Of the page's text, what a piece of clutter may hold at most.
const SHARE_MAX: f64 = 0.3;

/// Elements that are never part of an article.
static NEVER: LazyLock<Option<Matcher>> = LazyLock::new(|| {
    matcher(
        "script:not([type='application/ld+json']), style, template, dialog, nav, form input, form button, \
         form select, form textarea, button, [role=navigation], [role=search], [role=dialog], [role=menu], \
         [role=banner], [aria-modal=true], ins.adsbygoogle, [hidden], [style*='display:none'], \
         [style*='display: none'], amp-ad, amp-auto-ads, amp-sidebar, amp-social-share",
    )
});

/// Names that say by themselves what an element is for.
const WORDS: &[&str] = &[
    "ad",
    "ads",
    "adbox",
    "adslot",
    "adsbygoogle",
    "adunit",
    "advert",
    "adverts",
    "advertisement",
    "advertising",
    "outbrain",
    "taboola",
    "revcontent",
    "zergnet",
    "mgid",
    "sponsored",
    "promo",
    "promos",
    "promobox",
    "teaserlist",
    "share",
    "shares",
    "sharing",
    "sharebar",
    "sharebox",
    "sharelinks",
    "sharetools",
    "sharedaddy",
    "addthis",
    "addtoany",
    "addtofav",
    "sociallinks",
    "socialshare",
    "socialbar",
    "followus",
    "related",
    "relatedlinks",
    "relatedposts",
    "relatedarticles",
    "relatedcontent",
    "relatedstories",
    "recommended",
    "recommendation",
    "recommendations",
    "recirc",
    "recirculation",
    "trending",
    "mostread",
    "mostpopular",
    "popularposts",
    "morefrom",
    "morestories",
    "readnext",
    "upnext",
    "yarpp",
    "crosslinks",
    "seealso",
    "newsletter",
    "newsletters",
    "subscribe",
    "signup",
    "optin",
    "mailchimp",
    "breadcrumb",
    "breadcrumbs",
    "pagination",
    "pager",
    "prevnext",
    "postnav",
    "comment",
    "comments",
    "commentlist",
    "disqus",
    "respond",
    "livefyre",
    "talkback",
    "cookie",
    "cookies",
    "gdpr",
    "cmp",
    "modal",
    "popup",
    "overlayad",
    "toolbar",
    "printonly",
    "noprint",
    "srOnly",
    "sronly",
    "visuallyhidden",
    "screenreader",
    "offscreen",
    "a11yhidden",
    "authorbio",
    "aboutauthor",
    "authorbox",
    "bio",
    "byline",
    "bylines",
    "authorinfo",
    "postmeta",
    "entrymeta",
    "articlemeta",
    "timestamp",
    "datestamp",
    "pubdate",
    "taglist",
    "tagcloud",
    "posttags",
    "articletags",
    "taglinks",
    "entryfooter",
    "postfooter",
    "articlefooter",
    "postratings",
    "rating",
    "ratings",
    "jpratings",
    "siteheader",
    "sitefooter",
    "mainmenu",
    "sidebar",
];

/// The same as two words side by side: `post-meta`, `author_bio`.
const PAIRS: &[(&str, &str)] = &[
    ("post", "meta"),
    ("entry", "meta"),
    ("article", "meta"),
    ("author", "bio"),
    ("author", "box"),
    ("author", "info"),
    ("about", "author"),
    ("most", "read"),
    ("most", "popular"),
    ("read", "more"),
    ("read", "next"),
    ("up", "next"),
    ("more", "from"),
    ("more", "stories"),
    ("see", "also"),
    ("post", "tags"),
    ("article", "tags"),
    ("tag", "list"),
    ("tags", "list"),
    ("tag", "links"),
    ("entry", "footer"),
    ("post", "footer"),
    ("article", "footer"),
    ("post", "navigation"),
    ("entry", "utility"),
    ("sr", "only"),
    ("visually", "hidden"),
    ("screen", "reader"),
    ("off", "screen"),
    ("social", "links"),
    ("social", "media"),
    ("social", "bar"),
    ("social", "buttons"),
    ("social", "icons"),
    ("social", "tools"),
    ("follow", "us"),
    ("call", "action"),
    ("skip", "link"),
    ("sign", "up"),
    ("site", "header"),
    ("site", "footer"),
    ("side", "bar"),
    ("right", "rail"),
    ("left", "rail"),
    ("photo", "credit"),
    ("image", "counter"),
    ("slide", "count"),
];

/// What keeps an element although its name says something else.
const KEEPERS: &[&str] = &["embed", "caption", "figcaption", "figure"];

/// Takes clutter out of the page.
pub(super) fn remove(document: &Document) {
    if let Some(never) = &*NEVER {
        for node in document.select_matcher(never).nodes() {
            let is_page = tree::is_any(node, &["html", "body"]);
            if !is_page {
                node.remove_from_parent();
            }
        }
    }
    let Some(body) = document.body() else {
        return;
    };
    let most = (chars_of(&body) as f64 * SHARE_MAX) as usize;
    let found: Vec<_> = body.descendants_it().filter(is_clutter).collect();
    for node in found {
        if !holds_article(&node) && chars_of(&node) <= most {
            node.remove_from_parent();
        }
    }
}

fn holds_article(node: &NodeRef<'_>) -> bool {
    if tree::is_any(node, &["article", "main"]) {
        return true;
    }
    node.descendants_it().any(|inner| {
        inner.has_name("article") && chars_of(&inner) > 1_000
            || inner
                .attr("itemprop")
                .is_some_and(|prop| &*prop == "articleBody")
    })
}

/// Whether an element's name, class or id says that it is no part of an article.
fn is_clutter(node: &NodeRef<'_>) -> bool {
    if !node.is_element()
        || tree::is_any(
            node,
            &[
                "img", "picture", "source", "a", "p", "em", "strong", "b", "i", "br", "code",
                "pre", "table", "tbody", "tr", "td", "html", "body",
            ],
        ) && !has_hidden_name(node)
    {
        return false;
    }
    if node.has_name("footer")
        || node.has_name("header") && node.parent().is_some_and(|parent| parent.has_name("body"))
    {
        return true;
    }
    [
        "class",
        "id",
        "data-component",
        "data-testid",
        "data-module",
    ]
    .iter()
    .any(|name| node.attr(name).is_some_and(|value| names_clutter(&value)))
}

fn has_hidden_name(node: &NodeRef<'_>) -> bool {
    tree::is_any(node, &["p", "a", "table"])
}

fn names_clutter(value: &str) -> bool {
    value.split_ascii_whitespace().take(32).any(|name| {
        let words = split_name(name);
        if words.iter().any(|word| KEEPERS.contains(&word.as_str())) {
            return false;
        }
        let joined: String = words.concat();
        WORDS.contains(&joined.as_str())
            || words.iter().any(|word| WORDS.contains(&word.as_str()))
            || words.windows(2).any(|pair| {
                PAIRS
                    .iter()
                    .any(|(one, two)| pair[0] == *one && pair[1] == *two)
            })
    })
}

/// `relatedPosts`, `related-posts`, `related_posts` → `related`, `posts`.
fn split_name(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars().take(128) {
        let starts = !letter.is_ascii_alphanumeric() || was_lower && letter.is_ascii_uppercase();
        if starts {
            words.push(String::new());
        }
        if letter.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(letter.to_ascii_lowercase());
        }
        was_lower = letter.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}
