//! `sign`: the signed address of an image at our own image proxy.

use std::io::Write;
use std::process::ExitCode;

use crate::app::{KeyLife, provide_image_key};
use crate::config::Settings;
use crate::images::options::UrlOptions;
use crate::images::signed_url::{UrlSigner, normal};

/// Prints the address; exit code 2 when the URL or the options are no good.
pub(super) fn sign(mut settings: Settings, url: &str, options: &str) -> anyhow::Result<ExitCode> {
    let (url, options) = match (normal(url), UrlOptions::parse(options)) {
        (Ok(url), Ok(options)) => (url, options),
        (url, options) => {
            let url = url.err().map(|error| error.to_string());
            let options = options.err().map(|error| error.to_string());
            for reason in [url, options].into_iter().flatten() {
                super::print_error(&format!("error: {reason}"));
            }
            return Ok(ExitCode::from(2));
        }
    };
    if settings.image_keys.is_empty() {
        match provide_image_key(&mut settings)? {
            KeyLife::Kept => {}
            KeyLife::Lost(None) => super::warn_of_lost_key(None),
            KeyLife::Lost(Some(error)) => return Err(error.into()),
        }
    }
    let signer = UrlSigner::new(&settings.image_keys, &settings.server.public_url, &options);
    let address = signer.map(|signer| signer.sign(url.as_str()));
    writeln!(std::io::stdout().lock(), "{}", address.unwrap_or_default())?;
    Ok(ExitCode::SUCCESS)
}
