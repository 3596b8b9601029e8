//! What becomes of an image's URL, or why it stays as it is.

use std::fmt;

/// What becomes of an image's URL.
pub(in crate::rewrite) type Decision = Result<ProxiedUrl, KeepReason>;

/// The URL of an image at the image proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rewrite) struct ProxiedUrl {
    pub(in crate::rewrite) url: String,
    /// The index of the rule that applied, if one did.
    pub(in crate::rewrite) rule: Option<usize>,
}

/// Why an image's URL stays as it is; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rewrite) enum KeepReason {
    /// `data:`, `cid:`, a fragment, nothing.
    NotHttp,
    /// Relative to nothing, or no URL at all.
    NoUrl,
    /// Made by us or by one of the feed's image proxies.
    Own,
    /// Made by an image proxy of somebody else.
    Proxied,
    SkippedHost,
    SkippedSelector,
    /// `image_rules[…]` says so.
    Rule(usize),
    /// `images` says so, and no rule otherwise.
    NoRule,
    /// The image proxy can't fetch it.
    Query,
    TooLong,
    /// The rules have added as much to the document as they may.
    Outgrown,
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHttp => "it is no address on the web",
            Self::NoUrl => "it is no valid address",
            Self::Own => "it leads to us or the image proxy already",
            Self::Proxied => "it leads to an image proxy already",
            Self::SkippedHost => "skip_hosts names its host",
            Self::SkippedSelector => "skip_images matches its element",
            Self::Rule(index) => return write!(f, "image_rules[{index}] leaves it"),
            Self::NoRule => "images = \"none\", and no rule of image_rules is for it",
            Self::Query => "the image proxy can't fetch an address with a query",
            Self::TooLong => "it is too long",
            Self::Outgrown => "the rules would add too much to this document",
        })
    }
}
