//! The rules of one feed, as configured and as parsed.

use crate::images::signed_url::SigningKeys;
use crate::rewrite::address::ImageRule;
use crate::rewrite::figure::Figure;
use crate::rewrite::passes::attributes::Setting;
use crate::rewrite::passes::images::SelectorError;
use crate::rewrite::passes::replace::Replacement;
use crate::rewrite::passes::sanitize::Sanitize;
use crate::rewrite::passes::{Passes, links, remove};
use crate::rewrite::pattern::PatternError;
use crate::rewrite::selection::{self, Selection};
use crate::rewrite::target::{Images, TargetError};
use crate::rewrite::template::{Template, TemplateError};

/// What is to be done to a feed, as plain values; [`Rules`] is the same, parsed.
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
    /// What addresses of our own image proxy are signed with.
    pub image_keys: SigningKeys,
    /// Whether links to images are rewritten like images.
    pub linked_images: bool,
    /// Whether audio and video are rewritten like images.
    pub media: bool,
    /// CSS selectors: images in HTML that match one stay as they are.
    pub skip_images: Vec<String>,
    /// Host suffixes whose images stay as they are (`example.org` covers `img.example.org`).
    pub skip_hosts: Vec<String>,
    /// Whether images that only a script would load get the address it would load.
    pub promote_images: bool,
    /// What images that are proxied get or lose.
    pub image_attributes: Vec<Setting>,
    /// What is found and replaced in HTML, in this order.
    pub replace: Vec<Replacement>,
    /// What is removed from HTML by CSS selector.
    pub remove: remove::Options,
    /// What is taken out of HTML because it can only harm.
    pub sanitize: Sanitize,
    /// Whether images that only count readers are dropped.
    pub drop_trackers: bool,
    /// What is done to links.
    pub links: links::Options,
    /// minijinja source of what is put before each item's content.
    pub header: Option<String>,
    /// minijinja source of what is put after each item's content.
    pub footer: Option<String>,
    /// Whether header and footer stand between comments by which they are found again.
    pub mark: bool,
    /// Whether HTML that was escaped once too often is read as HTML.
    pub double_escaped: bool,
    /// Which items stay.
    pub selection: selection::Options,
    /// minijinja source of how images in full texts are written.
    pub figure: Option<String>,
    /// Whether the envelope is kept as the publisher wrote it (`rel=self`, hub, cloud, …).
    pub keep_envelope: bool,
    /// The address our readers use for this feed: `https://feeds.example.org/feeds/dw`.
    pub self_url: String,
    /// Where our own addresses start: `https://feeds.example.org`.
    pub public_url: String,
}

impl RuleOptions {
    /// Whether addresses of our own image proxy are written, which takes a key.
    #[must_use]
    pub fn signs_addresses(&self) -> bool {
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
    Remove(#[from] remove::SelectorError),
    /// A regular expression.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The header or the footer.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// The rules of one feed, ready for use.
#[derive(Debug)]
pub struct Rules {
    options: RuleOptions,
    passes: Passes,
    selection: Selection,
    header: Option<Template>,
    footer: Option<Template>,
    figure: Option<Figure>,
}

impl Rules {
    /// Parses the rules.
    ///
    /// # Errors
    /// When a template or a selector can't be parsed.
    pub fn new(options: RuleOptions) -> Result<Self, RuleError> {
        let passes = Passes::new(&options)?;
        let selection = Selection::new(&options.selection)?;
        let template = |source: &Option<String>| source.as_deref().map(Template::parse).transpose();
        let (header, footer) = (template(&options.header)?, template(&options.footer)?);
        let figure = options.figure.as_deref().map(Figure::parse).transpose()?;
        Ok(Self {
            options,
            passes,
            selection,
            header,
            footer,
            figure,
        })
    }

    /// The rules as configured.
    #[must_use]
    pub fn options(&self) -> &RuleOptions {
        &self.options
    }

    /// Changes whenever the rules do, or the version that carries them out.
    #[must_use]
    pub fn fingerprint(&self) -> Vec<u8> {
        format!("{} {:?}", env!("CARGO_PKG_VERSION"), self.options).into_bytes()
    }

    pub(super) fn passes(&self) -> &Passes {
        &self.passes
    }

    pub(super) fn selection(&self) -> &Selection {
        &self.selection
    }

    pub(super) fn header(&self) -> Option<&Template> {
        self.header.as_ref()
    }

    pub(super) fn footer(&self) -> Option<&Template> {
        self.footer.as_ref()
    }

    pub(super) fn figure(&self) -> Option<&Figure> {
        self.figure.as_ref()
    }

    pub(super) fn changes_envelope(&self) -> bool {
        !self.options.keep_envelope
    }

    pub(super) fn has_templates(&self) -> bool {
        self.header.is_some() || self.footer.is_some()
    }

    /// Whether header or footer say something of an item.
    pub(super) fn tells_of_items(&self) -> bool {
        let both = [self.header.as_ref(), self.footer.as_ref()];
        both.into_iter()
            .flatten()
            .any(|template| !template.is_constant())
    }

    pub(super) fn changes_items(&self) -> bool {
        !self.passes.is_empty() || self.has_templates() || !self.selection.is_empty()
    }

    pub(super) fn changes_anything(&self) -> bool {
        self.changes_items() || self.changes_envelope()
    }
}
