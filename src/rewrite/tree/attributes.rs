//! What the attributes of tags cost before a tag is one: html5ever (0.40) compares each with all those
//! before it, and nobody hears of it until the tag ends.

use memchr::{memchr, memchr_iter};

use super::meter::Meter;
use crate::html::tag_name;

/// Counts what reading the attributes takes.
///
/// SECURITY: whatever state a tokenizer is in, a tag of its starts at some `<` before a letter. So
/// all of those are read, also in comments, raw text and other tags; no disagreement hides one.
pub(super) fn count(html: &[u8], meter: &Meter) {
    for open in memchr_iter(b'<', html) {
        let start = open + 1 + usize::from(html.get(open + 1) == Some(&b'/'));
        if html.get(start).is_some_and(u8::is_ascii_alphabetic) {
            read_tag(html, start, meter);
            if meter.is_spent() {
                return;
            }
        }
    }
}

fn read_tag(html: &[u8], start: usize, meter: &Meter) {
    let mut at = tag_name(html, start).end;
    let mut read_to = start;
    let mut before = 0;
    loop {
        meter.work((at - read_to) as u64);
        read_to = at;
        match html.get(at) {
            None | Some(b'>') => return,
            Some(&byte) if is_space(byte) || byte == b'/' => at += 1,
            Some(_) => {
                meter.work(before);
                before += 1;
                if meter.is_spent() {
                    return;
                }
                at = attribute_end(html, at);
            }
        }
    }
}

/// Behind the attribute that starts at `at` (HTML §13.2.5.33 and following).
fn attribute_end(html: &[u8], at: usize) -> usize {
    let until = |from: usize, is_end: &dyn Fn(u8) -> bool| {
        let rest = html.get(from..).unwrap_or_default();
        let length = rest.iter().position(|&byte| is_end(byte));
        length.map_or(html.len(), |length| from + length)
    };
    // A `=` in the first place belongs to the name.
    let name_end = until(at + 1, &|byte| is_space(byte) || b"/>=".contains(&byte));
    let equals = until(name_end, &|byte| !is_space(byte));
    if html.get(equals) != Some(&b'=') {
        return name_end;
    }
    let start = until(equals + 1, &|byte| !is_space(byte));
    match html.get(start) {
        Some(quote @ (b'"' | b'\'')) => {
            let length = memchr(*quote, &html[start + 1..]);
            length.map_or(html.len(), |length| start + 1 + length + 1)
        }
        _ => until(start, &|byte| is_space(byte) || byte == b'>'),
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0C')
}
