//! What `[defaults]` and every `[[feed]]` may say of how a feed is rewritten.

use std::convert::Infallible;

use schemars::JsonSchema;

use super::feed_images::{self, ImageRuleKeys, Named};
use super::raw::{Raw, text};
use super::reader::{Table, Written};
use super::shape::{Choice, OneOrMore};
use super::texts;
use super::values::one_or_more;
use crate::causes::chain;
use crate::rewrite::RuleOptions;
use crate::rewrite::passes::attributes::{self, Setting};
use crate::rewrite::passes::images::check_selector;
use crate::rewrite::passes::replace::{self, Replacement};
use crate::rewrite::passes::sanitize::Sanitize;
use crate::rewrite::passes::{links, remove};
use crate::rewrite::pattern;
use crate::rewrite::selection::{self, Condition, Field};
use crate::rewrite::template::{Template, TemplateError};

/// The most items that `limit` may let through.
const LIMIT_MAX: u32 = 100_000;

/// A selector, and the attributes that what it matches loses.
type AttributesOf = (String, Vec<String>);

/// The keys as written. A text that is empty is `Some(None)`.
#[derive(JsonSchema)]
pub(super) struct RuleKeys {
    /// Whether XML and JSON that is not well-formed is repaired.
    repair: Option<Written<bool>>,
    /// The image proxy: `none`, `builtin`, `weserv`, `wsrv` or the name of an
    /// `[image_proxy.NAME]`; or a table with the name in `proxy` and options beside it.
    pub(super) images: Option<Written<Named>>,
    /// Another image proxy or other options for some images. The first rule that matches counts.
    pub(super) image_rules: Option<Written<Vec<ImageRuleKeys>>>,
    /// CSS selectors of images that stay as they are.
    skip_images: Option<Written<Vec<String>>>,
    /// Hosts, each with all below it, whose images stay as they are.
    skip_hosts: Option<Written<Vec<String>>>,
    /// Whether images that a script would load get the URL that it would load.
    promote_images: Option<Written<bool>>,
    /// Whether links to images lead to the image proxy.
    linked_images: Option<Written<bool>>,
    /// Whether audio and video come from the image proxy, too.
    pub(super) media: Option<Written<bool>>,
    /// Attributes that images from the image proxy get, or lose with `false`.
    image_attributes: Option<Written<Vec<Setting>>>,
    /// Regular expressions that are replaced in HTML, in this order.
    #[schemars(with = "Option<Vec<ReplacementKeys>>")]
    replace: Option<Written<Vec<Replacement>>>,
    /// CSS selectors of elements that are removed with all they hold.
    remove_elements: Option<Written<Vec<String>>>,
    /// Attributes that are removed.
    #[schemars(with = "Option<Vec<RemovedAttributeKeys>>")]
    remove_attributes: Option<Written<Vec<AttributesOf>>>,
    /// How much is stripped from HTML: nothing, what runs or sends, or all that articles do not
    /// need.
    sanitize: Option<Written<Sanitize>>,
    /// Whether tracking pixels are removed.
    drop_trackers: Option<Written<bool>>,
    /// Whether relative links in HTML become absolute.
    absolute_links: Option<Written<bool>>,
    /// Whether tracking parameters are removed from links in HTML.
    clean_links: Option<Written<bool>>,
    /// Further tracking parameters; `x_*` is all that start with `x_`.
    tracking_params: Option<Written<Vec<String>>>,
    /// Template of the HTML before each item's content.
    header: Option<Written<Option<String>>>,
    /// Template of the HTML after each item's content.
    footer: Option<Written<Option<String>>>,
    /// Whether header and footer are put between comments by which they are found again.
    mark: Option<Written<bool>>,
    /// Whether HTML that was escaped twice is read as HTML.
    double_escaped: Option<Written<bool>>,
    /// Items that stay. `0` for all.
    limit: Option<Written<u32>>,
    /// Only items that match one of these conditions stay, where there are any.
    #[schemars(with = "Option<Vec<ConditionKeys>>")]
    keep: Option<Written<Vec<Condition>>>,
    /// Items that match one of these conditions are removed.
    #[schemars(with = "Option<Vec<ConditionKeys>>")]
    drop: Option<Written<Vec<Condition>>>,
    /// `ours`: links to the feed itself lead here. `keep`: they stay as the publisher wrote them.
    envelope: Option<Written<Envelope>>,
}

/// One of `replace`.
#[derive(JsonSchema)]
struct ReplacementKeys {
    /// A regular expression.
    #[schemars(required)]
    pattern: Option<Written<String>>,
    /// The text in place of what matches; `$1` is what the first group matched.
    #[schemars(required)]
    with: Option<Written<String>>,
}

