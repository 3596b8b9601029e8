//! Items that share an id, or a link without ids: each is kept for itself. Pure.

use super::digest::digest;
use super::ledger::Ledger;
use super::options::Versions;
use super::render::jsonl;
use crate::rewrite::entry::Entry;
use crate::rewrite::identity::{self, Parts};

/// Tells the items of one document apart; what is there twice is there once.
pub(super) fn tell(entries: &mut Vec<Entry>) {
    let guids: Vec<String> = entries.iter().map(Entry::shared_identity).collect();
    let guids: Vec<&str> = guids.iter().map(String::as_str).collect();
    let names = identity::tell_apart(&guids, |index| parts_of(&entries[index]));
    let mut names = names.into_iter();
    entries.retain_mut(|entry| {
        let name = names.next().flatten();
        if let Some((_, part)) = name.as_deref().and_then(identity::split) {
            part.clone_into(&mut entry.apart);
        }
        name.is_some()
    });
}

/// Finds the item among those that are kept: by what it shares with others, where it was alone or an
/// earlier version kept it; by what it differs by, though it is alone now.
pub(super) fn recognise(entry: &mut Entry, ledger: &Ledger, (sum, versions): (u128, Versions)) {
    let shared = entry.shared_identity();
    let id = digest(&shared);
    if entry.apart.is_empty() && !ledger.is_shared(id) {
        return;
    }
    let is_kept_alone = match versions {
        Versions::Keep => ledger.has_version(id, sum),
        Versions::Overwrite => ledger.known(id).is_some_and(|known| known.sum == sum),
    };
    if is_kept_alone {
        entry.apart.clear();
        return;
    }
    let names = parts_of(entry).names(&shared);
    let is_known = |name: &&String| ledger.known(digest(name)).is_some();
    let first = names.first().filter(|_| entry.apart.is_empty());
    let name = names.iter().find(is_known).or(first).cloned();
    if let Some((_, part)) = name.as_deref().and_then(identity::split) {
        part.clone_into(&mut entry.apart);
    }
}

fn parts_of(entry: &Entry) -> Parts {
    let date = entry
        .date_ms
        .map_or_else(String::new, |date_ms| date_ms.to_string());
    Parts::new(
        [&entry.link, &entry.title, &date],
        &jsonl::render(entry, ""),
    )
}
