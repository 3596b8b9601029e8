//! Articles that are in a page as data only, for a script to show: JSON-LD's `articleBody`, and the
//! state that a framework starts from (`__NEXT_DATA__`, `__NUXT__`, `__INITIAL_STATE__` and so on).
//!
//! Invariants: what is found is text or HTML of one value of the page's, or of the parts of one list;
//! each script is read once, up to a limit.

mod parts;

use dom_query::Document;
use serde_json::Value;

use super::tree;

/// Scripts that are read, and bytes of all of them.
const SCRIPTS_MAX: usize = 64;
const SCRIPTS_BYTES_MAX: usize = 3 << 20;
/// How deep a state is searched, and how often a text in it that holds JSON is read.
const DEPTH_MAX: usize = 60;
const NESTED_MAX: usize = 20;
/// Letters of an article that is worth more than what a page shows.
pub(super) const LETTERS_MIN: usize = 250;
/// Keys under which other things than the article stand.
const OTHER_KEYS: &[&str] = &[
    "related",
    "recommended",
    "trending",
    "comments",
    "menu",
    "navigation",
    "footer",
    "header",
    "config",
    "translations",
    "messages",
    "i18n",
    "locale",
    "ads",
    "styles",
    "css",
    "disclaimer",
    "terms",
    "privacy",
];

/// An article in data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// As HTML.
    pub(super) html: String,
    /// Letters of its text.
    pub(super) letters: usize,
}

/// The longest article in the states of a page's scripts.
pub(super) fn find(document: &Document) -> Option<Told> {
    let mut search = Search::default();
    let mut bytes = 0;
    for script in document.select("script").nodes().iter().take(SCRIPTS_MAX) {
        let kind = script.attr_or("type", "").to_ascii_lowercase();
        let is_script = kind.is_empty() || kind.contains("javascript") || kind == "module";
        let text = script.text();
        bytes += text.len();
        if bytes > SCRIPTS_BYTES_MAX {
            break;
        }
        if kind.contains("json") && !kind.contains("ld+json") {
            search.read(&text);
        } else if is_script && let Some(text) = assigned(&text) {
            search.read(text);
        }
    }
    search.best.filter(|told| told.letters >= LETTERS_MIN)
}

/// HTML of a text that may hold tags, or lines.
pub(super) fn html_of(text: &str) -> Told {
    let has_tags = |text: &str| {
        [
            "<p",
            "<br",
            "<div",
            "<h2",
            "<ul",
            "<P",
            "<li",
            "<blockquote",
            "<figure",
        ]
        .iter()
        .any(|tag| text.contains(tag))
    };
    let plain = htmlize::unescape(text);
    let html = if has_tags(text) {
        text.to_owned()
    } else if has_tags(&plain) {
        plain.into_owned()
    } else {
        let lines = plain.lines().map(str::trim).filter(|line| !line.is_empty());
        lines
            .map(|line| format!("<p>{}</p>", htmlize::escape_text(line)))
            .collect()
    };
    let letters = tree::text_chars(&html);
    Told { html, letters }
}

/// The JSON that a script assigns to a variable: `window.__INITIAL_STATE__ = {…}`.
fn assigned(script: &str) -> Option<&str> {
    const NAMES: &[&str] = &[
        "__NEXT_DATA__",
        "__NUXT__",
        "__APOLLO_STATE__",
        "__INITIAL_STATE__",
        "__PRELOADED_STATE__",
        "__INITIAL_DATA__",
        "__INITIAL_PROPS__",
        "__STATE__",
        "__DATA__",
        "__data",
        "__PRELOADED_DATA__",
        "__REDUX_STATE__",
        "__SERVER_DATA__",
        "__remixContext",
        "__staticRouterHydrationData",
        "__INIT_DATA__",
        "__APP_DATA__",
        "__PAGE_DATA__",
        "initialState",
        "Fusion.globalContent",
        "_BLOG_DATA_",
    ];
    let (at, name) = NAMES
        .iter()
        .filter_map(|name| Some((script.find(name)?, name)))
        .min()?;
    let rest = script[at + name.len()..].trim_start_matches(['"', '\'', ']']);
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let rest = rest
        .strip_prefix("JSON.parse(")
        .unwrap_or(rest)
        .trim_start();
    rest.starts_with(['{', '[', '"']).then_some(rest)
}

