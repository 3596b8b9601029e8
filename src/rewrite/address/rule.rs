//! Rules for some images: by host, by path, by what element they stand in.

use globset::{GlobBuilder, GlobMatcher};

use super::is_under;
use crate::images::signed_url::SigningKeys;
use crate::rewrite::passes::images::Marks;
use crate::rewrite::target::{Images, TargetError, Through};

/// Rules that one feed may have.
pub const RULES_MAX: usize = 32;

/// Something other than usual for some images. All that is given has to fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageRule {
    /// A host suffix: `example.org` covers `img.example.org`.
    pub host: Option<String>,
    /// A glob for the path: `*.gif`, `/media/*`; `*` stands for slashes, too.
    pub path: Option<String>,
    /// A CSS selector; only an image in HTML matches one.
    pub selector: Option<String>,
    /// What the image is sent through; `None`: it stays.
    pub images: Option<Images>,
}

/// Why a glob is refused; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the glob can't be used: {0}")]
pub struct GlobError(String);

/// Checks a glob.
///
/// # Errors
/// When it can't be parsed.
pub fn check_path(glob: &str) -> Result<(), GlobError> {
    parse_glob(glob).map(drop)
}

fn parse_glob(glob: &str) -> Result<GlobMatcher, GlobError> {
    let parsed = GlobBuilder::new(glob).literal_separator(false).build();
    parsed
        .map(|glob| glob.compile_matcher())
        .map_err(|error| GlobError(error.kind().to_string()))
}

/// A rule, ready for use.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    host: Option<String>,
    path: Option<GlobMatcher>,
    /// The mark of elements that match its selector.
    mark: Option<Marks>,
    pub(super) through: Option<Through>,
}

impl Rule {
    /// The rule at `index`, whose selector marks elements with that bit.
    pub(super) fn new(
        (index, rule): (usize, &ImageRule),
        keys: &SigningKeys,
        public_url: &str,
    ) -> Result<Self, TargetError> {
        let path = rule.path.as_deref().map(parse_glob).transpose();
        let through = rule.images.as_ref();
        Ok(Self {
            host: rule.host.as_deref().map(super::host_suffix),
            path: path.map_err(TargetError::Glob)?,
            mark: rule.selector.as_ref().map(|_| 1 << index),
            through: through
                .map(|images| Through::new(images, keys, public_url))
                .transpose()?,
        })
    }

    /// Whether it is for an image of this host and path, in an element with these marks.
    pub(super) fn covers(&self, host: &str, path: &str, marks: Marks) -> bool {
        self.mark.is_none_or(|mark| marks & mark != 0)
            && self
                .host
                .as_deref()
                .is_none_or(|suffix| is_under(host, suffix))
            && self.path.as_ref().is_none_or(|glob| glob.is_match(path))
    }
}
