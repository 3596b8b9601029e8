//! Headers and footers: minijinja templates over an item's fields.
//!
//! Invariants: what a publisher wrote is text in a template, never markup (there is no `safe`); a name
//! that does not exist is found when the template is parsed, in every branch; a value that an item does
//! not have is empty, not an error. Work, size of the source and size of the result are bounded.

mod dates;
mod names;

use std::borrow::Cow;
use std::sync::Arc;

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value, context};
use url::Url;

use crate::html::escape::ANY_QUOTES;
use crate::rewrite::article::content::Article;
use crate::rewrite::extent::{Extent, Needs};
use crate::rewrite::marks;

/// The longest template that is parsed.
const SOURCE_BYTES_MAX: usize = 64 * 1024;
/// The longest header or footer that comes out; what is longer is an error.
const OUTPUT_BYTES_MAX: usize = 256 * 1024;
/// minijinja's steps per rendering: a footer takes some dozens.
const FUEL_MAX: u64 = 100_000;
/// The most categories of one item that a template sees.
const CATEGORIES_MAX: usize = 256;
/// Under this name the one template is kept in its environment.
const NAME: &str = "template";

/// What a template may know of an item: decoded texts as they are in the feed, empty where missing.
#[derive(Debug, Clone, Default)]
pub struct ItemFacts<'a> {
    /// `item.title`, as plain text.
    pub title: Cow<'a, str>,
    /// `item.link`, absolute; given to templates only when it is http, https or mailto.
    pub link: Cow<'a, str>,
    /// `item.guid`: `guid`, `id`, `rdf:about`.
    pub guid: Cow<'a, str>,
    /// `item.author`, a name.
    pub author: Cow<'a, str>,
    /// `item.published`, as written; `item.updated` is used where it is missing.
    pub published: Cow<'a, str>,
    /// `item.updated`, as written; `item.published` is in where it is missing.
    pub updated: Cow<'a, str>,
    /// `item.categories`, a list.
    pub categories: Vec<Cow<'a, str>>,
    /// `item.article`, what the page of the item's full text says of it; empty without one.
    pub article: Option<Arc<Article>>,
}

/// What a template may know of the feed, like [`ItemFacts`].
#[derive(Debug, Clone, Default)]
pub struct FeedFacts<'a> {
    /// `feed.title`, the publisher's.
    pub title: Cow<'a, str>,
    /// `feed.link`, the site; given to templates only when it is http, https or mailto.
    pub link: Cow<'a, str>,
    /// `feed.name`, ours.
    pub name: Cow<'a, str>,
    /// `feed.url`, the publisher's URL of the feed.
    pub url: Cow<'a, str>,
    /// `feed.self_url`, our URL of the feed.
    pub self_url: Cow<'a, str>,
    /// `feed.language`, as written.
    pub language: Cow<'a, str>,
}

/// A parsed header or footer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Template {
    environment: Arc<Environment<'static>>,
    needs: Needs,
    /// What it says of every item, where it names nothing of any.
    constant: Option<Arc<str>>,
}

/// Why a template is refused; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the template: {message}")]
pub struct TemplateError {
    /// The line inside the template, from 1.
    pub line: usize,
    /// What is wrong, and where it helps what there is instead.
    pub message: String,
}

/// Why one item got no header or footer: out of fuel, too long, a value of the wrong kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the template: {message}")]
pub struct RenderError {
    /// The line inside the template, from 1.
    pub line: usize,
    /// What went wrong.
    pub message: String,
}

