//! Where HTML holds picture addresses: one table of elements and attributes.
//!
//! Not here on purpose: `data-pin-media` (what is shared, not shown), `a[href]` (a link is no
//! picture that loads by itself), `source[src]` (sound and film; pictures use `srcset`).

/// How an attribute holds its addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One address.
    Address,
    /// One address that a script would load; on a picture element, so anything that reads like
    /// an address is one.
    Lazy,
    /// One address, or something else: it counts when its path names a picture file.
    Pictured,
    /// A list of candidates.
    Srcset,
    /// CSS declarations.
    Css,
}

/// Attribute names longer than this are in no row.
const ATTRIBUTE_BYTES_MAX: usize = 21;
/// Element names longer than this are in no row that names elements.
const ELEMENT_BYTES_MAX: usize = 9;

/// Elements that show a picture.
const PICTURES: &[&str] = &["img", "image", "amp-img", "amp-anim", "a-img"];
const SRC: &[&str] = &["img", "image", "amp-img", "amp-anim", "a-img", "input"];
const SRCSET: &[&str] = &["img", "image", "amp-img", "amp-anim", "a-img", "source"];
const HREF: &[&str] = &["image", "feimage"];
const POSTER: &[&str] = &["video", "amp-video"];
const BACKGROUND: &[&str] = &["table", "thead", "tbody", "tfoot", "tr", "td", "th", "body"];
const ANY: &[&str] = &[];

/// Attribute, elements (none: any), kind; sorted by attribute. `Lazy` turns to `Pictured` on
/// elements that show no picture.
const TABLE: &[(&str, &[&str], Kind)] = &[
    ("background", BACKGROUND, Kind::Address),
    ("data", &["object"], Kind::Pictured),
    ("data-1000src", ANY, Kind::Lazy),
    ("data-2000src", ANY, Kind::Lazy),
    ("data-380src", ANY, Kind::Lazy),
    ("data-500src", ANY, Kind::Lazy),
    ("data-655src", ANY, Kind::Lazy),
    ("data-800src", ANY, Kind::Lazy),
    ("data-actualsrc", ANY, Kind::Lazy),
    ("data-background", ANY, Kind::Lazy),
    ("data-background-image", ANY, Kind::Lazy),
    ("data-bg", ANY, Kind::Lazy),
    ("data-canonical-src", ANY, Kind::Lazy),
    ("data-delay", ANY, Kind::Lazy),
    ("data-fallback-src", ANY, Kind::Lazy),
    ("data-hi-res-src", ANY, Kind::Lazy),
    ("data-high-res-src", ANY, Kind::Lazy),
    ("data-large-file", ANY, Kind::Lazy),
    ("data-lazy", ANY, Kind::Lazy),
    ("data-lazy-src", ANY, Kind::Lazy),
    ("data-lazy-srcset", ANY, Kind::Srcset),
    ("data-lazyload", ANY, Kind::Lazy),
    ("data-medium-file", ANY, Kind::Lazy),
    ("data-mobile-src", ANY, Kind::Lazy),
    ("data-normal", ANY, Kind::Lazy),
    ("data-orig", ANY, Kind::Lazy),
    ("data-orig-file", ANY, Kind::Lazy),
    ("data-original", ANY, Kind::Lazy),
    ("data-original-mos", ANY, Kind::Lazy),
    ("data-poster", ANY, Kind::Pictured),
    ("data-src", ANY, Kind::Lazy),
    ("data-src-bg", ANY, Kind::Lazy),
    ("data-src-retina", ANY, Kind::Lazy),
    ("data-srcset", ANY, Kind::Srcset),
    ("data-url", ANY, Kind::Pictured),
    ("href", HREF, Kind::Address),
    ("lowsrc", PICTURES, Kind::Address),
    ("poster", POSTER, Kind::Address),
    ("src", SRC, Kind::Address),
    ("src", &["embed"], Kind::Pictured),
    ("srcset", SRCSET, Kind::Srcset),
    ("style", ANY, Kind::Css),
    ("xlink:href", HREF, Kind::Address),
];

