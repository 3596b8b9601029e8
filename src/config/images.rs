//! Which image proxy each feed's images go through.

mod media;

use super::error::{SettingError, Spot};
use super::image_proxy::{BUILTIN, ImageProxy, NONE, PRESETS, builtin, preset};
use super::reader::Written;
use super::rules::RuleKeys;
use super::suggest::suggest;
use crate::rewrite::ImageRule;
use crate::rewrite::target::{Images, PresetOptions};

/// The image proxies that a feed may name.
pub(super) struct Proxies(pub(super) Vec<ImageProxy>);

impl Proxies {
    /// What the keys say of images, for a feed that says `own`: what they are sent through, which
    /// is `unsaid` where nobody says it, and the rules for some. What can't be done is noted.
    pub(super) fn resolve(
        &self,
        own: &RuleKeys,
        (defaults, unsaid): (&RuleKeys, &str),
        problems: &mut Vec<SettingError>,
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
                problems
                    .extend(options.map(|options| SettingError::new(options.spot.clone(), reason)));
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
    pub(super) fn check(&self, keys: &RuleKeys) -> Vec<SettingError> {
        let rules = keys.image_rules.iter().flat_map(|rules| &rules.value);
        let mut problems = Vec::new();
        for rule in rules.clone() {
            let (images, options) = (rule.images.as_ref(), rule.options.as_ref());
            if let (Some(_), Some(options)) = (images.filter(|name| name.value == NONE), options) {
                let reason = "images that stay take no options";
                problems.push(SettingError::new(options.spot.clone(), reason));
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

    fn unknown(&self, name: &str, spot: &Spot) -> Option<SettingError> {
        let known = self.known();
        if known.contains(&name) {
            return None;
        }
        let help = suggest(name, &known, "known here");
        Some(SettingError::new(spot.clone(), "there is no such image proxy").with_help(help))
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
