//! Images that only a script would load: the best URL they name moves into `src`, since
//! readers run no scripts and drop every other attribute. A `<noscript>` twin goes, so that no
//! image is seen twice.
//!
//! Invariants: an image that has a URL of its own is left; nothing but `src` and twins is
//! changed; it is idempotent.

mod candidate;
mod image;
mod placeholder;
pub(in crate::rewrite) mod shown;

use std::cell::OnceCell;

use crate::html::Edit;
use crate::html::srcset;
use crate::html::tag::Tag;
use crate::html::walk::tags;
use crate::html::{Markup, Name, names};
use crate::rewrite::base::FieldBase;
use crate::rewrite::passes::sanitize::attribute_may_harm;
use crate::rewrite::places::is_loadable;
use candidate::{candidate, is_image, names_others, stem};
use image::{LazyImage, Noscript, Twin};
use placeholder::{Repeated, is_placeholder, may_be_placeholder};
use shown::shown_url;

/// How many attributes of an image are compared with its twin.
const NAMES_MAX: usize = 64;

/// Wrappers that may stand between an image and its `<noscript>` twin, or around the twin.
const WRAPPERS: [Name; 6] = names(["picture", "a", "span", "div", "figure", "p"]);

/// The edits of this rule alone.
pub(in crate::rewrite) fn edits(html: &str, markup: Markup, base: &FieldBase<'_>) -> Vec<Edit> {
    let Some(mut promotion) = Promotion::new(Promotes::All, html, markup, base) else {
        return Vec::new();
    };
    let mut edits = Vec::new();
    for mut tag in tags(html, markup) {
        let step = promotion.read(&mut tag);
        promotion.release(|released| released.write(&mut edits));
        if step == Step::On {
            tag.write(&mut edits);
        }
    }
    promotion.finish();
    promotion.release(|released| released.write(&mut edits));
    edits.append(&mut promotion.edits);
    edits.sort_by_key(|edit| edit.range.start);
    edits
}

/// Whether a tag goes on to the next rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    On,
    /// It is kept back, to come out of [`Promotion::release`], or never.
    Held,
}

/// Which images may get another URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Promotes {
    #[default]
    None,
    /// Those that show nothing without a script.
    All,
    /// Those without a URL.
    Bare,
}

/// The rule at work on one field.
pub(super) struct Promotion<'a, 'h> {
    html: &'h str,
    markup: Markup,
    base: &'a FieldBase<'a>,
    is_of_bare: bool,
    /// The twins that go.
    pub(super) edits: Vec<Edit>,
    /// Tags that were held and go on.
    released: Vec<Tag<'h>>,
    last: Option<LazyImage<'h>>,
    /// The twin that was read last, when no image stands before it.
    waiting: Option<Twin<'h>>,
    noscript: Noscript<'h>,
    /// Up to here everything was read.
    at: usize,
    /// What the sources of the open `picture` offer.
    offered: Option<String>,
    in_picture: bool,
    repeated: OnceCell<Repeated>,
}

impl<'a, 'h> Promotion<'a, 'h> {
    pub(super) fn new(
        promotes: Promotes,
        html: &'h str,
        markup: Markup,
        base: &'a FieldBase<'a>,
    ) -> Option<Self> {
        (promotes != Promotes::None).then(|| Self {
            html,
            markup,
            base,
            is_of_bare: promotes == Promotes::Bare,
            edits: Vec::new(),
            released: Vec::new(),
            last: None,
            waiting: None,
            noscript: Noscript::None,
            at: 0,
            offered: None,
            in_picture: false,
            repeated: OnceCell::new(),
        })
    }

    /// Takes in the next tag.
    pub(super) fn read(&mut self, tag: &mut Tag<'h>) -> Step {
        let before = &self.html[self.at..tag.range.start];
        self.at = tag.raw_end.unwrap_or(tag.range.end);
        if !matches!(self.noscript, Noscript::None) {
            return self.read_in_noscript(tag, !before.trim_ascii().is_empty());
        }
        if (self.last.is_some() || self.waiting.is_some())
            && (!before.trim_ascii().is_empty() || !(is_wrapper(tag) || self.goes_on(tag)))
        {
            self.settle();
        }
        if tag.starts("noscript") && !tag.is_self_closed {
            self.noscript = Noscript::Open(Twin {
                range: tag.range.clone(),
                url: None,
                tags: Vec::new(),
            });
            return Step::On;
        }
        self.read_one(tag)
    }