impl Template {
    /// Parses a template and checks that it names only what there is, in every branch, and that it
    /// renders for an item with every field and for an item with none.
    ///
    /// # Errors
    /// On a syntax error, a mark of ours, an unknown variable, filter, test, function or statement, a source above
    /// 64 KiB, or when a trial item does not render.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let whole = |message| Err(TemplateError { line: 1, message });
        if source.len() > SOURCE_BYTES_MAX {
            return whole(format!("it is longer than {SOURCE_BYTES_MAX} bytes"));
        }
        if marks::is_named_in(source) {
            return whole("it holds a mark, which is put around it anyway".to_owned());
        }
        let mut environment = build_environment();
        environment
            .add_template_owned(NAME, source.to_owned())
            .map_err(|error| refuse(&error))?;
        let variables = names::check(&environment, NAME, source)?;
        let asks = |names: &[&str]| names.iter().any(|&name| variables.contains(name));
        let mut template = Self {
            constant: None,
            environment: Arc::new(environment),
            needs: Needs {
                words: asks(&["item.words", "item.reading_minutes"]),
                images: asks(&["item.images"]),
            },
        };
        let rendered = template.try_out()?;
        template.constant = (!source.contains('{')).then(|| rendered.into());
        Ok(template)
    }

    /// Whether it says the same of every item.
    pub(super) fn is_constant(&self) -> bool {
        self.constant.is_some()
    }

    /// What it says of an item's extent, which takes time to find out.
    pub(super) fn needs(&self) -> Needs {
        self.needs
    }

    /// Renders the template for one item, as HTML.
    ///
    /// # Errors
    /// When the work or the output gets too large, or an expression meets a value it cannot take.
    pub fn render(
        &self,
        item: &ItemFacts<'_>,
        extent: &Extent,
        feed: &FeedFacts<'_>,
    ) -> Result<String, RenderError> {
        if let Some(constant) = &self.constant {
            return Ok(constant.to_string());
        }
        let facts = context! { item => describe_item(item, extent), feed => describe_feed(feed) };
        let mut output = Bounded(Vec::new());
        let result = self
            .environment
            .get_template(NAME)
            .and_then(|template| template.render_captured_to(facts, &mut output).map(drop));
        match result {
            Ok(()) => Ok(String::from_utf8_lossy(&output.0).into_owned()),
            Err(error) => Err(RenderError {
                line: error.line().unwrap_or(1),
                message: explain(&error),
            }),
        }
    }

    /// Renders an item that has everything and one that has nothing; gives the latter.
    fn try_out(&self) -> Result<String, TemplateError> {
        let full = ItemFacts {
            title: "Title".into(),
            link: "https://example.org/1".into(),
            guid: "https://example.org/1".into(),
            author: "Author".into(),
            published: "Wed, 19 Jan 2022 01:08:24 GMT".into(),
            updated: "2022-01-19T01:08:24.238Z".into(),
            categories: vec!["Category".into()],
            article: Some(Arc::new(Article {
                title: "Title".into(),
                author: "Author".into(),
                published: "2022-01-19T01:08:24.238Z".into(),
                modified: "2022-01-19T01:08:24.238Z".into(),
                site_name: "Site".into(),
                language: "en".into(),
                image: "https://example.org/image.jpg".into(),
                words: 500,
                reading_minutes: 2,
                html: String::new(),
            })),
        };
        let feed = FeedFacts {
            title: "Feed".into(),
            link: "https://example.org/".into(),
            name: "feed".into(),
            url: "https://example.org/feed.xml".into(),
            self_url: "https://feeds.example.org/feeds/feed".into(),
            language: "en".into(),
        };
        let extent = Extent {
            words: 500,
            reading_minutes: 2,
            images: 1,
        };
        let trials = [
            ("an item with every field", full, extent, feed),
            (
                "an item without any field",
                ItemFacts::default(),
                Extent::default(),
                FeedFacts::default(),
            ),
        ];
        let mut last = String::new();
        for (name, item, extent, feed) in trials {
            last = self
                .render(&item, &extent, &feed)
                .map_err(|error| TemplateError {
                    line: error.line,
                    message: format!("{} (tried with {name})", error.message),
                })?;
        }
        Ok(last)
    }
}

/// The engine, closed: no loader, no `safe`, no `debug`, our date filters.
pub(super) fn build_environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_fuel(Some(FUEL_MAX));
    environment.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => {
            out.write_str(&escape(text)).map_err(minijinja::Error::from)
        }
        _ => minijinja::escape_formatter(out, state, value),
    });
    // SECURITY: with `safe` a title such as `<script>` would become markup, `debug` would show the engine.
    environment.remove_filter("safe");
    environment.remove_global("debug");
    environment.add_filter("host", |url: Cow<'_, str>| find_host(&url));
    dates::add_filters(&mut environment);
    environment
}