/// One of `remove_attributes`.
#[derive(JsonSchema)]
struct RemovedAttributeKeys {
    /// CSS selector of the elements that lose the attributes.
    #[schemars(required)]
    selector: Option<Written<String>>,
    /// Names of the attributes.
    #[schemars(required)]
    attributes: Option<Written<Vec<String>>>,
}

/// One of `keep` or `drop`.
#[derive(JsonSchema)]
struct ConditionKeys {
    /// The part of an item that is compared, or a list of parts of which one must match.
    #[schemars(required)]
    field: Option<Written<OneOrMore<Field>>>,
    /// A regular expression that is looked for anywhere in it.
    #[schemars(required)]
    pattern: Option<Written<String>>,
}

/// Where links to the feed itself lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Envelope {
    Ours,
    Keep,
}

impl Choice for Envelope {
    fn choices() -> Vec<(&'static str, Self)> {
        vec![("ours", Self::Ours), ("keep", Self::Keep)]
    }
}

impl Choice for Sanitize {
    fn choices() -> Vec<(&'static str, Self)> {
        vec![
            ("off", Self::Off),
            ("scripts", Self::Scripts),
            ("strict", Self::Strict),
        ]
    }
}

impl Choice for Field {
    fn choices() -> Vec<(&'static str, Self)> {
        vec![
            ("title", Self::Title),
            ("link", Self::Link),
            ("author", Self::Author),
            ("category", Self::Category),
            ("guid", Self::Guid),
            ("content", Self::Content),
            ("any", Self::Any),
        ]
    }
}

/// Reads the keys.
pub(super) fn read(table: &mut Table<'_, '_>) -> RuleKeys {
    let selector = |text: &str| match check_selector(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => Err(chain(&error)),
    };
    RuleKeys {
        repair: table.switch("repair"),
        images: feed_images::read_named(table),
        image_rules: feed_images::read_rules(table),
        skip_images: table.list("skip_images", selector),
        skip_hosts: table.list("skip_hosts", texts::host_suffix),
        promote_images: table.switch("promote_images"),
        linked_images: table.switch("linked_images"),
        media: table.switch("media"),
        image_attributes: read_image_attributes(table),
        replace: read_replace(table),
        remove_elements: table.list("remove_elements", removed_selector),
        remove_attributes: read_remove_attributes(table),
        sanitize: table.choice("sanitize"),
        drop_trackers: table.switch("drop_trackers"),
        absolute_links: table.switch("absolute_links"),
        clean_links: table.switch("clean_links"),
        tracking_params: table.list("tracking_params", parameter),
        header: table.optional_text("header", template),
        footer: table.optional_text("footer", template),
        mark: table.switch("mark"),
        double_escaped: table.switch("double_escaped"),
        limit: table.count("limit", 0..=LIMIT_MAX),
        keep: read_conditions(table, "keep"),
        drop: read_conditions(table, "drop"),
        envelope: table.choice("envelope"),
    }
}

/// The rules of a feed that says `own`, with what it doesn't say from `defaults`. The caller fills
/// in names, URLs and image proxies.
pub(super) fn resolve(own: RuleKeys, defaults: &RuleKeys) -> RuleOptions {
    let on = |own, default: &_| pick(own, default).unwrap_or(true);
    let off = |own, default: &_| pick(own, default).unwrap_or(false);
    RuleOptions {
        repair: on(own.repair, &defaults.repair),
        skip_images: pick(own.skip_images, &defaults.skip_images).unwrap_or_default(),
        skip_hosts: pick(own.skip_hosts, &defaults.skip_hosts).unwrap_or_default(),
        promote_images: on(own.promote_images, &defaults.promote_images),
        linked_images: off(own.linked_images, &defaults.linked_images),
        media: off(own.media, &defaults.media),
        image_attributes: pick(own.image_attributes, &defaults.image_attributes)
            .unwrap_or_default(),
        replace: pick(own.replace, &defaults.replace).unwrap_or_default(),
        remove: remove::RemoveOptions {
            elements: pick(own.remove_elements, &defaults.remove_elements).unwrap_or_default(),
            attributes: pick(own.remove_attributes, &defaults.remove_attributes)
                .unwrap_or_default(),
        },
        sanitize: pick(own.sanitize, &defaults.sanitize).unwrap_or(Sanitize::Scripts),
        drop_trackers: on(own.drop_trackers, &defaults.drop_trackers),
        links: links::LinkOptions {
            absolute: on(own.absolute_links, &defaults.absolute_links),
            clean: off(own.clean_links, &defaults.clean_links),
            tracking_params: pick(own.tracking_params, &defaults.tracking_params)
                .unwrap_or_default(),
        },
        header: pick(own.header, &defaults.header).flatten(),
        footer: pick(own.footer, &defaults.footer).flatten(),
        mark: on(own.mark, &defaults.mark),
        double_escaped: off(own.double_escaped, &defaults.double_escaped),
        selection: selection::SelectionOptions {
            limit: pick(own.limit, &defaults.limit)
                .filter(|&limit| limit > 0)
                .map(|limit| limit as usize),
            keep: pick(own.keep, &defaults.keep).unwrap_or_default(),
            drop: pick(own.drop, &defaults.drop).unwrap_or_default(),
        },
        keep_envelope: pick(own.envelope, &defaults.envelope) == Some(Envelope::Keep),
        ..RuleOptions::default()
    }
}

