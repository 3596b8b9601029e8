//! Where HTML holds image URLs: one table of elements and attributes.
//!
//! Not here on purpose: `alt` and `title` (texts), `iframe[src]` (a page), `use[href]` and svg's paints, filters, clips and markers (browsers load them from their own origin only).

use crate::html::tag::Attribute;
use crate::html::{Name, Table, names};

/// How an attribute holds its URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One URL.
    Url,
    /// One URL that a script would load; on an image element, so anything that reads like
    /// a URL is one.
    Lazy,
    /// One URL, or something else: it counts when its path names an image file.
    ImageFile,
    /// One URL or a list of candidates, in an attribute that no row names: each counts when it is
    /// absolute and its path names an image file.
    Unlisted,
    /// A link: it counts where links do, when it leads to an image file.
    Linked,
    /// The URL of audio or video, which count where they are asked for.
    Media,
    /// The URL of audio or video that a script would load.
    LazyMedia,
    /// A list of candidates.
    Srcset,
    /// CSS declarations.
    Css,
    /// A document of its own.
    Document,
}

/// Elements that show an image.
const IMAGES: [Name; 5] = names(["img", "image", "amp-img", "amp-anim", "a-img"]);
/// Elements that play audio or video.
const MEDIA: [Name; 5] = names(["video", "audio", "source", "amp-video", "amp-audio"]);
const SRC: [Name; 6] = names(["img", "image", "amp-img", "amp-anim", "a-img", "input"]);
const SRCSET: [Name; 6] = names(["img", "image", "amp-img", "amp-anim", "a-img", "source"]);
const HREF: [Name; 2] = names(["image", "feimage"]);
const POSTER: [Name; 2] = names(["video", "amp-video"]);
const BACKGROUND: [Name; 8] = names(["table", "thead", "tbody", "tfoot", "tr", "td", "th", "body"]);
/// What svg draws, and so may mask with an image.
const SHAPES: [Name; 14] = names([
    "a", "circle", "ellipse", "g", "image", "line", "path", "polygon", "polyline", "rect", "svg",
    "text", "tspan", "use",
]);
/// Attributes that hold texts, whatever they read like.
const TEXTS: [Name; 2] = names(["alt", "title"]);
const ANY: [Name; 0] = [];

/// Attribute, elements (none: any), kind; sorted by attribute. `Lazy` turns to `LazyMedia` on elements
/// that play something, and to `ImageFile` on others that show no image.
const TABLE: &[(&str, &[Name], Kind)] = &[
    ("background", &BACKGROUND, Kind::Url),
    ("cursor", &SHAPES, Kind::Css),
    ("data", &names(["object"]), Kind::ImageFile),
    ("data-1000src", &ANY, Kind::Lazy),
    ("data-2000src", &ANY, Kind::Lazy),
    ("data-380src", &ANY, Kind::Lazy),
    ("data-500src", &ANY, Kind::Lazy),
    ("data-655src", &ANY, Kind::Lazy),
    ("data-800src", &ANY, Kind::Lazy),
    ("data-actualsrc", &ANY, Kind::Lazy),
    ("data-background", &ANY, Kind::Lazy),
    ("data-background-image", &ANY, Kind::Lazy),
    ("data-bg", &ANY, Kind::Lazy),
    ("data-canonical-src", &ANY, Kind::Lazy),
    ("data-cfsrc", &ANY, Kind::Lazy),
    ("data-delay", &ANY, Kind::Lazy),
    ("data-echo", &ANY, Kind::Lazy),
    ("data-fallback-src", &ANY, Kind::Lazy),
    ("data-full-src", &ANY, Kind::Lazy),
    ("data-full-url", &ANY, Kind::Lazy),
    ("data-hi-res-src", &ANY, Kind::Lazy),
    ("data-high-res-src", &ANY, Kind::Lazy),
    ("data-image", &ANY, Kind::Lazy),
    ("data-img", &ANY, Kind::Lazy),
    ("data-img-src", &ANY, Kind::Lazy),
    ("data-large-file", &ANY, Kind::Lazy),
    ("data-lazy", &ANY, Kind::Lazy),
    ("data-lazy-src", &ANY, Kind::Lazy),
    ("data-lazy-srcset", &ANY, Kind::Srcset),
    ("data-lazyload", &ANY, Kind::Lazy),
    ("data-medium-file", &ANY, Kind::Lazy),
    ("data-mobile-src", &ANY, Kind::Lazy),
    ("data-normal", &ANY, Kind::Lazy),
    ("data-orig", &ANY, Kind::Lazy),
    ("data-orig-file", &ANY, Kind::Lazy),
    ("data-original", &ANY, Kind::Lazy),
    ("data-original-mos", &ANY, Kind::Lazy),
    ("data-original-src", &ANY, Kind::Lazy),
    ("data-poster", &ANY, Kind::ImageFile),
    ("data-src", &ANY, Kind::Lazy),
    ("data-src-bg", &ANY, Kind::Lazy),
    ("data-src-retina", &ANY, Kind::Lazy),
    ("data-srcset", &ANY, Kind::Srcset),
    ("data-url", &ANY, Kind::ImageFile),
    ("file", &IMAGES, Kind::Lazy),
    ("href", &HREF, Kind::Url),
    ("href", &names(["a", "area"]), Kind::Linked),
    ("href", &names(["link"]), Kind::ImageFile),
    ("imagesrcset", &names(["link"]), Kind::Srcset),
    ("lowsrc", &IMAGES, Kind::Url),
    ("mask", &SHAPES, Kind::Css),
    ("original", &IMAGES, Kind::Lazy),
    ("poster", &POSTER, Kind::Url),
    ("real_src", &IMAGES, Kind::Lazy),
    ("src", &SRC, Kind::Url),
    ("src", &names(["embed"]), Kind::ImageFile),
    ("src", &MEDIA, Kind::Media),
    ("srcdoc", &names(["iframe"]), Kind::Document),
    ("srcset", &SRCSET, Kind::Srcset),
    ("style", &ANY, Kind::Css),
    ("xlink:href", &HREF, Kind::Url),
    ("zoomfile", &IMAGES, Kind::Lazy),
];

