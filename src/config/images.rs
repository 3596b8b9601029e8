//! What images are sent through: `[image_proxy.NAME]`, `image_rules`, and the key of our own.

mod media;

use std::convert::Infallible;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use toml::de::DeValue;

use super::problem::{Problem, Spot};
use super::reader::{Table, Written};
use super::rules::RuleKeys;
use super::suggest::suggest;
use super::texts;
use crate::causes::chain;
use crate::images::options::UrlOptions;
use crate::images::secret::Secret;
use crate::images::signed_url::{KEYS_MAX, SigningKeys};
use crate::rewrite::passes::images::check_selector;
use crate::rewrite::target::{Images, PresetOptions, Proxy, Target};
use crate::rewrite::{IMAGE_RULES_MAX, ImageRule, check_path};

pub(super) const NONE: &str = "none";
pub(super) const BUILTIN: &str = "builtin";
/// Names that an image proxy can't have: they say something else where a feed names its proxy.
const RESERVED_NAMES: [&str; 2] = [NONE, BUILTIN];
/// Image proxies that need no `[image_proxy.NAME]`.
const PRESETS: [&str; 2] = ["weserv", "wsrv"];
/// Characters of an image proxy's name.
const NAME_CHARS_MAX: usize = 32;

/// A named image proxy; it exists, and so may be named, even when it is no good.
pub(super) struct ImageProxy {
    name: String,
    recipe: Option<Recipe>,
}

/// How an image proxy is made, so that rules can ask it for something else.
enum Recipe {
    Template(Box<Proxy>),
    Preset(String, Box<PresetOptions>),
    /// Our own, asked for this.
    Builtin(String),
}

/// What a feed sends its images through: a name, and what is asked for instead of its own options.
#[derive(Debug, Clone)]
pub(super) struct Named {
    name: String,
    options: Option<String>,
}

/// One of `image_rules` as written.
#[derive(Debug, Clone)]
pub(super) struct ImageRuleKeys {
    host: Option<String>,
    path: Option<String>,
    selector: Option<String>,
    images: Option<Written<String>>,
    options: Option<Written<String>>,
}

