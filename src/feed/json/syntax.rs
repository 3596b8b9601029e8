//! Whether a text that comes in parts is JSON (RFC 8259), and what keeps it from being it.
//!
//! Invariants: each byte is looked at once; a fault that can be repaired is passed as if it were.

/// Arrays and objects nested deeper than this are no JSON to anybody.
const DEPTH_MAX: usize = 100_000;

/// What a document may hold next.
#[derive(Debug)]
pub(in crate::feed) struct Syntax {
    /// The open brackets; `true` is an object's.
    open: Vec<bool>,
    next: Next,
    /// Bytes before what is looked at.
    position: usize,
    /// Where the last comma stands.
    comma: usize,
}

/// A fault in a document. Positions count from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::feed) enum Fault {
    /// A comma here, behind the last value of an array or object. Found at that one's end.
    TrailingComma(usize),
    /// A control character here, in a string, where JSON wants an escape.
    Control(usize),
    /// From here on it is no JSON.
    Broken(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A value; at the start of an array (`true`) its end as well.
    Value(bool),
    /// A key; at the start of an object (`true`) its end as well.
    Key(bool),
    Colon,
    /// A comma or the end of what is open.
    Comma,
    /// The rest of a string; `true`: it is a key.
    Text(bool),
    /// The character behind a backslash.
    Escape(bool),
    /// So many hexadecimal digits.
    Digits(bool, u8),
    /// The rest of `true`, `false` or `null`.
    Word(&'static [u8]),
    Number(Part),
    /// Blanks: the document is whole.
    Nothing,
    /// It is no JSON.
    Broken,
}

/// The part of a number that was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    Sign,
    Power,
}

impl Part {
    /// The part that `byte` belongs to behind this one; `None` where the number ends before it.
    fn behind(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Minus, b'0') => Self::Zero,
            (Self::Minus | Self::Integer, b'0'..=b'9') => Self::Integer,
            (Self::Zero | Self::Integer, b'.') => Self::Point,
            (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Zero | Self::Integer | Self::Fraction, b'e' | b'E') => Self::Exponent,
            (Self::Exponent, b'+' | b'-') => Self::Sign,
            (Self::Exponent | Self::Sign | Self::Power, b'0'..=b'9') => Self::Power,
            _ => return None,
        })
    }

    fn is_whole(self) -> bool {
        matches!(
            self,
            Self::Zero | Self::Integer | Self::Fraction | Self::Power
        )
    }
}

impl Syntax {
    /// For a document that starts at `position` of a text.
    pub(in crate::feed) fn new(position: usize) -> Self {
        Self {
            open: Vec::new(),
            next: Next::Value(false),
            position,
            comma: 0,
        }
    }

    /// Bytes that were looked at, and those before the document.
    pub(in crate::feed) fn position(&self) -> usize {
        self.position
    }

    /// Where a comma stands that may turn out to be a fault.
    pub(in crate::feed) fn pending(&self) -> Option<usize> {
        let is_behind_comma = matches!(self.next, Next::Value(false) | Next::Key(false));
        (is_behind_comma && !self.open.is_empty() && self.comma > 0).then_some(self.comma)
    }

    /// Looks at the next bytes up to the first fault; behind [`Fault::Broken`] nothing is.
    pub(in crate::feed) fn find_fault(&mut self, bytes: &[u8]) -> Option<Fault> {
        let start = self.position;
        let mut at = 0;
        while at < bytes.len() {
            if let Next::Text(_) = self.next {
                at += plain_length(&bytes[at..]);
                if at == bytes.len() {
                    break;
                }
            }
            self.position = start + at;
            let fault = self.read(bytes[at]);
            at += 1;
            if fault.is_some() {
                self.position = start + at;
                return fault;
            }
        }
        self.position = start + bytes.len();
        None
    }

    fn read(&mut self, byte: u8) -> Option<Fault> {
        if let Next::Number(part) = self.next {
            match part.behind(byte) {
                Some(part) => {
                    self.next = Next::Number(part);
                    return None;
                }
                None if part.is_whole() => self.end_value(),
                None => return self.broken(),
            }
        }
        let is_blank = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        match (self.next, byte) {
            (Next::Text(is_key), b'"') => self.end_string(is_key),
            (Next::Text(is_key), b'\\') => self.next = Next::Escape(is_key),
            (Next::Text(_), 0..0x20) => return Some(Fault::Control(self.position)),
            (Next::Text(_), _) => {}
            (Next::Escape(is_key), b'u') => self.next = Next::Digits(is_key, 4),
            (Next::Escape(is_key), b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.next = Next::Text(is_key);
            }
            (Next::Digits(is_key, left), _) if byte.is_ascii_hexdigit() => {
                self.next = match left {
                    1 => Next::Text(is_key),
                    _ => Next::Digits(is_key, left - 1),
                };
            }
            (Next::Word(rest), _) if rest.first() == Some(&byte) => match rest {
                [_] => self.end_value(),
                _ => self.next = Next::Word(&rest[1..]),
            },
            (Next::Escape(_) | Next::Digits(..) | Next::Word(_) | Next::Broken, _) => {
                return self.broken();
            }
            _ if is_blank => {}
            (Next::Value(true), b']') | (Next::Key(true), b'}') => self.close(),
            (Next::Value(false), b']') | (Next::Key(false), b'}') if self.closes(byte) => {
                let comma = self.comma;
                self.close();
                return Some(Fault::TrailingComma(comma));
            }
            (Next::Value(_), _) => return self.start_value(byte),
            (Next::Key(_), b'"') => self.next = Next::Text(true),
            (Next::Colon, b':') => self.next = Next::Value(false),
            (Next::Comma, b',') => {
                self.comma = self.position;
                let is_object = self.open.last() == Some(&true);
                self.next = if is_object {
                    Next::Key(false)
                } else {
                    Next::Value(false)
                };
            }
            (Next::Comma, b']' | b'}') if self.closes(byte) => self.close(),
            _ => return self.broken(),
        }
        None
    }

