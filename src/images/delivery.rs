//! How an image is delivered: weserv's `maxage`, `filename`, `encoding` and `default`.

use std::borrow::Cow;
use std::time::Duration;

use url::Url;

use super::source_url;

/// Letters of a file's name.
const FILENAME_CHARS_MAX: usize = 78;
const DAY_S: u64 = 24 * 60 * 60;
const YEAR_S: u64 = 365 * DAY_S;

/// How an image is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageDelivery {
    /// How long the image may be kept.
    pub max_age: Duration,
    /// The name to save it under, without an ending.
    pub filename: String,
    /// As text: a `data:` URL.
    pub is_base64: bool,
    /// Where to send the client instead of an error.
    pub default: Option<ErrorRedirect>,
}

/// Where to send the client instead of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorRedirect {
    /// To the image itself.
    Original,
    /// There.
    Url(Url),
}

impl ImageDelivery {
    /// Reads names and values; decoded.
    pub fn of<'a>(pairs: impl Iterator<Item = (&'a str, Option<Cow<'a, str>>)>) -> Self {
        let mut delivery = Self {
            max_age: Duration::from_secs(YEAR_S),
            filename: "image".into(),
            is_base64: false,
            default: None,
        };
        for (name, value) in pairs {
            let value = value.as_deref().unwrap_or_default();
            match name {
                "maxage" => {
                    let seconds = seconds(value).filter(|s| (DAY_S..=YEAR_S).contains(s));
                    delivery.max_age = Duration::from_secs(seconds.unwrap_or(YEAR_S));
                }
                "filename" => {
                    let is_name = !value.is_empty()
                        && value.len() <= FILENAME_CHARS_MAX
                        && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
                    delivery.filename = if is_name { value } else { "image" }.into();
                }
                "encoding" => delivery.is_base64 = value.eq_ignore_ascii_case("base64"),
                "default" | "errorredirect" => {
                    delivery.default = match value {
                        "1" => Some(ErrorRedirect::Original),
                        value => source_url::parse_decoded(value, false).map(ErrorRedirect::Url),
                    };
                }
                _ => {}
            }
        }
        delivery
    }
}

/// A time as nginx writes it: `1d`, `2w`, `1M`, `1y 6M`, `86400`, `86400s`.
fn seconds(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = match rest.chars().next() {
            None | Some(' ') => 1,
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 60 * 60,
            Some('d') => DAY_S,
            Some('w') => 7 * DAY_S,
            Some('M') => 30 * DAY_S,
            Some('y') => YEAR_S,
            Some(_) => return None,
        };
        rest = rest
            .trim_start_matches(|c: char| c.is_ascii_alphabetic())
            .trim_start();
        total = total.checked_add(number.checked_mul(unit)?)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(name: &'static str, value: &'static str) -> ImageDelivery {
        ImageDelivery::of([(name, Some(value.into()))].into_iter())
    }

    #[test]
    fn ages() {
        for (text, expected) in [
            ("1w", 604_800),
            ("1d", 86_400),
            ("31d", 2_678_400),
            ("1M", 2_592_000),
            ("86400", 86_400),
            ("86400s", 86_400),
            ("1w 2d", 777_600),
            ("1y", 31_536_000),
            ("1h", 31_536_000),
            ("2y", 31_536_000),
            ("", 31_536_000),
            ("soon", 31_536_000),
            ("-5d", 31_536_000),
            ("99999999999999999999999y", 31_536_000),
        ] {
            assert_eq!(
                delivery("maxage", text).max_age.as_secs(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn names() {
        for (text, expected) in [
            ("test", "test"),
            ("Test1", "Test1"),
            ("../test", "image"),
            ("te st", "image"),
            ("tést", "image"),
            ("", "image"),
            ("a.b", "image"),
            ("a\r\nb", "image"),
        ] {
            assert_eq!(delivery("filename", text).filename, expected, "{text}");
        }
        let long = "a".repeat(79);
        let of = ImageDelivery::of([("filename", Some(long.into()))].into_iter());
        assert_eq!(of.filename, "image");
    }

    #[test]
    fn the_rest() {
        assert!(delivery("encoding", "BASE64").is_base64);
        assert!(!delivery("encoding", "base32").is_base64);
        assert_eq!(
            delivery("default", "1").default,
            Some(ErrorRedirect::Original)
        );
        let url = |text: &str| Some(ErrorRedirect::Url(Url::parse(text).unwrap()));
        assert_eq!(
            delivery("default", "https://example.org").default,
            url("https://example.org/")
        );
        assert_eq!(
            delivery("errorredirect", "example.org/a").default,
            url("http://example.org/a")
        );
        assert_eq!(delivery("default", "x").default, None);
    }
}
