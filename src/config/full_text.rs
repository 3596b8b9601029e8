//! `[full_text]`, and what `[defaults]` and every `[[feed]]` may say of full texts.

use std::convert::Infallible;
use std::path::PathBuf;

use super::reader::{Table, Written};
use super::texts;
use super::values::text;
use crate::fulltext::recipe::Finder;
use crate::fulltext::{Limits, Options};
use crate::rewrite::figure::Figure;

/// Selectors of one kind.
const SELECTORS_MAX: usize = 64;
const FORM: &str = "`true`, `false` or a table, `{ content = [\"…\"] }`";

/// `[full_text]` as written.
pub(super) struct LimitKeys {
    site_rules: Option<Written<Option<PathBuf>>>,
    fetches_max: Option<Written<u32>>,
    items_max: Option<Written<u32>>,
    pages_max: Option<Written<u32>>,
    page_bytes_max: Option<Written<u64>>,
    attempts_max: Option<Written<u32>>,
}

/// The keys of a feed as written.
pub(super) struct FeedKeys {
    pub(super) full_text: Option<Written<Option<Options>>>,
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
pub(super) fn resolve_limits(written: LimitKeys) -> Limits {
    let default = Limits::default();
    let count = |written: Option<Written<u32>>, default: usize| {
        written.map_or(default, |written| written.value as usize)
    };
    Limits {
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
        full_text: table.switch_or_table("full_text", FORM, Options::default(), read_options),
        figure: table.optional_text("figure", figure),
    }
}

fn read_options(table: &mut Table<'_, '_>) -> Options {
    let cookies = |text: &str| texts::header_value(text).map(super::secret::secret_header);
    let selector = |text: &str| Finder::css(text).map(|_| text.to_owned());
    let one = |table: &mut Table<'_, '_>, key| {
        let found = table.optional_text(key, selector);
        found.and_then(|found| found.value)
    };
    let options = Options {
        content: selectors(table, "content"),
        remove: selectors(table, "remove"),
        title: one(table, "title"),
        date: one(table, "date"),
        next_page: one(table, "next_page"),
        hold: table.switch("hold").is_some_and(|hold| hold.value),
        hosts: table
            .list("hosts", texts::host_name)
            .map(|hosts| hosts.value)
            .unwrap_or_default(),
        cookies: table
            .secret("cookies", cookies)
            .and_then(|cookies| cookies.value),
        headers: table
            .headers()
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

/// One selector, or a list of them.
fn selectors(table: &mut Table<'_, '_>, key: &'static str) -> Vec<String> {
    let selector = |text: &str| Finder::css(text).map(|_| text.to_owned());
    let is_list = table
        .written(key)
        .is_some_and(|value| value.get_ref().is_array());
    if !is_list {
        let found = table.value(key, text(selector));
        return found.map(|found| found.value).into_iter().collect();
    }
    let Some(found) = table.list(key, selector) else {
        return Vec::new();
    };
    if found.value.len() > SELECTORS_MAX {
        let reason = format!("there can be no more than {SELECTORS_MAX}");
        table.refuse(found.spot, reason);
        return Vec::new();
    }
    found.value
}
