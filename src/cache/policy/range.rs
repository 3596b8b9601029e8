//! Parts of a stored body (RFC 9110 §14): which ones a request asks for, and how they are framed.

use std::ops::Range;

use bytes::Bytes;
use http::header::{HeaderMap, RANGE};

use super::list::{members, text};

/// Ranges of one request; one that asks for more gets the whole.
pub const RANGES_MAX: usize = 16;

/// What a request asks of a body whose length is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ranges {
    /// All of it: no range, none that we know, or nonsense (RFC 9110 §14.2).
    Whole,
    /// These parts, in the order asked for; never empty, none of them empty.
    Parts(Vec<Range<u64>>),
    /// Nothing that is there: 416.
    Unsatisfiable,
}

/// Reads `Range` for a body of `total` bytes. More parts than [`RANGES_MAX`], or parts that
/// overlap so that they are more than the whole, are answered with the whole (§14.2, §17.15).
#[must_use]
pub fn requested(asked: &HeaderMap, total: u64) -> Ranges {
    let mut lines = asked.get_all(RANGE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Ranges::Whole;
    };
    let line = text(line);
    let Some((unit, list)) = line.split_once('=') else {
        return Ranges::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Ranges::Whole;
    }
    let specs: Vec<&str> = members(list).collect();
    if specs.is_empty() || specs.len() > RANGES_MAX {
        return Ranges::Whole;
    }
    let mut parts = Vec::new();
    for spec in specs {
        match resolve(spec, total) {
            Some(Some(part)) => parts.push(part),
            Some(None) => {}
            None => return Ranges::Whole,
        }
    }
    let bytes: u64 = parts.iter().map(|part| part.end - part.start).sum();
    match parts.is_empty() {
        true => Ranges::Unsatisfiable,
        false if bytes > total => Ranges::Whole,
        false => Ranges::Parts(parts),
    }
}

/// One range of `total` bytes; `Some(None)` where nothing of it is there, `None` where it is none.
fn resolve(spec: &str, total: u64) -> Option<Option<Range<u64>>> {
    let (first, last) = spec.split_once('-')?;
    let number = |digits: &str| {
        let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        // More digits than fit are more bytes than there are.
        all.then(|| digits.parse().unwrap_or(u64::MAX))
    };
    if first.is_empty() {
        let suffix: u64 = number(last)?;
        let part = total.saturating_sub(suffix)..total;
        return Some(Some(part).filter(|part| part.start < part.end));
    }
    let first = number(first)?;
    let end = match last {
        "" => total,
        last => number(last)
            .filter(|last| *last >= first)?
            .saturating_add(1)
            .min(total),
    };
    Some(Some(first..end).filter(|part| part.start < part.end))
}

/// `Content-Range` of a part, or with `None` of an answer that nothing of the range is there.
#[must_use]
pub fn content_range(part: Option<&Range<u64>>, total: u64) -> String {
    match part {
        Some(part) => format!(
            "bytes {}-{}/{total}",
            part.start,
            part.end.saturating_sub(1)
        ),
        None => format!("bytes */{total}"),
    }
}

/// One part of a multipart body: what stands before it, and what of the whole it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Delimiter and fields.
    pub head: Bytes,
    /// Which bytes of the whole.
    pub range: Range<u64>,
}

/// A `multipart/byteranges` body (RFC 9110 §14.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// In the order asked for.
    pub parts: Vec<Part>,
    /// The closing delimiter.
    pub tail: Bytes,
    /// Bytes of it all.
    pub bytes: u64,
}

/// Frames several parts; `boundary` must not occur in the body.
#[must_use]
pub fn multipart(
    ranges: Vec<Range<u64>>,
    total: u64,
    content_type: Option<&[u8]>,
    boundary: &str,
) -> Parts {
    let head = |range: &Range<u64>| {
        let mut head = format!("\r\n--{boundary}\r\n").into_bytes();
        if let Some(content_type) = content_type {
            head.extend_from_slice(b"content-type: ");
            head.extend_from_slice(content_type);
            head.extend_from_slice(b"\r\n");
        }
        let range = content_range(Some(range), total);
        head.extend_from_slice(format!("content-range: {range}\r\n\r\n").as_bytes());
        Bytes::from(head)
    };
    let parts: Vec<Part> = ranges
        .into_iter()
        .map(|range| Part {
            head: head(&range),
            range,
        })
        .collect();
    let tail = Bytes::from(format!("\r\n--{boundary}--\r\n"));
    let of_parts = parts
        .iter()
        .map(|part| part.head.len() as u64 + part.range.end - part.range.start);
    Parts {
        bytes: of_parts.sum::<u64>() + tail.len() as u64,
        tail,
        parts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9110_14_2_ranges() {
        let check = |value: &str, total: u64, expected: Ranges| {
            let asked = HeaderMap::from_iter([(RANGE, value.parse().unwrap())]);
            assert_eq!(requested(&asked, total), expected, "{value} of {total}");
        };
        let parts = |parts: &[(u64, u64)]| {
            Ranges::Parts(parts.iter().map(|(start, end)| *start..*end).collect())
        };
        check("bytes=0-1", 10, parts(&[(0, 2)]));
        check("bytes=1-", 10, parts(&[(1, 10)]));
        check("bytes=-1", 10, parts(&[(9, 10)]));
        check("bytes=-99", 10, parts(&[(0, 10)]));
        check("bytes=5-99", 10, parts(&[(5, 10)]));
        check("BYTES=0-0", 10, parts(&[(0, 1)]));
        check("bytes=0-0, -1", 10, parts(&[(0, 1), (9, 10)]));
        check("bytes=7-8,0-1", 10, parts(&[(7, 9), (0, 2)]));
        check("bytes=0-1, 99-", 10, parts(&[(0, 2)]));
        check("bytes=10-", 10, Ranges::Unsatisfiable);
        check("bytes=-0", 10, Ranges::Unsatisfiable);
        check("bytes=0-", 0, Ranges::Unsatisfiable);
        check("bytes=99999999999999999999-", 10, Ranges::Unsatisfiable);
        for nonsense in [
            "bytes=",
            "bytes",
            "bytes=-",
            "bytes=a-b",
            "bytes=2-1",
            "bytes=0-1, x",
            "bytes=+1-2",
            "lines=0-1",
            "bytes=0-9,0-9",
            "bytes=0-,0-",
        ] {
            check(nonsense, 10, Ranges::Whole);
        }
        let many = format!("bytes={}", vec!["0-0"; RANGES_MAX + 1].join(","));
        check(&many, 1000, Ranges::Whole);
        assert_eq!(requested(&HeaderMap::new(), 10), Ranges::Whole);
    }

    #[test]
    fn rfc_9110_14_6_several_parts_are_framed() {
        let parts = multipart(vec![0..2, 8..10], 10, Some(b"text/plain"), "B");
        let whole = b"0123456789";
        let mut body = Vec::new();
        for part in &parts.parts {
            body.extend_from_slice(&part.head);
            body.extend_from_slice(&whole[part.range.start as usize..part.range.end as usize]);
        }
        body.extend_from_slice(&parts.tail);
        let expected = "\r\n--B\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-1/10\r\n\r\n01\
                        \r\n--B\r\ncontent-type: text/plain\r\ncontent-range: bytes 8-9/10\r\n\r\n89\r\n--B--\r\n";
        assert_eq!(String::from_utf8(body).unwrap(), expected);
        assert_eq!(parts.bytes, expected.len() as u64);
        assert_eq!(content_range(None, 10), "bytes */10");
    }
}
