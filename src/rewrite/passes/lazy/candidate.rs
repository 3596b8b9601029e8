//! The URLs that an image names besides its `src`, and which of them is the best.

use crate::html::srcset;
use crate::html::tag::Tag;
use crate::html::{Name, names};
use crate::rewrite::places::{is_loadable, names_an_image, reads_like_a_url};

/// Elements that stand for an image.
const IMAGES: [Name; 4] = names(["img", "amp-img", "amp-anim", "a-img"]);

/// Lazy-loading attributes that hold an image's URL, where scripts find it: the full size first, then what a script would put into
/// `src`, then what is for small screens. Each is in the table of `rewrite::places`, too.
const LAZY_ATTRIBUTES: [Name; 38] = names([
    "data-orig-file",
    "data-large-file",
    "data-full-url",
    "data-full-src",
    "zoomfile",
    "data-hi-res-src",
    "data-high-res-src",
    "data-src",
    "data-original",
    "data-original-src",
    "data-orig",
    "data-url",
    "data-lazy-src",
    "data-actualsrc",
    "data-original-mos",
    "data-canonical-src",
    "data-lazy",
    "data-lazyload",
    "data-echo",
    "data-delay",
    "data-normal",
    "data-image",
    "data-img",
    "data-img-src",
    "data-cfsrc",
    "file",
    "original",
    "real_src",
    "data-src-retina",
    "data-2000src",
    "data-1000src",
    "data-800src",
    "data-655src",
    "data-500src",
    "data-380src",
    "data-medium-file",
    "data-mobile-src",
    "data-fallback-src",
]);
/// Lazy-loading attributes that hold a `srcset`.
const LAZY_SRCSETS: [Name; 3] = names(["data-srcset", "data-lazy-srcset", "srcset"]);
/// Those of them that don't start with `data-`.
const WITHOUT_DATA: [Name; 5] = names(["srcset", "zoomfile", "file", "original", "real_src"]);

/// The name of an image's file without its ending and what says its size: `-300x200`, `-scaled`.
pub(super) fn stem(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let file = path.rsplit('/').next().unwrap_or_default();
    let name = file.rsplit_once('.').map_or(file, |(name, _)| name);
    let is_size = |part: &str| {
        part == "scaled"
            || part
                .bytes()
                .all(|byte| byte.is_ascii_digit() || matches!(byte, b'x' | b'w' | b'@'))
    };
    match name.rsplit_once(['-', '_']) {
        Some((before, size)) if is_size(size) => before,
        _ => name,
    }
}

/// Whether a tag starts an element that stands for an image.
pub(super) fn is_image(tag: &Tag<'_>) -> bool {
    tag.starts_one_of(&IMAGES)
}

/// Whether an image may name a URL outside its `src`; a cheap look.
pub(super) fn names_others(tag: &Tag<'_>) -> bool {
    let mut attributes = tag.attributes.iter();
    attributes.any(|attribute| attribute.is_data() || attribute.id.is_one_of(&WITHOUT_DATA))
}

/// The best URL that an image names outside its `src`.
pub(super) fn candidate(tag: &Tag<'_>) -> Option<String> {
    let single = LAZY_ATTRIBUTES.iter().find_map(|name| {
        let value = tag.value_of(tag.named(*name)?);
        let value = value.trim_ascii();
        let is_one =
            is_loadable(value) && reads_like_a_url(value) && !value.contains(char::is_whitespace);
        is_one.then(|| value.to_owned())
    });
    let listed = || {
        LAZY_SRCSETS.iter().find_map(|name| {
            let list = tag.value_of(tag.named(*name)?);
            srcset::best(&list)
                .filter(|best| is_loadable(best))
                .map(str::to_owned)
        })
    };
    // Whatever else names an image file, as Readability looks for it.
    let other = || {
        tag.attributes.iter().find_map(|attribute| {
            let value = tag.value_of(attribute);
            let value = value.trim_ascii();
            let is_one = attribute.is_data()
                && attribute.id != Name::of("data-pin-media")
                && is_loadable(value)
                && names_an_image(value)
                && value.contains('/')
                && !value.contains(char::is_whitespace);
            is_one.then(|| value.to_owned())
        })
    };
    single.or_else(listed).or_else(other)
}
