//! Dictionaries of Structured Fields (RFC 9651 §4.2.2, which takes in RFC 8941).
//!
//! Strict, as the RFC asks: one mistake anywhere and the whole field is no dictionary. What no user
//! of this module needs is checked and not kept: parameters, and the content of some types.

/// A bare item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bare {
    /// §3.3.1: up to fifteen digits.
    Integer(i64),
    /// §3.3.2.
    Decimal,
    /// §3.3.3.
    String(String),
    /// §3.3.4.
    Token,
    /// §3.3.5.
    Bytes,
    /// §3.3.6.
    Boolean(bool),
    /// §3.3.7.
    Date,
    /// §3.3.8.
    DisplayString,
}

/// The value of a dictionary's member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Member {
    /// An item.
    Item(Bare),
    /// An inner list.
    List,
}

/// The text is no dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no dictionary of structured fields")]
pub(super) struct Invalid;

type Parsed<T> = Result<T, Invalid>;

/// Reads a dictionary; of a key that comes twice the last value counts, in the first one's place.
///
/// # Errors
/// When anything of the text is not as the RFC has it.
pub(super) fn parse_dictionary(text: &[u8]) -> Parsed<Vec<(String, Member)>> {
    let mut input = Input { rest: text };
    let mut members: Vec<(String, Member)> = Vec::new();
    input.skip(b" ");
    while !input.rest.is_empty() {
        let key = input.key()?;
        let value = if input.take(b'=') {
            let value = input.member()?;
            input.parameters()?;
            value
        } else {
            input.parameters()?;
            Member::Item(Bare::Boolean(true))
        };
        match members.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value,
            None => members.push((key, value)),
        }
        input.skip(b" \t");
        if input.rest.is_empty() {
            break;
        }
        if !input.take(b',') {
            return Err(Invalid);
        }
        input.skip(b" \t");
        // A comma at the end.
        if input.rest.is_empty() {
            return Err(Invalid);
        }
    }
    Ok(members)
}

struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn next(&mut self) -> Parsed<u8> {
        let (first, rest) = self.rest.split_first().ok_or(Invalid)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn skip(&mut self, bytes: &[u8]) {
        self.take_while(|byte| bytes.contains(&byte));
    }

    fn take_while(&mut self, is_in: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !is_in(*byte));
        let (taken, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// §4.2.3.3.
    fn key(&mut self) -> Parsed<String> {
        let starts = |byte: u8| byte.is_ascii_lowercase() || byte == b'*';
        if !self.peek().is_some_and(starts) {
            return Err(Invalid);
        }
        let goes_on = |byte: u8| starts(byte) || byte.is_ascii_digit() || b"_-.".contains(&byte);
        Ok(ascii(self.take_while(goes_on)))
    }

    fn member(&mut self) -> Parsed<Member> {
        if self.peek() == Some(b'(') {
            self.inner_list().map(|()| Member::List)
        } else {
            self.bare().map(Member::Item)
        }
    }

    /// §4.2.1.2.
    fn inner_list(&mut self) -> Parsed<()> {
        self.next()?;
        loop {
            self.skip(b" ");
            if self.take(b')') {
                return Ok(());
            }
            self.bare()?;
            self.parameters()?;
            if !matches!(self.peek(), Some(b' ' | b')')) {
                return Err(Invalid);
            }
        }
    }

    /// §4.2.3.2.
    fn parameters(&mut self) -> Parsed<()> {
        while self.take(b';') {
            self.skip(b" ");
            self.key()?;
            if self.take(b'=') {
                self.bare()?;
            }
        }
        Ok(())
    }

    /// §4.2.3.1.
    fn bare(&mut self) -> Parsed<Bare> {
        match self.peek().ok_or(Invalid)? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b'*' | b'a'..=b'z' | b'A'..=b'Z' => Ok(self.token()),
            b':' => self.bytes(),
            b'?' => self.boolean(),
            b'@' => self.date(),
            b'%' => self.display_string(),
            _ => Err(Invalid),
        }
    }

    /// §4.2.4.
    fn number(&mut self) -> Parsed<Bare> {
        let is_negative = self.take(b'-');
        let whole = self.take_while(|byte| byte.is_ascii_digit());
        if whole.is_empty() {
            return Err(Invalid);
        }
        if self.take(b'.') {
            let fraction = self.take_while(|byte| byte.is_ascii_digit());
            let fits = whole.len() <= 12 && (1..=3).contains(&fraction.len());
            return fits.then_some(Bare::Decimal).ok_or(Invalid);
        }
        if whole.len() > 15 {
            return Err(Invalid);
        }
        let value: i64 = ascii(whole).parse().map_err(|_| Invalid)?;
        Ok(Bare::Integer(if is_negative { -value } else { value }))
    }

    /// §4.2.5.
    fn string(&mut self) -> Parsed<Bare> {
        self.next()?;
        let mut content = String::new();
        loop {
            match self.next()? {
                b'"' => return Ok(Bare::String(content)),
                b'\\' => match self.next()? {
                    escaped @ (b'"' | b'\\') => content.push(escaped.into()),
                    _ => return Err(Invalid),
                },
                plain @ 0x20..=0x7e => content.push(plain.into()),
                _ => return Err(Invalid),
            }
        }
    }

    /// §4.2.6.
    fn token(&mut self) -> Bare {
        let special = b"!#$%&'*+-.^_`|~:/";
        let is_in = |byte: u8| byte.is_ascii_alphanumeric() || special.contains(&byte);
        self.take_while(is_in);
        Bare::Token
    }

    /// §4.2.7.
    fn bytes(&mut self) -> Parsed<Bare> {
        self.next()?;
        let is_in = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        self.take_while(is_in);
        self.take(b':').then_some(Bare::Bytes).ok_or(Invalid)
    }

    /// §4.2.8.
    fn boolean(&mut self) -> Parsed<Bare> {
        self.next()?;
        match self.next()? {
            b'1' => Ok(Bare::Boolean(true)),
            b'0' => Ok(Bare::Boolean(false)),
            _ => Err(Invalid),
        }
    }

    /// §4.2.9.
    fn date(&mut self) -> Parsed<Bare> {
        self.next()?;
        match self.number()? {
            Bare::Integer(_) => Ok(Bare::Date),
            _ => Err(Invalid),
        }
    }

    /// §4.2.10.
    fn display_string(&mut self) -> Parsed<Bare> {
        self.next()?;
        if !self.take(b'"') {
            return Err(Invalid);
        }
        let mut content = Vec::new();
        loop {
            match self.next()? {
                b'"' => {
                    let is_text = std::str::from_utf8(&content).is_ok();
                    return is_text.then_some(Bare::DisplayString).ok_or(Invalid);
                }
                b'%' => content.push(self.hex()? << 4 | self.hex()?),
                plain @ 0x20..=0x7e => content.push(plain),
                _ => return Err(Invalid),
            }
        }
    }

    /// A digit of a percent-encoded byte: lower case only.
    fn hex(&mut self) -> Parsed<u8> {
        match self.next()? {
            digit @ b'0'..=b'9' => Ok(digit - b'0'),
            letter @ b'a'..=b'f' => Ok(letter - b'a' + 10),
            _ => Err(Invalid),
        }
    }
}

