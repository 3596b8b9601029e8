//! A resource as it outlives the process: its responses' fields and times as text beside the
//! bodies, one behind the other.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::resource::{Resource, Variant, terms};
use crate::cache::policy::Selection;
use crate::cache::{Body, Form};

/// The form of what is saved; another one is not read.
const VERSION: u8 = 2;
/// Bytes of the bodies of one resource that are saved together.
const SAVED_BYTES_MAX: usize = 256 << 20;

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u8,
    variants: Vec<SavedVariant>,
}

/// Field values are bytes: each becomes the character of its number.
#[derive(Serialize, Deserialize)]
struct SavedVariant {
    status: u16,
    headers: Vec<(String, String)>,
    requested_at_ms: u64,
    received_at_ms: u64,
    selected: Vec<(String, Option<String>)>,
    body_bytes: usize,
    /// What is said is written apart from the bodies: this ties each to its own.
    digest: String,
}

/// A resource as it is saved.
pub(super) struct ToSave {
    /// What is said about it.
    pub(super) meta: Vec<u8>,
    /// Its bodies, one behind the other.
    pub(super) pieces: Vec<Bytes>,
    /// Each of them, with where it begins and its digest.
    pub(super) bodies: Vec<(Body, usize, u128)>,
}

/// What is said about a resource, and its bodies; responses that still grow are left out.
pub(super) fn save(resource: &Resource) -> Option<ToSave> {
    let mut pieces = Vec::new();
    let mut bodies = Vec::new();
    let mut variants = Vec::new();
    let mut total = 0_usize;
    for variant in &resource.variants {
        let Form::Whole(body) = &variant.content else {
            continue;
        };
        let start = total;
        total = total.saturating_add(body.len());
        if total > SAVED_BYTES_MAX {
            break;
        }
        let digest = digest(body);
        variants.push(save_variant(variant, body, digest));
        bodies.push((body.clone(), start, digest));
        pieces.extend(body.pieces().iter().cloned());
    }
    let saved = Saved {
        version: VERSION,
        variants,
    };
    if saved.variants.is_empty() {
        return None;
    }
    Some(ToSave {
        meta: serde_json::to_vec(&saved).ok()?,
        pieces,
        bodies,
    })
}

fn save_variant(variant: &Variant, body: &Body, digest: u128) -> SavedVariant {
    let latin = |value: &HeaderValue| value.as_bytes().iter().copied().map(char::from).collect();
    let field = |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), latin(value));
    let selected = variant.selection.fields().iter();
    SavedVariant {
        status: variant.status.as_u16(),
        headers: variant.headers.iter().map(field).collect(),
        requested_at_ms: to_ms(variant.requested_at),
        received_at_ms: to_ms(variant.terms.received_at),
        selected: selected
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect(),
        body_bytes: body.len(),
        digest: hex(digest),
    }
}

/// The resource that was saved; `None` where it can't be read, or comes from the future: then the
/// machine's time was set back, and no age can be told. `place` gets each body, with where it begins
/// and its digest.
pub(super) fn restore(
    meta: &[u8],
    pieces: &[Bytes],
    now: SystemTime,
    place: impl Fn(&Body, usize, u128),
) -> Option<Resource> {
    let saved: Saved = serde_json::from_slice(meta).ok()?;
    if saved.version != VERSION {
        return None;
    }
    let bytes = pieces.iter().map(Bytes::len).sum();
    let mut at = 0;
    let mut variants = Vec::new();
    for saved in saved.variants {
        let end = saved.body_bytes.checked_add(at)?;
        if end > bytes || of_ms(saved.received_at_ms) > now {
            return None;
        }
        let body = Body::new(slice(pieces, at..end));
        let digest = digest(&body);
        if hex(digest) != saved.digest {
            return None;
        }
        place(&body, at, digest);
        variants.push(Arc::new(restore_variant(saved, body)?));
        at = end;
    }
    (!variants.is_empty()).then_some(Resource { variants })
}

