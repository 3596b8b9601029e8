//! JSON objects and arrays as spans.
//!
//! Invariant: reading is lenient and never fails. Only brackets and strings are understood; what
//! is no JSON gives spans that mean little, inside the range that was asked for.

pub(super) mod syntax;

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;

use super::text::Decoded;

/// How many members or values of one object or array are given.
const LIST_MAX: usize = 10_000;

/// What a JSON value is, by its first character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// `"…"`
    String,
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// A number, `true`, `false`, `null`, or something that is no JSON.
    Scalar,
}

/// A value as it is in its piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// What it is.
    pub kind: ValueKind,
    /// Where it stands, quotes and brackets included.
    pub range: Range<usize>,
}

impl Value {
    /// Where a string's text stands, without the quotes; an object's or array's without brackets.
    pub fn inner(&self) -> Range<usize> {
        match self.kind {
            ValueKind::Scalar => self.range.clone(),
            _ => self.range.start + 1..self.range.end - 1,
        }
    }
}

/// `"key": value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// The key, decoded.
    pub key: Cow<'a, str>,
    /// The value.
    pub value: Value,
    /// From the key's first quote to the end of the value.
    pub range: Range<usize>,
}

/// The one member in an Element piece of a JSON feed.
pub fn member(json: &str) -> Option<Member<'_>> {
    read_member(json, 0, json.len())
}

/// The members of the object that stands at `object` in `json` (`0..json.len()` for an Item
/// piece), offsets in `json`; at most 10,000.
pub fn members(json: &str, object: Range<usize>) -> Vec<Member<'_>> {
    let mut members = Vec::new();
    let mut at = object.start + 1;
    while let Some(member) = read_member(json, at, object.end) {
        at = member.range.end;
        members.push(member);
        if members.len() == LIST_MAX {
            break;
        }
    }
    members
}

/// The values of the array that stands at `array` in `json`, offsets in `json`; at most 10,000.
pub fn values(json: &str, array: Range<usize>) -> Vec<Value> {
    let mut values = Vec::new();
    let mut at = array.start + 1;
    while let Some(value) = read_value(json, at, array.end) {
        at = value.range.end;
        values.push(value);
        if values.len() == LIST_MAX {
            break;
        }
    }
    values
}

/// The text of a string that stands between quotes, decoded.
pub(super) fn decode_key(raw: &str) -> Cow<'_, str> {
    if raw.contains('\\') {
        Cow::Owned(Decoded::json(raw).as_str().to_owned())
    } else {
        Cow::Borrowed(raw)
    }
}

fn read_member(json: &str, at: usize, end: usize) -> Option<Member<'_>> {
    let start = at + json.get(at..end)?.find('"')?;
    let key = read_value(json, start, end)?;
    let colon = key.range.end + json[key.range.end..end].find(':')?;
    let value = read_value(json, colon + 1, end)?;
    Some(Member {
        key: decode_key(&json[key.inner()]),
        range: start..value.range.end,
        value,
    })
}

/// The next value from `at` on, behind blanks and commas.
fn read_value(json: &str, at: usize, end: usize) -> Option<Value> {
    let bytes = json.get(..end)?.as_bytes();
    let is_gap = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
    let start = at + bytes.get(at..)?.iter().position(|byte| !is_gap(byte))?;
    let mut scan = ValueScan::start(bytes[start])?;
    let end = match scan.advance(bytes, start) {
        Step::End(end) => end,
        Step::More(end) if scan.kind == ValueKind::Scalar => end,
        Step::More(_) => return None,
    };
    Some(Value {
        kind: scan.kind,
        range: start..end,
    })
}

/// Looks for the end of one value in a text that grows.
#[derive(Debug)]
pub(super) struct ValueScan {
    pub(super) kind: ValueKind,
    depth: usize,
    in_string: bool,
    is_started: bool,
    /// How deep the value was nested so far.
    pub(super) deepest: usize,
}

/// Where a [`ValueScan`] has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The value ends here.
    End(usize),
    /// Everything before this was looked at; more is needed.
    More(usize),
}

