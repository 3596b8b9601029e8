//! Pictures that only a script would load: the best address they name moves into `src`, since
//! readers run no scripts and drop every other attribute. A `<noscript>` twin goes, so that no
//! picture is seen twice.
//!
//! Invariants: a picture that has an address of its own is left; nothing but `src` and twins is
//! changed; twice is once.

mod candidate;
mod placeholder;

use std::ops::Range;

use crate::feed::text::Edit;
use crate::rewrite::base::FieldBase;
use crate::rewrite::html::Markup;
use crate::rewrite::html::tags::{Tag, any_tag, tags};
use crate::rewrite::srcset;
use candidate::{candidate, is_address, stem};
use placeholder::{Repeated, is_placeholder};

/// How many attributes of a picture are compared with its twin.
const NAMES_MAX: usize = 64;

/// Elements that stand for a picture.
const PICTURES: &[&str] = &["img", "amp-img", "amp-anim", "a-img"];

/// Wrappers that may stand between a picture and its `<noscript>` twin, or around the twin.
const WRAPPERS: &[&str] = &["picture", "a", "span", "div", "figure", "p"];

/// Edits that promote pictures and remove their twins.
pub(in crate::rewrite) fn edits(html: &str, markup: Markup, base: &FieldBase<'_>) -> Vec<Edit> {
    if !may_be_lazy(html) {
        return Vec::new();
    }
    let mut reader = Reader::new(base, repeated(html, markup));
    for tag in tags(html, markup) {
        reader.read(html, tag);
    }
    reader.read_no_twin();
    reader.edits.sort_by_key(|edit| edit.range.start);
    reader.edits
}

/// The addresses that stand in the `src` of several images.
fn repeated(html: &str, markup: Markup) -> Repeated {
    Repeated::of(tags(html, markup).filter(is_picture).filter_map(|tag| {
        let src = tag.value("src")?.trim_ascii().to_owned();
        let candidate = candidate(&tag)?;
        Some((src, candidate))
    }))
}

/// The address of the picture that a tag stands for, if it stands for one.
pub(in crate::rewrite) fn address_of(tag: &Tag<'_>) -> Option<String> {
    if !PICTURES.iter().any(|name| tag.starts(name)) {
        return None;
    }
    let src = tag.value("src").unwrap_or_default();
    let src = src.trim_ascii();
    let candidate = candidate(tag);
    let alone = Repeated::default();
    if is_address(src) && !is_placeholder(tag, src, candidate.as_deref(), &alone) {
        return Some(src.to_owned());
    }
    candidate.or_else(|| (!src.is_empty()).then(|| src.to_owned()))
}

/// A cheap look: without these there is nothing to promote and no twin.
fn may_be_lazy(html: &str) -> bool {
    any_tag(html, &["noscript", "img", "amp-", "a-img"], |tag| {
        let is_plain = tag.as_bytes()[..3].eq_ignore_ascii_case(b"img") && has_plain_src(tag);
        !is_plain
    })
}

/// Whether an `img` tag shows its picture by itself: an http address, and no other one.
fn has_plain_src(tag: &str) -> bool {
    let src = tag.find("src=\"http");
    src.is_some_and(|at| tag.as_bytes()[at - 1].is_ascii_whitespace())
        && !tag.contains("data-")
        && !tag.contains("srcset")
}

/// A picture, as far as it was read.
#[derive(Debug)]
struct Picture {
    /// The address that it shows, where it shows one: its own or a promoted one.
    shown: Option<String>,
    /// Whether a script was to load it.
    is_lazy: bool,
    /// What its attributes say.
    names: Vec<String>,
    /// The edit that gives it an address, once one is known.
    promote: Promote,
}

/// How a picture gets its `src`.
#[derive(Debug)]
struct Promote {
    range: Range<usize>,
    before: &'static str,
    after: &'static str,
}

/// A `<noscript>` that holds one picture and nothing else.
#[derive(Debug)]
struct Twin<'h> {
    range: Range<usize>,
    address: String,
    tags: Vec<Tag<'h>>,
}

