//! `[image_proxy.NAME]`: image proxies that feeds can name.

use std::convert::Infallible;

use schemars::JsonSchema;

use super::reader::{Table, Written};
use crate::images::options::UrlOptions;
use crate::rewrite::target::{Images, PresetOptions, Proxy, Target};
use crate::secret::Secret;

pub(super) const NONE: &str = "none";
pub(super) const BUILTIN: &str = "builtin";
/// Names that an image proxy can't have: they say something else where a feed names its proxy.
const RESERVED_NAMES: [&str; 2] = [NONE, BUILTIN];
/// Image proxies that need no `[image_proxy.NAME]`.
pub(super) const PRESETS: [&str; 2] = ["weserv", "wsrv"];
/// Characters of an image proxy's name.
const NAME_CHARS_MAX: usize = 32;

/// A named image proxy; it exists, and so may be named, even when it is no good.
pub(super) struct ImageProxy {
    pub(super) name: String,
    pub(super) recipe: Option<Recipe>,
}

/// How an image proxy is made, so that rules can ask it for something else.
pub(super) enum Recipe {
    Template(Box<Proxy>),
    Preset(String, Box<PresetOptions>),
    /// Our own, asked for this.
    Builtin(String),
}

/// `[image_proxy.NAME]` as written.
#[derive(JsonSchema)]
pub(super) struct ImageProxyKeys {
    /// URL of an image at the proxy, with placeholders such as `{url_enc}` for the image's own.
    template: Option<Written<Option<String>>>,
    /// Name of a known proxy, in place of a template: `imgproxy`, `camo`, `thumbor` and so on.
    preset: Option<Written<Option<String>>>,
    /// What a signature in a template signs, as a template. Without it, the image's URL.
    message: Option<Written<Option<String>>>,
    /// URL of the preset's proxy.
    base: Option<Written<Option<String>>>,
    /// Options for the preset's proxy, in its own words.
    options: Option<Written<Option<String>>>,
    /// The format that imgproxy is asked for.
    format: Option<Written<Option<String>>>,
    /// The key that image URLs are signed with.
    key: Option<Written<Option<Secret>>>,
    /// The salt of imgproxy.
    salt: Option<Written<Option<Secret>>>,
    /// Bytes of a signature that are written, 1 to 32.
    signature_bytes: Option<Written<u32>>,
}

/// Reads `[image_proxy.NAME]`.
pub(super) fn read(root: &mut Table<'_, '_>) -> Vec<ImageProxy> {
    root.named_tables("image_proxy", |name, table| {
        let letters = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        let length = 1..=NAME_CHARS_MAX;
        if !length.contains(&name.len()) || !name.bytes().all(letters) {
            table.refuse_here(format!(
                "an image proxy's name has 1 to {NAME_CHARS_MAX} characters of `a-z`, `0-9`, `_` and `-`"
            ));
        }
        if RESERVED_NAMES.contains(&name) {
            table.refuse_here(format!("`{name}` has a meaning of its own"));
        }
        ImageProxy {
            name: name.to_owned(),
            recipe: read_recipe(table),
        }
    })
}

/// A template of the operator's own, or a preset with what it is told.
fn read_recipe(table: &mut Table<'_, '_>) -> Option<Recipe> {
    let keys = ImageProxyKeys {
        template: table.optional_text("template", keep),
        preset: table.optional_text("preset", keep),
        message: table.optional_text("message", keep),
        base: table.optional_text("base", keep),
        options: table.optional_text("options", keep),
        format: table.optional_text("format", keep),
        key: table.secret("key", Secret::parse),
        salt: table.secret("salt", Secret::parse),
        signature_bytes: table.count("signature_bytes", 1..=32),
    };
    let written = |key: Option<Written<Option<String>>>| {
        let Written { value, spot } = key?;
        value.map(|value| Written { value, spot })
    };
    let (template, preset) = (written(keys.template), written(keys.preset));
    let message = value(keys.message);
    let told = PresetOptions {
        base: value(keys.base),
        options: value(keys.options).unwrap_or_default(),
        format: value(keys.format),
        key: value(keys.key).unwrap_or_default(),
        salt: value(keys.salt).unwrap_or_default(),
        signature_bytes: keys.signature_bytes.map(|bytes| bytes.value as usize),
    };
    let (spot, recipe) = match (template, preset) {
        (Some(template), None) => {
            let proxy = Proxy {
                template: template.value,
                message: message.unwrap_or_default(),
                key: told.key,
                salt: told.salt,
                signature_bytes: told.signature_bytes,
                refuses_query: false,
            };
            (template.spot, Recipe::Template(proxy.into()))
        }
        (None, Some(preset)) if preset.value == BUILTIN => {
            let options = told.options.clone();
            let rest = PresetOptions {
                options: String::new(),
                ..told
            };
            if rest != PresetOptions::default() {
                let reason =
                    "our own image proxy takes nothing but `options`; its key is that of `[image]`";
                table.refuse(preset.spot.clone(), reason);
            }
            (preset.spot, Recipe::Builtin(options))
        }
        (None, Some(preset)) => (preset.spot, Recipe::Preset(preset.value, told.into())),
        (None, None) => {
            table.refuse_here("`template` is missing, or `preset`");
            return None;
        }
        (Some(_), Some(preset)) => {
            table.refuse(preset.spot, "there is a `template` already");
            return None;
        }
    };
    match recipe.images(None) {
        Ok(_) => Some(recipe),
        Err(reason) => {
            table.refuse(spot, reason);
            None
        }
    }
}

impl Recipe {
    /// What it makes, asked for `options` instead of its own.
    pub(super) fn images(&self, options: Option<&str>) -> Result<Images, String> {
        let proxy = match self {
            Self::Builtin(own) => return builtin(options.unwrap_or(own)),
            Self::Template(_) if options.is_some() => {
                return Err("this image proxy is a template, which takes no options".into());
            }
            Self::Template(proxy) => (**proxy).clone(),
            Self::Preset(name, told) => preset(name, told, options)?,
        };
        // What it is made of may be no good, although the preset is there.
        Target::new(&proxy).map_err(|error| error.to_string())?;
        Ok(Images::Proxy(proxy))
    }
}

pub(super) fn preset(
    name: &str,
    told: &PresetOptions,
    options: Option<&str>,
) -> Result<Proxy, String> {
    let told = PresetOptions {
        options: options.unwrap_or(&told.options).to_owned(),
        ..told.clone()
    };
    Proxy::preset(name, &told).map_err(|error| error.to_string())
}

pub(super) fn builtin(options: &str) -> Result<Images, String> {
    let options = UrlOptions::parse(options).map_err(|error| error.to_string())?;
    Ok(Images::Builtin(options))
}

fn value<T>(written: Option<Written<Option<T>>>) -> Option<T> {
    written.and_then(|written| written.value)
}

fn keep(text: &str) -> Result<String, Infallible> {
    Ok(text.to_owned())
}
