//! Options in a signed image URL: what the image proxy does with the image.
//!
//! The names are weserv's. An image URL holds them in one canonical form that needs no escaping in
//! HTML, XML, CSS, srcset or JSON: `output-webp_w-800`, names in order, `-` alone for nothing.
//!
//! Invariant: equal options have one text; any other text is refused.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::source_url::unescaped;

/// The text of no options.
const NONE: &str = "-";
/// Bytes that a canonical text may have.
const TEXT_BYTES_MAX: usize = 512;
/// Characters that are not escaped in a value, besides letters and digits: `-1`, `0.5`, `top-left`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.');

/// Names that weserv knows, but for `url`, which has a place of its own.
const NAMES: &[&str] = &[
    "a", "af", "bg", "blur", "bri", "cbg", "ch", "con", "crop", "cw", "cx", "cy", "default",
    "delay", "dpr", "encoding", "filename", "filt", "fit", "flip", "flop", "fpx", "fpy", "fsol",
    "gam", "h", "hue", "il", "l", "ll", "loop", "mask", "maxage", "mbg", "mod", "mtrim", "n",
    "output", "page", "precrop", "q", "rbg", "ro", "sat", "sharp", "sharpf", "sharpj", "start",
    "stop", "tbg", "tint", "trim", "w", "we",
];
/// Its other names for the same.
const SYNONYMS: &[(&str, &str)] = &[
    ("align", "a"),
    ("errorredirect", "default"),
    ("height", "h"),
    ("level", "l"),
    ("lossless", "ll"),
    ("or", "ro"),
    ("pages", "n"),
    ("quality", "q"),
    ("shape", "mask"),
    ("strim", "mtrim"),
    ("t", "fit"),
    ("width", "w"),
];

/// Options on how an image is delivered.
const DELIVERY: &[&str] = &["default", "encoding", "filename", "maxage"];

/// A name, and its value where it has one.
type Pair<'a> = (&'a str, Option<Cow<'a, str>>);

/// Options in their canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlOptions(String);

/// Why options are refused; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlOptionsError {
    /// weserv has no such parameter.
    #[error("there is no option `{0}`; options are weserv's, such as `w=800&output=webp`")]
    Unknown(String),
    /// Which one counts can't be told.
    #[error("the option `{0}` is given twice")]
    Twice(String),
    /// There is no end to it.
    #[error("the options are longer than {TEXT_BYTES_MAX} bytes")]
    TooLong,
    /// Another text means the same, or none does.
    #[error("the options are not in canonical form")]
    NotCanonical,
}

impl UrlOptions {
    /// UrlOptions in weserv's words: `w=800&output=webp`, or nothing.
    ///
    /// # Errors
    /// On a name that weserv has not, one given twice, and more than 512 bytes.
    pub fn parse(query: &str) -> Result<Self, UrlOptionsError> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| match pair.split_once('=') {
            Some((name, value)) => (name, Some(unescaped(value))),
            None => (pair, None),
        });
        Self::of_pairs(pairs.collect())
    }

    /// Parses options as weserv does: unknown names are ignored, as are `url` and `s`; of several
    /// values of one name the first counts.
    ///
    /// # Errors
    /// On more than 512 bytes of what is left.
    pub fn lenient(query: &str) -> Result<Self, UrlOptionsError> {
        let mut pairs: Vec<Pair<'_>> = Vec::new();
        for pair in query.split('&') {
            let (name, value) = match pair.split_once('=') {
                Some((name, value)) => (name, Some(unescaped(value))),
                None => (pair, None),
            };
            let name = canonical(name);
            if NAMES.contains(&name) && !pairs.iter().any(|(given, _)| *given == name) {
                pairs.push((name, value));
            }
        }
        Self::of_pairs(pairs)
    }

    /// The options on how an image is transformed, without those on its delivery.
    #[must_use]
    pub fn of_image(&self) -> String {
        let all = self.0.split('_').filter(|pair| {
            let name = pair.split('-').next().unwrap_or_default();
            !DELIVERY.contains(&name)
        });
        all.collect::<Vec<_>>().join("_")
    }

    /// The same, whatever format is asked for, with this one.
    #[must_use]
    pub fn of_image_as(&self, output: &str) -> String {
        let all = self.of_image();
        let others = all
            .split('_')
            .filter(|pair| !["", NONE, "output"].contains(pair) && !pair.starts_with("output-"));
        let output = format!("output-{output}");
        let mut pairs: Vec<&str> = others.chain([output.as_str()]).collect();
        pairs.sort_unstable();
        pairs.join("_")
    }

    /// Parses options in their canonical form.
    ///
    /// # Errors
    /// When it is not the canonical text of any.
    pub fn parse_canonical(text: &str) -> Result<Self, UrlOptionsError> {
        let options = match text {
            NONE => Ok(Self::default()),
            text => Self::of_pairs(split(text).collect()),
        };
        // SECURITY: a second text for the same image would be a second entry in every cache.
        options
            .ok()
            .filter(|options| options.0 == text)
            .ok_or(UrlOptionsError::NotCanonical)
    }

    /// Names and values, decoded, in the order of the names.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, Option<Cow<'_, str>>)> {
        split(&self.0).filter(|_| self.0 != NONE)
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of_pairs(mut pairs: Vec<Pair<'_>>) -> Result<Self, UrlOptionsError> {
        for (name, _) in &mut pairs {
            *name = canonical(name);
            if !NAMES.contains(name) {
                return Err(UrlOptionsError::Unknown((*name).to_owned()));
            }
        }
        pairs.sort_by_key(|(name, _)| *name);
        if let Some(twice) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(UrlOptionsError::Twice(twice[0].0.to_owned()));
        }
        let texts = pairs.iter().map(|(name, value)| match value {
            Some(value) => format!("{name}-{}", utf8_percent_encode(value, ESCAPED)),
            None => (*name).to_owned(),
        });
        let text = texts.collect::<Vec<_>>().join("_");
        match text.as_str() {
            "" => Ok(Self::default()),
            text if text.len() > TEXT_BYTES_MAX => Err(UrlOptionsError::TooLong),
            _ => Ok(Self(text)),
        }
    }
}

