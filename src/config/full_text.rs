//! `[full_text]`, and what `[defaults]` and every `[[feed]]` may say of full texts.

use std::convert::Infallible;
use std::path::PathBuf;

use http::{HeaderName, HeaderValue};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::raw::text;
use super::reader::{Table, Written};
use super::shape::{OneOrMore, ValueSchema, switch_or};
use super::texts;
use crate::fulltext::recipe::{Finder, FinderError};
use crate::fulltext::{FullTextLimits, FullTextOptions};
use crate::rewrite::figure::Figure;

/// Selectors of one kind.
const SELECTORS_MAX: usize = 64;
const FORM: &str = "`true`, `false` or a table, `{ content = [\"…\"] }`";

/// `[full_text]` as written.
#[derive(JsonSchema)]
pub(super) struct LimitKeys {
    /// A directory of site rules in the format of Full-Text RSS.
    site_rules: Option<Written<Option<PathBuf>>>,
    /// Article pages that are fetched at the same time.
    fetches_max: Option<Written<u32>>,
    /// Items of a feed, from its top, whose articles are fetched.
    items_max: Option<Written<u32>>,
    /// Pages of one article.
    pages_max: Option<Written<u32>>,
    /// Size of one page. A larger page is no article.
    page_bytes_max: Option<Written<u64>>,
    /// Attempts to fetch an article before it is given up.
    attempts_max: Option<Written<u32>>,
}

/// The keys of a feed as written.
#[derive(JsonSchema)]
pub(super) struct FeedKeys {
    /// Whether items get the text of the page that they link to, or a table that says how it is
    /// found.
    pub(super) full_text: Option<Written<Option<FullTextOptions>>>,
    /// Template for the images of full texts. Empty for a `figure` each.
    pub(super) figure: Option<Written<Option<String>>>,
}

/// Reads `[full_text]`.
pub(super) fn read_limits(table: &mut Table<'_, '_>) -> LimitKeys {
    let folder = |text: &str| Ok::<_, Infallible>(PathBuf::from(text));
    LimitKeys {
        site_rules: table.optional_text("site_rules", folder),
        fetches_max: table.count("fetches_max", 1..=64),
        items_max: table.count("items_max", 1..=1_000),
        pages_max: table.count("pages_max", 1..=50),
        page_bytes_max: table.size("page_bytes_max", 64 << 10..=32 << 20),
        attempts_max: table.count("attempts_max", 1..=50),
    }
}

/// The limits, with defaults for what isn't written.
pub(super) fn resolve_limits(written: LimitKeys) -> FullTextLimits {
    let default = FullTextLimits::default();
    let count = |written: Option<Written<u32>>, default: usize| {
        written.map_or(default, |written| written.value as usize)
    };
    FullTextLimits {
        site_rules: written.site_rules.and_then(|written| written.value),
        fetches_max: count(written.fetches_max, default.fetches_max),
        items_max: count(written.items_max, default.items_max),
        pages_max: count(written.pages_max, default.pages_max),
        page_bytes_max: written
            .page_bytes_max
            .and_then(|written| usize::try_from(written.value).ok())
            .unwrap_or(default.page_bytes_max),
        attempts_max: written
            .attempts_max
            .map_or(default.attempts_max, |written| written.value),
    }
}

/// Reads a feed's keys.
pub(super) fn read(table: &mut Table<'_, '_>) -> FeedKeys {
    let figure = |text: &str| Figure::parse(text).map(|_| text.to_owned());
    FeedKeys {
        full_text: table.switch_or_table(
            "full_text",
            FORM,
            FullTextOptions::default(),
            read_options,
        ),
        figure: table.optional_text("figure", figure),
    }
}

/// The table that `full_text` may be: how the article is found on its page.
#[derive(JsonSchema)]
struct FullTextKeys {
    /// CSS selectors of the article. The first that finds something counts.
    #[schemars(with = "Option<Written<OneOrMore<String>>>")]
    content: OneOrMore<String>,
    /// CSS selectors of what is removed before.
    #[schemars(with = "Option<Written<OneOrMore<String>>>")]
    remove: OneOrMore<String>,
    /// CSS selector of the article's title.
    title: Option<Written<Option<String>>>,
    /// CSS selector of the article's date.
    date: Option<Written<Option<String>>>,
    /// CSS selector of the link to the article's next page.
    next_page: Option<Written<Option<String>>>,
    /// Whether an item waits until its article is there.
    hold: Option<Written<bool>>,
    /// Hosts whose pages are requested with `cookies` and `headers`.
    hosts: Option<Written<Vec<String>>>,
    /// The value of `Cookie` for article pages.
    cookies: Option<Written<Option<HeaderValue>>>,
    /// Request header fields for article pages.
    headers: Option<Written<Vec<(HeaderName, HeaderValue)>>>,
}

impl ValueSchema for FullTextOptions {
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        switch_or::<FullTextKeys>(generator)
    }
}

fn read_options(table: &mut Table<'_, '_>) -> FullTextOptions {
    let cookies = |text: &str| texts::header_value(text).map(super::secret::secret_header);
    let keys = FullTextKeys {
        content: selectors(table, "content"),
        remove: selectors(table, "remove"),
        title: table.optional_text("title", selector),
        date: table.optional_text("date", selector),
        next_page: table.optional_text("next_page", selector),
        hold: table.switch("hold"),
        hosts: table.list("hosts", texts::host_name),
        cookies: table.secret("cookies", cookies),
        headers: table.headers(),
    };
    let one = |key: Option<Written<Option<String>>>| key.and_then(|found| found.value);
    let options = FullTextOptions {
        content: keys.content.0,
        remove: keys.remove.0,
        title: one(keys.title),
        date: one(keys.date),
        next_page: one(keys.next_page),
        hold: keys.hold.is_some_and(|hold| hold.value),
        hosts: keys.hosts.map(|hosts| hosts.value).unwrap_or_default(),
        cookies: keys.cookies.and_then(|cookies| cookies.value),
        headers: keys
            .headers
            .map(|headers| headers.value)
            .unwrap_or_default(),
    };
    let has_secrets = options.cookies.is_some() || !options.headers.is_empty();
    if has_secrets && options.hosts.is_empty() {
        table.refuse_here(
            "`hosts` is missing: the hosts of article pages that may see `cookies` and `headers`",
        );
    }
    options
}

fn selector(text: &str) -> Result<String, FinderError> {
    Finder::css(text).map(|_| text.to_owned())
}

/// One selector, or a list of them.
fn selectors(table: &mut Table<'_, '_>, key: &'static str) -> OneOrMore<String> {
    let is_list = table
        .written(key)
        .is_some_and(|value| value.get_ref().is_array());
    if !is_list {
        let found = table.value(key, text(selector));
        return OneOrMore(found.map(|found| found.value).into_iter().collect());
    }
    let found = table.list_max(key, SELECTORS_MAX, selector);
    OneOrMore(found.map(|found| found.value).unwrap_or_default())
}
