//! `[image]`: whose images our own image proxy serves, how well, and within which limits.

use std::convert::Infallible;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::images;
use super::reader::{Table, Written};
use super::texts;
use crate::images::fetching::ImageProxyOptions;
use crate::images::processing::{PixelLimits, Quality};
use crate::images::signed_url::SigningKeys;
use crate::upstream::HostPort;

const SECONDS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);
const LASTING: RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(365 * 86_400);
const BODIES: RangeInclusive<u64> = 1 << 10..=256 << 20;
const WORK: RangeInclusive<u64> = 16 << 20..=64 << 30;
const PIXELS: RangeInclusive<u32> = 1_000_000..=1_000_000_000;

/// The keys as they are written.
pub(super) struct Image {
    pub(super) key: Option<Written<SigningKeys>>,
    pub(super) hosts: Option<Written<String>>,
    unsigned_hosts: Option<Written<Vec<String>>>,
    open: Option<Written<bool>>,
    allow_private: Option<Written<Vec<HostPort>>>,
    body_bytes_max: Option<Written<u64>>,
    fetch_timeout: Option<Written<Duration>>,
    fetches_max: Option<Written<u32>>,
    host_fetches_max: Option<Written<u32>>,
    work_bytes: Option<Written<u64>>,
    work_timeout: Option<Written<Duration>>,
    pixels_max: Option<Written<u32>>,
    frames_max: Option<Written<u32>>,
    jpeg_quality: Option<Written<u32>>,
    webp_quality: Option<Written<u32>>,
    webp_effort: Option<Written<u32>>,
    animate: Option<Written<bool>>,
    https_first: Option<Written<bool>>,
    weserv_statuses: Option<Written<bool>>,
    fresh_for: Option<Written<Duration>>,
    stale_if_error: Option<Written<Duration>>,
}

/// Reads them.
pub(super) fn read(table: &mut Table<'_, '_>) -> Image {
    let keep = |text: &str| Ok::<_, Infallible>(text.to_owned());
    Image {
        key: images::read_keys(table),
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
