//! JSON Lines: one object per item, with its HTML as it is. `date` and `updated` are RFC 3339.

use serde::{Deserialize, Serialize};

use super::{ParseError, moment_text};
use crate::feed::date;
use crate::rewrite::entry::Entry;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Line {
    feed: String,
    id: String,
    link: String,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    author: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    categories: Vec<String>,
    html: String,
}

/// The line of an item, with its line break.
#[must_use]
pub fn render(entry: &Entry, feed: &str) -> String {
    let line = Line {
        feed: feed.to_owned(),
        id: entry.id.clone(),
        link: entry.link.clone(),
        title: entry.title.clone(),
        date: entry.date_ms.and_then(moment_text),
        updated: entry.updated_ms.and_then(moment_text),
        author: entry.author.clone(),
        categories: entry.categories.clone(),
        html: entry.html.clone(),
    };
    // Texts and lists of texts are always JSON.
    let mut text = serde_json::to_string(&line).unwrap_or_default();
    text.push('\n');
    text
}

/// The items of some lines; empty ones are passed over.
///
/// # Errors
/// When a line is no such object.
pub fn parse(text: &str) -> Result<Vec<Entry>, ParseError> {
    let text = text.trim_start_matches('\u{feff}');
    let lines = text.split('\n').enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| parse_line(index + 1, line))
        .collect()
}

/// The item of one line, which is the one of this number.
///
/// # Errors
/// When it is no such object.
pub fn parse_line(number: usize, line: &str) -> Result<Entry, ParseError> {
    let line: Line = serde_json::from_str(line)
        .map_err(|error| ParseError::new(number, format!("it is no item in JSON: {error}")))?;
    let moment = |name: &str, text: &Option<String>| match text.as_deref() {
        None => Ok(None),
        Some(text) => date::parse(text)
            .map(|moment| Some(moment.as_millisecond()))
            .ok_or_else(|| ParseError::new(number, format!("`{name}`: `{text}` is no date"))),
    };
    Ok(Entry {
        date_ms: moment("date", &line.date)?,
        updated_ms: moment("updated", &line.updated)?,
        id: line.id,
        link: line.link,
        title: line.title,
        author: line.author,
        categories: line.categories,
        html: line.html,
        apart: String::new(),
    })
}
