//! What the rules do to one field of HTML, pass by pass.
//!
//! Invariants: each pass reads the text as the one before left it; bytes that no pass changes stay
//! as the publisher wrote them; what an earlier run of ours put there is gone before a pass reads it.

pub mod attributes;
mod image_rules;
pub mod images;
pub(in crate::rewrite) mod lazy;
pub mod links;
pub mod remove;
pub mod replace;
pub mod sanitize;
pub(super) mod site;
mod tagwise;
mod text;
mod trackers;
pub(super) mod unescape;

use std::borrow::Cow;

use crate::html::{Edit, Markup};
use crate::rewrite::compose::Draft;
use crate::rewrite::options::{RuleError, RuleOptions};
use crate::rewrite::wrap::Wrap;
pub(super) use image_rules::ImageRules;
use lazy::Promotes;
use links::Links;
use remove::Remove;
use replace::Replace;
use sanitize::Sanitize;
pub(super) use site::Site;
use tagwise::{Parts, TagRules, Walked};
pub(super) use text::{as_html, text_as_html};

/// How often a field may turn out to be escaped twice.
const ROUNDS_MAX: usize = 4;

/// The passes of one feed, in order.
#[derive(Debug)]
pub(super) struct Passes {
    double_escaped: bool,
    replace: Replace,
    remove: Option<Remove>,
    sanitize: Sanitize,
    promote_images: bool,
    tags: TagRules,
}

/// What header and footer of an item have to do with one of its fields.
#[derive(Clone, Copy)]
pub(super) enum Share<'a> {
    /// Nothing: there are none, or it is no item's.
    Nothing,
    /// It bears none; those of an earlier run go.
    Bare(&'a Wrap<'a>),
    /// It bears them.
    Bearer(&'a Wrap<'a>),
    /// The same, and it was plain text before.
    Text(&'a Wrap<'a>),
}

impl Passes {
    pub(super) fn new(options: &RuleOptions) -> Result<Self, RuleError> {
        let images = ImageRules::new(options)?;
        let leaves_images = images
            .as_ref()
            .is_none_or(|images| images.urls.may_leave() || !options.skip_images.is_empty());
        Ok(Self {
            double_escaped: options.double_escaped,
            replace: Replace::new(&options.replace)?,
            remove: Remove::new(&options.remove)?,
            sanitize: options.sanitize,
            promote_images: options.promote_images && images.is_some(),
            tags: TagRules {
                drop_trackers: options.drop_trackers,
                links: Links::new(&options.links, leaves_images),
                image_attributes: options.image_attributes.clone(),
                images,
            },
        })
    }

    /// The image rules, where images go through an image proxy.
    pub(super) fn images(&self) -> Option<&ImageRules> {
        self.tags.images.as_ref()
    }

    /// Whether any pass may change anything.
    pub(super) fn is_empty(&self) -> bool {
        !self.double_escaped
            && self.replace.is_empty()
            && self.remove.is_none()
            && self.tags.is_empty()
            && self.sanitize == Sanitize::Off
    }

    /// Whether inline markup, where HTML is to be escaped, holds such HTML besides that may not stay.
    pub(super) fn is_ambiguous(&self, markup: &str) -> bool {
        self.sanitize != Sanitize::Off && sanitize::is_hidden_in_text(markup, self.sanitize)
    }

