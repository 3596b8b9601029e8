//! From what is written to what is meant: defaults, inheritance, and what keys say to each other.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::error::{SettingError, Spot};
use super::file::{Feed, Fetch, File, Log, Server, Shared};
use super::image_proxy::{BUILTIN, NONE};
use super::images::Proxies;
use super::intervals;
use super::name::FeedName;
use super::proxy;
use super::reader::Written;
use super::rules::pick;
use super::settings::{FeedSettings, LogSettings, ServerSettings, Settings};
use super::store::Store;
use crate::images::signed_url::SigningKeys;
use crate::rewrite::target::Images;
use crate::rewrite::{ImageRule, RuleOptions};
use crate::store;
use crate::upstream::{FetchOptions, Upstream, hosts};

/// Data directory, below the working directory.
const STORE_PATH: &str = "data";
const MEMORY_BYTES: u64 = 256 << 20;
/// `inflight_bytes` is `memory_bytes` divided by this, but at least its own default.
const INFLIGHT_PART: u64 = 4;
/// How long after its last reader a feed is kept fresh: `active_for`.
const ACTIVE_FOR: Duration = Duration::from_secs(7 * 86_400);
const BACKGROUND_FETCHES_MAX: usize = 8;
/// How long a reader waits before it gets a stale copy: `serve_stale_after`.
const SERVE_STALE_AFTER: Duration = Duration::from_secs(2);
/// How long a stale copy is served while fetching fails: `stale_if_error`.
const STALE_IF_ERROR: Duration = Duration::from_secs(7 * 86_400);
/// How long after a failed fetch the next one is tried: `retry_after_error`.
const RETRY_AFTER_ERROR: Duration = Duration::from_secs(60);