/// A `<noscript>` that is open.
struct Noscript<'h> {
    start: usize,
    /// The address of its picture.
    address: Option<String>,
    /// Whether there is more than one picture in it.
    has_more: bool,
    /// The tags in it that stand for pictures.
    tags: Vec<Tag<'h>>,
}

struct Reader<'a, 'h> {
    base: &'a FieldBase<'a>,
    repeated: Repeated,
    edits: Vec<Edit>,
    /// The picture that was read last.
    last: Option<Picture>,
    /// The twin that was read last, when no picture stands before it.
    waiting: Option<Twin<'h>>,
    noscript: Option<Noscript<'h>>,
    /// Up to here everything was read.
    at: usize,
    /// What the sources of the open `picture` offer.
    offered: Option<String>,
    in_picture: bool,
}

impl<'a, 'h> Reader<'a, 'h> {
    fn new(base: &'a FieldBase<'a>, repeated: Repeated) -> Self {
        Self {
            base,
            repeated,
            edits: Vec::new(),
            last: None,
            waiting: None,
            noscript: None,
            at: 0,
            offered: None,
            in_picture: false,
        }
    }

    fn read(&mut self, html: &str, tag: Tag<'h>) {
        let has_text = !html[self.at..tag.range.start].trim_ascii().is_empty();
        self.at = tag.raw_end.unwrap_or(tag.range.end);
        if self.noscript.is_some() {
            return self.read_in_noscript(tag, has_text);
        }
        let is_wrapper = WRAPPERS
            .iter()
            .any(|name| tag.name.eq_ignore_ascii_case(name));
        if has_text || !(is_wrapper || self.goes_on(&tag)) {
            self.settle();
        }
        if tag.starts("noscript") && !tag.is_self_closed {
            self.noscript = Some(Noscript {
                start: tag.range.start,
                address: None,
                has_more: false,
                tags: Vec::new(),
            });
        } else {
            self.read_one(&tag);
        }
    }

    /// What a tag that may stand for a picture says.
    fn read_one(&mut self, tag: &Tag<'_>) {
        if tag.starts("picture") || tag.ends("picture") {
            self.in_picture = !tag.is_end;
            self.offered = None;
        } else if tag.starts("source") && self.in_picture {
            self.offer(tag);
        } else if is_picture(tag) {
            self.read_picture(tag);
        }
    }

