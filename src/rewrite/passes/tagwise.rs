//! The rules that change tags one by one: they listen on one walk over the field, in a fixed order,
//! and each sees a tag as the one before left it.
//!
//! Invariant: a tag is read once and written once, however many rules change it.

use std::borrow::Cow;

use super::attributes;
use super::image_rules::ImageRules;
use super::images::{ImageReference, Marked, Sheets};
use super::lazy::{Promotes, Promotion, Step};
use super::links::Links;
use super::sanitize::is_harmless;
use super::site::Site;
use super::trackers;
use crate::html::Edit;
use crate::html::tag::Tag;
use crate::html::walk::Walk;
use crate::rewrite::compose::Draft;

/// The rules that change tags, in their order; promotion of images comes before them.
#[derive(Debug)]
pub(super) struct TagRules {
    pub(super) drop_trackers: bool,
    pub(super) links: Option<Links>,
    pub(super) images: Option<ImageRules>,
    pub(super) image_attributes: Vec<attributes::Setting>,
}

/// Which rules listen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Parts {
    /// Whether a field that is not seen to be harmless is given up.
    pub(super) judges: bool,
    pub(super) promotes: Promotes,
    pub(super) links: bool,
    pub(super) images: bool,
    /// Whether it is to be found out what is open at the end.
    pub(super) closes: bool,
}

/// What came of a walk.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) edits: Vec<Edit>,
    /// What closes the field; `None` where a walk does not tell.
    pub(super) closing: Option<Cow<'static, str>>,
}

impl Walked {
    /// Makes the edits; what closes the field then.
    pub(super) fn take_over(self, draft: &mut Draft<'_>) -> Option<Cow<'static, str>> {
        draft.change(self.edits);
        self.closing
    }
}

impl TagRules {
    /// Whether no rule changes any tag.
    pub(super) fn is_empty(&self) -> bool {
        self.images.is_none() && self.links.is_none() && !self.drop_trackers
    }

    /// The edits of the rules that change tags; `None` where the field has to be judged in another way.
    pub(super) fn walk<'h>(
        &'h self,
        html: &'h str,
        site: &Site<'_>,
        parts: Parts,
    ) -> Option<Walked> {
        let before = (site.budget.clone(), site.trace.len());
        let walked = self.try_walk(html, site, parts);
        if walked.is_none() {
            site.budget.restore(&before.0);
            site.trace.truncate(before.1);
        }
        walked
    }

    fn try_walk<'h>(&'h self, html: &'h str, site: &Site<'_>, parts: Parts) -> Option<Walked> {
        let mut walk = Walk::new(html, site.markup);
        if parts.closes {
            walk = walk.closing_at_end();
        }
        let images = self.images.as_ref().filter(|_| parts.images);
        let marked = images.map(|images| images.html.marked(html, site.markup));
        let listening = Listening {
            rules: self,
            html,
            sheets: Sheets::new(html, site.markup),
            site,
            images: images.zip(marked.as_ref()),
            links: parts.links,
        };
        let mut promotion = Promotion::new(parts.promotes, html, site.markup, site.base);
        let mut tag = Tag::default();
        let mut edits = Vec::new();
        while walk.read(&mut tag) && !site.budget.is_exceeded() {
            if parts.judges && !(walk.is_plain() && is_harmless(&tag)) {
                return None;
            }
            if let Some(promotion) = &mut promotion {
                let step = site.noted("promote_images", &mut tag, |tag| promotion.read(tag));
                promotion.release(|tag| {
                    site.note("promote_images", tag);
                    listening.read(tag, &mut edits);
                });
                if step == Step::Held {
                    continue;
                }
            }
            listening.read(&mut tag, &mut edits);
        }
        if parts.judges && !walk.is_plain() {
            return None;
        }
        if let Some(mut promotion) = promotion {
            promotion.finish();
            promotion.release(|tag| {
                site.note("promote_images", tag);
                listening.read(tag, &mut edits);
            });
            for twin in &promotion.edits {
                site.trace
                    .changes("promote_images", html, std::slice::from_ref(twin));
            }
            edits.append(&mut promotion.edits);
        }
        if !edits.is_sorted_by_key(|edit| edit.range.start) {
            edits.sort_by_key(|edit| edit.range.start);
        }
        let closing = walk.closing().map(|closing| closing.text);
        Some(Walked { edits, closing })
    }
}

/// The rules behind promotion, as they listen on one walk.
struct Listening<'a, 'h> {
    rules: &'h TagRules,
    html: &'h str,
    sheets: Sheets<'h>,
    site: &'a Site<'a>,
    images: Option<(&'h ImageRules, &'a Marked)>,
    links: bool,
}

impl<'h> Listening<'_, 'h> {
    /// Lets the rules change a tag, and appends the edits of what they leave.
    fn read(&self, tag: &mut Tag<'h>, edits: &mut Vec<Edit>) {
        // Most tags have nothing to be changed.
        if tag.is_end || tag.attributes.is_empty() && !tag.starts("style") {
            return;
        }
        let (rules, site) = (self.rules, self.site);
        if self.links && rules.drop_trackers {
            site.noted("drop_trackers", tag, |tag| {
                trackers::read(tag, (self.html, site.markup));
            });
        }
        if let Some(links) = rules.links.as_ref().filter(|_| self.links && !tag.is_gone) {
            site.noted("links", tag, |tag| links.read(tag, site.base, site.budget));
        }
        let Some((images, marked)) = self.images.filter(|_| !tag.is_gone) else {
            return tag.write(edits);
        };
        let proxied = &mut |image: &ImageReference<'_>| site.image_url_of(&images.urls, image);
        let marks = marked.of(tag);
        images.html.read(tag, marks, proxied);
        if !rules.image_attributes.is_empty() {
            site.noted("image_attributes", tag, |tag| {
                attributes::read(tag, &images.urls, &rules.image_attributes);
            });
        }
        tag.write(edits);
        images
            .html
            .sheets(&self.sheets, (tag, marks), proxied, edits);
    }
}
