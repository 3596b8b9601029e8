//! The shape of the file: every key there is, what its value looks like, and its bounds.
//!
//! Invariant: nothing is filled in here. A key that isn't written is `None`; what that means is
//! decided in [`resolve`](super::resolve).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use url::Url;

use super::archive;
use super::bounds::{BODIES, DAY, HOUR, MEMORIES, MINUTE, NOTHING, SECOND, YEAR};
use super::full_text;
use super::image::{self, Image};
use super::image_proxy::{self, ImageProxy, ImageProxyKeys};
use super::mirror::{self, MIRRORS_MAX, Mirror};
use super::name::FeedName;
use super::raw::text;
use super::reader::{Table, Written};
use super::rules::RuleKeys;
use super::settings::LogFormat;
use super::shape::{Choice, ProxyUrl};
use super::store::{self, Store};
use super::texts;
use super::workers;
use crate::client::Network;
use crate::store::ITEMS_MAX;
use crate::upstream::{HostPort, ResolverKind};

/// Feeds that one configuration may have.
const FEEDS_MAX: usize = 10_000;
/// Proxies that may be trusted: each is compared with each hop of each request.
const TRUSTED_PROXIES_MAX: usize = 100;

const MILLISECOND: Duration = Duration::from_millis(1);
const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// Timeouts of a connection.
const TIMEOUTS: RangeInclusive<Duration> = MILLISECOND..=HOUR;
/// Items that a feed may be served with, those that fell out of it included.
const KEEP_ITEMS_MAX: u32 = ITEMS_MAX as u32;
/// Sizes of a request's head; hyper reads in steps of 8 KiB.
const HEADS: RangeInclusive<u64> = 8 << 10..=1 << 20;
/// Sizes of a request's path and query; hyper has none longer than 64 KiB.
const URLS: RangeInclusive<u64> = 1 << 10..=65_534;
/// Sizes of what waits in an HTTP/2 stream: one frame at least.
const HTTP2_BUFFERS: RangeInclusive<u64> = 16 << 10..=4 << 20;
/// Bytes that a reader must take in a second.
const RATES: RangeInclusive<u64> = 0..=1 << 30;

/// The configuration of Feedwright.
#[derive(JsonSchema)]
pub(super) struct File {
    /// The service's own socket and URLs.
    pub(super) server: Server,
    /// What is logged, and how.
    pub(super) log: Log,
    /// The data directory, and the memory and disk for what is cached.
    pub(super) store: Store,
    /// Limits of every fetch from a publisher.
    pub(super) fetch: Fetch,
    /// The image proxy of our own, `images = "builtin"`.
    pub(super) image: Image,
    /// Image proxies that `images` can name.
    #[schemars(rename = "image_proxy", with = "BTreeMap<String, ImageProxyKeys>")]
    pub(super) image_proxies: Vec<ImageProxy>,
    /// The processes that work on untrusted content.
    pub(super) workers: workers::Workers,
    /// Limits of full texts, of all feeds together.
    pub(super) full_text: full_text::LimitKeys,
    /// Where the archive of all feeds is, and its limits.
    pub(super) archive: archive::LimitKeys,
    /// What every feed does unless its `[[feed]]` says otherwise.
    pub(super) defaults: Shared,
    /// The feeds. Each takes every key of `[defaults]` as well.
    #[schemars(rename = "feed")]
    pub(super) feeds: Vec<Feed>,
    /// The mirrors: origins that are served under a prefix, byte for byte.
    #[schemars(rename = "mirror")]
    pub(super) mirrors: Vec<Mirror>,
}

