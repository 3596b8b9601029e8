//! Whether what images are sent through serves audio and video, too.

use super::Proxies;
use crate::config::error::SettingError;
use crate::config::image_proxy::{NONE, Recipe};
use crate::config::rules::RuleKeys;
use crate::rewrite::target::serves_images_only;

impl Proxies {
    /// What is wrong with `media`, for a feed that says `own`: audio and video would be sent through
    /// something that serves images only.
    pub(in crate::config) fn check_media(
        &self,
        own: &RuleKeys,
        (defaults, unsaid): (&RuleKeys, &str),
    ) -> Option<SettingError> {
        let media = own.media.as_ref().or(defaults.media.as_ref());
        let media = media.filter(|media| media.value)?;
        let images = own.images.as_ref().or(defaults.images.as_ref());
        let usual = images.map_or(unsaid, |images| &images.value.name);
        let rules = own.image_rules.as_ref().or(defaults.image_rules.as_ref());
        let rules = rules.map_or(&[][..], |rules| &rules.value);
        // A rule for some paths or elements may well be for images alone.
        let of_hosts = rules
            .iter()
            .filter(|rule| rule.path.is_none() && rule.selector.is_none());
        let named = of_hosts.filter_map(|rule| Some(rule.images.as_ref()?.value.as_str()));
        let name = [usual]
            .into_iter()
            .chain(named)
            .find(|name| self.serves_images_only(name))?;
        let reason = format!("the image proxy `{name}` serves images only, no sound and no film");
        let help = "name a proxy that serves them, by its `template`, or leave this out";
        Some(SettingError::new(media.spot.clone(), reason).with_help(help))
    }

    fn serves_images_only(&self, name: &str) -> bool {
        let named = self.0.iter().find(|proxy| proxy.name == name);
        match named.map(|proxy| &proxy.recipe) {
            Some(Some(Recipe::Builtin(_))) => true,
            Some(Some(Recipe::Preset(name, told))) => serves_images_only(name, told),
            Some(Some(Recipe::Template(_)) | None) => false,
            None => name != NONE,
        }
    }
}
