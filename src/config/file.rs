//! The shape of the file: every key there is, what its value looks like, and its bounds.
//!
//! Invariant: nothing is filled in here. A key that isn't written is `None`; what that means is
//! decided in [`resolve`](super::resolve).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use url::Url;

use super::archive;
use super::full_text;
use super::image::{self, Image};
use super::images::{self, ImageProxy};
use super::mirror::{self, MIRRORS_MAX, Mirror};
use super::reader::{Table, Written};
use super::rules::RuleKeys;
use super::settings::{FeedName, LogFormat};
use super::store::{self, Store};
use super::texts;
use super::values::text;
use super::workers;
use crate::client::Network;
use crate::store::ITEMS_MAX;
use crate::upstream::{HostPort, ResolverKind};

/// Feeds that one configuration may have.
const FEEDS_MAX: usize = 10_000;
/// Each of them is looked at for each hop of each request.
const TRUSTED_PROXIES_MAX: usize = 100;

pub(super) const NOTHING: Duration = Duration::ZERO;
const MILLISECOND: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3_600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
const MONTH: Duration = Duration::from_secs(30 * 86_400);
pub(super) const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Any timeout on a connection.
const TIMEOUTS: RangeInclusive<Duration> = MILLISECOND..=HOUR;
/// Any body.
pub(super) const BODIES: RangeInclusive<u64> = 1 << 10..=1 << 30;
/// The cache.
pub(super) const MEMORIES: RangeInclusive<u64> = 1 << 20..=1 << 40;
/// The most items that a feed may be served with, those that fell out of it included.
const KEEP_ITEMS_MAX: u32 = ITEMS_MAX as u32;
/// A request's head; hyper reads in steps of 8 KiB.
const HEADS: RangeInclusive<u64> = 8 << 10..=1 << 20;
/// A request's path and query; hyper has none longer than 64 KiB.
const URLS: RangeInclusive<u64> = 1 << 10..=65_534;
/// What waits in a stream of HTTP/2, one frame at least.
const HTTP2_BUFFERS: RangeInclusive<u64> = 16 << 10..=4 << 20;
/// What a reader must take in a second.
const RATES: RangeInclusive<u64> = 0..=1 << 30;

pub(super) struct File {
    pub(super) server: Server,
    pub(super) log: Log,
    pub(super) store: Store,
    pub(super) fetch: Fetch,
    pub(super) image: Image,
    pub(super) image_proxies: Vec<ImageProxy>,
    pub(super) workers: workers::Workers,
    pub(super) full_text: full_text::LimitKeys,
    pub(super) archive: archive::LimitKeys,
    pub(super) defaults: Shared,
    pub(super) feeds: Vec<Feed>,
    pub(super) mirrors: Vec<Mirror>,
}

pub(super) struct Server {
    pub(super) listen: Option<Written<SocketAddr>>,
    pub(super) public_url: Option<Written<String>>,
    pub(super) connections_max: Option<Written<u32>>,
    pub(super) client_connections_max: Option<Written<u32>>,
    pub(super) trusted_proxies: Option<Written<Vec<Network>>>,
    pub(super) head_bytes_max: Option<Written<u64>>,
    pub(super) url_bytes_max: Option<Written<u64>>,
    pub(super) http2_streams_max: Option<Written<u32>>,
    pub(super) http2_buffer_bytes: Option<Written<u64>>,
    pub(super) header_timeout: Option<Written<Duration>>,
    pub(super) idle_timeout: Option<Written<Duration>>,
    pub(super) write_timeout: Option<Written<Duration>>,
    pub(super) write_bytes_per_second_min: Option<Written<u64>>,
    pub(super) inflight_bytes: Option<Written<u64>>,
    pub(super) drain_timeout: Option<Written<Duration>>,
    pub(super) index: Option<Written<bool>>,
}

pub(super) struct Log {
    pub(super) level: Option<Written<String>>,
    pub(super) format: Option<Written<LogFormat>>,
}

pub(super) struct Fetch {
    pub(super) connect_timeout: Option<Written<Duration>>,
    pub(super) first_byte_timeout: Option<Written<Duration>>,
    pub(super) idle_timeout: Option<Written<Duration>>,
    pub(super) total_timeout: Option<Written<Duration>>,
    pub(super) body_bytes_max: Option<Written<u64>>,
    pub(super) decoded_bytes_max: Option<Written<u64>>,
    pub(super) ratio_max: Option<Written<u32>>,
    pub(super) redirects_max: Option<Written<u32>>,
    pub(super) host_fetches_max: Option<Written<u32>>,
    pub(super) host_spacing: Option<Written<Duration>>,
    pub(super) background_fetches_max: Option<Written<u32>>,
    pub(super) resolver: Option<Written<ResolverKind>>,
    pub(super) user_agent: Option<Written<String>>,
}

/// What `[defaults]` and every `[[feed]]` may say. Texts that may be empty are `Some(None)` then.
pub(super) struct Shared {
    pub(super) rules: RuleKeys,
    pub(super) full_text: full_text::FeedKeys,
    pub(super) archive: archive::FeedKey,
    pub(super) keep_items: Option<Written<u32>>,
    pub(super) refresh: Option<Written<Duration>>,
    pub(super) refresh_min: Option<Written<Duration>>,
    pub(super) refresh_max: Option<Written<Duration>>,
    pub(super) active_for: Option<Written<Duration>>,
    pub(super) serve_stale_after: Option<Written<Duration>>,
    pub(super) stale_if_error: Option<Written<Duration>>,
    pub(super) retry_after_error: Option<Written<Duration>>,
    pub(super) user_agent: Option<Written<Option<String>>>,
    pub(super) headers: Option<Written<Vec<(HeaderName, HeaderValue)>>>,
    pub(super) cookies: Option<Written<Option<HeaderValue>>>,
    pub(super) proxy: Option<Written<Option<Url>>>,
    pub(super) proxy_resolves: Option<Written<bool>>,
    pub(super) allow_private: Option<Written<Vec<HostPort>>>,
}