    /// All tags were read.
    pub(super) fn finish(&mut self) {
        self.settle();
        if let Noscript::Open(twin) = std::mem::replace(&mut self.noscript, Noscript::None) {
            self.show(twin.tags);
        }
    }

    /// Shows the tags that were held and go on now.
    pub(super) fn release(&mut self, mut go_on: impl FnMut(&mut Tag<'h>)) {
        if self.released.is_empty() {
            return;
        }
        for mut tag in self.released.drain(..) {
            go_on(&mut tag);
        }
    }

    /// What a tag that may stand for an image says.
    fn read_one(&mut self, tag: &mut Tag<'h>) -> Step {
        if tag.starts("picture") || tag.ends("picture") {
            self.in_picture = !tag.is_end;
            self.offered = None;
        } else if self.in_picture && tag.starts("source") {
            self.offer(tag);
        } else if is_image(tag) {
            return self.read_image(tag);
        }
        Step::On
    }

    /// Whether an image and its twin may still meet behind this tag.
    fn goes_on(&self, tag: &Tag<'_>) -> bool {
        tag.starts("noscript") || tag.starts("source") || (is_image(tag) && self.last.is_none())
    }

    fn offer(&mut self, tag: &Tag<'_>) {
        // Readers know these; newer ones only where there is nothing else.
        let kind = tag.value("type").unwrap_or_default().to_ascii_lowercase();
        let is_new = kind.contains("avif") || kind.contains("jxl") || kind.contains("heic");
        if is_new && self.offered.is_some() {
            return;
        }
        let lists = ["srcset", "data-srcset", "data-lazy-srcset"];
        let found = lists.iter().find_map(|name| {
            let list = tag.value(name)?;
            srcset::best(&list)
                .filter(|best| is_loadable(best))
                .map(str::to_owned)
        });
        if !is_new || self.offered.is_none() {
            self.offered = found.or(self.offered.take());
        }
    }

    fn read_image(&mut self, tag: &mut Tag<'h>) -> Step {
        let src = tag.value("src").unwrap_or_default();
        let src = src.trim_ascii();
        let is_empty = !is_loadable(src);
        let names_others = is_empty
            || (self.offered.is_some() || names_others(tag))
                && !self.is_of_bare
                && may_be_placeholder(tag, src);
        let candidate = names_others
            .then(|| candidate(tag).or_else(|| self.offered.clone()))
            .flatten();
        let is_repeated = |src: &str| {
            let read = || repeated(self.html, self.markup);
            self.repeated.get_or_init(read).holds(src)
        };
        let is_lazy = is_empty
            || !self.is_of_bare && is_placeholder(tag, src, candidate.as_deref(), &is_repeated);
        let shown = (!is_lazy).then(|| src.to_owned());
        let mut image = LazyImage {
            range: tag.range.clone(),
            shown,
            is_lazy,
            held: None,
        };
        if let (true, Some(url)) = (is_lazy, candidate) {
            promote(&mut image, tag, &url);
        }
        if let Some(twin) = self.waiting.take()
            && let Some(twin) = self.join(&mut image, tag, twin)
        {
            // One that belongs to neither side is no twin.
            self.show(twin.tags);
        }
        let step = match image.shown {
            Some(_) => Step::On,
            None => {
                image.held = Some(std::mem::take(tag));
                Step::Held
            }
        };
        self.last = Some(image);
        step
    }

    /// An image and the twin beside it; gives it back if it is none of this image.
    fn join(
        &mut self,
        image: &mut LazyImage<'h>,
        tag: &mut Tag<'h>,
        twin: Twin<'h>,
    ) -> Option<Twin<'h>> {
        let url = twin.url.as_deref().unwrap_or_default();
        if image.shown.is_none() {
            promote(image, tag, url);
        } else if !self.is_same(image, url) {
            return Some(twin);
        }
        self.edits.push(Edit {
            range: twin.range,
            text: String::new(),
        });
        None
    }

