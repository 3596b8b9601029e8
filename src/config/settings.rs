//! Validated settings: what the program needs, in the types it needs.
//!
//! Invariant: whoever holds a `Settings` need not check anything again.

use std::fmt::{self, Formatter};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::mirror::MirrorSettings;
use super::name::FeedName;
use crate::archive;
use crate::client::Network;
use crate::fulltext;
use crate::images::fetching::ImageProxyOptions;
use crate::images::signed_url::SigningKeys;
use crate::rewrite::RuleOptions;
use crate::store;
use crate::upstream::{FetchOptions, ProxyUser, ResolverKind, Upstream, hosts};
use crate::workers::WorkerOptions;

/// Everything that is configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The service's own socket, URLs and limits of connections.
    pub server: ServerSettings,
    /// What is logged, and how.
    pub log: LogSettings,
    /// Where what outlives the process is; `None` where nothing does.
    pub store: Option<store::StoreOptions>,
    /// How much the store may take, and whose shares of it and of memory are whose.
    pub store_limits: store::StoreLimits,
    /// The configured keys that image URLs are signed with.
    pub image_keys: SigningKeys,
    /// Options of our own image proxy.
    pub image: ImageProxyOptions,
    /// The file of rules for image hosts; `None` for the built-in one.
    pub image_hosts: Option<PathBuf>,
    /// Bytes of memory that cached copies may fill.
    pub memory_bytes: u64,
    /// Limits of every fetch.
    pub fetch: FetchOptions,
    /// Politeness towards the publishers' hosts.
    pub hosts: hosts::HostOptions,
    /// Fetches at the same time that no reader waits for.
    pub background_fetches_max: usize,
    /// Who resolves names.
    pub resolver: ResolverKind,
    /// The processes that work on untrusted content.
    pub workers: WorkerOptions,
    /// Limits of full texts.
    pub full_text: fulltext::FullTextLimits,
    /// Where the archive is, and its limits.
    pub archive: archive::ArchiveLimits,
    /// The feeds, in the order of the file; names are unique.
    pub feeds: Vec<FeedSettings>,
    /// The mirrors, in the order of the file; names are unique.
    pub mirrors: Vec<MirrorSettings>,
}

impl Settings {
    /// Whether URLs are to be signed and no key is configured: then the data directory's is needed.
    #[must_use]
    pub fn lacks_image_key(&self) -> bool {
        self.image_keys.is_empty() && self.feeds.iter().any(|feed| feed.rules.signs_urls())
    }

    /// No fetch may lead to a proxy that feeds and mirrors go through.
    pub(super) fn note_proxies(&self) {
        let feeds = self.feeds.iter().map(|feed| &feed.upstream);
        let mirrors = self.mirrors.iter().map(|mirror| &mirror.upstream);
        let proxies = feeds
            .chain(mirrors)
            .filter_map(|upstream| upstream.proxy.as_ref());
        self.fetch.proxies.set(ProxyUser::Settings, proxies);
    }

    /// Replaces the settings `before` in a running service, whose fetches go on.
    pub fn take_over_fetch(&mut self, before: &Self) {
        self.fetch.proxies = before.fetch.proxies.clone();
        self.note_proxies();
    }

    /// Signs with these keys from now on.
    pub fn set_image_keys(&mut self, keys: SigningKeys) {
        for feed in &mut self.feeds {
            // Another feed's copies would only become void by a new key.
            if feed.rules.signs_urls() {
                feed.rules.image_keys = keys.clone();
            }
        }
        self.image_keys = keys;
    }
}