/// The rows of each attribute in the table, first and last.
static ROWS: Table<(usize, usize), 256> = {
    let mut rows = Table::new();
    let mut row = 0;
    while row < TABLE.len() {
        let name = Name::of(TABLE[row].0);
        let first = row;
        while row + 1 < TABLE.len() && name.is(Name::of(TABLE[row + 1].0)) {
            row += 1;
        }
        rows.add(name, (first, row));
        row += 1;
    }
    rows
};

/// How `attribute` on `element` holds image URLs, if it does.
#[must_use]
pub(super) fn look_up(element: Name, attribute: Name) -> Option<Kind> {
    let (first, last) = ROWS.get(attribute)?;
    let (_, _, kind) = TABLE[first..=last]
        .iter()
        .find(|(_, elements, _)| elements.is_empty() || element.is_one_of(elements))?;
    Some(match kind {
        Kind::Lazy if element.is_one_of(&MEDIA) => Kind::LazyMedia,
        Kind::Lazy if !element.is_one_of(&IMAGES) => Kind::ImageFile,
        kind => *kind,
    })
}

/// Whether an attribute that no row names may hold image URLs by its value, as written:
/// any of an element that shows an image, and any that starts with `data-`.
#[must_use]
pub(super) fn may_hold_unlisted(element: Name, attribute: &Attribute<'_>, value: &[u8]) -> bool {
    let value = value.trim_ascii_start();
    let may_be_url = value.starts_with(b"//")
        || value
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"http"));
    may_be_url
        && (attribute.is_data() || element.is_one_of(&IMAGES))
        && !attribute.id.is_one_of(&TEXTS)
}

