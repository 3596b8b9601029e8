//! What the store has of an item of an archived feed, and the state of the archive's directory.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustix::fs::{Access, access, statvfs};
use url::Url;

use crate::archive::{FeedSnapshot, waiting_item, waiting_name};
use crate::config::FeedSettings;
use crate::fulltext::{ArticleStatus, article_key};
use crate::refresh;
use crate::rewrite::entry::Entry;
use crate::rewrite::{FeedRewriter, Origin, Rules, identity, reading};
use crate::store::{Inspected, Inspection, ItemWindow, KeptItem, Space};

/// Items, and bytes of them, that are read at a time.
const COUNT: usize = 200;
const BYTES: usize = 8 << 20;
/// Similar guids that are listed.
const SIMILAR_MAX: usize = 5;
/// The fewest letters that similar texts have in common.
const COMMON_MIN: usize = 4;

/// What the store has of an item.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// Whether anything has it.
    pub(super) is_known: bool,
    /// Whether the feed's stored document has it.
    pub(super) is_in_document: bool,
    /// The item as readers see it, from the feed's stored document.
    pub(super) served: Option<Entry>,
    /// Whether its full text is there; `None` for a feed without full texts.
    pub(super) article: Option<ArticleStatus>,
    /// The item, where it waits to be written.
    pub(super) waiting: Option<Entry>,
    /// When the feed's history first saw it.
    pub(super) first_seen: Option<SystemTime>,
    has_document: bool,
    /// Guids of all items that were looked at.
    guids: Vec<String>,
}

impl Evidence {
    /// Collects what the store has of an item, by its guid, id or link.
    pub(super) fn collect(
        inspection: Option<&Inspection>,
        feed: &FeedSettings,
        item: &str,
    ) -> anyhow::Result<Self> {
        let mut evidence = Self::default();
        let Some(inspection) = inspection else {
            return Ok(evidence);
        };
        let name = feed.name.as_str();
        evidence.read_document(inspection, feed, item)?;
        evidence.read_article(inspection, feed)?;
        for_each(inspection, name, |kept| {
            if evidence.note(guid_of(&kept.guid), item) {
                evidence.first_seen.get_or_insert(kept.first_seen);
            }
        })?;
        for_each(inspection, &waiting_name(name), |kept| {
            if let Some(entry) = waiting_item(kept).filter(|entry| is_item(entry, item)) {
                evidence.is_known = true;
                evidence.waiting = Some(entry);
            }
        })?;
        Ok(evidence)
    }

    /// The identities that the index may know the item by.
    pub(super) fn identities(&self, item: &str) -> Vec<String> {
        let found = self.served.iter().chain(&self.waiting);
        let mut identities: Vec<String> = found.map(Entry::identity).collect();
        if identities.is_empty() {
            identities.push(item.to_owned());
        }
        identities
    }

    /// Says that nothing is known of the item, and lists similar ones.
    pub(super) fn unknown(&self, item: &str) -> String {
        let mut text = format!("no item `{item}` is known: ");
        text += match self.has_document {
            true => "it is neither in the feed's last document nor in the store or the archive",
            false => {
                "nothing is stored of the feed yet; is the service running with this configuration?"
            }
        };
        let similar = similar(item, &self.guids);
        if !similar.is_empty() {
            let list: Vec<String> = similar.iter().map(|guid| format!("\n  {guid}")).collect();
            text += &format!("; similar ones:{}", list.concat());
        } else if !self.guids.is_empty() {
            let count = SIMILAR_MAX.min(self.guids.len());
            let list = self.guids[..count].iter().map(|guid| format!("\n  {guid}"));
            text += &format!("; others are:{}", list.collect::<String>());
        }
        text
    }

    fn read_document(
        &mut self,
        inspection: &Inspection,
        feed: &FeedSettings,
        item: &str,
    ) -> anyhow::Result<()> {
        let Inspected::Entry(stored) = inspection.get(Space::Feeds, feed.name.as_str())? else {
            return Ok(());
        };
        let Some(origin) = refresh::stored_origin(&stored) else {
            return Ok(());
        };
        self.has_document = true;
        let pieces = stored.body.iter().map(|piece| piece.as_ref());
        let reading = reading::read(pieces, &origin, feed.rules.repair);
        for raw in &reading.items {
            self.is_in_document |= self.note(guid_of(&raw.id), item);
        }
        let entries = entries_of(feed, origin, &stored.body)?;
        self.served = entries.into_iter().find(|entry| is_item(entry, item));
        self.is_in_document |= self.served.is_some();
        self.is_known |= self.served.is_some();
        Ok(())
    }

