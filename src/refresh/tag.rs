//! Entity tags of rewritten feeds (RFC 9110 §8.8.3). Pure.

use xxhash_rust::xxh3::Xxh3;

use crate::cache::{FeedCopy, Head};
use crate::rewrite::Rules;

/// An entity tag, its opaque part, from what a rewritten feed is made of.
pub(super) fn make(inputs: &[&[u8]], rules: &Rules) -> String {
    let mut hash = Xxh3::new();
    for input in inputs
        .iter()
        .copied()
        .chain([rules.fingerprint().as_slice()])
    {
        hash.update(&(input.len() as u64).to_be_bytes());
        hash.update(input);
    }
    format!("{:032x}", hash.digest128())
}

/// Settles the tag of a copy that is whole now. The same bytes as before keep their tag and date,
/// whatever upstream's validators say; other bytes never keep the tag, although upstream may send
/// the old validators with them.
pub(super) fn settle(
    mut copy: FeedCopy,
    known: Option<&FeedCopy>,
    digest: u128,
    rules: &Rules,
) -> FeedCopy {
    copy.digest = Some(digest);
    let known = known.filter(|known| known.digest.is_some());
    match known {
        Some(known) if known.digest == copy.digest => {
            copy.head = Head {
                content_type: copy.head.content_type,
                ..known.head.clone()
            };
        }
        Some(known) if known.head.etag == copy.head.etag => copy.head.etag = None,
        _ => {}
    }
    copy.head
        .etag
        .get_or_insert_with(|| make(&[&digest.to_be_bytes()], rules));
    copy
}
