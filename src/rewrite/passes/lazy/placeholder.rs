//! Placeholder images: whether a script replaces the image in a `src` by another one.
//!
//! It is judged by what it does: by an attribute that scripts read, by what else the tag says, by how
//! often it is in the field; and by its name.

use std::collections::{HashMap, HashSet};

use crate::html::tag::Tag;
use crate::html::{Name, Table, names};
use crate::rewrite::places::is_loadable;

/// What scripts put into `src`, as opposed to other sizes of the same image.
const SWAPPED: [Name; 23] = names([
    "data-src",
    "data-srcset",
    "data-lazy-src",
    "data-lazy-srcset",
    "data-original",
    "data-original-src",
    "data-original-mos",
    "data-orig",
    "data-actualsrc",
    "data-lazy",
    "data-lazyload",
    "data-echo",
    "data-delay",
    "data-cfsrc",
    "data-img-src",
    "data-src-retina",
    "data-url",
    "data-image",
    "data-img",
    "data-normal",
    "file",
    "original",
    "real_src",
]);

/// Words in the file names of placeholders. Some are in names of other images, so these
/// count only where a name holds nothing else.
const WORDS: &[(&str, bool)] = &[
    ("placeholder", true),
    ("placehold", true),
    ("placeholders", true),
    ("spinner", true),
    ("loader", true),
    ("preloader", true),
    ("preload", true),
    ("lazyload", true),
    ("lazyloading", true),
    ("lazyloader", true),
    ("lazy", true),
    ("lqip", true),
    ("lzl", true),
    ("spacer", true),
    ("noimage", true),
    ("noimg", true),
    ("nopic", true),
    ("throbber", true),
    ("skeleton", true),
    ("shim", true),
    ("1px", true),
    ("loading", false),
    ("blank", false),
    ("transparent", false),
    ("transparant", false),
    ("trans", false),
    ("fallback", false),
    ("dummy", false),
    ("ajax", false),
    ("pixel", false),
    ("clear", false),
    ("empty", false),
    ("space", false),
    ("white", false),
    ("black", false),
    ("grey", false),
    ("gray", false),
    ("none", false),
    ("null", false),
    ("no", false),
    ("default", false),
    ("dot", false),
    ("tiny", false),
    ("blur", false),
    ("blurred", false),
    ("wait", false),
    ("bg", false),
];

/// The same by name.
static KNOWN: Table<bool, 256> = {
    let mut known = Table::new();
    let mut at = 0;
    while at < WORDS.len() {
        known.add(Name::of(WORDS[at].0), WORDS[at].1);
        at += 1;
    }
    known
};

/// Words that say nothing beside those.
const FILLERS: &[&str] = &[
    "image",
    "images",
    "img",
    "imgs",
    "picture",
    "pic",
    "photo",
    "thumb",
    "thumbnail",
    "icon",
    "file",
    "small",
    "min",
    "px",
    "gif",
    "png",
    "svg",
    "square",
    "wide",
    "cover",
    "post",
    "new",
    "circle",
    "bar",
    "data",
    "src",
    "background",
    "color",
    "colour",
    "page",
    "figure",
    "animation",
    "animated",
    "light",
    "dark",
];

/// Folders in which sites keep what belongs to their design.
const FOLDERS: &[&str] = &["/plugins/", "/themes/", "/wp-includes/", "/skins/"];

/// An image of no more pixels than this on a side shows nothing.
const SIDE_MAX: u32 = 50;

/// URLs in the `src` of several images whose other attributes name different images: placeholders.
#[derive(Debug, Default)]
pub(super) struct Repeated(HashSet<String>);

impl Repeated {
    /// Those of these images, each with what it names elsewhere.
    pub(super) fn of(images: impl Iterator<Item = (String, String)>) -> Self {
        let mut named: HashMap<String, String> = HashMap::new();
        let mut repeated = HashSet::new();
        for (src, candidate) in images {
            match named.get(&src) {
                Some(other) if *other != candidate => {
                    repeated.insert(src);
                }
                Some(_) => {}
                None => {
                    named.insert(src, candidate);
                }
            }
        }
        Self(repeated)
    }

    pub(super) fn holds(&self, src: &str) -> bool {
        self.0.contains(src)
    }
}

/// Whether `src` is a placeholder for `candidate`, which the same tag names.
pub(super) fn is_placeholder(
    tag: &Tag<'_>,
    src: &str,
    candidate: Option<&str>,
    is_repeated: &dyn Fn(&str) -> bool,
) -> bool {
    let Some(candidate) = candidate else {
        return false;
    };
    if src == candidate {
        return false;
    }
    has_placeholder_name(src)
        || is_swapped(tag) && behaves_like_one(tag, src, candidate, is_repeated)
}

/// Whether `src` may be a placeholder; a cheap test.
pub(super) fn may_be_placeholder(tag: &Tag<'_>, src: &str) -> bool {
    is_swapped(tag) || has_placeholder_name(src)
}

/// Whether the tag has an attribute that scripts put into `src`.
fn is_swapped(tag: &Tag<'_>) -> bool {
    tag.attributes.iter().any(|attribute| {
        attribute.id.is_one_of(&SWAPPED)
            && tag.named(attribute.id) == Some(attribute)
            && is_loadable(tag.value_of(attribute).trim_ascii())
    })
}

