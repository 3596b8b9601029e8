//! Items of one feed that share an id, or a link where they have no ids: each is archived for itself. Pure.

use super::digest::digest;
use super::index::Index;
use super::options::Versions;
use super::render::jsonl;
use crate::rewrite::entry::Entry;
use crate::rewrite::identity::{self, Parts};

/// Gives the items of one document that share an identity names of their own, and removes exact duplicates.
pub(super) fn tell_apart(entries: &mut Vec<Entry>) {
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

/// Finds an item in the index, and sets the part of its name that tells it from others as it was archived: none
/// where it was alone then, or an earlier version of the program archived it.
pub(super) fn recognise(entry: &mut Entry, index: &Index, (sum, versions): (u128, Versions)) {
    let shared = entry.shared_identity();
    let id = digest(&shared);
    if entry.apart.is_empty() && !index.is_shared(id) {
        return;
    }
    let is_kept_alone = match versions {
        Versions::Keep => index.has_version(id, sum),
        Versions::Overwrite => index.known(id).is_some_and(|known| known.sum == sum),
    };
    if is_kept_alone {
        entry.apart.clear();
        return;
    }
    let names = parts_of(entry).names(&shared);
    let is_known = |name: &&String| index.known(digest(name)).is_some();
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