/// Whether `value` is absolute and its path names an image file.
#[must_use]
pub(super) fn is_absolute_image(value: &str) -> bool {
    let value = value.trim_ascii();
    let is_absolute = ["https://", "http://", "//"].iter().any(|start| {
        value
            .get(..start.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    });
    is_absolute && !value.contains(char::is_whitespace) && names_an_image(value)
}

/// Whether `value` reads like a URL and not like a number, a word or JSON.
#[must_use]
pub(super) fn reads_like_a_url(value: &str) -> bool {
    let value = value.trim_ascii();
    let starts_like_one = ["http:", "https:", "/", "./", "../"].iter().any(|start| {
        value
            .get(..start.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    });
    starts_like_one || names_an_image(value)
}

/// Whether `text` is a URL that a reader can load: not empty, no fragment, no `data:` or script.
#[must_use]
pub(super) fn is_loadable(text: &str) -> bool {
    let is_inline = |scheme: &&str| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    !text.is_empty()
        && !text.starts_with('#')
        && !["data:", "about:", "javascript:", "blob:"]
            .iter()
            .any(is_inline)
}

/// Endings of files that are images.
const IMAGE_ENDINGS: &[&str] = &[
    "jpg", "jpeg", "jfif", "png", "apng", "gif", "webp", "avif", "svg", "bmp", "ico", "jxl",
    "heic", "tif", "tiff",
];
/// Endings of files that are audio or video.
const MEDIA_ENDINGS: &[&str] = &[
    "mp3", "m4a", "m4b", "aac", "ogg", "oga", "opus", "flac", "wav", "mp4", "m4v", "mov", "webm",
    "ogv", "mkv", "avi", "m3u8",
];

/// Whether the path of the URL `value` holds an image's file name extension.
#[must_use]
pub(super) fn names_an_image(value: &str) -> bool {
    let value = value.trim_ascii();
    if value.starts_with(['{', '[']) {
        return false;
    }
    path(value).split('.').skip(1).any(|after_dot| {
        let end = after_dot
            .bytes()
            .position(|byte| !byte.is_ascii_alphanumeric())
            .unwrap_or(after_dot.len());
        is_one_of(&after_dot[..end], IMAGE_ENDINGS)
    })
}

/// Whether a URL ends as those of images do.
#[must_use]
pub(super) fn ends_like_an_image(url: &str) -> bool {
    ending(url).is_some_and(|ending| is_one_of(ending, IMAGE_ENDINGS))
}

/// Whether a URL ends as those of audio and video do.
#[must_use]
pub(super) fn ends_like_media(url: &str) -> bool {
    ending(url).is_some_and(|ending| is_one_of(ending, MEDIA_ENDINGS))
}

/// Whether a link leads to an image itself and not to a page about it, as those of wikis
/// (`File:a.jpg`) and code forges (`/blob/main/a.png`) do.
#[must_use]
pub(super) fn leads_to_an_image(url: &str) -> bool {
    let path = path(url);
    let file = path.rsplit('/').next().unwrap_or_default();
    ends_like_an_image(url)
        && !file.contains(':')
        && !file.to_ascii_lowercase().contains("%3a")
        && !path.contains("/blob/")
}

fn path(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// What stands behind the last dot of a URL's path.
fn ending(url: &str) -> Option<&str> {
    let file = path(url.trim_ascii()).rsplit('/').next()?;
    file.rsplit_once('.').map(|(_, ending)| ending)
}

fn is_one_of(ending: &str, endings: &[&str]) -> bool {
    endings.iter().any(|one| ending.eq_ignore_ascii_case(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_each_row_found() {
        assert!(TABLE.is_sorted_by_key(|(name, _, _)| name));
        for (name, elements, kind) in TABLE {
            let any = [Name::of("img")];
            let on: &[Name] = if elements.is_empty() { &any } else { elements };
            for element in on {
                let loud = Name::of(&name.to_uppercase());
                assert_eq!(look_up(*element, loud), Some(*kind), "{element:?}[{name}]");
            }
        }
    }

    #[test]
    fn places() {
        let check = |element: &str, attribute: &str, expected| {
            let actual = look_up(Name::of(element), Name::of(attribute));
            assert_eq!(actual, expected, "{element}[{attribute}]");
        };
        check("img", "data-src", Some(Kind::Lazy));
        check("div", "data-src", Some(Kind::ImageFile));
        check(
            "a-very-long-element-name",
            "data-src",
            Some(Kind::ImageFile),
        );
        check("a-very-long-element-name", "src", None);
        check("div", "data-srcset", Some(Kind::Srcset));
        check("source", "src", Some(Kind::Media));
        check("video", "data-src", Some(Kind::LazyMedia));
        check("rect", "mask", Some(Kind::Css));
        check("p", "mask", None);
        check("use", "href", None);
        check("iframe", "src", None);
        check("script", "src", None);
        check("a", "href", Some(Kind::Linked));
        check("img", "data-pin-media", None);
        check("img", "an-attribute-name-longer-than-any", None);
        check("img", "", None);
        check("div", "background", None);
        check("p", "style", Some(Kind::Css));
    }

    #[test]
    fn links_to_images() {
        for (link, expected) in [
            ("https://x.org/a.JPG?w=1#x", true),
            ("a.webp", true),
            ("https://x.org/", false),
            ("https://x.org/a.png/", false),
            ("https://x.org/a.jpg.html", false),
            ("https://x.org/page?image=a.png", false),
            ("https://en.wikipedia.org/wiki/File:A.jpg", false),
            ("https://ja.wikipedia.org/wiki/%E3%83%95%3AA.jpg", false),
            ("https://github.com/a/b/blob/main/c.png", false),
        ] {
            assert_eq!(leads_to_an_image(link), expected, "{link}");
        }
        assert!(ends_like_media("https://x.org/a.MP3?x") && !ends_like_media("/a.png"));
    }

    #[test]
    fn readings() {
        for (value, expected_url, expected_image) in [
            ("https://x.org/a", true, false),
            (" HTTPS://x.org/a", true, false),
            ("//x.org/a.JPG?w=1", true, true),
            ("/a/b", true, false),
            ("img/a.webp@600w", true, true),
            ("a.png!large", true, true),
            ("https://x.org/a.jpg/w=600", true, true),
            ("true", false, false),
            ("500", false, false),
            ("1.5", false, false),
            ("lazy-image", false, false),
            ("", false, false),
            ("a.pngx", false, false),
            ("page.html?image=a.png", false, false),
            (r#"{"src":"a.png"}"#, false, false),
        ] {
            assert_eq!(reads_like_a_url(value), expected_url, "{value}");
            assert_eq!(names_an_image(value), expected_image, "{value}");
        }
    }
}