fn behaves_like_one(
    tag: &Tag<'_>,
    src: &str,
    candidate: &str,
    is_repeated: &dyn Fn(&str) -> bool,
) -> bool {
    let (src_ending, candidate_ending) = (ending(src), ending(candidate));
    let is_drawing = matches!(src_ending.as_str(), "gif" | "svg");
    let is_other_kind =
        is_drawing && !candidate_ending.is_empty() && candidate_ending != src_ending;
    let holds = |url: &str| FOLDERS.iter().any(|folder| url.contains(folder));
    is_other_kind
        || (holds(src) && !holds(candidate))
        || is_small(tag, src)
        || has_lazy_class(tag)
        || is_repeated(src)
}

/// Whether a script is still to load the image: it renames the class then.
fn has_lazy_class(tag: &Tag<'_>) -> bool {
    let classes = tag.value("class").unwrap_or_default().to_ascii_lowercase();
    let mut classes = classes.split_ascii_whitespace();
    classes.any(|class| {
        let is_lazy = class.starts_with("lazy") || class.ends_with("-lazy") || class == "lozad";
        is_lazy && !class.contains("loaded")
    })
}

/// Whether the tag or the URL says that the image is of a few pixels, or blurred.
fn is_small(tag: &Tag<'_>, src: &str) -> bool {
    let side = |name: &str| -> Option<u32> { tag.value(name)?.trim().parse().ok() };
    let is_dot = |side: u32| side <= 2;
    if side("width").is_some_and(is_dot) || side("height").is_some_and(is_dot) {
        return true;
    }
    let (path, query) = src.split_once('?').unwrap_or((src, ""));
    let query = query.split('#').next().unwrap_or_default();
    let is_small_query = query.split('&').any(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let is_side = matches!(key, "w" | "width" | "h" | "height");
        key == "blur" || is_side && value.parse().is_ok_and(|side: u32| side <= SIDE_MAX)
    });
    let file = path.rsplit('/').next().unwrap_or_default();
    is_small_query || file.split(['-', '_', '.']).any(is_small_size)
}

/// `20x15`
fn is_small_size(word: &str) -> bool {
    let Some((width, height)) = word.split_once('x') else {
        return false;
    };
    let side = |text: &str| text.parse::<u32>().is_ok_and(|side| side <= SIDE_MAX);
    side(width) && side(height)
}

/// Whether a file has a name that placeholders have.
fn has_placeholder_name(src: &str) -> bool {
    let path = src.split(['?', '#']).next().unwrap_or_default();
    let file = path
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let stem = match file.rsplit_once('.') {
        Some((stem, ending)) if ending.len() <= 5 => stem,
        _ => &*file,
    };
    // Every single letter is some site's.
    if matches!(stem, "t" | "s" | "b" | "x" | "_") {
        return true;
    }
    let words = || stem.split(|letter: char| !letter.is_ascii_alphanumeric());
    let known = |word: &str| KNOWN.get(Name::of(trim_digits(word)));
    let is_certain = |word: &str| known(word) == Some(true) || is_pixel(word);
    let means_nothing = |word: &str| {
        let bare = trim_digits(word);
        bare.is_empty() || FILLERS.contains(&bare) || is_size(word) || is_hash(word)
    };
    words().any(is_certain)
        || words().any(|word| known(word).is_some())
            && words().all(|word| known(word).is_some() || means_nothing(word))
}

/// `blank1x1` and `loading2` without what follows the word.
fn trim_digits(word: &str) -> &str {
    match word.find(|letter: char| letter.is_ascii_digit()) {
        Some(at) if at > 0 && is_size_or_number(&word[at..]) => &word[..at],
        _ if word == "1px" => word,
        Some(0) if is_size_or_number(word) => "",
        _ => word,
    }
}

fn is_size_or_number(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'x')
}

/// `300x200`
fn is_size(word: &str) -> bool {
    word.len() > 2 && word.contains('x') && is_size_or_number(word)
}

/// `1x1`, also behind a word.
fn is_pixel(word: &str) -> bool {
    word.ends_with("1x1") && !word.ends_with("11x1")
}

/// What build tools put into names.
fn is_hash(word: &str) -> bool {
    word.len() >= 6
        && word.bytes().all(|byte| byte.is_ascii_hexdigit())
        && word.bytes().any(|byte| byte.is_ascii_digit())
}

/// What stands behind the last dot of the file's name, in lower case.
fn ending(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let file = path.rsplit('/').next().unwrap_or_default();
    let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
    ending.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in [
            "blank.gif",
            "/a/grey-placeholder.png?v=2",
            "placeholder-300x200.png",
            "placeholder_16x9.svg",
            "placeholder.abc123.png",
            "ajax-loader.gif",
            "loading.min.svg",
            "thumb-loading.png",
            "img_loading2.webp",
            "lazy_image.png",
            "no-image.jpg",
            "noimage.png",
            "default.gif",
            "pixel-trans.gif",
            "transparent-pixel.png",
            "blank1x1.gif",
            "1x1.trans.gif",
            "1x1.png",
            "1px.png",
            "t.gif",
            "grey.gif",
        ] {
            assert!(has_placeholder_name(name), "{name}");
        }
        for name in [
            "white-house.jpg",
            "space-station.jpg",
            "pixel-8-review.jpg",
            "clear-sky.jpg",
            "blank-verse.png",
            "IMG_1234.jpg",
            "20260203.jpg",
            "cover.jpg",
            "photo.jpg",
            "a.jpg",
            "deadbeef01.png",
            "",
        ] {
            assert!(!has_placeholder_name(name), "{name}");
        }
    }
}
