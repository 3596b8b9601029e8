//! The default of every key, as the settings have it that no configuration makes.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::config::image_proxy::{BUILTIN, NONE};
use crate::config::mirror::{MirrorSettings, QueryRule, RequestHeaders};
use crate::config::settings::{FeedSettings, Settings};
use crate::config::shape::Choice;
use crate::config::units::{format_duration, format_size};
use crate::rewrite::target::Images;
use crate::shares::{Share, Shares};
use crate::store::Totals;

/// A configuration that says nothing, but where readers find the service: a feed's images come from
/// its image proxy then.
const BARE: &str = "[[feed]]\nname = 'a'\nurl = 'https://example.org/'\n\
    [[mirror]]\nname = 'a'\norigin = 'https://example.org/'\n[server]\npublic_url = ";

/// The defaults by table and key. Keys without one are left out.
pub(super) fn defaults() -> Vec<(String, Map<String, Value>)> {
    let usual = crate::config::ServerSettings::default();
    let text = format!("{BARE}'{}'", usual.public_url);
    let Ok(settings) = crate::config::parse("defaults", &text, []) else {
        return Vec::new();
    };
    let mut tables = vec![
        ("server", server(&settings)),
        ("log", log(&settings)),
        ("store", store(&settings)),
        ("fetch", fetch(&settings)),
        ("image", image(&settings)),
        ("workers", workers(&settings)),
        ("full_text", full_text(&settings)),
        ("archive", archive(&settings)),
    ];
    if let Some(feed) = settings.feeds.first() {
        tables.extend([("defaults", rules(feed)), ("defaults", shared(feed))]);
    }
    tables.extend(settings.mirrors.first().map(|own| ("mirror", mirror(own))));
    let object = |(table, keys): (&str, Value)| match keys {
        Value::Object(keys) => Some((table.to_owned(), keys)),
        _ => None,
    };
    tables.into_iter().filter_map(object).collect()
}

fn server(settings: &Settings) -> Value {
    let server = &settings.server;
    json!({
        "listen": server.listen.to_string(),
        "public_url": server.public_url,
        "connections_max": server.connections_max,
        "client_connections_max": server.client_connections_max,
        "trusted_proxies": list(&server.trusted_proxies),
        "head_bytes_max": size(server.head_bytes_max),
        "url_bytes_max": size(server.url_bytes_max as u64),
        "http2_streams_max": server.http2_streams_max,
        "http2_buffer_bytes": size(server.http2_buffer_bytes as u64),
        "header_timeout": time(server.header_timeout),
        "idle_timeout": time(server.idle_timeout),
        "write_timeout": time(server.write_timeout),
        "write_bytes_per_second_min": size(server.write_bytes_per_second_min),
        "inflight_bytes": size(server.inflight_bytes),
        "drain_timeout": time(server.drain_timeout),
        "index": server.index,
    })
}

fn log(settings: &Settings) -> Value {
    json!({
        "level": settings.log.level,
        "format": word(&settings.log.format),
    })
}

fn store(settings: &Settings) -> Value {
    let Totals {
        bytes_max,
        feed_bytes_max,
        when_full,
    } = settings.store_limits.history;
    json!({
        "path": text(settings.store.as_ref().map(|store| store.path.display())),
        "disk_bytes": size(settings.store_limits.disk_bytes),
        "memory_bytes": size(settings.memory_bytes),
        "shares": shares(settings.store_limits.shares),
        "history_bytes_max": size(bytes_max),
        "history_feed_bytes_max": size(feed_bytes_max),
        "when_full": word(&when_full),
    })
}

fn shares(shares: Shares) -> Value {
    let share = |share: Share| (share.name().to_owned(), shares.percent(share).into());
    Value::Object(Share::ALL.into_iter().map(share).collect())
}

fn fetch(settings: &Settings) -> Value {
    let fetch = &settings.fetch;
    json!({
        "connect_timeout": time(fetch.connect_timeout),
        "first_byte_timeout": time(fetch.first_byte_timeout),
        "idle_timeout": time(fetch.idle_timeout),
        "total_timeout": time(fetch.total_timeout),
        "body_bytes_max": size(fetch.body_bytes_max),
        "decoded_bytes_max": size(fetch.decoded_bytes_max),
        "ratio_max": fetch.ratio_max,
        "redirects_max": fetch.redirects_max,
        "host_fetches_max": settings.hosts.fetches_max,
        "host_spacing": time(settings.hosts.spacing),
        "background_fetches_max": settings.background_fetches_max,
        "resolver": word(&settings.resolver),
        "user_agent": fetch.user_agent,
    })
}

fn image(settings: &Settings) -> Value {
    let image = &settings.image;
    json!({
        "key": "",
        "hosts": text(settings.image_hosts.as_ref().map(|hosts| hosts.display())),
        "unsigned_hosts": image.unsigned_hosts,
        "open": image.open,
        "allow_private": list(&image.allow_private),
        "body_bytes_max": size(image.body_bytes_max),
        "fetch_timeout": time(image.fetch_timeout),
        "fetches_max": image.fetches_max,
        "host_fetches_max": image.host_fetches_max,
        "work_bytes": size(image.work_bytes),
        "work_timeout": time(image.work_timeout),
        "pixels_max": image.limits.input_pixels_max,
        "frames_max": image.limits.frames_max,
        "jpeg_quality": image.quality.jpeg,
        "webp_quality": image.quality.webp,
        "webp_effort": image.quality.webp_effort,
        "animate": image.animate,
        "https_first": image.https_first,
        "weserv_statuses": image.weserv_statuses,
        "fresh_for": time(image.fresh_for),
        "stale_if_error": time(image.stale_if_error),
    })
}