/// `[server]`.
#[derive(JsonSchema)]
pub(super) struct Server {
    /// IP address and port to listen on. `0.0.0.0:8080` or `[::]:8080` for all interfaces.
    pub(super) listen: Option<Written<SocketAddr>>,
    /// The URL under which readers reach Feedwright. Every URL that it writes into a feed starts
    /// with it.
    pub(super) public_url: Option<Written<String>>,
    /// Connections open at the same time. Above it, the connection that has been idle for longest
    /// is closed.
    pub(super) connections_max: Option<Written<u32>>,
    /// Connections that one client may have: an IPv4 address or an IPv6 network of 64 bits.
    pub(super) client_connections_max: Option<Written<u32>>,
    /// Addresses or networks of the reverse proxies whose `X-Forwarded-For` or `Forwarded` names
    /// the client.
    pub(super) trusted_proxies: Option<Written<Vec<Network>>>,
    /// Size of a request's head. Above it, the answer is 431.
    pub(super) head_bytes_max: Option<Written<u64>>,
    /// Size of a request's path and query. Above it, the answer is 414.
    pub(super) url_bytes_max: Option<Written<u64>>,
    /// Requests under way at the same time on one HTTP/2 connection.
    pub(super) http2_streams_max: Option<Written<u32>>,
    /// Size of the part of an answer that waits in one HTTP/2 stream for its reader.
    pub(super) http2_buffer_bytes: Option<Written<u64>>,
    /// Time that a client may take to send the head of a request.
    pub(super) header_timeout: Option<Written<Duration>>,
    /// Time that a connection may stay open between two requests.
    pub(super) idle_timeout: Option<Written<Duration>>,
    /// Time that a reader may take less than `write_bytes_per_second_min` before it is cut off.
    pub(super) write_timeout: Option<Written<Duration>>,
    /// Bytes that a reader must take in a second, on average. `0B` for no limit.
    pub(super) write_bytes_per_second_min: Option<Written<u64>>,
    /// Memory for bodies under way: fetched, sent and uploaded. Without it a quarter of `[store]
    /// memory_bytes`, but no less than the default.
    pub(super) inflight_bytes: Option<Written<u64>>,
    /// Time that a shutdown waits for answers under way.
    pub(super) drain_timeout: Option<Written<Duration>>,
    /// Whether `/` lists the feeds.
    pub(super) index: Option<Written<bool>>,
}