/// The one name of several.
fn canonical(name: &str) -> &str {
    let synonym = SYNONYMS.iter().find(|(other, _)| *other == name);
    synonym.map_or(name, |(_, canonical)| canonical)
}

impl Default for UrlOptions {
    fn default() -> Self {
        Self(NONE.into())
    }
}

impl fmt::Display for UrlOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The pairs of a text in canonical form.
fn split(text: &str) -> impl Iterator<Item = Pair<'_>> {
    text.split('_').map(|pair| match pair.split_once('-') {
        Some((name, value)) => (name, Some(percent_decode_str(value).decode_utf8_lossy())),
        None => (pair, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;

    #[test]
    fn one_format_for_another() {
        for (query, expected) in [
            ("", "output-webp"),
            ("output=auto", "output-webp"),
            ("w=8&maxage=3d&output=auto&af", "af_output-webp_w-8"),
            ("w=8&a=top&output", "a-top_output-webp_w-8"),
        ] {
            let options = UrlOptions::parse(query).unwrap();
            assert_eq!(options.of_image_as("webp"), expected, "{query}");
        }
        let asked = UrlOptions::parse("w=8&output=webp&fit=cover").unwrap();
        assert_eq!(asked.of_image_as("webp"), asked.of_image());
    }

    #[test]
    fn one_text_for_one_meaning() {
        for (query, expected) in [
            ("", "-"),
            ("&&", "-"),
            ("w=800&output=webp", "output-webp_w-800"),
            ("output=webp&width=800", "output-webp_w-800"),
            ("il&n=-1", "il_n--1"),
            ("a=top-left&fpx=0.5", "a-top-left_fpx-0.5"),
            ("w=50%25&h=50%", "h-50%25_w-50%25"),
            ("mod=1,2&bg=", "bg-_mod-1%2C2"),
            ("filename=a_b", "filename-a%5Fb"),
            ("default=a.org/%E9", "default-a.org%2F%25E9"),
        ] {
            let options = UrlOptions::parse(query).unwrap();
            assert_eq!(options.as_str(), expected, "{query}");
            assert_eq!(UrlOptions::parse_canonical(expected), Ok(options));
        }
    }

    #[test]
    fn refused() {
        let check = |query: &str, expected: UrlOptionsError| {
            assert_eq!(UrlOptions::parse(query), Err(expected), "{query}");
        };
        check("widht=5", UrlOptionsError::Unknown("widht".into()));
        check("url=x", UrlOptionsError::Unknown("url".into()));
        check("=5", UrlOptionsError::Unknown(String::new()));
        check("w=1&w=2", UrlOptionsError::Twice("w".into()));
        check("w=1&width=1", UrlOptionsError::Twice("w".into()));
        let long = format!("filename={}", "a".repeat(TEXT_BYTES_MAX));
        check(&long, UrlOptionsError::TooLong);
        for text in [
            "",
            "_",
            "w-800_",
            "w-800_output-webp",
            "width-800",
            "w-8%30",
            "w-50%",
            "mod-1,2",
            "mod-1%2c2",
            "-_w-1",
            "w-1_w-1",
            "w-é",
            "w-%FF",
        ] {
            assert_eq!(
                UrlOptions::parse_canonical(text),
                Err(UrlOptionsError::NotCanonical),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in prop::collection::btree_map(select(NAMES), prop::option::of("\\PC{0,8}"), 0..6)) {
            let escape = |value: &String| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
            let query: Vec<String> = values.iter().map(|(name, value)| match value {
                Some(value) => format!("{name}={}", escape(value)),
                None => (*name).to_owned(),
            }).collect();
            if let Ok(options) = UrlOptions::parse(&query.join("&")) {
                let read: Vec<_> = options.pairs().map(|(name, value)| (name.to_owned(), value.map(Cow::into_owned))).collect();
                let expected: Vec<_> = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                prop_assert_eq!(read, expected);
                prop_assert_eq!(UrlOptions::parse_canonical(options.as_str()), Ok(options));
            }
        }
    }
}
