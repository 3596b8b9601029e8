//! Which item is which where several of a feed share a guid, or a link without guids: each has a name of
//! its own then, made of what they share and of what tells them apart. Pure.
//!
//! Invariant: items that stand side by side in one document and differ have different names; the same
//! item has the same name whatever stands beside it.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_128;

/// Stands between what items share and what tells them apart; no XML has it.
const SEPARATOR: char = '\u{1f}';
/// How a part that tells items apart is written: a level, and a hash in hexadecimal.
const PART_BYTES: usize = 33;

/// What tells items of one guid apart: the first level at which all of them differ counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// By link; by link and title; by these and date; by everything.
    levels: [String; LEVELS],
}

const LEVELS: usize = 4;

impl Parts {
    /// Of an item with this link, title and date, all of which is `whole`.
    #[must_use]
    pub fn new([link, title, date]: [&str; 3], whole: &str) -> Self {
        let part = |level: usize, text: &str| format!("{level}{:032x}", xxh3_128(text.as_bytes()));
        Self {
            levels: [
                part(0, link),
                part(1, &format!("{link}\n{title}")),
                part(2, &format!("{link}\n{title}\n{date}")),
                part(3, whole),
            ],
        }
    }

    /// All names that an item of this guid may have, in the order in which they are looked for.
    #[must_use]
    pub fn names(&self, guid: &str) -> [String; LEVELS] {
        self.levels.each_ref().map(|part| join(guid, part))
    }

    /// Whether these are those of the same item as far as `name`, one item's, looks.
    #[must_use]
    pub fn are_same(&self, other: &Self, name: &str) -> bool {
        let level = split(name).and_then(|(_, part)| part[..1].parse::<usize>().ok());
        let level = level.unwrap_or(0).min(LEVELS - 1);
        self.levels[level] == other.levels[level]
    }
}

/// What the items of a document are called, of which `guids` has what each is known by; `parts` gives
/// what tells one from others. `None` for one that another is the same as.
pub fn tell_apart(guids: &[&str], parts: impl Fn(usize) -> Parts) -> Vec<Option<String>> {
    let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, guid) in guids.iter().enumerate() {
        groups.entry(guid).or_default().push(index);
    }
    let mut names: Vec<_> = guids.iter().map(|guid| Some((*guid).to_owned())).collect();
    for (guid, members) in groups.into_iter().filter(|(_, members)| members.len() > 1) {
        let mut seen = HashSet::new();
        let mut apart = Vec::new();
        for index in members {
            let parts = parts(index);
            match seen.insert(parts.levels[LEVELS - 1].clone()) {
                true => apart.push((index, parts)),
                false => names[index] = None,
            }
        }
        if apart.len() == 1 {
            continue;
        }
        let differ = |level: &usize| {
            let found: HashSet<_> = apart
                .iter()
                .map(|(_, parts)| &parts.levels[*level])
                .collect();
            found.len() == apart.len()
        };
        let level = (0..LEVELS).find(differ).unwrap_or(LEVELS - 1);
        for (index, parts) in apart {
            names[index] = Some(join(guid, &parts.levels[level]));
        }
    }
    names
}

/// The guid in a name that also tells what the item differs by, and that; `None` for a mere guid.
#[must_use]
pub fn split(name: &str) -> Option<(&str, &str)> {
    let (guid, part) = name.rsplit_once(SEPARATOR)?;
    let is_part = part.len() == PART_BYTES && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_part.then_some((guid, part))
}

/// The name of an item of this guid, which differs from others by that.
#[must_use]
pub fn join(guid: &str, part: &str) -> String {
    format!("{guid}{SEPARATOR}{part}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(items: &[[&str; 4]]) -> Vec<Option<String>> {
        let guids: Vec<_> = items.iter().map(|[guid, ..]| *guid).collect();
        tell_apart(&guids, |index| {
            let [_, link, title, whole] = items[index];
            Parts::new([link, title, ""], whole)
        })
    }

    #[test]
    fn those_that_share_a_guid_have_names_of_their_own() {
        let found = names(&[
            ["a", "l1", "t", "1"],
            ["b", "l1", "t", "1"],
            ["a", "l2", "t", "2"],
            ["a", "l2", "t", "2"],
        ]);
        assert_eq!(found[1].as_deref(), Some("b"));
        assert_eq!(found[3], None, "it is the third once more");
        let part = |index: usize| split(found[index].as_deref().unwrap()).unwrap();
        assert_eq!((part(0).0, part(2).0), ("a", "a"));
        assert_ne!(part(0).1, part(2).1);
        // Whatever stands beside it.
        let again = names(&[["a", "l2", "t", "changed"], ["a", "l3", "t", "3"]]);
        assert_eq!(again[0], found[2]);
        assert_eq!(
            names(&[["a", "l", "t", "1"], ["a", "l", "t", "1"]])[0].as_deref(),
            Some("a")
        );
    }

    #[test]
    fn the_first_level_at_which_all_differ_counts() {
        let level = |items: &[[&str; 4]]| {
            let found = names(items);
            let (_, part) = split(found[0].as_deref().unwrap()).unwrap();
            part[..1].to_owned()
        };
        assert_eq!(level(&[["a", "l1", "t", "1"], ["a", "l2", "t", "2"]]), "0");
        assert_eq!(level(&[["a", "l", "t1", "1"], ["a", "l", "t2", "2"]]), "1");
        assert_eq!(level(&[["a", "l", "t", "1"], ["a", "l", "t", "2"]]), "3");
    }

    #[test]
    fn parts_are_compared_as_far_as_a_name_looks() {
        let [one, two] = [["l", "t1", "d"], ["l", "t2", "d"]].map(|facts| Parts::new(facts, ""));
        let names = one.names("a");
        assert!(one.are_same(&two, "a"));
        assert!(one.are_same(&two, &names[0]));
        assert!(!one.are_same(&two, &names[1]));
        assert_eq!(split("a\u{1f}b"), None);
    }
}
