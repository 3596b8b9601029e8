//! What images are sent through: an image proxy elsewhere, or our own.

use super::{Proxy, Target, TargetError};
use crate::images::options::UrlOptions;
use crate::images::signed_url::{SigningKeys, UrlSigner};
use crate::rewrite::image_url::ImageUrl;

/// What images are sent through, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Images {
    /// An image proxy that is known by its URLs.
    Proxy(Proxy),
    /// Our own, asked for this.
    Builtin(UrlOptions),
}

impl<T: Into<Proxy>> From<T> for Images {
    fn from(proxy: T) -> Self {
        Self::Proxy(proxy.into())
    }
}

/// The same, ready for use.
#[derive(Debug, Clone)]
pub(in crate::rewrite) enum Through {
    Proxy(Box<Target>),
    Builtin(Box<UrlSigner>),
}

impl Through {
    /// Our own signs with `keys` and stands below `public_url`.
    pub(in crate::rewrite) fn new(
        images: &Images,
        keys: &SigningKeys,
        public_url: &str,
    ) -> Result<Self, TargetError> {
        match images {
            Images::Proxy(proxy) => Ok(Self::Proxy(Target::new(proxy)?.into())),
            Images::Builtin(options) => UrlSigner::new(keys, public_url, options)
                .map(|signer| Self::Builtin(signer.into()))
                .ok_or(TargetError::NoSigningKey),
        }
    }

    /// What all its URLs start with.
    pub(in crate::rewrite) fn prefix(&self) -> &str {
        match self {
            Self::Proxy(target) => target.prefix(),
            Self::Builtin(signer) => signer.start(),
        }
    }

    /// Its URL for an image; `None` for one that it can't fetch.
    pub(in crate::rewrite) fn apply(&self, image: &ImageUrl<'_>) -> Option<String> {
        match self {
            Self::Proxy(target) => target.apply(image),
            Self::Builtin(signer) => Some(signer.sign(image.whole)),
        }
    }
}