impl ValueScan {
    /// A scan of the value that starts with `first`; `None` when no value starts so.
    pub(super) fn start(first: u8) -> Option<Self> {
        let kind = match first {
            b'"' => ValueKind::String,
            b'{' => ValueKind::Object,
            b'[' => ValueKind::Array,
            b'}' | b']' | b',' | b':' => return None,
            _ => ValueKind::Scalar,
        };
        Some(Self {
            kind,
            depth: 0,
            in_string: false,
            is_started: false,
            deepest: 0,
        })
    }

    /// Goes on at `at`: at first where the value starts, then where the last step said.
    pub(super) fn advance(&mut self, bytes: &[u8], at: usize) -> Step {
        if self.kind == ValueKind::Scalar {
            let ends = |byte: &u8| byte.is_ascii_whitespace() || b",:}]{[\"".contains(byte);
            let length = bytes[at..].iter().position(ends);
            return length.map_or(Step::More(bytes.len()), |length| Step::End(at + length));
        }
        let mut at = at;
        if self.kind == ValueKind::String && !self.is_started && at < bytes.len() {
            self.in_string = true;
            at += 1;
        }
        self.is_started = true;
        loop {
            if self.in_string {
                match self.leave_string(bytes, at) {
                    Step::End(end) => at = end,
                    more => return more,
                }
                if self.depth == 0 {
                    return Step::End(at);
                }
            }
            let is_mark = |byte: &u8| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']');
            let Some(length) = bytes[at..].iter().position(is_mark) else {
                return Step::More(bytes.len());
            };
            at += length + 1;
            match bytes[at - 1] {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    self.depth += 1;
                    self.deepest = self.deepest.max(self.depth);
                }
                _ => self.depth -= 1,
            }
            if self.depth == 0 {
                return Step::End(at);
            }
        }
    }

    fn leave_string(&mut self, bytes: &[u8], at: usize) -> Step {
        let mut at = at;
        loop {
            let Some(length) = memchr2(b'"', b'\\', &bytes[at..]) else {
                return Step::More(bytes.len());
            };
            at += length;
            if bytes[at] == b'"' {
                self.in_string = false;
                return Step::End(at + 1);
            }
            if at + 1 >= bytes.len() {
                return Step::More(at);
            }
            at += 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &[(&str, ValueKind, &str)]) {
        let found = members(json, 0..json.len());
        let seen: Vec<_> = found
            .iter()
            .map(|one| (&*one.key, one.value.kind, &json[one.value.inner()]))
            .collect();
        assert_eq!(seen, expected, "{json}");
        for one in &found {
            assert!(json[one.range.clone()].starts_with('"'), "{json}");
            assert_eq!(
                member(&json[one.range.clone()]).unwrap().key,
                one.key,
                "{json}"
            );
        }
    }

    #[test]
    fn members_are_spans() {
        use ValueKind::*;
        check("{}", &[]);
        check("", &[]);
        check(
            r#"{ "a" : "x\"y", "b":[1,"]"], "c":{"d":"}"} ,"e":1e400,"f":null}"#,
            &[
                ("a", String, r#"x\"y"#),
                ("b", Array, r#"1,"]""#),
                ("c", Object, r#""d":"}""#),
                ("e", Scalar, "1e400"),
                ("f", Scalar, "null"),
            ],
        );
        check(r#"{"\u0069d":"1"}"#, &[("id", String, "1")]);
        check(
            r#"{"a":"é\\","a":"2"}"#,
            &[("a", String, r"é\\"), ("a", String, "2")],
        );
        check(r#"{"a":,"b":1}"#, &[("a", String, "b")]);
        check(r#"{"a":"open"#, &[]);
    }

    #[test]
    fn values_are_spans() {
        let json = r#"x [ 1, "a,b" ,{"c":[]},[2] ] y"#;
        let found = values(json, 2..json.len() - 2);
        let seen: Vec<_> = found.iter().map(|one| &json[one.range.clone()]).collect();
        assert_eq!(seen, ["1", "\"a,b\"", "{\"c\":[]}", "[2]"]);
    }

    #[test]
    fn lists_are_bounded() {
        let json = format!("[{}1]", "1,".repeat(LIST_MAX + 5));
        assert_eq!(values(&json, 0..json.len()).len(), LIST_MAX);
    }
}
