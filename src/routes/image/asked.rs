//! What a request for an image asks for, and whether it may.

use url::Url;

use crate::app::App;
use crate::images::delivery::{ErrorRedirect, ImageDelivery};
use crate::images::fetching::ImageError;
use crate::images::options::UrlOptions;
use crate::images::signed_url;
use crate::images::source_url;

/// What a request asks for, once it is known to be allowed to.
pub(super) struct Asked {
    pub(super) url: Url,
    pub(super) options: UrlOptions,
    pub(super) delivery: ImageDelivery,
    /// What stands at a signed address never changes its meaning.
    pub(super) is_signed: bool,
}

/// Where a client is sent instead of an error, as far as that is allowed.
pub(super) struct Refused {
    pub(super) error: ImageError,
    pub(super) instead: Option<Url>,
}

impl From<ImageError> for Refused {
    fn from(error: ImageError) -> Self {
        Self {
            error,
            instead: None,
        }
    }
}

/// What a signed address asks for.
pub(super) fn by_address(app: &App, address: &str) -> Result<Asked, Refused> {
    app.settings
        .image_keys
        .verify(address)
        .map(|signed| Asked {
            delivery: ImageDelivery::of(signed.options.pairs()),
            options: signed.options,
            url: signed.url,
            is_signed: true,
        })
        .map_err(|refusal| match refusal {
            signed_url::SignedUrlError::Malformed => ImageError::Malformed.into(),
            signed_url::SignedUrlError::WrongSignature => ImageError::WrongSignature.into(),
        })
}

/// What a query in weserv's words asks for.
pub(super) fn by_query(app: &App, query: &str) -> Result<Asked, Refused> {
    let imager = &app.imager;
    let raw = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value)
    };
    let options = UrlOptions::lenient(query).map_err(|_| ImageError::Malformed)?;
    let delivery = ImageDelivery::of(options.pairs());
    let refuse = |error| {
        // Nobody vouched for this request, whatever its signature was to say.
        let instead = delivery.default.clone().and_then(|instead| match instead {
            ErrorRedirect::Original => None,
            ErrorRedirect::Url(url) => Some(url).filter(|url| imager.may_lead_to(url, false)),
        });
        Refused { error, instead }
    };
    let value = raw("url").ok_or_else(|| refuse(ImageError::NoUrl))?;
    let url = source_url::parse(value, imager.options().https_first);
    let url = url.ok_or_else(|| refuse(ImageError::BadUrl))?;
    let is_signed = match raw("s") {
        None if imager.is_unsigned(&url) => false,
        None => return Err(refuse(ImageError::NotSigned)),
        Some(signature) => {
            let address = signed_url::unsigned(&options, &url);
            let verified = app
                .settings
                .image_keys
                .verify(&format!("{signature}/{address}"));
            verified.map_err(|_| refuse(ImageError::WrongSignature))?;
            true
        }
    };
    Ok(Asked {
        url,
        options,
        delivery,
        is_signed,
    })
}