/// How `attribute` on `element` holds picture addresses, if it does. Names in any case.
#[must_use]
pub(super) fn look_up(element: &[u8], attribute: &[u8]) -> Option<Kind> {
    if !may_be_listed(attribute) {
        return None;
    }
    let mut buffer = [0; ATTRIBUTE_BYTES_MAX];
    let attribute = lowercase(attribute, &mut buffer)?;
    let first = TABLE.partition_point(|(name, _, _)| name.as_bytes() < attribute);
    let mut buffer = [0; ELEMENT_BYTES_MAX];
    let element = lowercase(element, &mut buffer).unwrap_or(b"");
    let is_one_of = |names: &[&str]| names.iter().any(|name| name.as_bytes() == element);
    let (_, _, kind) = TABLE[first..]
        .iter()
        .take_while(|(name, _, _)| name.as_bytes() == attribute)
        .find(|(_, elements, _)| elements.is_empty() || is_one_of(elements))?;
    if *kind == Kind::Lazy && !is_one_of(PICTURES) {
        return Some(Kind::Pictured);
    }
    Some(*kind)
}

/// Whether `value` reads like an address and not like a number, a word or JSON.
#[must_use]
pub(super) fn reads_like_an_address(value: &str) -> bool {
    let value = value.trim_ascii();
    let starts_like_one = ["http:", "https:", "/", "./", "../"].iter().any(|start| {
        value
            .get(..start.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    });
    starts_like_one || names_a_picture(value)
}

/// Whether the path of the address `value` holds a picture's file name extension.
#[must_use]
pub(super) fn names_a_picture(value: &str) -> bool {
    const EXTENSIONS: &[&str] = &[
        "jpg", "jpeg", "jfif", "png", "apng", "gif", "webp", "avif", "svg", "bmp", "ico", "jxl",
        "heic", "tif", "tiff",
    ];
    let value = value.trim_ascii();
    if value.starts_with(['{', '[']) {
        return false;
    }
    let path = value.split(['?', '#']).next().unwrap_or("");
    path.split('.').skip(1).any(|after_dot| {
        let end = after_dot
            .bytes()
            .position(|byte| !byte.is_ascii_alphanumeric())
            .unwrap_or(after_dot.len());
        EXTENSIONS
            .iter()
            .any(|extension| after_dot[..end].eq_ignore_ascii_case(extension))
    })
}

/// For each letter, the lengths of the attributes in the table that start with it, as bits.
const LENGTHS: [u32; 26] = {
    let mut lengths = [0; 26];
    let mut row = 0;
    while row < TABLE.len() {
        let name = TABLE[row].0.as_bytes();
        lengths[(name[0] - b'a') as usize] |= 1 << name.len();
        row += 1;
    }
    lengths
};

/// Refuses nearly every attribute there is, at the price of a few instructions.
fn may_be_listed(attribute: &[u8]) -> bool {
    let Some(first) = attribute
        .first()
        .filter(|first| first.is_ascii_alphabetic())
    else {
        return false;
    };
    let lengths = LENGTHS[usize::from(first.to_ascii_lowercase() - b'a')];
    attribute.len() <= ATTRIBUTE_BYTES_MAX && lengths >> attribute.len() & 1 == 1
}

fn lowercase<'a>(name: &[u8], buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let lower = buffer.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    Some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_fits() {
        assert!(TABLE.is_sorted_by_key(|(name, _, _)| name));
        for (name, elements, kind) in TABLE {
            assert!(name.len() <= ATTRIBUTE_BYTES_MAX, "{name}");
            let mut on = elements.to_vec();
            if on.is_empty() {
                on.push("img");
            }
            for element in on {
                let found = look_up(element.as_bytes(), name.as_bytes());
                assert_eq!(found, Some(*kind), "{element}[{name}]");
                let loud = look_up(
                    element.to_uppercase().as_bytes(),
                    name.to_uppercase().as_bytes(),
                );
                assert_eq!(loud, found, "{element}[{name}]");
            }
        }
    }

    #[test]
    fn places() {
        let check = |element: &str, attribute: &str, expected| {
            let actual = look_up(element.as_bytes(), attribute.as_bytes());
            assert_eq!(actual, expected, "{element}[{attribute}]");
        };
        check("img", "data-src", Some(Kind::Lazy));
        check("div", "data-src", Some(Kind::Pictured));
        check("a-very-long-element-name", "data-src", Some(Kind::Pictured));
        check("a-very-long-element-name", "src", None);
        check("div", "data-srcset", Some(Kind::Srcset));
        check("source", "src", None);
        check("iframe", "src", None);
        check("script", "src", None);
        check("a", "href", None);
        check("img", "data-pin-media", None);
        check("img", "an-attribute-name-longer-than-any", None);
        check("img", "", None);
        check("div", "background", None);
        check("p", "style", Some(Kind::Css));
    }

    #[test]
    fn readings() {
        for (value, expected_address, expected_picture) in [
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
            assert_eq!(reads_like_an_address(value), expected_address, "{value}");
            assert_eq!(names_a_picture(value), expected_picture, "{value}");
        }
    }
}
