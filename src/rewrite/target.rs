//! Image proxies as templates: from a picture's address to the proxy's address for it.
//!
//! Invariant: what `Target::apply` returns holds no space, quote, angle bracket or control
//! character and does not end in a comma, so it reads the same in HTML, srcset, CSS and XML
//! (but for `&` and parentheses, which those escape).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::rewrite::picture::Picture;

/// What `encodeURIComponent` encodes, and the apostrophe, which would end a quoted attribute.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'(')
    .remove(b')');

/// What would not survive as part of a query value, but for `/` and `:`, which do.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/')
    .remove(b':');

/// What no address may hold where quotes and spaces end it.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'\'')
    .add(b'<')
    .add(b'>')
    .add(b'`');

/// File name extensions longer than this are no extensions.
const EXTENSION_BYTES_MAX: usize = 5;

/// The proxies that are known by name.
const PRESETS: &[(&str, &str)] = &[
    ("weserv", "https://images.weserv.nl/?url={url_enc}"),
    ("wsrv", "https://wsrv.nl/?url={url_enc}"),
];

const PLACEHOLDERS: &[(&str, Placeholder)] = &[
    ("url", Placeholder::Url),
    ("url_enc", Placeholder::UrlEncoded),
    ("url_b64", Placeholder::UrlBase64),
    ("url_hex", Placeholder::UrlHex),
    ("host", Placeholder::Host),
    ("host_path", Placeholder::HostPath),
    ("path", Placeholder::Path),
    ("scheme", Placeholder::Scheme),
    ("query", Placeholder::Query),
    ("ext", Placeholder::Extension),
];

/// A parsed image proxy template.
///
/// Placeholders: `{url}` the whole address, `{url_enc}` the same as `encodeURIComponent` writes
/// it, `{url_b64}` in base64url without padding, `{url_hex}` in lowercase hexadecimal, `{host}`
/// host and port, `{path}` from its slash on, `{query}` without `?`, `{scheme}`, `{ext}` the file
/// name extension, `{host_path}` host, path and query encoded once as a query value. `{{` and
/// `}}` are braces.
#[derive(Debug, Clone)]
pub struct Target {
    parts: Vec<Part>,
    prefix: String,
}

#[derive(Debug, Clone)]
enum Part {
    Literal(String),
    Placeholder(Placeholder),
}

#[derive(Debug, Clone, Copy)]
enum Placeholder {
    Url,
    UrlEncoded,
    UrlBase64,
    UrlHex,
    Host,
    HostPath,
    Path,
    Scheme,
    Query,
    Extension,
}

/// Why a template is refused; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A `{name}` that means nothing.
    #[error("the placeholder `{{{0}}}` is unknown; known are {known}", known = known_placeholders())]
    UnknownPlaceholder(String),
    /// A brace without its partner.
    #[error("a lone `{0}`; write `{0}{0}` for the character itself, or one of {known}", known = known_placeholders())]
    LoneBrace(char),
    /// Nothing of the picture's address would reach the proxy.
    #[error("the template holds no placeholder; it needs one of {known}", known = known_placeholders())]
    NoPlaceholder,
    /// The template, or its host, is not written out.
    #[error(
        "the template must be an absolute http or https URL whose host is written out before the first placeholder"
    )]
    NotAbsolute,
}

fn known_placeholders() -> String {
    let names: Vec<String> = PLACEHOLDERS
        .iter()
        .map(|(name, _)| format!("`{{{name}}}`"))
        .collect();
    names.join(", ")
}

impl Target {
    /// Parses a template such as `https://images.weserv.nl/?url={host_path}`.
    ///
    /// # Errors
    /// On an unknown placeholder, none at all, or a template that is no absolute http(s) URL.
    pub fn parse(template: &str) -> Result<Self, TargetError> {
        let parts = parse_parts(template.trim())?;
        let prefix = match parts.first() {
            Some(Part::Literal(text)) => text.clone(),
            _ => String::new(),
        };
        if !parts
            .iter()
            .any(|part| matches!(part, Part::Placeholder(_)))
        {
            return Err(TargetError::NoPlaceholder);
        }
        // SECURITY: a host made of what a publisher writes would let it choose where readers go.
        let authority_end = prefix
            .find("://")
            .and_then(|at| prefix[at + 3..].find(['/', '?']));
        if authority_end.is_none() || !is_absolute_http(&prefix) {
            return Err(TargetError::NotAbsolute);
        }
        Ok(Self { parts, prefix })
    }

