//! `srcset` by the HTML standard's algorithm: candidates are not simply split at commas, since
//! addresses hold commas themselves (`w_424,c_limit,f_webp`).
//!
//! <https://html.spec.whatwg.org/multipage/images.html#parsing-a-srcset-attribute>

use std::ops::Range;

use crate::feed::text::Edit;

/// Edits that send every candidate's address in `srcset` through `address`.
pub(super) fn edits(srcset: &str, address: &mut dyn FnMut(&str) -> Option<String>) -> Vec<Edit> {
    candidates(srcset)
        .filter_map(|range| {
            let text = candidate_address(address(&srcset[range.clone()])?);
            Some(Edit { range, text })
        })
        .collect()
}

/// The spans of the addresses in `srcset`, in order.
fn candidates(srcset: &str) -> impl Iterator<Item = Range<usize>> {
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
        if bytes[start..end].ends_with(b",") {
            while bytes[start..end].ends_with(b",") {
                end -= 1;
            }
        } else {
            at = descriptors_end(bytes, at);
        }
        (start < end).then_some(start..end)
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

/// `address` such that it stays one candidate: no whitespace, no comma at either end.
fn candidate_address(address: String) -> String {
    if !address.bytes().any(is_space) && !address.starts_with(',') && !address.ends_with(',') {
        return address;
    }
    let inner = address.trim_matches(',');
    let commas_before = address.len() - address.trim_start_matches(',').len();
    let commas_after = address.len() - commas_before - inner.len();
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
    fn addresses_by_the_standard() {
        let check = |srcset: &str, expected: &[&str]| {
            let actual: Vec<&str> = candidates(srcset).map(|range| &srcset[range]).collect();
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