/// `[log]`.
#[derive(JsonSchema)]
pub(super) struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace` or `off`, or directives per module:
    /// `info,hyper=warn`.
    pub(super) level: Option<Written<String>>,
    /// Format of a log line: text for people, or one JSON object.
    pub(super) format: Option<Written<LogFormat>>,
}

/// `[fetch]`.
#[derive(JsonSchema)]
pub(super) struct Fetch {
    /// Time for name lookup, connecting and TLS together; again for each redirect.
    pub(super) connect_timeout: Option<Written<Duration>>,
    /// Time from the request to the head of the answer; again for each redirect.
    pub(super) first_byte_timeout: Option<Written<Duration>>,
    /// Time between two pieces of the body.
    pub(super) idle_timeout: Option<Written<Duration>>,
    /// Time for the whole fetch with its redirects and the body.
    pub(super) total_timeout: Option<Written<Duration>>,
    /// Size of a body as it is sent.
    pub(super) body_bytes_max: Option<Written<u64>>,
    /// Size of a body once it is decompressed.
    pub(super) decoded_bytes_max: Option<Written<u64>>,
    /// Decompressed bytes per byte that was sent.
    pub(super) ratio_max: Option<Written<u32>>,
    /// Redirects that are followed, up to 5.
    pub(super) redirects_max: Option<Written<u32>>,
    /// Fetches of feeds at the same time from one host.
    pub(super) host_fetches_max: Option<Written<u32>>,
    /// Least time between the starts of two fetches of feeds from one host. `0s` for none.
    pub(super) host_spacing: Option<Written<Duration>>,
    /// Fetches at the same time that no reader waits for.
    pub(super) background_fetches_max: Option<Written<u32>>,
    /// `dns` looks names up by `/etc/resolv.conf` and `/etc/hosts`; `system` asks the C library.
    pub(super) resolver: Option<Written<ResolverKind>>,
    /// The `User-Agent` of every fetch.
    pub(super) user_agent: Option<Written<String>>,
}

/// What `[defaults]` and every `[[feed]]` may say. A text that is empty is `Some(None)`.
#[derive(JsonSchema)]
pub(super) struct Shared {
    #[schemars(flatten)]
    pub(super) rules: RuleKeys,
    #[schemars(flatten)]
    pub(super) full_text: full_text::FeedKeys,
    /// Whether each item is kept as a file, or a table that says where and how.
    pub(super) archive: archive::FeedKey,
    /// Items that the feed is served with, those included that fell out of the publisher's feed.
    /// `0` for the publisher's alone.
    pub(super) keep_items: Option<Written<u32>>,
    /// Time that a copy is fresh, unless the publisher or experience says otherwise.
    pub(super) refresh: Option<Written<Duration>>,
    /// The shortest time that a copy is fresh. Without it, `refresh`.
    pub(super) refresh_min: Option<Written<Duration>>,
    /// The longest time that a copy is fresh.
    pub(super) refresh_max: Option<Written<Duration>>,
    /// Time after a reader's last request during which the feed is refreshed in the background.
    /// `0s` to fetch it on request only.
    pub(super) active_for: Option<Written<Duration>>,
    /// Time that a reader waits for a refresh when there is a stale copy.
    pub(super) serve_stale_after: Option<Written<Duration>>,
    /// Time that a stale copy is served while the publisher's server fails.
    pub(super) stale_if_error: Option<Written<Duration>>,
    /// Time from a failed fetch to the next one. It doubles with each further failure.
    pub(super) retry_after_error: Option<Written<Duration>>,
    /// The `User-Agent` for this publisher, instead of the one in `[fetch]`.
    pub(super) user_agent: Option<Written<Option<String>>>,
    /// Request header fields for this publisher.
    pub(super) headers: Option<Written<Vec<(HeaderName, HeaderValue)>>>,
    /// The value of `Cookie` for this publisher.
    pub(super) cookies: Option<Written<Option<HeaderValue>>>,
    /// URL of an outbound proxy: `socks5://`, or `http://`, `https://` or `socks5h://` with
    /// `proxy_resolves`.
    #[schemars(with = "Option<Written<ProxyUrl>>")]
    pub(super) proxy: Option<Written<Option<Url>>>,
    /// Whether the outbound proxy may look names up, and so decide where they lead.
    pub(super) proxy_resolves: Option<Written<bool>>,
    /// Private addresses that may be fetched from, as `host:port`.
    pub(super) allow_private: Option<Written<Vec<HostPort>>>,
}

/// A `[[feed]]`.
#[derive(JsonSchema)]
pub(super) struct Feed {
    /// Name of the feed in its URL, `/feeds/NAME`: 1 to 64 of `a-z`, `0-9`, `.`, `_` and `-`.
    #[schemars(required)]
    pub(super) name: Option<Written<FeedName>>,
    /// The publisher's URL of the feed.
    #[schemars(required)]
    pub(super) url: Option<Written<Url>>,
    /// Name of the feed for people.
    pub(super) title: Option<Written<Option<String>>>,
    #[schemars(flatten)]
    pub(super) shared: Shared,
}

impl Choice for LogFormat {
    fn choices() -> Vec<(&'static str, Self)> {
        vec![("text", Self::Text), ("json", Self::Json)]
    }
}

impl Choice for ResolverKind {
    fn choices() -> Vec<(&'static str, Self)> {
        vec![("dns", Self::Dns), ("system", Self::System)]
    }
}

/// Reads the document.
pub(super) fn read(root: &mut Table<'_, '_>) -> File {
    File {
        server: root.table("server", read_server),
        log: root.table("log", read_log),
        store: root.table("store", store::read),
        fetch: root.table("fetch", read_fetch),
        image: root.table("image", image::read),
        image_proxies: image_proxy::read(root),
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
    Log {
        level: table.text("level", texts::log_level),
        format: table.choice("format"),
    }
}

fn read_fetch(table: &mut Table<'_, '_>) -> Fetch {
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
        resolver: table.choice("resolver"),
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