    /// The template of a proxy that is known by name (`weserv`, `wsrv`), if it is one.
    #[must_use]
    pub fn preset(name: &str) -> Option<&'static str> {
        PRESETS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, template)| *template)
    }

    /// The proxy's address for a picture.
    #[must_use]
    pub(super) fn apply(&self, picture: &Picture<'_>) -> String {
        let whole = picture.whole;
        let mut out = String::with_capacity(self.prefix.len() + whole.len() * 3 / 2);
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Placeholder(placeholder) => placeholder.write(picture, &mut out),
            }
        }
        if out.ends_with(',') {
            out.pop();
            out.push_str("%2C");
        }
        out
    }

    /// The literal text before the first placeholder: what every address made by it starts with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl Placeholder {
    fn write(self, picture: &Picture<'_>, out: &mut String) {
        let Picture {
            whole,
            scheme,
            host_and_port,
            path,
            query,
            ..
        } = *picture;
        match self {
            Self::Url => out.extend(utf8_percent_encode(whole, UNSAFE)),
            Self::UrlEncoded => out.extend(utf8_percent_encode(whole, COMPONENT)),
            Self::UrlBase64 => URL_SAFE_NO_PAD.encode_string(whole, out),
            Self::UrlHex => {
                for byte in whole.bytes() {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "{byte:02x}");
                }
            }
            Self::Host => out.push_str(host_and_port),
            Self::HostPath => {
                out.push_str(host_and_port);
                out.extend(utf8_percent_encode(path, QUERY_VALUE));
                if let Some(query) = query {
                    out.push_str("%3F");
                    out.extend(utf8_percent_encode(query, QUERY_VALUE));
                }
            }
            Self::Path => out.extend(utf8_percent_encode(path, UNSAFE)),
            Self::Scheme => out.push_str(scheme),
            Self::Query => out.extend(utf8_percent_encode(query.unwrap_or(""), UNSAFE)),
            Self::Extension => out.push_str(&extension(path)),
        }
    }
}

fn extension(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or("");
    file.rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase())
        .filter(|extension| extension.len() <= EXTENSION_BYTES_MAX)
        .filter(|extension| extension.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .unwrap_or_default()
}

fn is_absolute_http(prefix: &str) -> bool {
    let is_clean = utf8_percent_encode(prefix, UNSAFE).count() == 1;
    is_clean
        && Url::parse(prefix)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn parse_parts(template: &str) -> Result<Vec<Part>, TargetError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        literal.push_str(&rest[..at]);
        let tail = &rest[at..];
        if let Some(after) = tail.strip_prefix("{{") {
            literal.push('{');
            rest = after;
        } else if let Some(after) = tail.strip_prefix("}}") {
            literal.push('}');
            rest = after;
        } else if let Some((name, after)) = tail.strip_prefix('{').and_then(|t| t.split_once('}')) {
            let placeholder = PLACEHOLDERS
                .iter()
                .find(|(known, _)| *known == name)
                .ok_or_else(|| TargetError::UnknownPlaceholder(name.to_owned()))?;
            push_literal(&mut parts, &mut literal);
            parts.push(Part::Placeholder(placeholder.1));
            rest = after;
        } else {
            let brace = if tail.starts_with('{') { '{' } else { '}' };
            return Err(TargetError::LoneBrace(brace));
        }
    }
    literal.push_str(rest);
    push_literal(&mut parts, &mut literal);
    Ok(parts)
}