    /// What the passes do to a field as edits of `html`: sorted, not overlapping. Each changes
    /// something.
    pub(super) fn edits(&self, html: &str, site: &Site<'_>, share: Share<'_>) -> Vec<Edit> {
        let mut draft = Draft::new(html);
        let markup = site.markup;
        match share {
            Share::Nothing => {}
            Share::Text(_) => pass(&mut draft, site, "header, footer", &as_html),
            Share::Bare(wrap) | Share::Bearer(wrap) => {
                pass(&mut draft, site, "header, footer", &|html| {
                    wrap.stale(html, markup)
                });
            }
        }
        let unescapes = self.double_escaped && markup == Markup::Html;
        let closes =
            matches!(share, Share::Bearer(wrap) | Share::Text(wrap) if wrap.footer.is_some());
        let mut closing = None;
        // Once the last tag is gone, what is left may look as if it were escaped twice.
        for _ in 0..ROUNDS_MAX {
            if unescapes {
                pass(&mut draft, site, "double_escaped", &unescape::edits);
            }
            closing = self.run(&mut draft, site, closes);
            if !(unescapes && unescape::is_double_escaped(draft.text())) {
                break;
            }
        }
        if let Share::Bearer(wrap) | Share::Text(wrap) = share {
            let text = draft.text();
            let edits = wrap.edits(text, site, closing);
            // Plain text that bears nothing after all stays what it is.
            if edits.is_empty() && matches!(share, Share::Text(_)) {
                return edits;
            }
            site.trace.changes("header, footer", text, &edits);
            draft.change(edits);
        }
        let mut edits = draft.into_edits();
        edits.retain(|edit| html[edit.range.clone()] != edit.text);
        edits
    }

    /// The rules, but for header and footer; says what closes the field, where that was found.
    fn run(
        &self,
        draft: &mut Draft<'_>,
        site: &Site<'_>,
        closes: bool,
    ) -> Option<Cow<'static, str>> {
        let markup = site.markup;
        for replacement in self.replace.passes() {
            pass(draft, site, "replace", &|html| {
                replace::edits(html, replacement, site.budget)
            });
        }
        if let Some(remove) = &self.remove {
            pass(draft, site, "remove", &|html| {
                remove.edits(html, markup, site.trace)
            });
        }
        // Selectors match what the rules before left.
        let selects = |images: &ImageRules| images.html.has_selectors();
        let selects = self.images().is_some_and(selects);
        let promotes = match self.promote_images {
            true => Promotes::All,
            false => Promotes::None,
        };
        let mut parts = Parts {
            judges: false,
            promotes,
            links: self.tags.drop_trackers || self.tags.links.is_some(),
            images: self.tags.images.is_some() && !selects,
            closes: closes && !selects,
        };
        let mut closing = match self.judged(draft.text(), site, parts) {
            Some(walked) => walked.take_over(draft),
            None => {
                if self.sanitize.may_change(draft.text()) {
                    self.clean(draft, site, &mut parts);
                }
                self.walk_over(draft, site, parts)
            }
        };
        if selects {
            let parts = Parts {
                images: true,
                closes,
                ..Parts::default()
            };
            closing = self.walk_over(draft, site, parts);
        }
        closing
    }

    /// All of them at once, where every tag is seen to be harmless: most fields hold nothing that has
    /// to be judged by a parser.
    fn judged(&self, html: &str, site: &Site<'_>, parts: Parts) -> Option<Walked> {
        let judging = Parts {
            judges: true,
            ..parts
        };
        match self.sanitize {
            Sanitize::Scripts => self.tags.walk(html, site, judging),
            Sanitize::Off | Sanitize::Strict => None,
        }
    }

    /// Takes out what may harm, once images are promoted: what is left may name no others. One that
    /// loses its URL may get another.
    fn clean(&self, draft: &mut Draft<'_>, site: &Site<'_>, parts: &mut Parts) {
        if parts.promotes != Promotes::None {
            let promotes = std::mem::replace(&mut parts.promotes, Promotes::Bare);
            let promotion = Parts {
                promotes,
                ..Parts::default()
            };
            self.walk_over(draft, site, promotion);
        }
        pass(draft, site, "sanitize", &|html| {
            sanitize::edits(html, site.markup, self.sanitize, site.trace)
        });
    }

    fn walk_over(
        &self,
        draft: &mut Draft<'_>,
        site: &Site<'_>,
        parts: Parts,
    ) -> Option<Cow<'static, str>> {
        let walked = self.tags.walk(draft.text(), site, parts)?;
        walked.take_over(draft)
    }
}

/// One pass over a draft.
fn pass(
    draft: &mut Draft<'_>,
    site: &Site<'_>,
    rule: &'static str,
    edits: &dyn Fn(&str) -> Vec<Edit>,
) {
    let text = draft.text();
    let edits = edits(text);
    site.trace.changes(rule, text, &edits);
    draft.change(edits);
}
