//! What an origin's answer may not do in our name. Pure.
//!
//! An answer that passes through us comes from our host. Some fields act on the web server in front
//! of us, others on everything that browsers hold for our host, and a document would run on it.
//! `docs/security.md` has the table of what is decided here.
//!
//! Invariant: every answer of a mirror passes [`confine`] on its way out, whoever stored it: what an
//! older version kept is judged like what comes in now.

use http::header::{
    ALT_SVC, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, REFRESH,
    SET_COOKIE, STRICT_TRANSPORT_SECURITY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};

use crate::config::MirrorSettings;

/// SECURITY: fields that web servers, caches and clouds in front of us obey, by how they start: they
/// would send another file, ask another host, or change what is kept there.
const FRONT_PREFIXES: [&str; 11] = [
    "fly-",
    "l5d-",
    "surrogate-",
    "x-accel-",
    "x-appengine-",
    "x-envoy-",
    "x-lighttpd-",
    "x-litespeed-",
    "x-middleware-",
    "x-reproxy-",
    "x-sendfile",
];

/// The same, by their whole names.
const FRONT_NAMES: [&str; 5] = [
    "cache-group-invalidation",
    "edge-control",
    "x-do-esi",
    "x-esi",
    "x-offload-to",
];

/// SECURITY: fields that act on all of our host in a reader's browser, or send the reader away from
/// it, by how they start.
const HOST_PREFIXES: [&str; 6] = [
    "accept-ch",
    "ad-auction-",
    "attribution-reporting-",
    "public-key-pins",
    "sec-",
    "secure-session-",
];

/// The same, by their whole names.
const HOST_NAMES: [&str; 18] = [
    "activate-storage-access",
    "clear-site-data",
    "critical-ch",
    "expect-ct",
    "idp-signin-status",
    "nel",
    "observe-browsing-topics",
    "onion-location",
    "origin-agent-cluster",
    "origin-trial",
    "report-to",
    "reporting-endpoints",
    "service-worker-allowed",
    "set-login",
    "shared-storage-write",
    "speculation-rules",
    "supports-loading-mode",
    "use-as-dictionary",
];

/// Media types that no browser opens as a document that could run something, or that nothing makes
/// of another type than they say. Everything else is a document until it is shown to be none: what
/// has no type, XML of any kind, what is sniffed, parts of several types, and types yet to come.
const INERT_TYPES: [&str; 7] = [
    "application/ecmascript",
    "application/javascript",
    "application/pdf",
    "text/css",
    "text/ecmascript",
    "text/javascript",
    "text/plain",
];

/// The same, by their first halves, but for XML.
const INERT_KINDS: [&str; 4] = ["audio", "font", "image", "video"];

const SANDBOX: HeaderValue = HeaderValue::from_static("sandbox");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Whether a browser asks for a script that would stand between it and our host from then on.
pub(super) fn registers_worker(asked: &HeaderMap) -> bool {
    asked.contains_key("service-worker")
}

/// Takes from an answer what would act in our name, and lets a document in it run as nobody.
pub(super) fn confine(fields: &mut HeaderMap, mirror: &MirrorSettings) {
    strip(fields, mirror);
    if mirror.trusted {
        return;
    }
    // SECURITY: each answer gets one or the other. A type that is taken at its word can't be sniffed
    // into a document; what may be a document runs no script and is of no origin.
    if is_inert(fields) {
        fields.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    } else {
        fields.append(CONTENT_SECURITY_POLICY, SANDBOX);
    }
}

fn strip(fields: &mut HeaderMap, mirror: &MirrorSettings) {
    let gone: Vec<HeaderName> = fields
        .keys()
        .filter(|name| !may_pass(name, mirror))
        .cloned()
        .collect();
    for name in gone {
        fields.remove(name);
    }
}

fn may_pass(name: &HeaderName, mirror: &MirrorSettings) -> bool {
    let text = name.as_str();
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| text.starts_with(prefix));
    match name {
        &ALT_SVC | &STRICT_TRANSPORT_SECURITY | &REFRESH => false,
        &SET_COOKIE => mirror.cookies,
        // SECURITY: a browser asks the reader for a password to our host, and sends it to all of it.
        &WWW_AUTHENTICATE => mirror.authorization,
        _ if text == "set-cookie2" => mirror.cookies,
        _ => {
            !starts(&FRONT_PREFIXES)
                && !starts(&HOST_PREFIXES)
                && !FRONT_NAMES.contains(&text)
                && !HOST_NAMES.contains(&text)
        }
    }
}

/// Whether all that the answer says of its type is that it is no document.
fn is_inert(fields: &HeaderMap) -> bool {
    // Several types are one list, of which clients take the one or the other.
    let mut types = fields.get_all(CONTENT_TYPE).iter().peekable();
    types.peek().is_some()
        && types.all(|value| {
            value
                .to_str()
                .is_ok_and(|text| text.split(',').all(is_inert_type))
        })
}

fn is_inert_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default();
    // Blanks as HTTP has them (RFC 9110 §5.6.3): what is odd otherwise is on no list.
    let essence = essence.trim_matches([' ', '\t']).to_ascii_lowercase();
    if INERT_TYPES.contains(&essence.as_str()) {
        return true;
    }
    let Some((kind, name)) = essence.split_once('/') else {
        return false;
    };
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-+._".contains(&byte);
    INERT_KINDS.contains(&kind)
        && !name.is_empty()
        && name.bytes().all(is_word)
        && !name.contains("xml")
        && !name.contains("svg")
        && !name.contains("html")
}

#[cfg(test)]
mod tests;