/// Bytes that are known to be ASCII.
fn ascii(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Parsed<&[(&str, Member)]>) {
        let expected = expected.map(|members| {
            let owned = members
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()));
            owned.collect::<Vec<_>>()
        });
        assert_eq!(parse_dictionary(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn dictionaries() {
        let item = Member::Item;
        let yes = || item(Bare::Boolean(true));
        check("", Ok(&[]));
        check("  ", Ok(&[]));
        check("a", Ok(&[("a", yes())]));
        check(
            "a=?0, b",
            Ok(&[("a", item(Bare::Boolean(false))), ("b", yes())]),
        );
        check(
            "max-age=3600",
            Ok(&[("max-age", item(Bare::Integer(3600)))]),
        );
        check("a=-12;x;y=1", Ok(&[("a", item(Bare::Integer(-12)))]));
        check(
            "a=1 ,\tb=2",
            Ok(&[("a", item(Bare::Integer(1))), ("b", item(Bare::Integer(2)))]),
        );
        check(
            "a=1, b, a=2",
            Ok(&[("a", item(Bare::Integer(2))), ("b", yes())]),
        );
        check(
            r#"a="x\"y""#,
            Ok(&[("a", item(Bare::String("x\"y".into())))]),
        );
        check("a=tok/en:x", Ok(&[("a", item(Bare::Token))]));
        check("a=:aGk=:", Ok(&[("a", item(Bare::Bytes))]));
        check("a=1.5", Ok(&[("a", item(Bare::Decimal))]));
        check("a=@1659578233", Ok(&[("a", item(Bare::Date))]));
        check("a=%\"f%c3%bc\"", Ok(&[("a", item(Bare::DisplayString))]));
        check("a=(1 x;y \"z\" )", Ok(&[("a", Member::List)]));
        check("a=()", Ok(&[("a", Member::List)]));
    }

    #[test]
    fn one_mistake_spoils_it_all() {
        for text in [
            "max-age=10000, &&&&&",
            "A=1",
            "MaX-aGe=1",
            "a=",
            "a =1",
            "a= 1",
            "a=1,",
            "a=1 b=2",
            ",a",
            "a=\"open",
            "a=\"\\x\"",
            "a=\"\u{fc}\"",
            "a=1234567890123456",
            "a=1234567890123.1",
            "a=1.",
            "a=1.2345",
            "a=--1",
            "a=-",
            "a=?2",
            "a=:a!:",
            "a=:aGk=",
            "a=(1 2",
            "a=(1,2)",
            "a=(1\"x\")",
            "a=@1.5",
            "a=%\"%C3\"",
            "a=%\"%c3\"",
            "a=%x",
            "a;=1",
            "a;x=",
            "a='1'",
            "\ta",
        ] {
            check(text, Err(Invalid));
        }
    }
}
