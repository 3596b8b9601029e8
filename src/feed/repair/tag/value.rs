//! The value of an attribute: its quotes, and what must not stand between them.

use std::ops::Range;

use memchr::{memchr, memchr2_iter};

use super::{Reader, TagEdit};
use crate::feed::characters::{Name, is_blank};
use crate::feed::repair::edits::Fault;
use crate::feed::repair::prefixes;
use crate::feed::repair::references::{self, Reference};

impl Reader<'_> {
    pub(super) fn quoted(&mut self, quote: u8, name: &Range<usize>) -> bool {
        let start = self.at + 1;
        let Some(length) = memchr(quote, &self.raw.as_bytes()[start..]) else {
            // The tag was given up by who found its end.
            return self.close_quote(start, quote, name);
        };
        let end = start + length;
        self.at = end + 1;
        let value = &self.raw[start..end];
        if !self.is_end_of_value() {
            if self.may_cut && value.contains('<') && value.contains('>') {
                return self.close_quote(start, quote, name);
            }
            if let Some(length) = find_next_name(value) {
                self.at = start + length;
                self.put_quote(self.at, quote, name);
            }
        }
        let end = end.min(self.at);
        self.check_value(start..end, name);
        self.check_namespace(name);
        true
    }

    /// Whether what follows is what may follow a value.
    fn is_end_of_value(&self) -> bool {
        let rest = &self.raw[self.at..];
        let word = rest.trim_start_matches(|letter: char| {
            letter.is_alphanumeric() || matches!(letter, '-' | ':' | '_')
        });
        rest.starts_with(|letter: char| matches!(letter, '>' | '/') || letter.is_ascii_whitespace())
            || (word.len() < rest.len() && word.starts_with('='))
    }

    /// The value from `start` on lacks its quote: the tag ends at the next `>`.
    fn close_quote(&mut self, start: usize, quote: u8, name: &Range<usize>) -> bool {
        let rest = &self.raw[start..];
        let end = start + rest.find('>').unwrap_or(rest.len());
        let value = &self.raw[start..end];
        self.report.is_empty = value.ends_with(" /");
        let close = end - 2 * usize::from(self.report.is_empty);
        self.check_value(start..close, name);
        self.put_quote(close, quote, name);
        self.at = end;
        self.report.end = (end + 1).min(self.raw.len());
        false
    }

    fn put_quote(&mut self, at: usize, quote: u8, name: &Range<usize>) {
        self.report.edits.push(TagEdit {
            range: at..at,
            text: char::from(quote).to_string().into(),
            fault: Fault::Quote,
            attribute: name.clone(),
        });
    }

    pub(super) fn unquoted(&mut self, after_equals: usize, name: &Range<usize>) {
        let start = self.at;
        self.skip(|byte| is_blank(byte) || byte == b'>');
        // `<br clear=all/>`, but not `<a href=http://example.org/>`.
        let is_url = self.raw[start..self.at].contains("://") && self.is_never_empty(name);
        if self.at > start && self.raw.as_bytes()[self.at - 1..] == *b"/>" && !is_url {
            self.at -= 1;
        }
        let value = &self.raw[start..self.at];
        let mut text = String::from("\"");
        let mut at = 0;
        for found in memchr2_iter(b'&', b'"', value.as_bytes()) {
            if found < at {
                continue;
            }
            text.push_str(&value[at..found]);
            at = found + 1;
            match value.as_bytes()[found] {
                b'"' => text.push_str("&quot;"),
                _ => match references::read(&value[found..], self.entities, true) {
                    Reference::Wrong(length, with, _) => {
                        text.push_str(&with);
                        at = found + length;
                    }
                    Reference::Fine | Reference::Unclear => text.push('&'),
                },
            }
        }
        text.push_str(&value[at..]);
        text.push('"');
        let text = text.replace('<', "&lt;");
        self.edit(after_equals..self.at, text, name);
    }

    /// Whether an element with this attribute has content.
    fn is_never_empty(&self, name: &Range<usize>) -> bool {
        self.raw[name.clone()].starts_with("xmlns") || self.raw.starts_with("<a ")
    }

    /// A value in quotes: ampersands and `<`.
    fn check_value(&mut self, range: Range<usize>, name: &Range<usize>) {
        self.value = range.clone();
        let value = &self.raw[range.clone()];
        let mut at = 0;
        for found in memchr2_iter(b'&', b'<', value.as_bytes()) {
            if found < at {
                continue;
            }
            let (length, text, fault) = if value.as_bytes()[found] == b'<' {
                (1, "&lt;".into(), Fault::Attribute)
            } else {
                match references::read(&value[found..], self.entities, true) {
                    Reference::Wrong(length, text, fault) => (length, text, fault),
                    Reference::Fine | Reference::Unclear => continue,
                }
            };
            at = found + length;
            self.report.edits.push(TagEdit {
                range: range.start + found..range.start + at,
                text,
                fault,
                attribute: name.clone(),
            });
        }
    }

    /// A prefix can't be declared to stand for nothing (Namespaces in XML section 5).
    fn check_namespace(&mut self, name: &Range<usize>) {
        if let Some(prefix) = self.raw[name.clone()].strip_prefix("xmlns:")
            && self.value.is_empty()
        {
            self.report.edits.push(TagEdit {
                range: self.value.clone(),
                text: prefixes::namespace(prefix).into(),
                fault: Fault::Prefix,
                attribute: name.clone(),
            });
        }
    }
}

/// Where the value ends when another attribute was swallowed with it: `a="b c="` before `d"`.
fn find_next_name(value: &str) -> Option<usize> {
    let (before, name) = value
        .strip_suffix('=')?
        .rsplit_once(|letter: char| letter.is_ascii() && is_blank(letter as u8))?;
    let is_name = matches!(Name::of(name), Name::Plain | Name::Prefixed(_));
    is_name.then(|| before.trim_end_matches([' ', '\t', '\n', '\r']).len())
}
