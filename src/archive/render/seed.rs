//! The format of the first archive: `<!--1642555024000-->` (milliseconds since 1970), `[title](link)`,
//! `------`, an empty line, the HTML, a line break.
//!
//! What these lines have no place for (id, author, categories, date of the last change) is in a
//! comment behind the HTML, where there is any of it.

use serde::{Deserialize, Serialize};

use super::ParseError;
use crate::rewrite::entry::Entry;

const RULE: &str = "------";
const MORE: &str = "\n<!--feedwright ";
const MORE_END: &str = "-->";

/// What else there is to say of an item.
#[derive(Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(default)]
struct More {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_ms: Option<i64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    author: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    categories: Vec<String>,
}

/// The file of an item.
#[must_use]
pub fn render(entry: &Entry) -> String {
    let date = entry.date_ms.map(|ms| ms.to_string()).unwrap_or_default();
    let mut text = format!(
        "<!--{date}-->\n[{}]({})\n{RULE}\n\n{}",
        escaped(&entry.title),
        escaped(&entry.link),
        entry.html
    );
    let more = More {
        // Most feeds have one address for both.
        id: (entry.id != entry.link).then(|| entry.id.clone()),
        updated_ms: entry.updated_ms,
        author: entry.author.clone(),
        categories: entry.categories.clone(),
    };
    // What only looks like ours gets ours behind it.
    if (more != More::default() || split_more(&entry.html).is_some())
        && let Ok(json) = serde_json::to_string(&more)
    {
        // SECURITY: no text of a publisher's ends the comment.
        let json = json.replace("--", "-\\u002d");
        text.push_str(MORE);
        text.push_str(&json);
        text.push_str(MORE_END);
    }
    text.push('\n');
    text
}

/// The item of a file.
///
/// # Errors
/// When one of the lines above the HTML is another.
pub fn parse(text: &str) -> Result<Entry, ParseError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.splitn(5, '\n');
    let mut line = || lines.next().map(|line| line.trim_end_matches('\r'));
    let date = line()
        .and_then(|line| line.strip_prefix("<!--")?.strip_suffix("-->"))
        .ok_or_else(|| ParseError::new(1, "it is not `<!--milliseconds since 1970-->`"))?;
    let date_ms =
        match date.trim() {
            "" => None,
            number => Some(number.parse().map_err(|_| {
                ParseError::new(1, format!("`{number}` is no time in milliseconds"))
            })?),
        };
    let (title, link) = line()
        .and_then(|line| split_link(line.strip_prefix('[')?.strip_suffix(')')?))
        .ok_or_else(|| ParseError::new(2, "it is not `[title](link)`"))?;
    if line() != Some(RULE) {
        return Err(ParseError::new(3, format!("it is not `{RULE}`")));
    }
    if line() != Some("") {
        return Err(ParseError::new(4, "it is not empty"));
    }
    let html = lines.next().unwrap_or_default();
    let html = html.strip_suffix('\n').unwrap_or(html);
    let (html, more) = split_more(html).unwrap_or((html, More::default()));
    let link = unescaped(link);
    Ok(Entry {
        id: more.id.unwrap_or_else(|| link.clone()),
        link,
        title: unescaped(title),
        date_ms,
        updated_ms: more.updated_ms,
        author: more.author,
        categories: more.categories,
        html: html.to_owned(),
        apart: String::new(),
    })
}

/// Title and link, as written; files of others may hold brackets that are not escaped.
fn split_link(text: &str) -> Option<(&str, &str)> {
    let mut ends = text.rmatch_indices("](").map(|(at, _)| at);
    let end = ends.find(|&at| {
        let before = text[..at].trim_end_matches('\\');
        (at - before.len()).is_multiple_of(2)
    })?;
    Some((&text[..end], &text[end + 2..]))
}

/// The HTML before our comment, and what that says; `None` where there is none.
fn split_more(html: &str) -> Option<(&str, More)> {
    let (before, json) = html.strip_suffix(MORE_END)?.rsplit_once(MORE)?;
    Some((before, serde_json::from_str(json).ok()?))
}

/// A text in one line that ends no link.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        match letter {
            '\\' | '[' | ']' => out.extend(['\\', letter]),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            // Not what stands for a line break.
            '&' if rest.as_str().starts_with("#1") => out.push_str("\\&"),
            other => out.push(other),
        }
    }
    out
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        rest = match letter {
            '\\' if after.starts_with(['\\', '[', ']', '&']) => {
                out.push_str(&after[..1]);
                &after[1..]
            }
            '&' if after.starts_with("#10;") => {
                out.push('\n');
                &after[4..]
            }
            '&' if after.starts_with("#13;") => {
                out.push('\r');
                &after[4..]
            }
            other => {
                out.push(other);
                after
            }
        };
    }
    out
}
