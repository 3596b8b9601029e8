//! What origins say wrong of their bodies, and what readers are told instead. Pure.

use encoding_rs::Encoding;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue};

/// What some servers say where there is no content coding, besides charsets: transfer codings, and words.
/// It is about a plain body, which readers refuse who take it for a coding.
const NO_CODINGS: [&str; 12] = [
    "text",
    "plain",
    "none",
    "null",
    "binary",
    "raw",
    "7bit",
    "8bit",
    "base64",
    "chunked",
    "aws-chunked",
    "amz-1.0",
];

/// Mends the length and the content coding.
pub(super) fn mend(fields: &mut HeaderMap) {
    unite_lengths(fields);
    drop_no_codings(fields);
}

/// Makes `4, 4` a length of 4 (RFC 9110 §8.6).
fn unite_lengths(fields: &mut HeaderMap) {
    let lines = fields.get_all(CONTENT_LENGTH).iter();
    let members = lines.map(|line| line.to_str().unwrap_or_default().split(','));
    let mut lengths = members.flatten().map(|member| member.trim().parse::<u64>());
    if let Some(Ok(first)) = lengths.next()
        && lengths.all(|length| length == Ok(first))
    {
        fields.insert(CONTENT_LENGTH, first.into());
    }
}

/// Takes out of `Content-Encoding` what is no coding.
fn drop_no_codings(fields: &mut HeaderMap) {
    let is_none = |member: &&str| {
        let name = member.trim().to_ascii_lowercase();
        let is_charset = Encoding::for_label(name.as_bytes()).is_some();
        name.is_empty() || is_charset || NO_CODINGS.contains(&name.as_str())
    };
    let lines = fields.get_all(CONTENT_ENCODING).iter();
    let lines: Option<Vec<&str>> = lines.map(|line| line.to_str().ok()).collect();
    let Some(members) = lines.map(|lines| lines.join(",")) else {
        return;
    };
    if !members.split(',').any(|member| is_none(&member)) {
        return;
    }
    let kept: Vec<&str> = members
        .split(',')
        .filter(|member| !is_none(member))
        .collect();
    match HeaderValue::try_from(kept.join(",").trim()) {
        Ok(value) if !value.is_empty() => {
            fields.insert(CONTENT_ENCODING, value);
        }
        _ => {
            fields.remove(CONTENT_ENCODING);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn mended(came: &[&str]) -> Vec<String> {
        let mut fields = HeaderMap::new();
        for (name, value) in came.iter().map(|line| line.split_once(": ").unwrap()) {
            fields.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        mend(&mut fields);
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        fields.iter().map(line).collect()
    }

    #[test]
    fn what_servers_say_wrong_of_a_body_is_mended() {
        for (came, expected) in [
            (&["content-length: 4, 4"][..], &["content-length: 4"][..]),
            (
                &["content-length: 4", "content-length: 4"],
                &["content-length: 4"],
            ),
            (&["content-length: 4, 5"], &["content-length: 4, 5"]),
            (&["content-encoding: UTF-8"], &[]),
            (&["content-encoding: windows-1251"], &[]),
            (
                &["content-encoding: aws-chunked,gzip"],
                &["content-encoding: gzip"],
            ),
            (
                &["content-encoding: none", "content-encoding: br"],
                &["content-encoding: br"],
            ),
            (
                &["content-encoding: gzip, br"],
                &["content-encoding: gzip, br"],
            ),
            (
                &["content-encoding: something"],
                &["content-encoding: something"],
            ),
        ] {
            let fields = mended(came);
            assert_eq!(fields, expected, "{came:?}");
        }
    }
}
