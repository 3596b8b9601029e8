//! Entity tags of rewritten feeds (RFC 9110 §8.8.3).

use xxhash_rust::xxh3::Xxh3;

use crate::cache::{FeedCopy, Head, Tag};
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

/// An entity tag, its opaque part, that no other has: 128 random bits. `None` where there are none to
/// be had.
pub(super) fn unrepeated() -> Option<String> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).ok()?;
    Some(format!("{:032x}", u128::from_be_bytes(bits)))
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
            let content_type = copy.head.content_type;
            copy.head = Head {
                content_type,
                ..known.head.clone()
            };
        }
        Some(known) if known.head.tag == copy.head.tag => copy.head.tag = None,
        _ => {}
    }
    copy.head
        .tag
        .get_or_insert_with(|| Tag::new(make(&[&digest.to_be_bytes()], rules)));
    copy
}
