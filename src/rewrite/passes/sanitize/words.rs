//! Names and words that can do harm: elements, attributes, schemes, CSS.

/// Elements that go with all they hold: code, and text that would become markup.
pub(super) const REMOVED: &[&str] = &["script", "textarea", "handler", "listener"];
/// Elements whose tags go.
pub(super) const UNWRAPPED: &[&str] = &[
    "applet",
    "base",
    "basefont",
    "bgsound",
    "button",
    "datalist",
    "embed",
    "fencedframe",
    "form",
    "frame",
    "frameset",
    "ilayer",
    "input",
    "isindex",
    "keygen",
    "layer",
    "link",
    "meta",
    "object",
    "optgroup",
    "option",
    "param",
    "portal",
    "select",
];

/// Attributes that hold one or several URLs, or become one.
pub(super) const URL_ATTRIBUTES: &[&str] = &[
    "href",
    "xlink:href",
    "src",
    "srcset",
    "action",
    "formaction",
    "data",
    "background",
    "poster",
    "cite",
    "codebase",
    "longdesc",
    "dynsrc",
    "lowsrc",
    "manifest",
    "ping",
    "profile",
    "usemap",
    "classid",
    "icon",
    "code",
    "archive",
    "from",
    "to",
    "by",
    "values",
    "begin",
    "content",
    "xml:base",
    "data-src",
    "imagesrcset",
];
/// Those that hold several.
pub(super) const LISTS: &[&str] = &[
    "srcset",
    "imagesrcset",
    "values",
    "from",
    "to",
    "by",
    "begin",
    "content",
    "archive",
];
/// Schemes that run something.
pub(super) const SCHEMES: &[&str] = &[
    "javascript",
    "vbscript",
    "livescript",
    "mocha",
    "jar",
    "view-source",
];
/// What `data:` may hold.
pub(super) const DATA: &[&str] = &[
    "image/png",
    "image/gif",
    "image/jpeg",
    "image/jpg",
    "image/webp",
    "image/avif",
    "image/bmp",
    "image/x-icon",
    "image/jxl",
    "image/tiff",
    ";",
    ",",
    "image/vnd.microsoft.icon",
    "image/apng",
    "audio/",
    "video/",
    "font/",
    "application/font",
    "text/css",
];
/// What runs code in CSS, as old browsers did.
pub(super) const STYLES: &[&str] = &["expression(", "javascript:", "vbscript:", "-moz-binding"];

/// The lengths, as bits, of the names on some lists that start with each letter.
pub(super) type Lengths = [u32; 32];

pub(super) const ELEMENT_LENGTHS: Lengths = lengths(&[REMOVED, UNWRAPPED]);
pub(super) const URL_ATTRIBUTE_LENGTHS: Lengths = lengths(&[URL_ATTRIBUTES]);

const fn lengths(lists: &[&[&str]]) -> Lengths {
    let mut lengths = [0; 32];
    let mut list = 0;
    while list < lists.len() {
        let mut at = 0;
        while at < lists[list].len() {
            let name = lists[list][at].as_bytes();
            lengths[(name[0] & 31) as usize] |= 1 << name.len();
            at += 1;
        }
        list += 1;
    }
    lengths
}

/// Whether a name may be on the lists that these are the lengths of.
pub(super) fn may_be_one_of(lengths: &Lengths, name: &str) -> bool {
    let first = name.bytes().next().unwrap_or_default();
    name.len() < 32 && lengths[usize::from(first & 31)] & (1 << name.len()) != 0
}