    /// Whether a picture and its twin may still meet behind this tag.
    fn goes_on(&self, tag: &Tag<'_>) -> bool {
        tag.starts("noscript") || tag.starts("source") || (is_picture(tag) && self.last.is_none())
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
                .filter(|best| is_address(best))
                .map(str::to_owned)
        });
        if !is_new || self.offered.is_none() {
            self.offered = found.or(self.offered.take());
        }
    }

    fn read_picture(&mut self, tag: &Tag<'_>) {
        let src = tag.value("src").unwrap_or_default();
        let src = src.trim_ascii();
        let is_empty = !is_address(src);
        let candidate = candidate(tag).or_else(|| self.offered.clone());
        let is_lazy = is_empty || is_placeholder(tag, src, candidate.as_deref(), &self.repeated);
        let edit = tag.set("src", "\u{0}");
        let (before, after) = if edit.text.starts_with(' ') {
            (" src=\"", "\"")
        } else if edit.text.starts_with("=\"") {
            ("=\"", "\"")
        } else if edit.text.starts_with('"') {
            ("\"", "\"")
        } else {
            ("", "")
        };
        let mut picture = Picture {
            shown: (!is_lazy).then(|| src.to_owned()),
            is_lazy,
            names: tag
                .attributes
                .iter()
                .take(NAMES_MAX)
                .map(|attribute| tag.value_of(attribute).into_owned())
                .collect(),
            promote: Promote {
                range: edit.range,
                before,
                after,
            },
        };
        if let (true, Some(address)) = (is_lazy, candidate) {
            self.edits.push(picture.promote(&address));
        }
        if let Some(twin) = self.waiting.take() {
            // One that belongs to neither side is no twin.
            let rest = self.join(&mut picture, twin);
            self.show(rest.map_or_else(Vec::new, |twin| twin.tags));
        }
        self.last = Some(picture);
    }

    /// A picture and the twin beside it; gives it back if it is none of this picture.
    fn join(&mut self, picture: &mut Picture, twin: Twin<'h>) -> Option<Twin<'h>> {
        if picture.shown.is_none() {
            let edit = picture.promote(&twin.address);
            self.edits.push(edit);
        } else if !self.is_same(picture, &twin.address) {
            return Some(twin);
        }
        self.edits.push(Edit {
            range: twin.range,
            text: String::new(),
        });
        None
    }

    /// Whether a twin shows the same picture, maybe in another size.
    fn is_same(&self, picture: &Picture, twin: &str) -> bool {
        let shown = picture.shown.as_deref().unwrap_or_default();
        let join = |address: &str| self.base.url().join(address).ok();
        let is_equal = shown == twin || join(shown).is_some_and(|url| join(twin) == Some(url));
        let is_named = || picture.names.iter().any(|name| name.contains(twin));
        is_equal || picture.is_lazy && (is_named() || stem(shown) == stem(twin))
    }

    fn read_in_noscript(&mut self, tag: Tag<'h>, has_text: bool) {
        let Some(noscript) = &mut self.noscript else {
            return;
        };
        noscript.has_more |= has_text;
        if tag.ends("noscript") {
            return self.end_noscript(&tag);
        }
        let is_wrapper = WRAPPERS
            .iter()
            .any(|name| tag.name.eq_ignore_ascii_case(name));
        let is_picture = is_picture(&tag);
        noscript.has_more |= !(is_wrapper || is_picture || tag.starts("source"));
        if is_picture {
            noscript.has_more |= noscript.address.is_some();
            noscript.address = address_of(&tag).filter(|address| is_address(address));
            noscript.has_more |= noscript.address.is_none();
        }
        if is_picture || tag.starts("source") || tag.name.eq_ignore_ascii_case("picture") {
            noscript.tags.push(tag);
        }
    }

    fn end_noscript(&mut self, end: &Tag<'_>) {
        let Some(noscript) = self.noscript.take_if(|noscript| !noscript.has_more) else {
            return self.read_no_twin();
        };
        let Some(address) = noscript.address else {
            return self.settle();
        };
        let twin = Twin {
            range: noscript.start..end.range.end,
            address,
            tags: noscript.tags,
        };
        self.waiting = match self.last.take() {
            Some(mut picture) => self.join(&mut picture, twin),
            None => Some(twin),
        };
    }

    /// A `<noscript>` that is no twin, or has no end.
    fn read_no_twin(&mut self) {
        self.settle();
        if let Some(noscript) = self.noscript.take() {
            self.show(noscript.tags);
        }
    }

    /// What was read last has no twin.
    fn settle(&mut self) {
        self.last = None;
        if let Some(twin) = self.waiting.take() {
            self.show(twin.tags);
        }
    }

    /// Readers show what is in a `<noscript>`: pictures like others.
    fn show(&mut self, tags: Vec<Tag<'h>>) {
        let around = (self.in_picture, self.offered.take());
        for tag in &tags {
            self.read_one(tag);
            self.last = None;
        }
        (self.in_picture, self.offered) = around;
    }
}

impl Picture {
    fn promote(&mut self, address: &str) -> Edit {
        self.shown = Some(address.to_owned());
        let Promote {
            range,
            before,
            after,
        } = &self.promote;
        let address = crate::rewrite::html::tags::escape(address);
        Edit {
            range: range.clone(),
            text: format!("{before}{address}{after}"),
        }
    }
}

fn is_picture(tag: &Tag<'_>) -> bool {
    !tag.is_end && PICTURES.iter().any(|name| tag.starts(name))
}

#[cfg(test)]
mod tests;
