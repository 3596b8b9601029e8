//! The image rules of one feed.

use crate::rewrite::image_urls::{ImageUrlRules, SKIPPED};
use crate::rewrite::options::{RuleError, RuleOptions};
use crate::rewrite::passes::images::{Covers, HtmlPass, Marks};

/// The image rules.
#[derive(Debug)]
pub(in crate::rewrite) struct ImageRules {
    pub(in crate::rewrite) urls: ImageUrlRules,
    pub(in crate::rewrite) html: HtmlPass,
    /// Whether audio and video are rewritten like images.
    pub(in crate::rewrite) media: bool,
}

impl ImageRules {
    /// `None` when no image is sent anywhere.
    pub(super) fn new(options: &RuleOptions) -> Result<Option<Self>, RuleError> {
        let Some(urls) = ImageUrlRules::new(options)? else {
            return Ok(None);
        };
        let skipped = options
            .skip_images
            .iter()
            .map(|selector| (selector, SKIPPED));
        let rules = options.image_rules.iter().enumerate();
        let rules = rules.filter_map(|(index, rule)| Some((rule.selector.as_ref()?, 1 << index)));
        let selectors: Vec<(&str, Marks)> = skipped
            .chain(rules)
            .map(|(selector, mark)| (selector.as_str(), mark))
            .collect();
        let covers = Covers {
            linked_images: options.linked_images,
            media: options.media,
        };
        Ok(Some(Self {
            urls,
            html: HtmlPass::new(&selectors, covers)?,
            media: options.media,
        }))
    }
}