fn restore_variant(saved: SavedVariant, body: Body) -> Option<Variant> {
    let mut headers = HeaderMap::new();
    for (name, value) in saved.headers {
        let bytes: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(c).ok()).collect();
        let value = HeaderValue::from_bytes(&bytes?).ok()?;
        headers.append(HeaderName::try_from(name).ok()?, value);
    }
    let selected = saved.selected.into_iter();
    let selected: Option<Vec<_>> = selected
        .map(|(name, value)| Some((HeaderName::try_from(name).ok()?, value)))
        .collect();
    let status = StatusCode::from_u16(saved.status).ok()?;
    let requested_at = of_ms(saved.requested_at_ms);
    let times = (requested_at, of_ms(saved.received_at_ms));
    Some(Variant {
        status,
        terms: terms(status, &headers, times),
        selection: Selection::restored(&headers, selected?),
        headers,
        requested_at,
        content: Form::Whole(body),
    })
}

/// A part of a body in pieces, sharing its memory.
fn slice(pieces: &[Bytes], range: Range<usize>) -> Vec<Bytes> {
    let mut before = 0;
    let mut parts = Vec::new();
    for piece in pieces {
        let start = range.start.saturating_sub(before).min(piece.len());
        let end = range.end.saturating_sub(before).min(piece.len());
        if start < end {
            parts.push(piece.slice(start..end));
        }
        before += piece.len();
    }
    parts
}

fn digest(body: &Body) -> u128 {
    let mut digest = Xxh3::new();
    body.pieces().iter().for_each(|piece| digest.update(piece));
    digest.digest128()
}

fn hex(digest: u128) -> String {
    format!("{digest:032x}")
}

fn to_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn of_ms(ms: u64) -> SystemTime {
    let since = Duration::from_millis(ms.min(1 << 53));
    UNIX_EPOCH + since
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variant(name: &str, vary: &str, body: &[&str]) -> Variant {
        let received_at = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let mut headers = HeaderMap::new();
        let raw = HeaderValue::from_bytes(b"\"caf\xe9\"").unwrap();
        headers.insert("etag", raw);
        headers.append("set-cookie", "a=1".parse().unwrap());
        headers.append("set-cookie", "b=1".parse().unwrap());
        headers.insert("cache-control", "max-age=60".parse().unwrap());
        headers.insert("vary", vary.parse().unwrap());
        let asked = HeaderMap::from_iter([("foo".parse().unwrap(), name.parse().unwrap())]);
        let pieces = body
            .iter()
            .map(|piece| Bytes::copy_from_slice(piece.as_bytes()));
        Variant {
            status: StatusCode::OK,
            requested_at: received_at - Duration::from_secs(2),
            terms: terms(
                StatusCode::OK,
                &headers,
                (received_at - Duration::from_secs(2), received_at),
            ),
            selection: Selection::of(&headers, &asked, &[]).unwrap(),
            headers,
            content: Form::Whole(Body::new(pieces.collect())),
        }
    }

    #[test]
    fn a_resource_comes_back_as_it_was() {
        let variants = [
            variant("1", "foo", &["one", "more"]),
            variant("2", "foo", &[]),
        ];
        let resource = Resource {
            variants: variants.map(Arc::new).to_vec(),
        };
        let ToSave { meta, pieces, .. } = save(&resource).unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_030);
        let restore = |meta: &[u8], pieces: &[Bytes], now| restore(meta, pieces, now, |_, _, _| {});
        let restored = restore(&meta, &pieces, now).unwrap();
        assert_eq!(restored.variants.len(), 2);
        for (old, new) in resource.variants.iter().zip(&restored.variants) {
            assert_eq!((old.status, &old.headers), (new.status, &new.headers));
            assert_eq!((old.terms, &old.selection), (new.terms, &new.selection));
            let bytes = |variant: &Variant| match &variant.content {
                Form::Whole(body) => body.pieces().concat(),
                Form::Growing(_) => panic!("it grows"),
            };
            assert_eq!(bytes(old), bytes(new));
        }
        assert!(restore(&meta, &[Bytes::from("short")], now).is_none());
        assert!(restore(&meta, &[Bytes::from("onemors")], now).is_none());
        assert!(restore(b"{}", &pieces, now).is_none());
        let before = UNIX_EPOCH + Duration::from_secs(1_600_000_000);
        assert!(restore(&meta, &pieces, before).is_none());
    }
}
