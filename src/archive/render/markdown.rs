//! Markdown below YAML front matter.
//!
//! The text is dom_query's conversion. Markdown has no place for much of what HTML says, so on the
//! way back only the front matter is what it was; the text comes back as the HTML of its Markdown.

use dom_query::Document;

use super::front_matter::{self, FENCE, Value, quoted, quoted_list};
use super::{ParseError, moment_text};
use crate::feed::date;
use crate::rewrite::entry::{self, Entry};

/// What Markdown has no words for, and where it leads to.
const EMBEDS: &str =
    "iframe[src], video[src], audio[src], video > source[src], audio > source[src]";

/// The file of an item of the feed of this name.
#[must_use]
pub fn render(entry: &Entry, feed: &str) -> String {
    let mut text = format!("{FENCE}\n");
    let mut line = |key: &str, value: String| text.push_str(&format!("{key}: {value}\n"));
    line("title", quoted(&entry.title));
    line("link", quoted(&entry.link));
    line("id", quoted(&entry.id));
    if let Some(date) = entry.date_ms.and_then(moment_text) {
        line("date", date);
    }
    if let Some(updated) = entry.updated_ms.and_then(moment_text) {
        line("updated", updated);
    }
    if !entry.author.is_empty() {
        line("author", quoted(&entry.author));
    }
    if !entry.categories.is_empty() {
        line("categories", quoted_list(&entry.categories));
    }
    line("feed", quoted(feed));
    let body = of_html(&entry.html);
    text.push_str(&format!("{FENCE}\n\n{body}\n"));
    text
}

/// The item of a file, as far as Markdown tells.
///
/// # Errors
/// When there is no front matter, or it can't be read.
pub fn parse(text: &str) -> Result<Entry, ParseError> {
    let (values, body) = front_matter::parse(text)?;
    let mut entry = Entry::default();
    for (key, value) in values {
        match (key.as_str(), value) {
            ("title", Value::Text(text)) => entry.title = text,
            ("link", Value::Text(text)) => entry.link = text,
            ("id", Value::Text(text)) => entry.id = text,
            ("author", Value::Text(text)) => entry.author = text,
            ("date", Value::Text(text)) => entry.date_ms = moment(&key, &text)?,
            ("updated", Value::Text(text)) => entry.updated_ms = moment(&key, &text)?,
            ("categories", Value::List(list)) => entry.categories = list,
            ("categories", Value::Text(text)) if !text.is_empty() => entry.categories = vec![text],
            // People add keys of their own.
            _ => {}
        }
    }
    entry.html = to_html(body);
    Ok(entry)
}

fn moment(key: &str, text: &str) -> Result<Option<i64>, ParseError> {
    if text.is_empty() {
        return Ok(None);
    }
    let moment = date::parse(text).map(|moment| Some(moment.as_millisecond()));
    moment.ok_or_else(|| ParseError::new(1, format!("`{key}`: `{text}` is no date")))
}

/// HTML as Markdown; what is too large or nested too deep for a tree stays HTML, which Markdown may
/// hold as well.
#[must_use]
pub fn of_html(html: &str) -> String {
    let Some(document) = entry::tree(html) else {
        return html.to_owned();
    };
    for embed in document.select(EMBEDS).nodes() {
        let address = embed.attr("src").unwrap_or_default();
        let link = Document::fragment("<p><a></a></p>");
        let anchor = link.select("a");
        anchor.set_attr("href", &address);
        anchor.set_text(&address);
        embed.replace_with_html(link.select("p").html());
    }
    // A caption stands apart from its image.
    document.select("figure, figcaption").rename("div");
    document.md(None).to_string()
}

fn to_html(markdown: &str) -> String {
    let mut options = pulldown_cmark::Options::empty();
    options.insert(pulldown_cmark::Options::ENABLE_TABLES);
    options.insert(pulldown_cmark::Options::ENABLE_STRIKETHROUGH);
    let mut html = String::new();
    let parser = pulldown_cmark::Parser::new_ext(markdown, options);
    pulldown_cmark::html::push_html(&mut html, parser);
    html
}
