//! What a feed says of its images: `images` and `image_rules`.

use std::convert::Infallible;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::de::DeValue;

use super::reader::{Table, Written};
use super::shape::ValueSchema;
use super::texts;
use crate::causes::chain;
use crate::rewrite::passes::images::check_selector;
use crate::rewrite::{IMAGE_RULES_MAX, check_path};

/// An image proxy by name, and the options for it in place of its own.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) options: Option<String>,
}

impl ValueSchema for Named {
    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string" },
            {
                "type": "object",
                "properties": {
                    "proxy": { "type": "string", "description": "Name of the image proxy." },
                },
                "additionalProperties": { "type": ["string", "number", "boolean"] },
                "required": ["proxy"],
            },
        ]})
    }
}

/// One of `image_rules` as written.
#[derive(Debug, Clone, JsonSchema)]
pub(super) struct ImageRuleKeys {
    /// The host of the images, with all below it.
    pub(super) host: Option<String>,
    /// Glob of the path of the images' URLs.
    pub(super) path: Option<String>,
    /// CSS selector of the images' elements.
    pub(super) selector: Option<String>,
    /// The image proxy, or `none`. Without it, the feed's own.
    pub(super) images: Option<Written<String>>,
    /// Options for the image proxy, in its own words.
    pub(super) options: Option<Written<String>>,
}

impl ValueSchema for ImageRuleKeys {
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

/// Reads `images`: a name, or a table with the name in `proxy` and its options beside it.
pub(super) fn read_named(table: &mut Table<'_, '_>) -> Option<Written<Named>> {
    table.value("images", |raw| {
        let Some(entries) = raw.table() else {
            let form = "a name, or a table such as `{ proxy = \"builtin\", w = 800 }`";
            let name = raw.text(form)?.into_owned();
            return Ok(Named {
                name,
                options: None,
            });
        };
        let mut name = None;
        let mut options = Vec::new();
        for (key, value) in entries {
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(number) => number.as_str().to_owned(),
                DeValue::Float(number) => number.as_str().to_owned(),
                DeValue::Boolean(switch) => switch.to_string(),
                _ => {
                    return Err(format!(
                        "`{}` must be text, a number, `true` or `false`",
                        key.get_ref()
                    ));
                }
            };
            match key.get_ref().as_ref() {
                "proxy" => name = Some(text),
                key => options.push(format!(
                    "{key}={}",
                    utf8_percent_encode(&text, NON_ALPHANUMERIC)
                )),
            }
        }
        let name = name.ok_or("`proxy` is missing: the name of the image proxy")?;
        Ok(Named {
            name,
            options: Some(options.join("&")),
        })
    })
}

/// Reads `image_rules`.
pub(super) fn read_rules(table: &mut Table<'_, '_>) -> Option<Written<Vec<ImageRuleKeys>>> {
    let form = "a list, `[{ host = \"…\", images = \"…\" }]`";
    let found = table.list_of_tables("image_rules", (IMAGE_RULES_MAX, form), |table| {
        let rule = ImageRuleKeys {
            host: table
                .text("host", texts::host_suffix)
                .map(|host| host.value),
            path: table
                .text("path", |glob| check_path(glob).map(|()| glob.to_owned()))
                .map(|path| path.value),
            selector: table
                .text("selector", selector)
                .map(|selector| selector.value),
            images: table.text("images", keep),
            options: table.text("options", keep),
        };
        let written = |key: &str| table.written(key).is_some();
        let is_narrow = ["host", "path", "selector"].iter().any(|key| written(key));
        let says_something = written("images") || written("options");
        if !is_narrow {
            table.refuse_here("`host`, `path` or `selector` is missing: which images it is for");
        }
        if !says_something {
            table.refuse_here("`images` or `options` is missing: what is done with them");
        }
        rule
    })?;
    Some(found)
}

fn selector(text: &str) -> Result<String, String> {
    match check_selector(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => Err(chain(&error)),
    }
}

fn keep(text: &str) -> Result<String, Infallible> {
    Ok(text.to_owned())
}