/// The service's own socket, URLs and limits of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// Where we listen.
    pub listen: SocketAddr,
    /// Start of every URL that we write: absolute, http or https, no slash at the end.
    pub public_url: String,
    /// Connections open at the same time; another one replaces one that is idle.
    pub connections_max: usize,
    /// Of these, how many one client may have; requests under way where it comes through a proxy.
    pub client_connections_max: usize,
    /// Whose `Forwarded` and `X-Forwarded-For` say who a client is.
    pub trusted_proxies: Vec<Network>,
    /// Bytes of one request's head.
    pub head_bytes_max: u32,
    /// Bytes of its path and query.
    pub url_bytes_max: usize,
    /// Requests at once on one HTTP/2 connection.
    pub http2_streams_max: u32,
    /// Bytes of a reply's body that wait in one HTTP/2 stream for its reader.
    pub http2_buffer_bytes: usize,
    /// From a connection's (or the next request's) first byte to the end of the request's head.
    pub header_timeout: Duration,
    /// Between two requests on one connection.
    pub idle_timeout: Duration,
    /// How long a reader may take fewer bytes than [`write_bytes_per_second_min`] allows.
    ///
    /// [`write_bytes_per_second_min`]: Self::write_bytes_per_second_min
    pub write_timeout: Duration,
    /// The rate, averaged over [`write_timeout`](Self::write_timeout), that a reader must keep.
    pub write_bytes_per_second_min: u64,
    /// Bytes of bodies that are under way: fetched, played and uploaded.
    pub inflight_bytes: u64,
    /// How long a shutdown waits for replies under way.
    pub drain_timeout: Duration,
    /// Whether `/` lists the feeds.
    pub index: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
        Self {
            listen,
            public_url: format!("http://{listen}"),
            connections_max: 10_000,
            client_connections_max: 256,
            trusted_proxies: Vec::new(),
            head_bytes_max: 32 << 10,
            url_bytes_max: 16 << 10,
            http2_streams_max: 100,
            http2_buffer_bytes: 32 << 10,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            write_bytes_per_second_min: 1 << 10,
            inflight_bytes: 64 << 20,
            drain_timeout: Duration::from_secs(30),
            index: true,
        }
    }
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// Directives of tracing's `EnvFilter`, known to parse: `info`, `info,hyper=warn`.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: LogFormat::Text,
        }
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// One feed.
#[derive(Clone, PartialEq, Eq)]
pub struct FeedSettings {
    /// Its name in our URLs.
    pub name: FeedName,
    /// Its title for people.
    pub title: Option<String>,
    /// Its URL, and how it is fetched.
    pub upstream: Upstream,
    /// Its rules.
    pub rules: RuleOptions,
    /// How it gets its full texts; `None` for none.
    pub full_text: Option<fulltext::FullTextOptions>,
    /// How its items are kept as files; `None` for not at all.
    pub archive: Option<archive::ArchiveOptions>,
    /// The items that are served, those that fell out of the upstream included; 0 for its own
    /// alone.
    pub keep_items: usize,
    /// How long a copy is fresh when neither its publisher nor experience says otherwise.
    pub refresh: Duration,
    /// The shortest time that a copy is fresh, whoever says otherwise; no longer than `refresh`.
    pub refresh_min: Duration,
    /// The longest; no shorter than `refresh`.
    pub refresh_max: Duration,
    /// How long after a reader asked the feed is kept fresh; zero: it is fetched when it is asked
    /// for.
    pub active_for: Duration,
    /// How long a reader waits for a refresh when there is a stale copy.
    pub serve_stale_after: Duration,
    /// How long a stale copy is served while upstream fails.
    pub stale_if_error: Duration,
    /// How long after a failed fetch the next one is tried.
    pub retry_after_error: Duration,
}

/// Without the upstream's headers, cookies and proxy, which are secrets.
impl fmt::Debug for FeedSettings {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedSettings")
            .field("name", &self.name)
            .field("title", &self.title)
            .field("url", &self.upstream.url.as_str())
            .field("rules", &self.rules)
            .field("full_text", &self.full_text)
            .field("archive", &self.archive)
            .field("keep_items", &self.keep_items)
            .field("refresh", &self.refresh)
            .field("refresh_min", &self.refresh_min)
            .field("refresh_max", &self.refresh_max)
            .field("active_for", &self.active_for)
            .field("serve_stale_after", &self.serve_stale_after)
            .field("stale_if_error", &self.stale_if_error)
            .field("retry_after_error", &self.retry_after_error)
            .finish_non_exhaustive()
    }
}