/// A path; `None` where it is empty.
fn path_of(written: Option<String>) -> Option<PathBuf> {
    written.filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Fills in what isn't written, and notes what contradicts itself.
pub(super) fn resolve(mut file: File, problems: &mut Vec<SettingError>) -> Settings {
    // Without it readers may not be able to reach us.
    let is_reachable = file.server.public_url.is_some();
    let memory_bytes = value(file.store.memory_bytes.take()).unwrap_or(MEMORY_BYTES);
    let server = server(file.server, memory_bytes);
    let proxies = Proxies(file.image_proxies);
    let shared = file.feeds.iter().map(|feed| &feed.shared);
    for shared in shared.chain([&file.defaults]) {
        problems.extend(proxies.check(&shared.rules));
    }
    // What no feed inherits is looked at all the same.
    let mut unfit = Vec::new();
    let no_feed = (&file.defaults.rules, NONE);
    proxies.resolve(&file.defaults.rules, no_feed, &mut unfit);
    check_names(&file.feeds, problems);
    let tables = file.feeds.iter().map(|feed| &feed.shared);
    problems.extend(tables.chain([&file.defaults]).filter_map(intervals::check));
    check_proxies(&file.feeds, &file.defaults, problems);
    let feeds = file
        .feeds
        .into_iter()
        .filter_map(|feed| {
            let private = feed.shared.allow_private.as_ref();
            let private = private.or(file.defaults.allow_private.as_ref());
            // Images of a feed in a private network are there, too, and our proxy must not fetch them.
            let is_private = private.is_some_and(|hosts| !hosts.value.is_empty());
            let unsaid = match is_reachable && !is_private {
                true => BUILTIN,
                false => NONE,
            };
            let defaults = (&file.defaults.rules, unsaid);
            let images = proxies.resolve(&feed.shared.rules, defaults, &mut unfit);
            unfit.extend(proxies.check_media(&feed.shared.rules, defaults));
            feed_settings(feed, &file.defaults, images, &server)
        })
        .collect();
    // Every feed that inherits a rule finds the same wrong with it.
    for problem in unfit {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    let store_limits = super::store::resolve(&file.store);
    let mut written = file.image;
    let image_keys = value(written.key.take()).unwrap_or_default();
    let mut settings = Settings {
        image_hosts: path_of(value(written.hosts.take())),
        image: super::image::resolve(written),
        image_keys: SigningKeys::default(),
        log: log(file.log),
        store_limits,
        store: store(&file.store, store_limits),
        memory_bytes,
        hosts: hosts(&file.fetch),
        background_fetches_max: value(file.fetch.background_fetches_max.take())
            .map_or(BACKGROUND_FETCHES_MAX, |count| count as usize),
        resolver: value(file.fetch.resolver.take()).unwrap_or_default(),
        fetch: fetch(file.fetch),
        workers: super::workers::resolve(file.workers),
        full_text: super::full_text::resolve_limits(file.full_text),
        archive: super::archive::resolve_limits(file.archive),
        feeds,
        mirrors: super::mirror::resolve(file.mirrors, problems),
        server,
    };
    settings.set_image_keys(image_keys);
    settings.note_proxies();
    settings
}

fn server(written: Server, memory_bytes: u64) -> ServerSettings {
    let default = ServerSettings::default();
    let listen = value(written.listen).unwrap_or(default.listen);
    ServerSettings {
        listen,
        public_url: value(written.public_url)
            .unwrap_or_else(|| format!("http://{}", reachable(listen))),
        connections_max: value(written.connections_max)
            .map_or(default.connections_max, |count| count as usize),
        client_connections_max: value(written.client_connections_max)
            .map_or(default.client_connections_max, |count| count as usize),
        trusted_proxies: value(written.trusted_proxies).unwrap_or_default(),
        head_bytes_max: value(written.head_bytes_max)
            .map_or(default.head_bytes_max, |bytes| bytes as u32),
        url_bytes_max: value(written.url_bytes_max)
            .map_or(default.url_bytes_max, |bytes| bytes as usize),
        http2_streams_max: value(written.http2_streams_max).unwrap_or(default.http2_streams_max),
        http2_buffer_bytes: value(written.http2_buffer_bytes)
            .map_or(default.http2_buffer_bytes, |bytes| bytes as usize),
        header_timeout: value(written.header_timeout).unwrap_or(default.header_timeout),
        idle_timeout: value(written.idle_timeout).unwrap_or(default.idle_timeout),
        write_timeout: value(written.write_timeout).unwrap_or(default.write_timeout),
        write_bytes_per_second_min: value(written.write_bytes_per_second_min)
            .unwrap_or(default.write_bytes_per_second_min),
        inflight_bytes: value(written.inflight_bytes)
            .unwrap_or((memory_bytes / INFLIGHT_PART).max(default.inflight_bytes)),
        drain_timeout: value(written.drain_timeout).unwrap_or(default.drain_timeout),
        index: value(written.index).unwrap_or(default.index),
    }
}

/// An address that a reader can connect to: this machine's for `0.0.0.0` and `[::]`.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn log(written: Log) -> LogSettings {
    let default = LogSettings::default();
    LogSettings {
        level: value(written.level).unwrap_or(default.level),
        format: value(written.format).unwrap_or(default.format),
    }
}

fn store(written: &Store, limits: store::StoreLimits) -> Option<store::StoreOptions> {
    let path = written.path.as_ref().map(|path| path.value.as_str());
    let default = store::StoreOptions::at(path.unwrap_or(STORE_PATH));
    (path != Some("")).then_some(store::StoreOptions { limits, ..default })
}

fn fetch(written: Fetch) -> FetchOptions {
    let default = FetchOptions::default();
    FetchOptions {
        connect_timeout: value(written.connect_timeout).unwrap_or(default.connect_timeout),
        first_byte_timeout: value(written.first_byte_timeout).unwrap_or(default.first_byte_timeout),
        idle_timeout: value(written.idle_timeout).unwrap_or(default.idle_timeout),
        total_timeout: value(written.total_timeout).unwrap_or(default.total_timeout),
        body_bytes_max: value(written.body_bytes_max).unwrap_or(default.body_bytes_max),
        decoded_bytes_max: value(written.decoded_bytes_max).unwrap_or(default.decoded_bytes_max),
        ratio_max: value(written.ratio_max).unwrap_or(default.ratio_max),
        redirects_max: value(written.redirects_max).unwrap_or(default.redirects_max),
        user_agent: value(written.user_agent).unwrap_or(default.user_agent),
        request: default.request,
        proxies: default.proxies,
    }
}

fn hosts(written: &Fetch) -> hosts::HostOptions {
    let default = hosts::HostOptions::default();
    hosts::HostOptions {
        fetches_max: written
            .host_fetches_max
            .as_ref()
            .map_or(default.fetches_max, |count| count.value as usize),
        spacing: written
            .host_spacing
            .as_ref()
            .map_or(default.spacing, |spacing| spacing.value),
        ..default
    }
}

/// One feed; `None` without a name or URL, which was noted.
fn feed_settings(
    feed: Feed,
    defaults: &Shared,
    (images, image_rules): (Option<Images>, Vec<ImageRule>),
    server: &ServerSettings,
) -> Option<FeedSettings> {
    let name = value(feed.name)?;
    let url = value(feed.url)?;
    let own = feed.shared;
    let intervals = intervals::resolve(&own, defaults);
    Some(FeedSettings {
        title: value(feed.title).flatten(),
        upstream: Upstream {
            url,
            user_agent: pick(own.user_agent, &defaults.user_agent).flatten(),
            headers: pick(own.headers, &defaults.headers).unwrap_or_default(),
            cookies: pick(own.cookies, &defaults.cookies).flatten(),
            proxy: pick(own.proxy, &defaults.proxy).flatten(),
            allow_private: pick(own.allow_private, &defaults.allow_private).unwrap_or_default(),
        },
        full_text: pick(own.full_text.full_text, &defaults.full_text.full_text).flatten(),
        archive: pick(own.archive, &defaults.archive).flatten(),
        keep_items: pick(own.keep_items, &defaults.keep_items).unwrap_or(0) as usize,
        rules: RuleOptions {
            feed_name: name.to_string(),
            images,
            image_rules,
            self_url: format!("{}/feeds/{name}", server.public_url),
            public_url: server.public_url.clone(),
            figure: pick(own.full_text.figure, &defaults.full_text.figure).flatten(),
            ..super::rules::resolve(own.rules, &defaults.rules)
        },
        refresh: intervals.refresh,
        refresh_min: intervals.min,
        refresh_max: intervals.max,
        active_for: pick(own.active_for, &defaults.active_for).unwrap_or(ACTIVE_FOR),
        serve_stale_after: pick(own.serve_stale_after, &defaults.serve_stale_after)
            .unwrap_or(SERVE_STALE_AFTER),
        stale_if_error: pick(own.stale_if_error, &defaults.stale_if_error)
            .unwrap_or(STALE_IF_ERROR),
        retry_after_error: pick(own.retry_after_error, &defaults.retry_after_error)
            .unwrap_or(RETRY_AFTER_ERROR),
        name,
    })
}

/// Notes what is wrong with the outbound proxies of feeds and of what they inherit.
fn check_proxies(feeds: &[Feed], defaults: &Shared, problems: &mut Vec<SettingError>) {
    let inherited = (defaults.proxy.as_ref(), defaults.proxy_resolves.as_ref());
    proxy::check(inherited.0, inherited.1, problems);
    for own in feeds.iter().map(|feed| &feed.shared) {
        let url = own.proxy.as_ref().or(inherited.0);
        let resolves = own.proxy_resolves.as_ref().or(inherited.1);
        proxy::check(url, resolves, problems);
    }
}

/// Notes names that two feeds have.
fn check_names(feeds: &[Feed], problems: &mut Vec<SettingError>) {
    let mut seen: HashMap<&FeedName, &Spot> = HashMap::new();
    for name in feeds.iter().filter_map(|feed| feed.name.as_ref()) {
        match seen.get(&name.value) {
            Some(first) => problems.push(
                SettingError::new(name.spot.clone(), "another feed has this name")
                    .with_first(&first.place),
            ),
            None => {
                seen.insert(&name.value, &name.spot);
            }
        }
    }
}

fn value<T>(written: Option<Written<T>>) -> Option<T> {
    written.map(|written| written.value)
}