/// Escapes for text and quoted attributes; minijinja's own would also write `/` as a reference.
fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(ANY_QUOTES.write(text))
}

fn describe_item(item: &ItemFacts<'_>, extent: &Extent) -> Value {
    let or = |first: &Cow<'_, str>, second: &Cow<'_, str>| {
        Value::from(if first.trim().is_empty() {
            second
        } else {
            first
        })
    };
    let categories: Vec<Value> = item
        .categories
        .iter()
        .take(CATEGORIES_MAX)
        .map(Value::from)
        .collect();
    context! {
        title => Value::from(&item.title),
        link => web_url(&item.link),
        guid => inert_text(&item.guid),
        author => Value::from(&item.author),
        published => or(&item.published, &item.updated),
        updated => or(&item.updated, &item.published),
        categories => Value::from(categories),
        words => extent.words,
        reading_minutes => extent.reading_minutes,
        images => extent.images,
        article => describe_article(item.article.as_deref().unwrap_or(&Article::default())),
    }
}

fn describe_article(article: &Article) -> Value {
    context! {
        title => Value::from(&article.title),
        author => Value::from(&article.author),
        published => Value::from(&article.published),
        modified => Value::from(&article.modified),
        site_name => Value::from(&article.site_name),
        language => Value::from(&article.language),
        image => web_url(&article.image),
        words => article.words,
        reading_minutes => article.reading_minutes,
    }
}

fn describe_feed(feed: &FeedFacts<'_>) -> Value {
    context! {
        title => Value::from(&feed.title),
        link => web_url(&feed.link),
        name => Value::from(&feed.name),
        url => web_url(&feed.url),
        self_url => web_url(&feed.self_url),
        language => Value::from(&feed.language),
    }
}

/// A URL that may be in an `href`, or nothing.
///
/// SECURITY: `javascript:`, `vbscript:` and `data:` links would run in the reader. The scheme is what
/// the URL standard finds (it skips blanks, tabs and line breaks as browsers do), and a URL that
/// holds a blank is written as the standard writes it, so that it cannot leave an unquoted attribute.
fn web_url(written: &str) -> Value {
    let written = written.trim();
    match Url::parse(written) {
        Ok(url) if matches!(url.scheme(), "http" | "https" | "mailto") => {
            if written.contains(|c: char| c.is_whitespace() || c.is_control()) {
                Value::from(String::from(url))
            } else {
                Value::from(written)
            }
        }
        _ => Value::from(""),
    }
}

/// An identifier, unless it would run where somebody puts it into an `href`.
fn inert_text(written: &str) -> Value {
    match Url::parse(written.trim()) {
        Ok(url) if matches!(url.scheme(), "javascript" | "vbscript" | "data") => Value::from(""),
        _ => Value::from(written),
    }
}

/// The host of a URL, or nothing.
fn find_host(url: &str) -> String {
    Url::parse(url.trim())
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default()
}

/// A buffer that refuses to grow beyond [`OUTPUT_BYTES_MAX`].
struct Bounded(Vec<u8>);

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_BYTES_MAX {
            return Err(std::io::Error::other(format!(
                "the result is longer than {OUTPUT_BYTES_MAX} bytes"
            )));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// minijinja's error as ours.
pub(super) fn refuse(error: &minijinja::Error) -> TemplateError {
    TemplateError {
        line: error.line().unwrap_or(1),
        message: explain(error),
    }
}

/// What went wrong, without minijinja's own naming of the place.
fn explain(error: &minijinja::Error) -> String {
    if error.kind() == ErrorKind::OutOfFuel {
        return "it takes too many steps".to_owned();
    }
    let mut message = error.kind().to_string();
    if let Some(detail) = error.detail() {
        message = format!("{message}: {detail}");
    }
    if let Some(cause) = std::error::Error::source(error) {
        message = format!("{message}: {cause}");
    }
    message
}

#[cfg(test)]
mod tests;