pub(super) struct Feed {
    pub(super) name: Option<Written<FeedName>>,
    pub(super) url: Option<Written<Url>>,
    pub(super) title: Option<Written<Option<String>>>,
    pub(super) shared: Shared,
}

/// Reads the document.
pub(super) fn read(root: &mut Table<'_, '_>) -> File {
    File {
        server: root.table("server", read_server),
        log: root.table("log", read_log),
        store: root.table("store", store::read),
        fetch: root.table("fetch", read_fetch),
        image: root.table("image", image::read),
        image_proxies: images::read_proxies(root),
        workers: root.table("workers", workers::read),
        full_text: root.table("full_text", full_text::read_limits),
        archive: root.table("archive", archive::read_limits),
        defaults: root.table("defaults", read_shared),
        feeds: root.tables("feed", FEEDS_MAX, read_feed),
        mirrors: root.tables("mirror", MIRRORS_MAX, mirror::read),
    }
}

fn read_server(table: &mut Table<'_, '_>) -> Server {
    table.mask_credentials("public_url");
    Server {
        listen: table.text("listen", texts::socket_address),
        public_url: table.text("public_url", texts::public_url),
        connections_max: table.count("connections_max", 1..=1_000_000),
        client_connections_max: table.count("client_connections_max", 1..=1_000_000),
        trusted_proxies: table.list_max(
            "trusted_proxies",
            TRUSTED_PROXIES_MAX,
            str::parse::<Network>,
        ),
        head_bytes_max: table.size("head_bytes_max", HEADS),
        url_bytes_max: table.size("url_bytes_max", URLS),
        http2_streams_max: table.count("http2_streams_max", 1..=1_000),
        http2_buffer_bytes: table.size("http2_buffer_bytes", HTTP2_BUFFERS),
        header_timeout: table.duration("header_timeout", TIMEOUTS),
        idle_timeout: table.duration("idle_timeout", TIMEOUTS),
        write_timeout: table.duration("write_timeout", TIMEOUTS),
        write_bytes_per_second_min: table.size("write_bytes_per_second_min", RATES),
        inflight_bytes: table.size("inflight_bytes", MEMORIES),
        drain_timeout: table.duration("drain_timeout", NOTHING..=HOUR),
        index: table.switch("index"),
    }
}

fn read_log(table: &mut Table<'_, '_>) -> Log {
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    Log {
        level: table.text("level", texts::log_level),
        format: table.choice("format", &formats),
    }
}

fn read_fetch(table: &mut Table<'_, '_>) -> Fetch {
    let resolvers = [("dns", ResolverKind::Dns), ("system", ResolverKind::System)];
    Fetch {
        connect_timeout: table.duration("connect_timeout", TIMEOUTS),
        first_byte_timeout: table.duration("first_byte_timeout", TIMEOUTS),
        idle_timeout: table.duration("idle_timeout", TIMEOUTS),
        total_timeout: table.duration("total_timeout", TIMEOUTS),
        body_bytes_max: table.size("body_bytes_max", BODIES),
        decoded_bytes_max: table.size("decoded_bytes_max", BODIES),
        ratio_max: table.count("ratio_max", 1..=100_000),
        redirects_max: table.count("redirects_max", 0..=5),
        host_fetches_max: table.count("host_fetches_max", 1..=64),
        host_spacing: table.duration("host_spacing", NOTHING..=MINUTE),
        background_fetches_max: table.count("background_fetches_max", 1..=256),
        resolver: table.choice("resolver", &resolvers),
        user_agent: table.text("user_agent", texts::user_agent),
    }
}

fn read_feed(table: &mut Table<'_, '_>) -> Feed {
    table.name_feed();
    table.mask_credentials("url");
    Feed {
        name: table.required("name", text(FeedName::parse)),
        url: table.required("url", text(texts::feed_url)),
        title: table.optional_text("title", keep),
        shared: read_shared(table),
    }
}

fn read_shared(table: &mut Table<'_, '_>) -> Shared {
    let cookies = |text: &str| texts::header_value(text).map(super::secret::secret_header);
    Shared {
        rules: super::rules::read(table),
        full_text: full_text::read(table),
        archive: archive::read(table),
        keep_items: table.count("keep_items", 0..=KEEP_ITEMS_MAX),
        refresh: table.duration("refresh", SECOND..=MONTH),
        refresh_min: table.duration("refresh_min", SECOND..=MONTH),
        refresh_max: table.duration("refresh_max", SECOND..=MONTH),
        active_for: table.duration("active_for", NOTHING..=YEAR),
        serve_stale_after: table.duration("serve_stale_after", NOTHING..=MINUTE),
        stale_if_error: table.duration("stale_if_error", NOTHING..=YEAR),
        retry_after_error: table.duration("retry_after_error", SECOND..=DAY),
        user_agent: table.optional_text("user_agent", texts::user_agent),
        headers: table.headers(),
        cookies: table.secret("cookies", cookies),
        proxy: table.secret("proxy", texts::proxy_url),
        proxy_resolves: table.switch("proxy_resolves"),
        allow_private: table.list("allow_private", texts::host_port),
    }
}

fn keep(text: &str) -> Result<String, Infallible> {
    Ok(text.to_owned())
}