fn push_literal(parts: &mut Vec<Part>, literal: &mut String) {
    if !literal.is_empty() {
        parts.push(Part::Literal(std::mem::take(literal)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, address: &str, expected: &str) {
        let target = Target::parse(template).unwrap();
        let actual = target.apply(&Picture::of_url(&Url::parse(address).unwrap()).unwrap());
        assert_eq!(actual, expected, "{template} on {address}");
        assert!(actual.starts_with(target.prefix()));
    }

    #[test]
    fn placeholders() {
        let dw = "https://static.dw.com/image/57152918_303.jpg";
        let odd = "http://x.org:8080/a%20b/c'd(1).PNG?w=1&h=2+3#top";
        for (template, address, expected) in [
            (
                "https://images.weserv.nl/?url={host_path}",
                dw,
                "https://images.weserv.nl/?url=static.dw.com/image/57152918_303.jpg",
            ),
            (
                "https://images.weserv.nl?url={url_enc}",
                "https://mock.com/DIYgod/RSSHub.jpg",
                "https://images.weserv.nl?url=https%3A%2F%2Fmock.com%2FDIYgod%2FRSSHub.jpg",
            ),
            (
                "https://i3.wp.com/{host}{path}",
                "https://mock.com/DIYgod/RSSHub.jpg",
                "https://i3.wp.com/mock.com/DIYgod/RSSHub.jpg",
            ),
            (
                "https://img.example/unsafe/rs:fit:800:0/{url_b64}.webp",
                dw,
                "https://img.example/unsafe/rs:fit:800:0/aHR0cHM6Ly9zdGF0aWMuZHcuY29tL2ltYWdlLzU3MTUyOTE4XzMwMy5qcGc.webp",
            ),
            (
                "https://camo/x/{url_hex}",
                "http://golang.org/doc/gopher/frontpage.png",
                "https://camo/x/687474703a2f2f676f6c616e672e6f72672f646f632f676f706865722f66726f6e74706167652e706e67",
            ),
            (
                "https://p/{url}",
                odd,
                "https://p/http://x.org:8080/a%20b/c%27d(1).PNG?w=1&h=2+3",
            ),
            (
                "https://p/?u={url_enc}&f=1",
                odd,
                "https://p/?u=http%3A%2F%2Fx.org%3A8080%2Fa%2520b%2Fc%27d(1).PNG%3Fw%3D1%26h%3D2%2B3&f=1",
            ),
            (
                "https://p/?u={host_path}",
                odd,
                "https://p/?u=x.org:8080/a%2520b/c%27d%281%29.PNG%3Fw%3D1%26h%3D2%2B3",
            ),
            (
                "https://p/{scheme}/{host}/{ext}{path}?{query}&{{x}}",
                odd,
                "https://p/http/x.org:8080/png/a%20b/c%27d(1).PNG?w=1&h=2+3&{x}",
            ),
            ("https://p/{ext}/", "https://x.org/a.tar/b", "https://p//"),
            (
                "https://p/{url}",
                "https://x.org/a,",
                "https://p/https://x.org/a%2C",
            ),
        ] {
            check(template, address, expected);
        }
    }

    #[test]
    fn presets_parse() {
        for (name, _) in PRESETS {
            assert!(Target::parse(Target::preset(name).unwrap()).is_ok());
        }
        assert_eq!(Target::preset("nobody"), None);
    }

    #[test]
    fn refused() {
        for (template, expected) in [
            (
                "https://p/{uri}",
                TargetError::UnknownPlaceholder("uri".into()),
            ),
            (
                "https://p/{}",
                TargetError::UnknownPlaceholder(String::new()),
            ),
            ("https://p/{url", TargetError::LoneBrace('{')),
            ("https://p/url}", TargetError::LoneBrace('}')),
            ("https://p/{{url}}", TargetError::NoPlaceholder),
            ("", TargetError::NoPlaceholder),
            ("/image/{url}", TargetError::NotAbsolute),
            ("{url}", TargetError::NotAbsolute),
            ("ftp://p/{url}", TargetError::NotAbsolute),
            ("https://{host}/x", TargetError::NotAbsolute),
            ("https://p.example{path}", TargetError::NotAbsolute),
            ("https://p/a b/{url}", TargetError::NotAbsolute),
        ] {
            assert_eq!(Target::parse(template).unwrap_err(), expected, "{template}");
        }
        let message = TargetError::UnknownPlaceholder("uri".into()).to_string();
        assert!(
            message.contains("`{uri}`") && message.contains("`{host_path}`"),
            "{message}"
        );
    }
}