    fn read_article(&mut self, inspection: &Inspection, feed: &FeedSettings) -> anyhow::Result<()> {
        let Some(entry) = self.served.as_ref().filter(|_| feed.full_text.is_some()) else {
            return Ok(());
        };
        if entry.link.parse::<Url>().is_err() {
            return Ok(());
        }
        let key = article_key(feed.name.as_str(), &entry.link);
        let state = inspection.state(Space::Articles, &key)?;
        let status = match inspection.get(Space::Articles, &key)? {
            Inspected::Entry(pages) => ArticleStatus::of_stored(Some(&pages), state.as_deref()),
            Inspected::Nothing | Inspected::Damaged => {
                ArticleStatus::of_stored(None, state.as_deref())
            }
        };
        self.article = Some(status);
        Ok(())
    }

    /// Remembers a guid; whether it is the item's.
    fn note(&mut self, guid: &str, item: &str) -> bool {
        if !self.guids.iter().any(|known| known == guid) {
            self.guids.push(guid.to_owned());
        }
        self.is_known |= guid == item;
        guid == item
    }
}

/// Why the archive's directory can't be written; `None` where it seems that it can.
pub(super) fn directory_problem(directory: &Path) -> Option<String> {
    let existing = directory.ancestors().find(|path| path.exists())?;
    let shown = existing.display();
    if !fs::metadata(existing).is_ok_and(|found| found.is_dir()) {
        return Some(format!("{shown} is no directory"));
    }
    if let Err(error) = access(existing, Access::WRITE_OK) {
        return Some(format!("{shown} can't be written: {error}"));
    }
    let is_full = statvfs(existing).is_ok_and(|found| found.f_bavail == 0 && found.f_blocks > 0);
    is_full.then(|| format!("the disk of {shown} is full"))
}

/// The items of a stored document as readers see them, without full texts.
fn entries_of(
    feed: &FeedSettings,
    origin: Origin,
    body: &[bytes::Bytes],
) -> anyhow::Result<Vec<Entry>> {
    let url = Arc::new(origin.url.clone());
    let mut rewriter = FeedRewriter::new(Arc::new(Rules::new(feed.rules.clone())?), origin);
    let mut document = String::new();
    for piece in body {
        rewriter.push(piece, &mut document);
    }
    rewriter.finish(&mut document);
    let snapshot = FeedSnapshot {
        url,
        body: vec![document.into()],
        awaited: Vec::new().into(),
    };
    Ok(snapshot.entries())
}

/// Hands every item that is recorded under a feed's name to `take`, the oldest first.
fn for_each(
    inspection: &Inspection,
    name: &str,
    mut take: impl FnMut(&KeptItem),
) -> anyhow::Result<()> {
    let mut window = ItemWindow {
        newest_first: false,
        ..ItemWindow::newest(COUNT, BYTES)
    };
    loop {
        let items = inspection.items(name, &window)?;
        let Some(last) = items.last() else {
            return Ok(());
        };
        window.from = last.place + 1;
        items.iter().for_each(&mut take);
    }
}

fn is_item(entry: &Entry, item: &str) -> bool {
    entry.id == item || entry.link == item || entry.shared_identity() == item
}

/// The guid in a name, which may tell items of one guid apart.
fn guid_of(name: &str) -> &str {
    identity::split(name).map_or(name, |(guid, _)| guid)
}

/// Guids that contain the text or are contained in it, or that begin or end like it for the most part.
fn similar<'a>(item: &str, guids: &'a [String]) -> Vec<&'a str> {
    let item = item.to_lowercase();
    let weight = |guid: &str| {
        let guid = guid.to_lowercase();
        let begin = item.chars().zip(guid.chars());
        let begin = begin.take_while(|(a, b)| a == b).count();
        let end = item.chars().rev().zip(guid.chars().rev());
        let end = end.take_while(|(a, b)| a == b).count();
        let letters = item.chars().count().min(guid.chars().count());
        let is_within = guid.contains(&item) || (letters >= COMMON_MIN && item.contains(&guid));
        match is_within {
            true => Some(letters + begin + end),
            false => Some(begin + end).filter(|of| *of >= COMMON_MIN && *of * 2 >= letters),
        }
    };
    let mut found: Vec<(usize, &str)> = guids
        .iter()
        .filter(|guid| !guid.is_empty())
        .filter_map(|guid| Some((weight(guid)?, guid.as_str())))
        .collect();
    found.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    found.truncate(SIMILAR_MAX);
    found.into_iter().map(|(_, guid)| guid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_guids_come_with_the_nearest_first() {
        let guids = [
            "https://news.example.org/2022/one",
            "https://news.example.org/2022/two",
            "urn:uuid:1",
            "",
        ];
        let guids = guids.map(str::to_owned);
        let check = |item: &str, expected: &[&str]| assert_eq!(similar(item, &guids), expected);
        check("https://news.example.org/2022/tow", &[&guids[1], &guids[0]]);
        check("URN:UUID:12", &[&guids[2]]);
        check("one", &[&guids[0]]);
        check("other", &[]);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_told() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(directory_problem(&root.path().join("archive")), None);
        let file = root.path().join("file");
        fs::write(&file, "x").unwrap();
        let problem = directory_problem(&file.join("archive")).unwrap();
        assert!(problem.ends_with("file is no directory"), "{problem}");
    }
}
