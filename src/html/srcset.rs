//! `srcset` by the HTML standard's algorithm: candidates are not simply split at commas, since
//! URLs hold commas themselves (`w_424,c_limit,f_webp`).
//!
//! <https://html.spec.whatwg.org/multipage/images.html#parsing-a-srcset-attribute>

use std::ops::Range;

use super::Edit;

/// Edits that send every candidate's URL in `srcset` through `rewrite`.
pub(crate) fn edits(srcset: &str, rewrite: &mut dyn FnMut(&str) -> Option<String>) -> Vec<Edit> {
    candidates(srcset)
        .filter_map(|Candidate { range, .. }| {
            let text = candidate_url(rewrite(&srcset[range.clone()])?);
            Some(Edit { range, text })
        })
        .collect()
}

/// The URL of the image that shows most, but is not larger than readers show.
pub(crate) fn best(srcset: &str) -> Option<&str> {
    let all = candidates(srcset).map(|candidate| {
        let size = match candidate.size(srcset) {
            size if size > WIDTH_MAX => WIDTH_MAX / size,
            size => size,
        };
        (size, &srcset[candidate.range])
    });
    // The first of the largest.
    all.fold(None, |best: Option<(f64, &str)>, next| match best {
        Some(best) if best.0 >= next.0 => Some(best),
        _ => Some(next),
    })
    .map(|(_, url)| url)
}

/// Wider images only cost the reader.
const WIDTH_MAX: f64 = 2048.0;
/// What a density of one stands for, to compare it with widths.
const WIDTH_OF_1X: f64 = 640.0;

/// One URL of a `srcset` with what is said of it.
struct Candidate {
    range: Range<usize>,
    descriptors: Range<usize>,
}

impl Candidate {
    /// How wide it says it is.
    fn size(&self, srcset: &str) -> f64 {
        let sizes = srcset[self.descriptors.clone()].split_ascii_whitespace();
        let widths = sizes.filter_map(|word| {
            let (number, unit) = word.split_at_checked(word.len() - 1)?;
            let number: f64 = number
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())?;
            match unit {
                "w" => Some(number),
                "x" => Some(number * WIDTH_OF_1X),
                _ => None,
            }
        });
        widths
            .fold(None, |_, width| Some(width))
            .unwrap_or(WIDTH_OF_1X)
    }
}

/// The URLs in `srcset`, in order.
fn candidates(srcset: &str) -> impl Iterator<Item = Candidate> {
    let bytes = srcset.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while bytes.get(at).is_some_and(|&b| is_space(b) || b == b',') {
            at += 1;
        }
        let start = at;
        while bytes.get(at).is_some_and(|&b| !is_space(b)) {
            at += 1;
        }
        let mut end = at;
        let descriptors_start = at;
        if bytes[start..end].ends_with(b",") {
            while bytes[start..end].ends_with(b",") {
                end -= 1;
            }
        } else {
            at = descriptors_end(bytes, at);
        }
        (start < end).then_some(Candidate {
            range: start..end,
            descriptors: descriptors_start..at,
        })
    })
}

/// Where the descriptors that start at `at` end: at a comma outside parentheses, or at the end.
fn descriptors_end(bytes: &[u8], mut at: usize) -> usize {
    let mut in_parentheses = false;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'(' => in_parentheses = true,
            b')' => in_parentheses = false,
            b',' if !in_parentheses => break,
            _ => {}
        }
        at += 1;
    }
    at
}

/// `url` such that it stays one candidate: no whitespace, no comma at either end.
fn candidate_url(url: String) -> String {
    if !url.bytes().any(is_space) && !url.starts_with(',') && !url.ends_with(',') {
        return url;
    }
    let inner = url.trim_matches(',');
    let commas_before = url.len() - url.trim_start_matches(',').len();
    let commas_after = url.len() - commas_before - inner.len();
    let mut text = "%2C".repeat(commas_before);
    for character in inner.chars() {
        match character {
            ' ' | '\t' | '\n' | '\r' | '\x0C' => text.push_str("%20"),
            other => text.push(other),
        }
    }
    text.push_str(&"%2C".repeat(commas_after));
    text
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0C')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_by_the_standard() {
        let check = |srcset: &str, expected: &[&str]| {
            let actual: Vec<&str> = candidates(srcset)
                .map(|candidate| &srcset[candidate.range])
                .collect();
            assert_eq!(actual, expected, "{srcset}");
        };
        check("", &[]);
        check(" , ,", &[]);
        check("a.png", &["a.png"]);
        check("a.png 1x, b.png 2x", &["a.png", "b.png"]);
        check("a.png, b.png 2x,c.png 3x", &["a.png", "b.png", "c.png"]);
        check("a.png,,, b.png,", &["a.png", "b.png"]);
        check("a.png,b.png 2x", &["a.png,b.png"]);
        check("\n\ta.png\n 100w ,\n b.png\t200w", &["a.png", "b.png"]);
        check("a.png 1x (a, b), b.png", &["a.png", "b.png"]);
        check("a.png (1x, b.png 2x", &["a.png"]);
        check(
            "data:image/png;base64,AAAA 1x, b.png 2x",
            &["data:image/png;base64,AAAA", "b.png"],
        );
        check(
            "https://substackcdn.com/image/fetch/w_424,c_limit,f_webp,q_auto:good/https%3A%2F%2Fx.org%2Fa.png 424w, \
             https://substackcdn.com/image/fetch/w_848,c_limit,f_webp/https%3A%2F%2Fx.org%2Fa.png 848w",
            &[
                "https://substackcdn.com/image/fetch/w_424,c_limit,f_webp,q_auto:good/https%3A%2F%2Fx.org%2Fa.png",
                "https://substackcdn.com/image/fetch/w_848,c_limit,f_webp/https%3A%2F%2Fx.org%2Fa.png",
            ],
        );
    }

    #[test]
    fn the_best_shows_most_within_reason() {
        let check = |srcset: &str, expected: Option<&str>| assert_eq!(best(srcset), expected);
        check("", None);
        check("a", Some("a"));
        check("a 320w, b 1200w, c 640w", Some("b"));
        check("a 320w, b 1200w, c 4000w", Some("b"));
        check("b 3000w, c 4000w", Some("b"));
        check("a, b 2x, c 1.5x", Some("b"));
        check("a 1x, b 1x", Some("a"));
        check("a é, b 9e999w, c NaNx", Some("a"));
    }

    #[test]
    fn what_is_written_stays_one_candidate() {
        let found = edits("a 1x, b", &mut |found| {
            (found == "b").then(|| ",p q,,".into())
        });
        let expected = Edit {
            range: 6..7,
            text: "%2Cp%20q%2C%2C".into(),
        };
        assert_eq!(found, [expected]);
    }
}
