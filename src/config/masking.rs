//! What of a configuration may be a secret although no key of ours says so.

use std::ops::Range;

use super::suggest::nearest;

/// Parts of names that secrets have.
const SECRET_PARTS: [&str; 8] = [
    "auth", "cookie", "header", "key", "pass", "proxy", "secret", "token",
];
/// What the lines of a broken document that may hold a secret speak of.
const SECRET_WORDS: [&str; 3] = ["cookie", "proxy", "authorization"];

/// Whether an unknown key may be meant for a secret: it reads like one, or like a key of ours that
/// holds one.
pub(super) fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_PARTS.iter().any(|part| key.contains(part))
        || nearest(&key, &["cookies", "proxy", "headers"]).is_some()
}

/// Lines of a document that is no TOML which may hold a secret: where values can't be told from
/// what is around them, everything after the `=` counts as one.
pub(super) fn suspect_lines(text: &str) -> Vec<Range<usize>> {
    let mut suspects = Vec::new();
    let (mut in_headers, mut in_text) = (false, false);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let lower = line.to_ascii_lowercase();
        let speaks_of_headers = lower.contains("headers");
        in_headers = speaks_of_headers || in_headers && !lower.trim_start().starts_with('[');
        let suspect = in_headers || SECRET_WORDS.iter().any(|word| lower.contains(word));
        let fences = line.matches("\"\"\"").count() + line.matches("'''").count();
        if in_text {
            suspects.push(start..start + line.len());
        } else if let Some(equals) = line.find('=').filter(|_| suspect) {
            suspects.push(start + equals + 1..start + line.len());
        }
        // A text of several lines that begins on a suspect line is suspect to its end.
        in_text = (in_text || suspect) && (in_text != (fences % 2 == 1));
        start += line.len();
    }
    suspects
}
