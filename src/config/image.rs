//! `[image]`: whose images our own image proxy serves, how well, and within which limits.

use std::convert::Infallible;
use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;

use super::reader::{Table, Written};
use super::texts;
use crate::images::fetching::ImageProxyOptions;
use crate::images::processing::{PixelLimits, Quality};
use crate::images::signed_url::{KEYS_MAX, SigningKeys};
use crate::secret::Secret;
use crate::upstream::HostPort;

const SECONDS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);
const LASTING: RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(365 * 86_400);
const BODIES: RangeInclusive<u64> = 1 << 10..=256 << 20;
const WORK: RangeInclusive<u64> = 16 << 20..=64 << 30;
const PIXELS: RangeInclusive<u32> = 1_000_000..=1_000_000_000;

/// The keys as they are written.
#[derive(JsonSchema)]
pub(super) struct Image {
    /// The key that image URLs are signed with, of 16 bytes or more, or a list of which the first
    /// signs. Empty: one is made and kept in the data directory.
    pub(super) key: Option<Written<SigningKeys>>,
    /// A file with what is known of image hosts. Empty: `image-hosts.toml` beside this file, or
    /// what Feedwright comes with.
    pub(super) hosts: Option<Written<String>>,
    /// Hosts, each with all below it, whose images may be requested without a signature.
    unsigned_hosts: Option<Written<Vec<String>>>,
    /// Whether everybody may request every public image. That is an open proxy.
    open: Option<Written<bool>>,
    /// Private addresses that images may come from, as `host:port`.
    allow_private: Option<Written<Vec<HostPort>>>,
    /// Size of one image as it is sent.
    body_bytes_max: Option<Written<u64>>,
    /// Time for the whole fetch of an image.
    fetch_timeout: Option<Written<Duration>>,
    /// Fetches of images at the same time.
    fetches_max: Option<Written<u32>>,
    /// Fetches of images at the same time from one host.
    host_fetches_max: Option<Written<u32>>,
    /// Memory that images take while they are processed, all together.
    work_bytes: Option<Written<u64>>,
    /// Time from waiting for that memory to the finished image.
    work_timeout: Option<Written<Duration>>,
    /// Pixels of one image, all its frames together.
    pixels_max: Option<Written<u32>>,
    /// Frames of one image.
    frames_max: Option<Written<u32>>,
    /// Quality of JPEG where none is requested, 1 to 100.
    jpeg_quality: Option<Written<u32>>,
    /// Quality of WebP where none is requested, 1 to 100.
    webp_quality: Option<Written<u32>>,
    /// Effort that is put into WebP, 0 to 6.
    webp_effort: Option<Written<u32>>,
    /// Whether GIF and WebP stay animated where nothing is requested.
    animate: Option<Written<bool>>,
    /// Whether a URL without a scheme is `https`; otherwise it is `http`, as in weserv.
    https_first: Option<Written<bool>>,
    /// Whether every failure of a host is answered with 404, as in weserv.
    weserv_statuses: Option<Written<bool>>,
    /// Time that an image is fresh whose server does not say.
    fresh_for: Option<Written<Duration>>,
    /// Time beyond its freshness that an image is served while its server fails.
    stale_if_error: Option<Written<Duration>>,
}

/// Reads them.
pub(super) fn read(table: &mut Table<'_, '_>) -> Image {
    let keep = |text: &str| Ok::<_, Infallible>(text.to_owned());
    Image {
        key: read_keys(table),
        hosts: table.text("hosts", keep),
        unsigned_hosts: table.list("unsigned_hosts", texts::host_suffix),
        open: table.switch("open"),
        allow_private: table.list("allow_private", texts::host_port),
        body_bytes_max: table.size("body_bytes_max", BODIES),
        fetch_timeout: table.duration("fetch_timeout", SECONDS),
        fetches_max: table.count("fetches_max", 1..=4_096),
        host_fetches_max: table.count("host_fetches_max", 1..=256),
        work_bytes: table.size("work_bytes", WORK),
        work_timeout: table.duration("work_timeout", SECONDS),
        pixels_max: table.count("pixels_max", PIXELS),
        frames_max: table.count("frames_max", 1..=10_000),
        jpeg_quality: table.count("jpeg_quality", 1..=100),
        webp_quality: table.count("webp_quality", 1..=100),
        webp_effort: table.count("webp_effort", 0..=6),
        animate: table.switch("animate"),
        https_first: table.switch("https_first"),
        weserv_statuses: table.switch("weserv_statuses"),
        fresh_for: table.duration("fresh_for", LASTING),
        stale_if_error: table.duration("stale_if_error", Duration::ZERO..=*LASTING.end()),
    }
}

/// Reads `[image] key`: one secret, or a list of them.
fn read_keys(table: &mut Table<'_, '_>) -> Option<Written<SigningKeys>> {
    let found = table.secrets("key", KEYS_MAX, Secret::parse)?;
    match SigningKeys::new(found.value) {
        Ok(keys) => Some(Written {
            value: keys,
            spot: found.spot,
        }),
        Err(reason) => {
            table.refuse(found.spot, reason.to_string());
            None
        }
    }
}

/// What they mean.
pub(super) fn resolve(written: Image) -> ImageProxyOptions {
    let default = ImageProxyOptions::default();
    let pixels = written.pixels_max.map(|count| u64::from(count.value));
    let count = |written: Option<Written<u32>>, default: usize| {
        written.map_or(default, |written| written.value as usize)
    };
    let small = |count: Option<Written<u32>>, default: u8| {
        count
            .and_then(|count| u8::try_from(count.value).ok())
            .unwrap_or(default)
    };
    ImageProxyOptions {
        unsigned_hosts: value(written.unsigned_hosts).unwrap_or_default(),
        open: value(written.open).unwrap_or(default.open),
        allow_private: value(written.allow_private).unwrap_or_default(),
        body_bytes_max: value(written.body_bytes_max).unwrap_or(default.body_bytes_max),
        fetch_timeout: value(written.fetch_timeout).unwrap_or(default.fetch_timeout),
        fetches_max: count(written.fetches_max, default.fetches_max),
        host_fetches_max: count(written.host_fetches_max, default.host_fetches_max),
        work_bytes: value(written.work_bytes).unwrap_or(default.work_bytes),
        work_timeout: value(written.work_timeout).unwrap_or(default.work_timeout),
        limits: PixelLimits {
            input_pixels_max: pixels.unwrap_or(default.limits.input_pixels_max),
            output_pixels_max: pixels.unwrap_or(default.limits.output_pixels_max),
            frames_max: value(written.frames_max).unwrap_or(default.limits.frames_max),
        },
        quality: Quality {
            jpeg: small(written.jpeg_quality, default.quality.jpeg),
            webp: small(written.webp_quality, default.quality.webp),
            webp_effort: small(written.webp_effort, default.quality.webp_effort),
        },
        animate: value(written.animate).unwrap_or(default.animate),
        https_first: value(written.https_first).unwrap_or(default.https_first),
        weserv_statuses: value(written.weserv_statuses).unwrap_or(default.weserv_statuses),
        fresh_for: value(written.fresh_for).unwrap_or(default.fresh_for),
        stale_if_error: value(written.stale_if_error).unwrap_or(default.stale_if_error),
    }
}

fn value<T>(written: Option<Written<T>>) -> Option<T> {
    written.map(|written| written.value)
}
