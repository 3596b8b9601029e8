//! Who may read what the service writes: the store is its owner's alone, whatever the umask; the
//! archive is as the umask says.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::origin::{Origin, Reply};
use crate::process::{Process, until};

/// A feed with an item that stays too long for the database however it is compressed.
fn feed() -> String {
    let noise = |n: u32| format!("{:x} ", n.wrapping_mul(2_654_435_761).rotate_left(7));
    let text: String = (0..20_000).map(noise).collect();
    format!(
        "<rss version=\"2.0\"><channel><title>T</title><item><title>One</title><guid>1</guid>\
         <pubDate>Wed, 19 Jan 2022 01:17:04 GMT</pubDate><description>{text}</description></item></channel></rss>"
    )
}

/// Files and folders below, with their permissions.
fn below(path: &Path) -> Vec<(PathBuf, bool, u32)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).into_iter().flatten() {
        let path = entry.unwrap().path();
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue;
        };
        if metadata.is_dir() {
            found.extend(below(&path));
        }
        found.push((
            path,
            metadata.is_dir(),
            metadata.permissions().mode() & 0o777,
        ));
    }
    found
}

async fn check(umask: u32) {
    let root = tempfile::tempdir().unwrap();
    let origin = Origin::start(|_| Reply::ok(feed().as_str())).await;
    let toml = format!(
        "[archive]\ndirectory = \"{root}/archive\"\n[store]\npath = \"{root}/data\"\n\
         [[feed]]\nname = \"news\"\nurl = \"http://{address}/\"\nallow_private = [\"{address}\"]\n\
         images = \"builtin\"\narchive = true\nkeep_items = 10\n",
        root = root.path().display(),
        address = origin.address(),
    );
    let process = Process::start_with(root.path(), &toml, &format!("umask {umask:04o}"));
    assert_eq!(process.get("/feeds/news").await.status, 200);
    let (store, archive) = (root.path().join("data"), root.path().join("archive"));
    let names = |path: &Path| -> Vec<String> {
        let text = |(path, ..): &(PathBuf, bool, u32)| path.display().to_string();
        below(path).iter().map(text).collect()
    };
    until("everything is written", async || {
        let (stored, archived) = (names(&store).join("\n"), names(&archive).join("\n"));
        let has = |name: &str| stored.contains(name);
        has("bodies/") && has("-wal") && has("signing.key") && archived.contains("One.html")
    })
    .await;
    process.terminate().await;
    for (path, is_folder, mode) in below(&store) {
        let expected = if is_folder { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{} with {umask:o}", path.display());
    }
    for (path, is_folder, mode) in below(&archive) {
        let expected = if is_folder { 0o777 } else { 0o666 } & !umask;
        assert_eq!(mode, expected, "{} with {umask:o}", path.display());
    }
    let mode = fs::metadata(&store).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700, "with {umask:o}");
}

#[tokio::test]
async fn d6_the_store_is_its_owners_alone_and_the_archive_follows_the_umask() {
    for umask in [0o000, 0o027, 0o077] {
        check(umask).await;
    }
}