    /// Whether a twin shows the same image, maybe in another size.
    fn is_same(&self, image: &LazyImage<'_>, twin: &str) -> bool {
        let shown = image.shown.as_deref().unwrap_or_default();
        let join = |url: &str| self.base.url().join(url).ok();
        let is_equal = shown == twin || join(shown).is_some_and(|url| join(twin) == Some(url));
        let is_named = || {
            let written = tags(&self.html[image.range.clone()], self.markup).next();
            written.is_some_and(|tag| {
                let mut names = tag.attributes.iter().take(NAMES_MAX);
                names.any(|attribute| tag.value_of(attribute).contains(twin))
            })
        };
        is_equal || image.is_lazy && (is_named() || stem(shown) == stem(twin))
    }

    fn read_in_noscript(&mut self, tag: &mut Tag<'h>, has_text: bool) -> Step {
        if tag.ends("noscript") {
            self.end_noscript(tag, has_text);
            return Step::On;
        }
        let Noscript::Open(twin) = &mut self.noscript else {
            let step = self.read_one(tag);
            self.settle();
            return step;
        };
        let is_image = is_image(tag);
        let is_first = is_image && twin.url.is_none();
        let is_part = is_wrapper(tag) || is_image || tag.starts("source");
        if is_first {
            twin.url = shown_url(tag).filter(|url| is_loadable(url));
        }
        let has_no_url = is_image && twin.url.is_none();
        let is_twin = !has_text && is_part && is_image <= is_first && !has_no_url;
        twin.tags.push(std::mem::take(tag));
        if !is_twin {
            let tags = std::mem::take(&mut twin.tags);
            self.noscript = Noscript::Shown(self.in_picture, self.offered.take());
            self.settle();
            self.show_in_place(tags);
        }
        Step::Held
    }

    fn end_noscript(&mut self, end: &Tag<'_>, has_text: bool) {
        match std::mem::replace(&mut self.noscript, Noscript::None) {
            Noscript::None => {}
            Noscript::Shown(in_picture, offered) => {
                self.settle();
                (self.in_picture, self.offered) = (in_picture, offered);
            }
            Noscript::Open(twin) if has_text || twin.url.is_none() => {
                self.settle();
                self.show(twin.tags);
            }
            Noscript::Open(mut twin) => {
                twin.range.end = end.range.end;
                self.waiting = self.meet(twin);
            }
        }
    }

    /// A twin behind the image that was read last; gives it back if it is none of it.
    fn meet(&mut self, twin: Twin<'h>) -> Option<Twin<'h>> {
        let Some(mut image) = self.last.take() else {
            return Some(twin);
        };
        let mut held = image.held.take();
        let mut none = Tag::default();
        let tag = held.as_mut().unwrap_or(&mut none);
        let left = self.join(&mut image, tag, twin);
        self.released.extend(held);
        left
    }

    /// What was read last has no twin.
    fn settle(&mut self) {
        if let Some(image) = self.last.take() {
            self.released.extend(image.held);
        }
        if let Some(twin) = self.waiting.take() {
            self.show(twin.tags);
        }
    }

    /// Readers show what is in a `<noscript>` that is no twin: images like others.
    fn show(&mut self, tags: Vec<Tag<'h>>) {
        let around = (self.in_picture, self.offered.take());
        self.show_in_place(tags);
        (self.in_picture, self.offered) = around;
    }

    fn show_in_place(&mut self, tags: Vec<Tag<'h>>) {
        for mut tag in tags {
            if self.read_one(&mut tag) == Step::On {
                self.released.push(tag);
            }
            if let Some(image) = self.last.take() {
                self.released.extend(image.held);
            }
        }
    }
}

/// Lets an image show this URL. What would run something is no URL.
fn promote(image: &mut LazyImage<'_>, tag: &mut Tag<'_>, url: &str) {
    let may_harm = attribute_may_harm("img", "src", url);
    image.shown = Some(url.to_owned());
    if !may_harm {
        tag.set("src", url);
    }
}

/// The URLs that are in the `src` of several images.
fn repeated(html: &str, markup: Markup) -> Repeated {
    Repeated::of(tags(html, markup).filter(is_image).filter_map(|tag| {
        let src = tag.value("src")?.trim_ascii().to_owned();
        let candidate = candidate(&tag)?;
        Some((src, candidate))
    }))
}

fn is_wrapper(tag: &Tag<'_>) -> bool {
    tag.id.is_one_of(&WRAPPERS)
}

#[cfg(test)]
mod tests;
