//! Plain text as HTML.

use crate::html::Edit;
use crate::html::apply;

/// How far a tab indents plain text.
const TAB_SPACES: usize = 4;

/// Edits that make plain text HTML which says the same.
pub(in crate::rewrite) fn as_html(text: &str) -> Vec<Edit> {
    let special = text.bytes().enumerate().filter_map(|(at, byte)| {
        let text = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => return None,
        };
        let (range, text) = (at..at + 1, text.to_owned());
        Some(Edit { range, text })
    });
    special.collect()
}

/// Plain text as HTML that shows it as it is written: with its lines, and how far they are indented.
pub(in crate::rewrite) fn text_as_html(text: &str) -> String {
    let text = text.trim_matches(['\n', '\r']).trim_end();
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            html.push_str("<br>\n");
        }
        let words = line.trim_start_matches([' ', '\t']);
        for blank in line[..line.len() - words.len()].bytes() {
            let spaces = if blank == b'\t' { TAB_SPACES } else { 1 };
            html.push_str(&"&nbsp;".repeat(spaces));
        }
        html.push_str(&apply(words, &as_html(words)));
    }
    html
}
