//! What imported items are called: as the feed's own are, so that none that is kept comes twice, and
//! those that share a guid stay apart.

use std::collections::{HashMap, HashSet};

use super::Found;
use crate::feed::raw_item::RawItem;
use crate::rewrite::identity::{self, Parts};
use crate::rewrite::reading;
use crate::store::KeptItem;

/// The names of these items, beside what is kept.
pub(super) fn names(found: &[Found], kept: &[KeptItem]) -> Vec<String> {
    let guids: Vec<String> = found
        .iter()
        .map(|found| reading::id_of_entry(&found.entry))
        .collect();
    let shared = shared(found, &guids, kept);
    let known: HashMap<&str, &KeptItem> =
        kept.iter().map(|item| (item.guid.as_str(), item)).collect();
    let name = |(found, guid): (&Found, &String)| {
        if !shared.contains(guid.as_str()) {
            return guid.clone();
        }
        let parts = Parts::new([&found.entry.link, &found.entry.title, ""], "");
        let names = parts.names(guid);
        let is_known = |name: &&String| known.contains_key(name.as_str());
        if let Some(name) = names.iter().find(is_known) {
            return name.clone();
        }
        let alone = known.get(guid.as_str());
        let alone = alone.and_then(|item| RawItem::from_bytes(guid.clone(), &item.bytes));
        match alone.is_some_and(|alone| reading::parts_of(&alone).are_same(&parts, guid)) {
            true => guid.clone(),
            false => names[0].clone(),
        }
    };
    found.iter().zip(&guids).map(name).collect()
}

/// Guids of several items. Later versions of an item may well lead elsewhere.
fn shared<'a>(found: &'a [Found], guids: &'a [String], kept: &'a [KeptItem]) -> HashSet<&'a str> {
    let named = kept.iter().filter_map(|item| identity::split(&item.guid));
    let mut shared: HashSet<&str> = named.map(|(guid, _)| guid).collect();
    let mut links: HashMap<&str, &str> = HashMap::new();
    for (found, guid) in found
        .iter()
        .zip(guids)
        .filter(|(found, _)| found.version == 1)
    {
        let link = links.entry(guid).or_insert(&found.entry.link);
        if *link != found.entry.link {
            shared.insert(guid);
        }
    }
    shared
}