/// Reads `[image_proxy.NAME]`.
pub(super) fn read_proxies(root: &mut Table<'_, '_>) -> Vec<ImageProxy> {
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
    let mut text = |key| {
        let found = table.optional_text(key, keep)?;
        let Written { value, spot } = found;
        value.map(|value| Written { value, spot })
    };
    let (template, preset, message) = (text("template"), text("preset"), text("message"));
    let told = PresetOptions {
        base: text("base").map(|base| base.value),
        options: text("options").map_or_else(String::new, |asked| asked.value),
        format: text("format").map(|format| format.value),
        key: read_secret(table, "key"),
        salt: read_secret(table, "salt"),
        signature_bytes: table
            .count("signature_bytes", 1..=32)
            .map(|bytes| bytes.value as usize),
    };
    let (spot, recipe) = match (template, preset) {
        (Some(template), None) => {
            let proxy = Proxy {
                template: template.value,
                message: message.map_or_else(String::new, |message| message.value),
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
            host: table.text("host", texts::host_suffix).map(value),
            path: table
                .text("path", |glob| check_path(glob).map(|()| glob.to_owned()))
                .map(value),
            selector: table.text("selector", selector).map(value),
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

/// Reads `[image] key`: one secret, or a list of them.
pub(super) fn read_keys(table: &mut Table<'_, '_>) -> Option<Written<SigningKeys>> {
    let found = table.secrets("key", KEYS_MAX, Secret::parse)?;
    match SigningKeys::new(found.value) {
        Ok(keys) => Some(Written {
            value: keys,
            spot: found.spot,
        }),
        Err(reason) => {
            table.refuse(found.spot, reason.to_string());
            None
        }
    }
}

fn read_secret(table: &mut Table<'_, '_>, key: &'static str) -> Secret {
    let found = table.secret(key, Secret::parse);
    found.and_then(|found| found.value).unwrap_or_default()
}

impl Recipe {
    /// What it makes, asked for `options` instead of its own.
    fn images(&self, options: Option<&str>) -> Result<Images, String> {
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

fn preset(name: &str, told: &PresetOptions, options: Option<&str>) -> Result<Proxy, String> {
    let told = PresetOptions {
        options: options.unwrap_or(&told.options).to_owned(),
        ..told.clone()
    };
    Proxy::preset(name, &told).map_err(|error| error.to_string())
}

fn builtin(options: &str) -> Result<Images, String> {
    let options = UrlOptions::parse(options).map_err(|error| error.to_string())?;
    Ok(Images::Builtin(options))
}

/// The image proxies that a feed may name.
pub(super) struct Proxies(pub(super) Vec<ImageProxy>);

impl Proxies {
    /// What the keys say of images, for a feed that says `own`: what they are sent through, which
    /// is `unsaid` where nobody says it, and the rules for some. What can't be done is noted.
    pub(super) fn resolve(
        &self,
        own: &RuleKeys,
        (defaults, unsaid): (&RuleKeys, &str),
        problems: &mut Vec<Problem>,
    ) -> (Option<Images>, Vec<ImageRule>) {
        let images = own.images.as_ref().or(defaults.images.as_ref());
        let usual = images.map_or(unsaid, |images| &images.value.name);
        let usual_options = images.and_then(|images| {
            let options = images.value.options.clone()?;
            Some(images.clone().map(|_| options))
        });
        let rules = own.image_rules.as_ref().or(defaults.image_rules.as_ref());
        let rules = rules.map_or(&[][..], |rules| &rules.value);
        let mut resolve = |name: &str, options: Option<&Written<String>>| {
            let asked = options.map(|options| options.value.as_str());
            self.images(name, asked).unwrap_or_else(|reason| {
                problems.extend(options.map(|options| Problem::new(options.spot.clone(), reason)));
                None
            })
        };
        let rules = rules.iter().map(|rule| {
            let name = rule.images.as_ref().map_or(usual, |images| &images.value);
            let own = rule
                .images
                .is_none()
                .then_some(usual_options.as_ref())
                .flatten();
            ImageRule {
                host: rule.host.clone(),
                path: rule.path.clone(),
                selector: rule.selector.clone(),
                images: resolve(name, rule.options.as_ref().or(own)),
            }
        });
        let rules = rules.collect();
        (resolve(usual, usual_options.as_ref()), rules)
    }

    /// The names in these keys that are nobody's.
    pub(super) fn check(&self, keys: &RuleKeys) -> Vec<Problem> {
        let rules = keys.image_rules.iter().flat_map(|rules| &rules.value);
        let mut problems = Vec::new();
        for rule in rules.clone() {
            let (images, options) = (rule.images.as_ref(), rule.options.as_ref());
            if let (Some(_), Some(options)) = (images.filter(|name| name.value == NONE), options) {
                let reason = "images that stay take no options";
                problems.push(Problem::new(options.spot.clone(), reason));
            }
        }
        let named = rules.filter_map(|rule| rule.images.as_ref());
        let own = keys
            .images
            .iter()
            .map(|named| (&named.value.name, &named.spot));
        let named = named.map(|name| (&name.value, &name.spot)).chain(own);
        problems.extend(named.filter_map(|(name, spot)| self.unknown(name, spot)));
        problems
    }

    fn unknown(&self, name: &str, spot: &Spot) -> Option<Problem> {
        let known = self.known();
        if known.contains(&name) {
            return None;
        }
        let help = suggest(name, &known, "known here");
        Some(Problem::new(spot.clone(), "there is no such image proxy").with_help(help))
    }

    /// What a valid name stands for; `None` for `none`.
    fn images(&self, name: &str, options: Option<&str>) -> Result<Option<Images>, String> {
        let named = self.0.iter().find(|proxy| proxy.name == name);
        match (named, name) {
            (Some(proxy), _) => proxy
                .recipe
                .as_ref()
                .map(|recipe| recipe.images(options))
                .transpose(),
            (None, BUILTIN) => builtin(options.unwrap_or_default()).map(Some),
            (None, name) if PRESETS.contains(&name) => {
                let proxy = preset(name, &PresetOptions::default(), options)?;
                Ok(Some(Images::Proxy(proxy)))
            }
            (None, _) => Ok(None),
        }
    }

    fn known(&self) -> Vec<&str> {
        let mut known: Vec<&str> = [NONE, BUILTIN].into_iter().chain(PRESETS).collect();
        for proxy in &self.0 {
            if !known.contains(&proxy.name.as_str()) {
                known.push(&proxy.name);
            }
        }
        known
    }
}

fn value<T>(written: Written<T>) -> T {
    written.value
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
