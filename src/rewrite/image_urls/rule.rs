//! Rules for some images: by host, by path, by what element they are in.

use globset::GlobMatcher;

use crate::images::signed_url::SigningKeys;
use crate::rewrite::domains::{host_suffix, is_under};
use crate::rewrite::passes::images::Marks;
use crate::rewrite::pattern::parse_glob;
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

/// A rule, ready for use.
#[derive(Debug, Clone)]
pub(in crate::rewrite) struct Rule {
    host: Option<String>,
    path: Option<GlobMatcher>,
    /// The mark of elements that match its selector.
    mark: Option<Marks>,
    pub(in crate::rewrite) through: Option<Through>,
}

impl Rule {
    /// The rule at `index`, whose selector marks elements with that bit.
    pub(in crate::rewrite) fn new(
        (index, rule): (usize, &ImageRule),
        keys: &SigningKeys,
        public_url: &str,
    ) -> Result<Self, TargetError> {
        let path = rule.path.as_deref().map(parse_glob).transpose();
        let through = rule.images.as_ref();
        Ok(Self {
            host: rule.host.as_deref().map(host_suffix),
            path: path.map_err(TargetError::Glob)?,
            mark: rule.selector.as_ref().map(|_| 1 << index),
            through: through
                .map(|images| Through::new(images, keys, public_url))
                .transpose()?,
        })
    }

    /// Whether it is for an image of this host and path, in an element with these marks.
    pub(in crate::rewrite) fn covers(&self, host: &str, path: &str, marks: Marks) -> bool {
        self.mark.is_none_or(|mark| marks & mark != 0)
            && self
                .host
                .as_deref()
                .is_none_or(|suffix| is_under(host, suffix))
            && self.path.as_ref().is_none_or(|glob| glob.is_match(path))
    }
}