/// The feed's own value, else the one in `[defaults]`: a key is inherited whole or not at all.
pub(super) fn pick<T: Clone>(own: Option<Written<T>>, default: &Option<Written<T>>) -> Option<T> {
    own.or_else(|| default.clone()).map(|written| written.value)
}

fn read_image_attributes(table: &mut Table<'_, '_>) -> Option<Written<Vec<Setting>>> {
    let found = table.entries("image_attributes", |table, name, value| {
        if !attributes::is_allowed(name.value) {
            table.refuse(
                name.spot,
                "an attribute's name has letters `a-z`, digits and dashes, and is none of `src`, `srcset` or `on…`",
            );
            return None;
        }
        let setting = match (value.get_ref().as_str(), value.get_ref().as_bool()) {
            (Some(text), _) => Some(text.to_owned()),
            (None, Some(false)) => None,
            _ => {
                let reason = Raw::Value(value).mismatch("text, or `false` to remove it");
                table.refuse(name.spot, reason);
                return None;
            }
        };
        Some((name.value.to_owned(), setting))
    })?;
    if found.value.len() > attributes::ATTRIBUTES_MAX {
        let reason = format!("there can be no more than {}", attributes::ATTRIBUTES_MAX);
        table.refuse(found.spot.clone(), reason);
    }
    Some(found)
}

fn read_replace(table: &mut Table<'_, '_>) -> Option<Written<Vec<Replacement>>> {
    let form = "a list, `[{ pattern = \"…\", with = \"…\" }]`";
    let found = table.list_of_tables("replace", (replace::REPLACEMENTS_MAX, form), |table| {
        let keys = ReplacementKeys {
            pattern: table.required("pattern", text(regular_expression)),
            with: table.required("with", text(keep)),
        };
        Some(Replacement {
            pattern: keys.pattern?.value,
            with: keys.with?.value,
        })
    })?;
    Some(found.map(|list| list.into_iter().flatten().collect()))
}

fn read_remove_attributes(table: &mut Table<'_, '_>) -> Option<Written<Vec<AttributesOf>>> {
    let form = "a list, `[{ selector = \"…\", attributes = [\"…\"] }]`";
    let found = table.list_of_tables(
        "remove_attributes",
        (remove::SELECTORS_MAX, form),
        |table| {
            let keys = RemovedAttributeKeys {
                selector: table.required("selector", text(removed_selector)),
                attributes: table.list("attributes", keep),
            };
            if keys.attributes.is_none() {
                table.refuse_here("`attributes` is missing");
            }
            Some((keys.selector?.value, keys.attributes?.value))
        },
    )?;
    Some(found.map(|list| list.into_iter().flatten().collect()))
}

fn read_conditions(
    table: &mut Table<'_, '_>,
    key: &'static str,
) -> Option<Written<Vec<Condition>>> {
    let form = "a list, `[{ field = \"title\", pattern = \"…\" }]`";
    let found = table.list_of_tables(key, (selection::CONDITIONS_MAX, form), |table| {
        let keys = ConditionKeys {
            field: table.required("field", one_or_more()),
            pattern: table.required("pattern", text(regular_expression)),
        };
        Some(Condition {
            fields: keys.field?.value.0,
            pattern: keys.pattern?.value,
        })
    })?;
    Some(found.map(|list| list.into_iter().flatten().collect()))
}

fn removed_selector(text: &str) -> Result<String, remove::RemoveError> {
    remove::check_selector(text).map(|()| text.to_owned())
}

fn regular_expression(text: &str) -> Result<String, pattern::PatternError> {
    pattern::compile(text).map(|_| text.to_owned())
}

/// The name of a query parameter, maybe with a `*` at its end.
fn parameter(text: &str) -> Result<String, &'static str> {
    let name = text.strip_suffix('*').unwrap_or(text);
    let is_name = !name.is_empty() && !name.contains(['*', '&', '=', '#', '?', ' ']);
    is_name
        .then(|| text.to_owned())
        .ok_or("expected the name of a parameter, maybe with a `*` at its end")
}

fn keep(text: &str) -> Result<String, Infallible> {
    Ok(text.to_owned())
}

fn template(source: &str) -> Result<String, TemplateError> {
    Template::parse(source).map(|_| source.to_owned())
}
