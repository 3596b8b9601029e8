//! Images and `<noscript>` twins that promotion has read and not settled.

use std::ops::Range;

use crate::html::tag::Tag;

/// The image that was read last.
#[derive(Debug)]
pub(super) struct LazyImage<'h> {
    /// Where its tag stands.
    pub(super) range: Range<usize>,
    /// The URL that it shows, where it shows one: its own or a promoted one.
    pub(super) shown: Option<String>,
    /// Whether a script was to load it.
    pub(super) is_lazy: bool,
    /// Its tag, which waits for a URL while it shows none.
    pub(super) held: Option<Tag<'h>>,
}

/// A `<noscript>` that holds one image and nothing else, or may yet.
#[derive(Debug)]
pub(super) struct Twin<'h> {
    pub(super) range: Range<usize>,
    pub(super) url: Option<String>,
    /// The tags in it.
    pub(super) tags: Vec<Tag<'h>>,
}

/// What is known of the `<noscript>` around a tag.
#[derive(Debug)]
pub(super) enum Noscript<'h> {
    None,
    /// It may be a twin.
    Open(Twin<'h>),
    /// It is none: readers show what is in it. What was known of the `picture` around it.
    Shown(bool, Option<String>),
}
