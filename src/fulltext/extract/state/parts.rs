//! Lists whose members are the parts of an article, as editors and content systems write them:
//! `{"type": "paragraph", "text": …}`, with or without parts of its own.

use serde_json::{Map, Value};

use super::super::tree;
use super::Told;

/// Parts of a list that are read, and how deep they are nested.
const PARTS_MAX: usize = 5_000;
const DEPTH_MAX: usize = 12;
/// Letters of a text that may be a paragraph.
const LETTERS_MIN: usize = 40;

/// Keys of a part's text, and of the parts in it.
const TEXT_KEYS: &[&str] = &[
    "html",
    "text",
    "value",
    "content",
    "body",
    "innerHTML",
    "paragraph",
    "data",
];
const CHILD_KEYS: &[&str] = &[
    "children", "content", "spans", "inlines", "nodes", "data", "items",
];
/// Keys of what a part is.
const KIND_KEYS: &[&str] = &[
    "type",
    "_type",
    "nodeType",
    "__typename",
    "kind",
    "name",
    "blockName",
    "style",
    "tag",
];
/// Keys of what is an article of its own.
const TEASER_KEYS: &[&str] = &["url", "slug", "href", "permalink", "link", "path"];
const TITLE_KEYS: &[&str] = &["title", "headline"];

/// Whether a text has sentences in it.
pub(super) fn is_prose(text: &str) -> bool {
    let start = &text[..text.floor_char_boundary(4_000)];
    let spaces = start.bytes().filter(|byte| *byte == b' ').count();
    let is_wide =
        start.chars().filter(|letter| *letter >= '\u{3000}').count() * 2 > start.chars().count();
    let has_end = [". ", ".<", "。", "! ", "? ", ".\n", ".&"]
        .iter()
        .any(|end| text.contains(end));
    let is_code = ["function(", "{display:", "<svg", "!important", "=>"]
        .iter()
        .any(|part| start.contains(part));
    has_end && !is_code && (is_wide || spaces * 25 > start.len())
}

/// The article that the members of a list make together.
pub(super) fn of_list(list: &[Value]) -> Option<Told> {
    let mut html = String::new();
    let mut prose = 0;
    for part in list.iter().take(PARTS_MAX) {
        let (written, is_paragraph) = match part {
            Value::Object(members) if !is_teaser(members) => block(members),
            Value::String(text) if text.len() >= LETTERS_MIN && is_prose(&format!("{text} ")) => {
                (paragraph("p", text), true)
            }
            _ => continue,
        };
        prose += usize::from(is_paragraph);
        html.push_str(&written);
    }
    if prose < 2 {
        return None;
    }
    let letters = tree::text_chars(&html);
    Some(Told { html, letters })
}

fn is_teaser(members: &Map<String, Value>) -> bool {
    let has = |keys: &[&str]| {
        keys.iter()
            .any(|key| members.get(*key).is_some_and(Value::is_string))
    };
    has(TEASER_KEYS) && has(TITLE_KEYS)
}

/// One part, and whether it is a paragraph long enough to tell that the list is an article.
fn block(members: &Map<String, Value>) -> (String, bool) {
    let kind: String = KIND_KEYS
        .iter()
        .filter_map(|key| members.get(*key)?.as_str())
        .flat_map(|kind| [kind, " "])
        .collect::<String>()
        .to_ascii_lowercase();
    let mut text = String::new();
    text_of(members, DEPTH_MAX, &mut text);
    if text.trim().is_empty() {
        return (String::new(), false);
    }
    let is_known = ["para", "text", "block", "html", "prose", "p "]
        .iter()
        .any(|name| kind.contains(name));
    let is_paragraph =
        text.len() >= LETTERS_MIN && (is_known || kind.is_empty()) && is_prose(&format!("{text} "));
    let name = match kind.as_str() {
        kind if kind.contains("head")
            || kind.contains("h2")
            || kind.contains("h3")
            || kind.contains("title") =>
        {
            "h2"
        }
        kind if kind.contains("quote") => "blockquote",
        kind if kind.contains("code") => "pre",
        kind if kind.contains("list") => "li",
        _ if is_paragraph || is_known => "p",
        _ => return (String::new(), false),
    };
    (paragraph(name, &text), is_paragraph)
}

fn paragraph(name: &str, html: &str) -> String {
    let has_blocks = ["<p", "<div", "<ul", "<ol", "<h2", "<h3"]
        .iter()
        .any(|tag| html.contains(tag));
    match name {
        "p" | "h2" if has_blocks => html.to_owned(),
        "li" => format!("<ul><li>{html}</li></ul>"),
        _ => format!("<{name}>{}</{name}>", html.trim()),
    }
}

/// The text of a part as HTML: its own, or that of the parts in it.
fn text_of(members: &Map<String, Value>, depth: usize, out: &mut String) {
    if depth == 0 {
        return;
    }
    for key in TEXT_KEYS {
        if let Some(text) = members.get(*key).and_then(Value::as_str) {
            let is_html = text.contains("</")
                || text.contains("<br")
                || *key == "html"
                || *key == "innerHTML";
            if is_html {
                out.push_str(text);
            } else {
                out.push_str(&htmlize::escape_text(text));
            }
            return;
        }
    }
    for key in CHILD_KEYS {
        match members.get(*key) {
            Some(Value::Array(list)) if !list.is_empty() => {
                for inner in list {
                    match inner {
                        Value::Object(members) => text_of(members, depth - 1, out),
                        Value::String(text) => out.push_str(&htmlize::escape_text(text)),
                        _ => {}
                    }
                }
                return;
            }
            Some(Value::Object(inner)) => return text_of(inner, depth - 1, out),
            _ => {}
        }
    }
}
