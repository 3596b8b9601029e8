//! Looks up items in an archive on disk, without locking or changing it.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use super::digest::digest;
use super::folder::ArchiveFolder;
use super::{index, oldest};

/// An archive on disk, for reading.
#[derive(Debug)]
pub struct ArchiveReader(ArchiveFolder);

/// What the index of a feed says of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexedVersions {
    /// Its versions, in the order in which they were written.
    pub versions: Vec<ArchivedVersion>,
    /// Whether its files were removed for newer items.
    pub is_removed: bool,
}

/// A version of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedVersion {
    /// 1 for the first.
    pub version: u32,
    /// The path of its file, below the archive's directory.
    pub path: String,
    /// When the file was written; `None` where it is not there any more.
    pub written_at: Option<SystemTime>,
}

impl ArchiveReader {
    /// The archive in `directory`, which need not exist.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self(ArchiveFolder::new(directory))
    }

    /// The versions of the items of a feed that have one of these identities, or share it.
    ///
    /// # Errors
    /// When the index can't be read.
    pub fn find(&self, feed: &str, identities: &[String]) -> io::Result<IndexedVersions> {
        let wanted: HashSet<u128> = identities.iter().map(|identity| digest(identity)).collect();
        let mut ids: HashSet<u128> = HashSet::new();
        let mut found: Vec<(u128, ArchivedVersion)> = Vec::new();
        let mut is_removed = false;
        let read = index::read(&self.0.own(&index::name(feed)), |line| {
            let number = |text: &str| u128::from_str_radix(text, 16).ok();
            let Some(id) = number(&line.id) else { return };
            let is_shared = number(&line.of).is_some_and(|of| wanted.contains(&of));
            if !wanted.contains(&id) && !is_shared && !ids.contains(&id) {
                return;
            }
            ids.insert(id);
            if line.is_gone {
                found.retain(|(of, _)| *of != id);
                is_removed = true;
            } else if !line.path.is_empty() {
                // A file that was overwritten has several lines.
                found.retain(|(_, known)| known.path != line.path);
                let version = ArchivedVersion {
                    version: line.version,
                    written_at: self.0.modified_at(&line.path),
                    path: line.path,
                };
                found.push((id, version));
            }
        });
        unless_absent(read)?;
        let versions = found.into_iter().map(|(_, version)| version).collect();
        Ok(IndexedVersions {
            versions,
            is_removed,
        })
    }

    /// Bytes of a feed's files, and of all feeds' files.
    ///
    /// # Errors
    /// When the archive can't be read.
    pub fn bytes(&self, feed: &str) -> io::Result<(u64, u64)> {
        let (mut of_feed, mut of_all) = (0, 0);
        for name in unless_absent(oldest::feeds(&self.0))? {
            let bytes = oldest::count(&self.0, &name)?;
            of_all += bytes;
            if name == feed {
                of_feed = bytes;
            }
        }
        Ok((of_feed, of_all))
    }
}

/// Nothing where the archive's directory is a file.
fn unless_absent<T: Default>(read: io::Result<T>) -> io::Result<T> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(T::default()),
        read => read,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_item_is_found_by_its_identity_or_the_one_it_shares() {
        let root = tempfile::tempdir().unwrap();
        let id = |text: &str| format!("{:032x}", digest(text));
        let lines = [
            format!(
                "{{\"id\":\"{}\",\"sum\":\"1\",\"version\":1,\"path\":\"a.html\"}}",
                id("a")
            ),
            format!(
                "{{\"id\":\"{}\",\"sum\":\"2\",\"version\":2,\"path\":\"a.v2.html\"}}",
                id("a")
            ),
            format!(
                "{{\"id\":\"{}\",\"sum\":\"3\",\"version\":1,\"path\":\"b.html\",\"of\":\"{}\"}}",
                id("b apart"),
                id("b")
            ),
            format!(
                "{{\"id\":\"{}\",\"sum\":\"4\",\"version\":1,\"path\":\"c.html\"}}",
                id("c")
            ),
            format!("{{\"id\":\"{}\",\"gone\":true}}", id("c")),
        ];
        fs::create_dir(root.path().join(".index")).unwrap();
        fs::write(
            root.path().join(".index/news.jsonl"),
            lines.join("\n") + "\n",
        )
        .unwrap();
        fs::write(root.path().join("a.html"), "a").unwrap();
        let reader = ArchiveReader::new(root.path().to_owned());
        let find = |identity: &str| reader.find("news", &[identity.to_owned()]).unwrap();
        let a = find("a");
        let paths: Vec<_> = a
            .versions
            .iter()
            .map(|of| (of.version, &*of.path, of.written_at.is_some()))
            .collect();
        assert_eq!(paths, [(1, "a.html", true), (2, "a.v2.html", false)]);
        assert_eq!(find("b").versions[0].path, "b.html");
        assert_eq!((find("c").versions.len(), find("c").is_removed), (0, true));
        assert_eq!(find("d"), IndexedVersions::default());
        assert_eq!(
            reader.find("other", &["a".to_owned()]).unwrap(),
            IndexedVersions::default()
        );
        let index = fs::metadata(root.path().join(".index/news.jsonl"))
            .unwrap()
            .len();
        assert_eq!(reader.bytes("news").unwrap(), (index + 1, index + 1));
        let file = ArchiveReader::new(root.path().join("a.html"));
        assert_eq!(file.bytes("news").unwrap(), (0, 0));
        assert!(
            file.find("news", &["a".to_owned()])
                .unwrap()
                .versions
                .is_empty()
        );
    }
}
