//! Image proxies as templates: from an image's URL to the proxy's URL for it.
//!
//! Invariant: what `Target::apply` returns holds no space, quote, angle bracket or control
//! character and does not end in a comma, so it reads the same in HTML, srcset, CSS and XML
//! (but for `&` and parentheses, which those escape).

mod error;
mod escapes;
mod images;
mod parts;
mod placeholder;
mod presets;
mod sign;
mod variable;

use url::Url;

use crate::rewrite::image_url::ImageUrl;
use crate::secret::Secret;
pub use error::TargetError;
use escapes::{COMPONENT, UNSAFE};
pub use images::Images;
pub(super) use images::Through;
use parts::{Part, parse_parts};
use placeholder::Placeholder;
pub use presets::{PresetError, PresetOptions, serves_images_only};

/// An image proxy as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxy {
    /// What the proxy's URLs look like; see [`Target`].
    pub template: String,
    /// What a signature in the template signs, as a template; the image's URL when empty.
    pub message: String,
    /// The key of signatures.
    pub key: Secret,
    /// What is signed before the message.
    pub salt: Secret,
    /// How many bytes of a signature are written; `None`: all.
    pub signature_bytes: Option<usize>,
    /// Whether images whose URL has a query are left, since the proxy can't fetch them.
    pub refuses_query: bool,
}

impl<T: Into<String>> From<T> for Proxy {
    fn from(template: T) -> Self {
        Self {
            template: template.into(),
            ..Self::default()
        }
    }
}

/// A parsed image proxy template.
///
/// Placeholders: `{url}` the whole URL, `{url_enc}` the same as `encodeURIComponent` writes
/// it, `{url_b64}` in base64url without padding, `{url_hex}` in lowercase hexadecimal, `{host}`
/// host and port, `{path}` from its slash on, `{query}` without `?`, `{scheme}`, `{ext}` the file
/// name extension, `{host_path}` host, path and query encoded once as a query value,
/// `{hmac_sha1_hex}` and its like a signature. `{{` and `}}` are braces. RSSHub's `${href_ue}` and
/// its like are known, too.
#[derive(Debug, Clone)]
pub struct Target {
    parts: Vec<Part>,
    prefix: String,
    message: Vec<Part>,
    key: Secret,
    salt: Secret,
    signature_bytes: Option<usize>,
    refuses_query: bool,
}

impl Target {
    /// An image proxy, ready for use.
    ///
    /// # Errors
    /// Like [`parse`](Self::parse), and when something is to be signed without a key.
    pub fn new(proxy: &Proxy) -> Result<Self, TargetError> {
        let target = Self::parse(&proxy.template)?;
        let is_signed = |part: &Part| matches!(part, Part::Placeholder(Placeholder::Signature(..)));
        if target.parts.iter().any(is_signed) && proxy.key.is_empty() {
            return Err(TargetError::NoKey);
        }
        Ok(Self {
            message: parse_parts(&proxy.message)?,
            key: proxy.key.clone(),
            salt: proxy.salt.clone(),
            signature_bytes: proxy.signature_bytes,
            refuses_query: proxy.refuses_query,
            ..target
        })
    }

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
        if !parts.iter().any(|part| !matches!(part, Part::Literal(_))) {
            return Err(TargetError::NoPlaceholder);
        }
        let mut literals = parts.iter().filter_map(|part| match part {
            Part::Literal(text) => text.chars().find(|&letter| !is_clean(letter)),
            _ => None,
        });
        if let Some(unclean) = literals.next() {
            return Err(TargetError::Unclean(unclean));
        }
        // SECURITY: a host made of what a publisher writes would let it choose where readers go.
        let authority_end = prefix
            .find("://")
            .and_then(|at| prefix[at + 3..].find(['/', '?']));
        if authority_end.is_none() || !is_absolute_http(&prefix) {
            return Err(TargetError::NotAbsolute);
        }
        Ok(Self {
            parts,
            prefix,
            message: Vec::new(),
            key: Secret::default(),
            salt: Secret::default(),
            signature_bytes: None,
            refuses_query: false,
        })
    }

    /// The proxy's URL for an image; `None` for one that it can't fetch.
    #[must_use]
    pub(super) fn apply(&self, image: &ImageUrl<'_>) -> Option<String> {
        if self.refuses_query && image.query.is_some() {
            return None;
        }
        let mut out = String::with_capacity(self.prefix.len() + image.whole.len() * 3 / 2);
        self.write(&self.parts, image, &mut out);
        if out.ends_with(',') {
            out.pop();
            out.push_str("%2C");
        }
        Some(out)
    }

    fn write(&self, parts: &[Part], image: &ImageUrl<'_>, out: &mut String) {
        for part in parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Placeholder(Placeholder::Signature(hash, coding)) => {
                    let mut message = String::new();
                    self.write(&self.message, image, &mut message);
                    if self.message.is_empty() {
                        message.push_str(image.whole);
                    }
                    out.push_str(&sign::sign(
                        (*hash, *coding),
                        &self.key,
                        [self.salt.bytes(), message.as_bytes()],
                        self.signature_bytes,
                    ));
                }
                Part::Placeholder(placeholder) => placeholder.write(image, out),
                Part::Variable(variable, is_encoded) => {
                    let text = variable.text(image);
                    let set = if *is_encoded { &COMPONENT } else { &UNSAFE };
                    set.push(&text, out);
                }
            }
        }
    }

    /// The literal text before the first placeholder: what every URL made by it starts with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

fn is_absolute_http(prefix: &str) -> bool {
    Url::parse(prefix).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Whether a URL may hold it wherever it stands.
fn is_clean(letter: char) -> bool {
    letter.is_ascii_graphic() && !matches!(letter, '"' | '\'' | '<' | '>' | '`')
}

#[cfg(test)]
mod tests;
