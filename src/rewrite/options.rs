//! The rules of one feed as plain values, and why they are refused.

use crate::images::signed_url::SigningKeys;
use crate::rewrite::image_urls::rule::ImageRule;
use crate::rewrite::passes::attributes::setting::Setting;
use crate::rewrite::passes::images::SelectorError;
use crate::rewrite::passes::links;
use crate::rewrite::passes::remove;
use crate::rewrite::passes::replace::Replacement;
use crate::rewrite::passes::sanitize::Sanitize;
use crate::rewrite::pattern::PatternError;
use crate::rewrite::selection;
use crate::rewrite::target::{Images, TargetError};
use crate::rewrite::template::TemplateError;

/// What is to be done to a feed, as plain values; [`Rules`](crate::rewrite::Rules) is the same, parsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleOptions {
    /// The feed's name in the configuration.
    pub feed_name: String,
    /// Whether what is not well-formed is repaired.
    pub repair: bool,
    /// The image proxy that image URLs go through; `None` leaves them.
    pub images: Option<Images>,
    /// What is done with some images instead: the first that fits counts.
    pub image_rules: Vec<ImageRule>,
    /// What URLs of our own image proxy are signed with.
    pub image_keys: SigningKeys,
    /// Whether links to images are rewritten like images.
    pub linked_images: bool,
    /// Whether audio and video are rewritten like images.
    pub media: bool,
    /// CSS selectors: images in HTML that match one stay as they are.
    pub skip_images: Vec<String>,
    /// Host suffixes whose images stay as they are (`example.org` covers `img.example.org`).
    pub skip_hosts: Vec<String>,
    /// Whether images that only a script would load get the URL it would load.
    pub promote_images: bool,
    /// What images that are proxied get or lose.
    pub image_attributes: Vec<Setting>,
    /// What is found and replaced in HTML, in this order.
    pub replace: Vec<Replacement>,
    /// What is removed from HTML by CSS selector.
    pub remove: remove::RemoveOptions,
    /// What is taken out of HTML because it can only harm.
    pub sanitize: Sanitize,
    /// Whether images that only count readers are dropped.
    pub drop_trackers: bool,
    /// What is done to links.
    pub links: links::LinkOptions,
    /// minijinja source of what is put before each item's content.
    pub header: Option<String>,
    /// minijinja source of what is put after each item's content.
    pub footer: Option<String>,
    /// Whether header and footer stand between comments by which they are found again.
    pub mark: bool,
    /// Whether HTML that was escaped once too often is read as HTML.
    pub double_escaped: bool,
    /// Which items stay.
    pub selection: selection::SelectionOptions,
    /// minijinja source of how images in full texts are written.
    pub figure: Option<String>,
    /// Whether the envelope is kept as the publisher wrote it (`rel=self`, hub, cloud, …).
    pub keep_envelope: bool,
    /// The URL our readers use for this feed: `https://feeds.example.org/feeds/dw`.
    pub self_url: String,
    /// Where our own URLs start: `https://feeds.example.org`.
    pub public_url: String,
}

impl RuleOptions {
    /// Whether URLs of our own image proxy are written, which takes a key.
    #[must_use]
    pub fn signs_urls(&self) -> bool {
        let rules = self
            .image_rules
            .iter()
            .filter_map(|rule| rule.images.as_ref());
        let mut all = rules.chain(&self.images);
        all.any(|images| matches!(images, Images::Builtin(_)))
    }
}

/// Why rules can't be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The image proxy's template.
    #[error(transparent)]
    Images(#[from] TargetError),
    /// A CSS selector.
    #[error(transparent)]
    Selector(#[from] SelectorError),
    /// A CSS selector of what is removed.
    #[error(transparent)]
    Remove(#[from] remove::RemoveError),
    /// A regular expression.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The header or the footer.
    #[error(transparent)]
    Template(#[from] TemplateError),
}
