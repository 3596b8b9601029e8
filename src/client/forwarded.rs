//! `Forwarded` (RFC 7239) and `X-Forwarded-For`, read from the hop next to us outwards.
//!
//! Invariant: each line is read on its own, the last one first. What a client wrote into a line of
//! its own, an open quote for example, can't swallow what a proxy added below.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};

pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Bytes of one line that are read: more is unreadable.
const LINE_BYTES_MAX: usize = 4 << 10;

/// From whom a proxy had a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hop {
    Address(IpAddr),
    /// `unknown`, or a name that stands for an address (RFC 7239 §6.2, §6.3).
    Hidden,
    /// Not what a proxy writes.
    Unreadable,
}

/// The hops of `Forwarded`, the nearest first.
pub(super) fn standard(headers: &HeaderMap) -> impl Iterator<Item = Hop> {
    let lines = headers.get_all(FORWARDED).into_iter().rev();
    lines.flat_map(|line| {
        // A line that is not well-formed as a whole has no elements that could be told apart.
        let mut hops = text(line.as_bytes())
            .and_then(elements)
            .unwrap_or_else(|| vec![Hop::Unreadable]);
        hops.reverse();
        hops
    })
}

/// The hops of `X-Forwarded-For`, the nearest first.
pub(super) fn usual(headers: &HeaderMap) -> impl Iterator<Item = Hop> {
    let lines = headers.get_all(X_FORWARDED_FOR).into_iter().rev();
    lines.flat_map(|line| {
        let line = text(line.as_bytes());
        let unreadable = line.is_none().then_some(Hop::Unreadable);
        line.unwrap_or_default()
            .rsplit(',')
            .map(|hop| hop.trim_matches([' ', '\t']))
            // RFC 9110 §5.6.1: empty members of a list are no members.
            .filter(|hop| !hop.is_empty())
            .map(node)
            .chain(unreadable)
    })
}

fn text(line: &[u8]) -> Option<&str> {
    (line.len() <= LINE_BYTES_MAX)
        .then(|| str::from_utf8(line).ok())
        .flatten()
}

/// The elements of one line, in its order.
fn elements(line: &str) -> Option<Vec<Hop>> {
    let mut hops = Vec::new();
    // The `for` of the element that is read; whether it has any pair.
    let (mut hop, mut has_pair) = (None, false);
    let mut rest = line.trim_matches([' ', '\t']);
    loop {
        if let Some((name, value, behind)) = pair(rest)? {
            if name.eq_ignore_ascii_case("for") {
                // RFC 7239 §4: a parameter occurs once.
                if hop.is_some() {
                    return None;
                }
                hop = Some(node(&value));
            }
            has_pair = true;
            rest = behind;
        }
        rest = rest.trim_start_matches([' ', '\t']);
        match rest.as_bytes().first() {
            Some(b';') => {}
            Some(b',') | None => {
                if has_pair {
                    hops.push(hop.unwrap_or(Hop::Hidden));
                }
                (hop, has_pair) = (None, false);
                if rest.is_empty() {
                    return Some(hops);
                }
            }
            Some(_) => return None,
        }
        rest = rest[1..].trim_start_matches([' ', '\t']);
    }
}

/// `name=value` at the start of `text`, and what is behind it; `Some(None)` where the element ends.
fn pair(text: &str) -> Option<Option<(&str, String, &str)>> {
    if text.is_empty() || text.starts_with([',', ';']) {
        return Some(None);
    }
    let (name, value) = text.split_once('=')?;
    if name.is_empty() || !name.bytes().all(is_token) {
        return None;
    }
    if let Some(quoted) = value.strip_prefix('"') {
        let (value, behind) = unquote(quoted)?;
        return Some(Some((name, value, behind)));
    }
    // A port makes an address no token, but some write it without quotes.
    let end = value
        .bytes()
        .position(|byte| !is_token(byte) && !matches!(byte, b':' | b'[' | b']'))
        .unwrap_or(value.len());
    let (value, behind) = value.split_at(end);
    (!value.is_empty()).then(|| Some((name, value.to_owned(), behind)))
}

/// The content of a quoted string behind its first quote, and what is behind its last one.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(character),
        }
    }
    None
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// An address with or without a port, IPv6 with or without brackets, or a word for none.
fn node(text: &str) -> Hop {
    let address = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
        .or_else(|| bracketed(text))
        .or_else(|| with_hidden_port(text));
    match address {
        Some(address) => Hop::Address(address.to_canonical()),
        None if is_hidden(text) => Hop::Hidden,
        None => Hop::Unreadable,
    }
}

fn bracketed(text: &str) -> Option<IpAddr> {
    let address = text.strip_prefix('[')?.strip_suffix(']')?;
    address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

/// RFC 7239 §6: a port may be hidden as well, `192.0.2.43:_port`.
fn with_hidden_port(text: &str) -> Option<IpAddr> {
    let (address, port) = text.rsplit_once(':')?;
    if !is_obfuscated(port) {
        return None;
    }
    let plain = address.parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    plain.or_else(|| bracketed(address))
}

fn is_hidden(text: &str) -> bool {
    let name = text.split_once(':').map_or(text, |(name, _)| name);
    name.eq_ignore_ascii_case("unknown") || is_obfuscated(name)
}

fn is_obfuscated(text: &str) -> bool {
    text.strip_prefix('_').is_some_and(|name| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    })
}