#[derive(Default)]
struct Search {
    best: Option<Told>,
    nested: usize,
}

impl Search {
    fn read(&mut self, text: &str) {
        let text = text.trim().trim_start_matches("<!--");
        // Behind it the script goes on.
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        if let Some(Ok(value)) = values.next() {
            self.look(&value, DEPTH_MAX);
        }
    }

    fn look(&mut self, value: &Value, depth: usize) {
        if depth == 0 {
            return;
        }
        match value {
            Value::String(text) => self.text(text),
            Value::Array(list) => {
                if let Some(told) = parts::of_list(list) {
                    self.offer(told);
                }
                list.iter().for_each(|inner| self.look(inner, depth - 1));
            }
            Value::Object(members) => {
                for (key, inner) in members {
                    let is_other = OTHER_KEYS
                        .iter()
                        .any(|other| key.eq_ignore_ascii_case(other));
                    if !is_other {
                        self.look(inner, depth - 1);
                    }
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        let trimmed = text.trim_start();
        if trimmed.len() > LETTERS_MIN
            && trimmed.starts_with(['{', '['])
            && self.nested < NESTED_MAX
        {
            self.nested += 1;
            self.read(trimmed);
        } else if text.len() >= LETTERS_MIN && parts::is_prose(text) {
            self.offer(html_of(text));
        }
    }

    fn offer(&mut self, told: Told) {
        let best = self.best.as_ref().map_or(0, |best| best.letters);
        if told.letters > best {
            self.best = Some(told);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "It was a bright cold day in April, and the clocks were striking thirteen, as they do in spring.";

    #[track_caller]
    fn check(scripts: &str, expected: &str) {
        let document = Document::from(format!("<html><head>{scripts}</head><body></body></html>"));
        let told = find(&document);
        assert_eq!(told.map(|told| told.html).unwrap_or_default(), expected);
    }

    #[test]
    fn states_of_frameworks_are_read() {
        let html = format!("<p>{LINE}</p><p>{LINE} One.</p><p>{LINE} Two.</p>");
        let json = serde_json::json!({"props": {"page": {"title": "T", "body": html, "related": [{"body": html.repeat(2)}]}}});
        let script =
            format!("<script id=\"__NEXT_DATA__\" type=\"application/json\">{json}</script>");
        check(&script, &html);
        check(
            &format!("<script>window.__INITIAL_STATE__ = {json};(function(){{}})()</script>"),
            &html,
        );
        check(
            &format!("<script>window[\"__NUXT__\"]={json}</script>"),
            &html,
        );
        let text = serde_json::to_string(&json.to_string()).unwrap();
        check(
            &format!("<script>window.__APOLLO_STATE__ = JSON.parse({text});</script>"),
            &html,
        );
        check(
            &format!(
                "<script type=\"application/json\" data-x>{{\"status\":200,\"body\":{text}}}</script>"
            ),
            &html,
        );
        // No JSON, or no article.
        check(
            "<script>window.__NUXT__=(function(a){return {a:a}}(1))</script>",
            "",
        );
        check(
            "<script type=\"application/json\">{\"a\": \"b\"}</script>",
            "",
        );
    }

    #[test]
    fn lists_of_blocks_are_read() {
        let blocks = serde_json::json!({"content": {"blocks": [
            {"type": "heading", "level": 2, "text": "Spring & more"},
            {"type": "paragraph", "html": format!("{LINE} <em>One</em>.")},
            {"_type": "block", "style": "normal", "children": [{"_type": "span", "text": LINE}, {"_type": "span", "text": " Two."}]},
            {"nodeType": "paragraph", "content": [{"nodeType": "text", "value": format!("{LINE} Three.")}]},
        ]}});
        check(
            &format!("<script type=\"application/json\">{blocks}</script>"),
            &format!(
                "<h2>Spring &amp; more</h2><p>{LINE} <em>One</em>.</p><p>{LINE} Two.</p><p>{LINE} Three.</p>"
            ),
        );
        // Teasers of other articles are none.
        let teaser = serde_json::json!({"title": "A", "url": "/a", "summary": format!("{LINE}{LINE}{LINE}")});
        let teasers = serde_json::json!({"items": [teaser, teaser, teaser]});
        check(
            &format!("<script type=\"application/json\">{teasers}</script>"),
            "",
        );
    }
}
