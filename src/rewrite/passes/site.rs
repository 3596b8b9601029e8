//! What surrounds a text that a pass reads: its base, the document's budget, and where notes are taken.

use crate::html::Markup;
use crate::html::tag::Tag;
use crate::rewrite::base::FieldBase;
use crate::rewrite::budget::Budget;
use crate::rewrite::explain::{ImageLocation, Trace};
use crate::rewrite::image_urls::ImageUrlRules;
use crate::rewrite::image_urls::decision::KeepReason;
use crate::rewrite::passes::images::{ImageReference, Marks};

/// The surroundings of a text that a pass reads.
pub(in crate::rewrite) struct Site<'a> {
    pub(in crate::rewrite) markup: Markup,
    /// What relative URLs are resolved against.
    pub(in crate::rewrite) base: &'a FieldBase<'a>,
    pub(in crate::rewrite) budget: &'a Budget,
    pub(in crate::rewrite) trace: &'a Trace,
}

impl Site<'_> {
    /// Takes note of what a rule did to a tag that no other changed.
    pub(super) fn note(&self, rule: &'static str, tag: &Tag<'_>) {
        if self.trace.is_taking() {
            self.trace.tag(rule, &tag.as_written(), tag);
        }
    }

    /// Lets a rule change a tag, and takes note of what it does.
    pub(super) fn noted<'h, T>(
        &self,
        rule: &'static str,
        tag: &mut Tag<'h>,
        change: impl FnOnce(&mut Tag<'h>) -> T,
    ) -> T {
        if !self.trace.is_taking() {
            return change(tag);
        }
        let before = tag.clone();
        let outcome = change(tag);
        self.trace.tag(rule, &before, tag);
        outcome
    }

    /// The URL to write for an image of a field, if it is to be changed.
    pub(super) fn image_url_of(
        &self,
        rules: &ImageUrlRules,
        image: &ImageReference<'_>,
    ) -> Option<String> {
        self.image_url(rules, image.url, image.marks, ImageLocation::Html(image))
    }

    /// The URL to write for `written`, the URL of an image at this location, if it is to be changed.
    pub(in crate::rewrite) fn image_url(
        &self,
        rules: &ImageUrlRules,
        written: &str,
        marks: Marks,
        location: ImageLocation<'_>,
    ) -> Option<String> {
        let base = (!is_absolute(written)).then(|| self.base.url());
        let decided = match rules.decide(written, base, marks) {
            _ if self.budget.is_exceeded() => Err(KeepReason::Outgrown),
            Ok(mut proxied) => match self.budget.spend(proxied.url) {
                Some(url) => {
                    proxied.url = url;
                    Ok(proxied)
                }
                None => Err(KeepReason::Outgrown),
            },
            kept => kept,
        };
        self.trace.image(location, written, &decided);
        decided.ok().map(|proxied| proxied.url)
    }
}

/// Whether no base is needed; most URLs in feeds are absolute.
fn is_absolute(written: &str) -> bool {
    let written = written.trim_start().as_bytes();
    [&b"https://"[..], b"http://"].iter().any(|scheme| {
        written
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}
