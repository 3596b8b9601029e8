//! Start tags that were looked at before: a feed has some twenty, again and again.

use super::field::Kind;

/// How many are kept. Which one a tag may be is told by its length and two of its letters.
const TAGS: usize = 64;

/// What there is to know of a start tag without attributes with which all is well.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownTag {
    pub(super) is_item: bool,
    pub(super) kind: Kind,
}

#[derive(Debug)]
struct Entry {
    /// The tag as it is written.
    raw: String,
    /// What prefixes stood for then.
    changes: usize,
    tag: KnownTag,
}

/// The tags that are known.
#[derive(Debug, Default)]
pub(super) struct KnownTags(Vec<Option<Entry>>);

impl KnownTags {
    pub(super) fn find(&self, raw: &str, changes: usize) -> Option<KnownTag> {
        let entry = self.0.get(place(raw))?.as_ref()?;
        (entry.raw == raw && entry.changes == changes).then_some(entry.tag)
    }

    pub(super) fn keep(&mut self, raw: &str, changes: usize, tag: KnownTag) {
        if self.0.is_empty() {
            self.0.resize_with(TAGS, || None);
        }
        if let Some(entry) = self.0.get_mut(place(raw)) {
            *entry = Some(Entry {
                raw: raw.to_owned(),
                changes,
                tag,
            });
        }
    }
}

/// `<title>`: seven bytes, `t` and `e`.
fn place(raw: &str) -> usize {
    let bytes = raw.as_bytes();
    let letter = |at: usize| bytes.get(at).map_or(0, |byte| usize::from(*byte));
    (bytes.len() + 3 * letter(1) + 7 * letter(bytes.len().saturating_sub(2))) % TAGS
}