    fn start_value(&mut self, byte: u8) -> Option<Fault> {
        self.next = match byte {
            b'"' => Next::Text(false),
            b'{' | b'[' if self.open.len() < DEPTH_MAX => {
                self.open.push(byte == b'{');
                // No comma stands before the first value in there.
                self.comma = 0;
                match byte {
                    b'{' => Next::Key(true),
                    _ => Next::Value(true),
                }
            }
            b't' => Next::Word(b"rue"),
            b'f' => Next::Word(b"alse"),
            b'n' => Next::Word(b"ull"),
            b'-' => Next::Number(Part::Minus),
            b'0' => Next::Number(Part::Zero),
            b'1'..=b'9' => Next::Number(Part::Integer),
            _ => return self.broken(),
        };
        None
    }

    fn end_string(&mut self, is_key: bool) {
        if is_key {
            // A value without a comma before it follows.
            (self.next, self.comma) = (Next::Colon, 0);
        } else {
            self.end_value();
        }
    }

    fn end_value(&mut self) {
        self.next = if self.open.is_empty() {
            Next::Nothing
        } else {
            Next::Comma
        };
    }

    /// Whether `byte` is the end of what is open, and a comma stands before it where none belongs.
    fn closes(&self, byte: u8) -> bool {
        let is_object = self.open.last();
        let is_bracket = is_object == Some(&(byte == b'}'));
        is_bracket && (self.next == Next::Comma || self.comma > 0)
    }

    fn close(&mut self) {
        self.open.pop();
        self.end_value();
    }

    fn broken(&mut self) -> Option<Fault> {
        self.next = Next::Broken;
        Some(Fault::Broken(self.position))
    }
}

/// How many of these bytes a string holds as they are, as far as can be told at once.
fn plain_length(bytes: &[u8]) -> usize {
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    bytes.iter().position(is_special).unwrap_or(bytes.len())
}

/// Whether `rest`, behind a whole document, holds anything but blanks.
pub(in crate::feed) fn is_more(rest: &str) -> bool {
    !rest
        .bytes()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(json: &str, size: usize) -> Vec<Fault> {
        let mut syntax = Syntax::new(0);
        let mut found = Vec::new();
        for end in (0..json.len())
            .step_by(size)
            .map(|at| json.len().min(at + size))
        {
            while let Some(fault) = syntax.find_fault(&json.as_bytes()[syntax.position()..end]) {
                found.push(fault);
                if matches!(fault, Fault::Broken(_)) {
                    return found;
                }
            }
        }
        found
    }

    #[track_caller]
    fn check(json: &str, expected: &[Fault]) {
        for size in [1, 2, 5, json.len().max(1)] {
            assert_eq!(faults(json, size), expected, "{json} by {size}");
        }
    }

    #[test]
    fn json_has_no_faults() {
        for json in [
            "{}",
            " [ ] \r\n\t",
            r#"{"a":[1,-0,2.5e+10,0.1E-2,true,false,null,"\u00e9\"\\\/\b\f\n\r\t"],"":{"b":[]}}"#,
            "17 ",
            "\"\u{7f}é\"",
        ] {
            check(json, &[]);
            assert!(serde_json::from_str::<serde_json::Value>(json).is_ok());
        }
    }

    #[test]
    fn faults_that_are_repaired() {
        check("[1,]", &[Fault::TrailingComma(2)]);
        check("[[], ]", &[Fault::TrailingComma(3)]);
        check(
            "{\"a\":[1 , \n],}",
            &[Fault::TrailingComma(8), Fault::TrailingComma(12)],
        );
        check("[\"a\nb\t\"]", &[Fault::Control(3), Fault::Control(5)]);
        check("{\"\0\":1}", &[Fault::Control(2)]);
    }

    #[test]
    fn what_is_no_json() {
        for (json, at) in [
            ("[1,,2]", 3),
            ("[,]", 1),
            ("{,}", 1),
            ("{\"a\":,}", 5),
            ("{\"a\":}", 5),
            ("[{\"a\":1},{\"b\":]", 14),
            ("[1,}", 3),
            ("{\"a\"}", 4),
            ("{a:1}", 1),
            ("{'a':1}", 1),
            ("[1 2]", 3),
            ("[01]", 2),
            ("[1.]", 3),
            ("[NaN]", 1),
            ("[tru]", 4),
            ("[\"\\x\"]", 3),
            ("[\"\\u12g4\"]", 6),
            ("{}{}", 2),
            ("[] // x", 3),
            ("[/* x */]", 1),
        ] {
            check(json, &[Fault::Broken(at)]);
        }
    }

    #[test]
    fn it_says_what_serde_says() {
        let letters = [
            "{", "}", "[", "]", ",", ":", "\"a\"", "1", "-", "t", "true", " ",
        ];
        let mut state = 1_u32;
        for _ in 0..20_000 {
            let mut json = String::new();
            for _ in 0..8 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                json.push_str(letters[(state >> 16) as usize % letters.len()]);
            }
            let is_json = serde_json::from_str::<serde_json::Value>(&json).is_ok();
            let found = faults(&json, 3);
            assert!(!is_json || found.is_empty(), "{json}: {found:?}");
            let mut syntax = Syntax::new(0);
            let is_whole = syntax.find_fault(format!("{json} ").as_bytes()).is_none()
                && syntax.next == Next::Nothing;
            assert_eq!(is_whole, is_json, "{json}");
        }
    }
}