fn workers(settings: &Settings) -> Value {
    let workers = &settings.workers;
    json!({
        "processes_max": workers.processes_max,
        "idle_timeout": time(workers.idle_timeout),
        "page_memory": size(workers.page_memory),
        "page_timeout": time(workers.page_timeout),
    })
}

fn full_text(settings: &Settings) -> Value {
    let limits = &settings.full_text;
    json!({
        "site_rules": text(limits.site_rules.as_ref().map(|path| path.display())),
        "fetches_max": limits.fetches_max,
        "items_max": limits.items_max,
        "pages_max": limits.pages_max,
        "page_bytes_max": size(limits.page_bytes_max as u64),
        "attempts_max": limits.attempts_max,
    })
}

fn archive(settings: &Settings) -> Value {
    let limits = &settings.archive;
    json!({
        "directory": limits.directory.display().to_string(),
        "images_max": limits.images_max,
        "image_bytes_max": size(limits.image_bytes_max as u64),
        "bytes_max": size(limits.totals.bytes_max),
        "feed_bytes_max": size(limits.totals.feed_bytes_max),
        "when_full": word(&limits.totals.when_full),
    })
}

/// The defaults of a feed's rules. Lists and tables that are empty unless they are written are written here
/// as such.
fn rules(feed: &FeedSettings) -> Value {
    let rules = &feed.rules;
    json!({
        "repair": rules.repair,
        "images": images(rules.images.as_ref()),
        "image_rules": [],
        "skip_images": rules.skip_images,
        "skip_hosts": rules.skip_hosts,
        "promote_images": rules.promote_images,
        "linked_images": rules.linked_images,
        "media": rules.media,
        "image_attributes": {},
        "replace": [],
        "remove_elements": rules.remove.elements,
        "remove_attributes": [],
        "figure": text(rules.figure.as_ref()),
        "sanitize": word(&rules.sanitize),
        "drop_trackers": rules.drop_trackers,
        "absolute_links": rules.links.absolute,
        "clean_links": rules.links.clean,
        "tracking_params": rules.links.tracking_params,
        "header": text(rules.header.as_ref()),
        "footer": text(rules.footer.as_ref()),
        "mark": rules.mark,
        "double_escaped": rules.double_escaped,
        "limit": rules.selection.limit.unwrap_or(0),
        "drop": [],
        "keep": [],
        "envelope": if rules.keep_envelope { "keep" } else { "ours" },
    })
}

fn shared(feed: &FeedSettings) -> Value {
    let upstream = &feed.upstream;
    json!({
        "full_text": feed.full_text.is_some(),
        "archive": feed.archive.is_some(),
        "keep_items": feed.keep_items,
        "refresh": time(feed.refresh),
        "refresh_min": time(feed.refresh_min),
        "refresh_max": time(feed.refresh_max),
        "active_for": time(feed.active_for),
        "serve_stale_after": time(feed.serve_stale_after),
        "stale_if_error": time(feed.stale_if_error),
        "retry_after_error": time(feed.retry_after_error),
        "user_agent": text(upstream.user_agent.as_ref()),
        "headers": {},
        "cookies": "",
        "proxy": text(upstream.proxy.as_ref()),
        "proxy_resolves": false,
        "allow_private": list(&upstream.allow_private),
    })
}

fn mirror(mirror: &MirrorSettings) -> Value {
    let upstream = &mirror.upstream;
    let request_headers = match &mirror.request_headers {
        RequestHeaders::All => vec!["*"],
        RequestHeaders::Listed(names) => names.iter().map(http::HeaderName::as_str).collect(),
    };
    json!({
        "methods": mirror.methods.iter().map(http::Method::as_str).collect::<Vec<_>>(),
        "request_headers": request_headers,
        "cookies": mirror.cookies,
        "authorization": mirror.authorization,
        "trusted": mirror.trusted,
        "honor_request_cache_control": mirror.honor_request_cache_control,
        "stale_if_error": time(mirror.stale_if_error),
        "query": query(&mirror.query),
        "queries_max": mirror.queries_max.map_or(0, std::num::NonZeroUsize::get),
        "object_bytes_max": size(mirror.object_bytes_max as u64),
        "body_bytes_max": size(mirror.body_bytes_max),
        "request_bytes_max": size(mirror.request_bytes_max),
        "fetches_max": mirror.fetches_max,
        "total_timeout": time(mirror.total_timeout),
        "user_agent": text(upstream.user_agent.as_ref()),
        "headers": {},
        "proxy": text(upstream.proxy.as_ref()),
        "proxy_resolves": false,
        "allow_private": list(&upstream.allow_private),
    })
}

fn images(images: Option<&Images>) -> &str {
    match images {
        None => NONE,
        Some(Images::Builtin(_)) => BUILTIN,
        Some(Images::Proxy(proxy)) => &proxy.template,
    }
}

fn query(rule: &QueryRule) -> Value {
    match rule {
        QueryRule::Keep => "keep".into(),
        QueryRule::Ignore => "ignore".into(),
        QueryRule::Refuse => "refuse".into(),
        QueryRule::Names(names) => names.clone().into(),
    }
}

fn size(bytes: impl Into<u64>) -> String {
    format_size(bytes.into())
}

fn time(duration: Duration) -> String {
    format_duration(duration)
}

fn text(text: Option<impl ToString>) -> String {
    text.map_or_else(String::new, |text| text.to_string())
}

fn list<T: ToString>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// The word of a choice.
fn word<T: Choice + PartialEq>(value: &T) -> &'static str {
    let choices = T::choices();
    let found = choices.into_iter().find(|(_, choice)| choice == value);
    found.map_or("", |(word, _)| word)
}
