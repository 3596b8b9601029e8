//! Parses a request for an image and checks whether it is allowed.

use url::Url;

use crate::app::App;
use crate::images::delivery::{ErrorRedirect, ImageDelivery};
use crate::images::fetching::ImageError;
use crate::images::options::UrlOptions;
use crate::images::signed_url;
use crate::images::source_url;

/// A request that is allowed.
pub(super) struct ParsedRequest {
    pub(super) url: Url,
    pub(super) options: UrlOptions,
    pub(super) delivery: ImageDelivery,
    /// The meaning of a signed URL never changes.
    pub(super) is_signed: bool,
}

/// A request that is refused, and where the client is redirected instead, where that is allowed.
pub(super) struct RefusedRequest {
    pub(super) error: ImageError,
    pub(super) instead: Option<Url>,
}

impl From<ImageError> for RefusedRequest {
    fn from(error: ImageError) -> Self {
        Self {
            error,
            instead: None,
        }
    }
}

/// Parses and verifies a signed image URL.
pub(super) fn from_signed_url(app: &App, signed: &str) -> Result<ParsedRequest, RefusedRequest> {
    app.settings
        .image_keys
        .verify(signed)
        .map(|signed| ParsedRequest {
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

/// Parses a query in weserv's language, and verifies its signature where it has one.
pub(super) fn from_query(app: &App, query: &str) -> Result<ParsedRequest, RefusedRequest> {
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
        // The request is not verified.
        let instead = delivery.default.clone().and_then(|instead| match instead {
            ErrorRedirect::Original => None,
            ErrorRedirect::Url(url) => Some(url).filter(|url| imager.may_lead_to(url, false)),
        });
        RefusedRequest { error, instead }
    };
    let value = raw("url").ok_or_else(|| refuse(ImageError::NoUrl))?;
    let url = source_url::parse(value, imager.options().https_first);
    let url = url.ok_or_else(|| refuse(ImageError::BadUrl))?;
    let is_signed = match raw("s") {
        None if imager.is_unsigned(&url) => false,
        None => return Err(refuse(ImageError::NotSigned)),
        Some(signature) => {
            let signed = signed_url::unsigned(&options, &url);
            let verified = app
                .settings
                .image_keys
                .verify(&format!("{signature}/{signed}"));
            verified.map_err(|_| refuse(ImageError::WrongSignature))?;
            true
        }
    };
    Ok(ParsedRequest {
        url,
        options,
        delivery,
        is_signed,
    })
}
