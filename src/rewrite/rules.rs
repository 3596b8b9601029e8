//! The rules of one feed, parsed.

use crate::rewrite::figure::Figure;
use crate::rewrite::options::{RuleError, RuleOptions};
use crate::rewrite::passes::Passes;
use crate::rewrite::selection::Selection;
use crate::rewrite::template::Template;

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
