//! What the rules do to one field of HTML, pass by pass.
//!
//! Invariants: each pass reads the text as the one before left it; bytes that no pass changes stay
//! as the publisher wrote them.

use crate::feed::text::Edit;
use crate::rewrite::address::Addresses;
use crate::rewrite::base::FieldBase;
use crate::rewrite::budget::{ADDRESS_BYTES_MAX, Budget};
use crate::rewrite::compose::Draft;
use crate::rewrite::explain::Trace;
use crate::rewrite::html::{HtmlPass, Markup, SelectorError};
use crate::rewrite::rules::{RuleError, RuleOptions};
use crate::rewrite::wrap::Wrap;

/// The picture rules.
#[derive(Debug)]
pub(super) struct Pictures {
    pub(super) addresses: Addresses,
    pub(super) html: HtmlPass,
}

/// The passes of one feed, in order.
#[derive(Debug)]
pub(super) struct Passes {
    pub(super) pictures: Option<Pictures>,
}

/// What stands around what a pass reads.
pub(in crate::rewrite) struct Site<'a> {
    pub(in crate::rewrite) markup: Markup,
    /// What relative addresses are resolved against.
    pub(in crate::rewrite) base: &'a FieldBase<'a>,
    pub(in crate::rewrite) budget: &'a Budget,
    pub(in crate::rewrite) trace: &'a Trace,
}

impl Passes {
    pub(super) fn new(options: &RuleOptions) -> Result<Self, RuleError> {
        let html = |skipped: &[String]| -> Result<_, SelectorError> { HtmlPass::new(skipped) };
        let pictures = match Addresses::new(options)? {
            Some(addresses) => Some(Pictures {
                addresses,
                html: html(&options.skip_images)?,
            }),
            None => None,
        };
        Ok(Self { pictures })
    }

    /// Whether any pass may change anything.
    pub(super) fn is_empty(&self) -> bool {
        self.pictures.is_none()
    }

    /// What the passes do to a field, and `wrap` around it, as edits of `html`: sorted, not
    /// overlapping.
    pub(super) fn edits(&self, html: &str, site: &Site<'_>, wrap: Option<&Wrap>) -> Vec<Edit> {
        let mut draft = Draft::new(html);
        let mut pass = |rule: &'static str, edits: &dyn Fn(&str) -> Vec<Edit>| {
            let text = draft.text();
            let edits = edits(text);
            site.trace.changes(rule, text, &edits);
            draft.change(edits);
        };
        if let Some(pictures) = &self.pictures {
            pass("images", &|html| pictures.edits(html, site));
        }
        if let Some(wrap) = wrap.filter(|wrap| !wrap.is_empty()) {
            pass("header, footer", &|html| wrap.edits(html, site));
        }
        draft.into_edits()
    }
}

impl Pictures {
    fn edits(&self, html: &str, site: &Site<'_>) -> Vec<Edit> {
        self.html.edits(html, site.markup, &mut |written| {
            site.address(&self.addresses, written)
        })
    }
}

impl Site<'_> {
    /// The address to write for a picture's, if it is to be changed.
    pub(super) fn address(&self, addresses: &Addresses, written: &str) -> Option<String> {
        if written.len() > ADDRESS_BYTES_MAX || self.budget.is_exceeded() {
            return None;
        }
        let address = if is_absolute(written) {
            addresses.rewrite(written, None)
        } else {
            addresses.rewrite(written, Some(self.base.url()))
        };
        self.budget.spend(address?)
    }
}

/// Whether no base is needed; most addresses in feeds are absolute.
fn is_absolute(written: &str) -> bool {
    let written = written.trim_start().as_bytes();
    [&b"https://"[..], b"http://"].iter().any(|scheme| {
        written
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}
