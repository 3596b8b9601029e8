//! Items kept as files: each once, whatever happens.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use feedwright::archive::ArchiveStatus;
use feedwright::archive::render::Format;

use crate::origin::{Origin, Reply};
use crate::reader::get;
use crate::service::Service;

/// A small image.
const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

pub(crate) fn item(id: &str, title: &str, html: &str) -> String {
    format!(
        "<item><title>{title}</title><link>https://news.example.org/{id}</link><guid>{id}</guid>\
         <pubDate>Wed, 19 Jan 2022 01:17:04 GMT</pubDate><description><![CDATA[{html}]]></description></item>\n"
    )
}

pub(crate) fn rss(items: &[String]) -> String {
    let items = items.concat();
    format!("<rss version=\"2.0\"><channel><title>News</title>{items}</channel></rss>")
}

/// An upstream whose `/feed.xml` can be changed.
pub(crate) async fn publisher(feed: String) -> (Origin, Arc<Mutex<String>>) {
    let feed = Arc::new(Mutex::new(feed));
    let served = Arc::clone(&feed);
    let origin = Origin::start(move |head| match head {
        head if head.starts_with("GET /feed.xml") => Reply::ok(served.lock().unwrap().as_str()),
        head if head.starts_with("GET /a.gif") => Reply::ok(GIF),
        head if head.starts_with("GET /page.gif") => Reply::ok("<html>no image</html>"),
        _ => Reply::status(404, &[], ""),
    });
    (origin.await, feed)
}

/// A configuration with one archived feed that is fetched each second.
pub(crate) fn toml(root: &Path, archive: &str) -> String {
    format!(
        "[archive]\ndirectory = \"{root}/archive\"\n[store]\npath = \"{root}/data\"\n\
         [fetch]\nhost_spacing = \"0s\"\n\
         [[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/feed.xml\"\nallow_private = [\"PUBLISHER\"]\n\
         refresh = \"1s\"\nrefresh_min = \"1s\"\nrefresh_max = \"1s\"\narchive = {archive}\n",
        root = root.display()
    )
}

pub(crate) fn status(service: &Service) -> ArchiveStatus {
    service.app.refresher.archiver.status()
}

/// The archive's files, by path; what is ours besides starts with a dot.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    let root = root.join("archive");
    walk(&root, &root, &mut found);
    found
}

pub(crate) fn names(root: &Path) -> Vec<String> {
    files(root).into_keys().collect()
}

pub(crate) async fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1_500 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("waited in vain for: {what}");
}

#[tokio::test]
async fn items_are_kept_without_a_reader_and_once() {
    let root = tempfile::tempdir().unwrap();
    let first = [item("a", "One", "<p>1</p>"), item("b", "Two", "<p>2</p>")];
    let (origin, feed) = publisher(rss(&first)).await;
    let toml = toml(root.path(), "true");
    let service = Service::start(&toml, origin.address()).await;
    wait_until("two items", || status(&service).items == 2).await;
    // One changes, one is gone, one is new.
    *feed.lock().unwrap() = rss(&[item("a", "One", "<p>new</p>"), item("c", "../../x", "")]);
    wait_until("a change", || status(&service).changes == 1).await;
    let expected = [
        "news/2022/01/2022-01-19-One.html",
        "news/2022/01/2022-01-19-One.v2.html",
        "news/2022/01/2022-01-19-Two.html",
        "news/2022/01/2022-01-19-x.html",
    ];
    assert_eq!(names(root.path()), expected);
    let before = files(root.path());
    let text = String::from_utf8(before[expected[1]].clone()).unwrap();
    assert!(
        text.starts_with(
            "<!--1642555024000-->\n[One](https://news.example.org/a)\n------\n\n<p>new</p>"
        ),
        "{text}"
    );
    let counted = status(&service);
    assert_eq!(
        (counted.items, counted.changes, counted.degraded),
        (3, 1, None)
    );
    let store = service.app.store.clone();
    service.drain().await;
    store.close().await;
    // After a restart nothing is written again.
    let service = Service::start(&toml, origin.address()).await;
    let asked = origin.seen().len();
    wait_until("two more fetches", || origin.seen().len() >= asked + 2).await;
    assert_eq!(files(root.path()), before);
    assert_eq!((status(&service).items, status(&service).changes), (0, 0));
}

#[tokio::test]
async fn a_directory_that_refuses_is_an_alarm_and_no_stopped_service() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("archive"), "in the way").unwrap();
    let (origin, feed) = publisher(rss(&[item("a", "One", "1")])).await;
    let toml = toml(root.path(), "{ format = \"jsonl\" }");
    let service = Service::start(&toml, origin.address()).await;
    wait_until("an alarm", || status(&service).degraded.is_some()).await;
    assert_eq!(get(service.addr, "/feeds/news", &[]).await.status, 200);
    let ready = get(service.addr, "/readyz", &[]).await;
    assert_eq!(
        ready.text(),
        "ready, but the archive can't be written at present\n"
    );
    let page = get(service.addr, "/", &[]).await;
    assert!(
        page.text().contains("The archive can't be written"),
        "{}",
        page.text()
    );
    // Items that fall out of the feed meanwhile, and a restart.
    *feed.lock().unwrap() = rss(&[item("b", "Two", "2")]);
    wait_until("two items wait", || status(&service).waiting == 2).await;
    let store = service.app.store.clone();
    service.drain().await;
    store.close().await;
    *feed.lock().unwrap() = rss(&[item("c", "Three", "3")]);
    let service = Service::start(&toml, origin.address()).await;
    wait_until("three items wait", || status(&service).waiting == 3).await;
    fs::remove_file(root.path().join("archive")).unwrap();
    *feed.lock().unwrap() = rss(&[item("d", "Four", "4")]);
    wait_until("all are written", || names(root.path()).len() == 4).await;
    wait_until("the alarm ends", || status(&service).degraded.is_none()).await;
    let ready = get(service.addr, "/readyz", &[]).await;
    assert_eq!(ready.text(), "ready\n");
    let texts = files(root.path()).into_values();
    for text in texts.map(|bytes| String::from_utf8(bytes).unwrap()) {
        assert_eq!(Format::JsonLines.parse(&text).unwrap().len(), 1);
    }
    service.drain().await;
}

#[tokio::test]
async fn images_lie_beside_their_item() {
    let root = tempfile::tempdir().unwrap();
    let (origin, feed) = publisher(String::new()).await;
    let at = origin.address();
    let html = format!(
        "<p><img src=\"http://{at}/a.gif\" alt=\"A\"><img src=\"http://{at}/gone.gif\">\
         <img src=\"http://{at}/page.gif\"><img src=\"http://10.0.0.1/private.gif\"></p>"
    );
    *feed.lock().unwrap() = rss(&[item("a", "One & only", &html), item("b", "Two", "<p>2</p>")]);
    let toml = toml(root.path(), "{ images = true, path = \"{title}.html\" }");
    let service = Service::start(&toml, at).await;
    wait_until("both items", || status(&service).items == 2).await;
    let found = files(root.path());
    let (image, bytes) = found
        .iter()
        .find(|(name, _)| name.ends_with(".gif"))
        .unwrap();
    assert_eq!(bytes, GIF);
    assert_eq!(found.len(), 3, "{:?}", found.keys());
    let text = String::from_utf8(found["One-&-only.html"].clone()).unwrap();
    let (folder, name) = image.split_once('/').unwrap();
    assert_eq!(folder, "One-&-only.files");
    let expected = html.replace(
        &format!("http://{at}/a.gif"),
        &format!("One-%26-only.files/{name}"),
    );
    assert!(text.contains(&expected), "{text}");
    let counted = status(&service);
    assert_eq!((counted.images, counted.images_missing), (1, 3));
    // With its images it is the same item: nothing is fetched or written again.
    let asked = |path: &str| {
        origin
            .seen()
            .iter()
            .filter(|head| head.contains(path))
            .count()
    };
    let fetches = asked("/feed.xml");
    wait_until("two more fetches", || asked("/feed.xml") >= fetches + 2).await;
    assert_eq!((asked("/a.gif"), asked("/gone.gif")), (1, 1));
    assert_eq!(files(root.path()), found);
}

#[tokio::test]
async fn an_item_waits_for_its_article_and_not_for_ever() {
    let root = tempfile::tempdir().unwrap();
    let (release, released) = tokio::sync::watch::channel(false);
    let page = "<html><body><article><h1>Head</h1>".to_owned()
        + &"<p>A sentence of the article that is long enough to be one.</p>".repeat(20)
        + "</article></body></html>";
    let feed = Arc::new(Mutex::new(String::new()));
    let served = Arc::clone(&feed);
    let gone = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&gone);
    let origin = Origin::start(move |head| match head {
        head if head.starts_with("GET /feed.xml") => Reply::ok(served.lock().unwrap().as_str()),
        head if head.starts_with("GET /slow") => {
            let reply = Reply::status(200, &[("content-type", "text/html")], &page);
            Reply::default().wait_for(released.clone()).then(reply)
        }
        _ => {
            asked.fetch_add(1, Ordering::Relaxed);
            Reply::status(410, &[], "")
        }
    })
    .await;
    let at = origin.address();
    let item = |path: &str, title: &str| {
        format!(
            "<item><title>{title}</title><link>http://{at}/{path}</link><pubDate>Wed, 19 Jan 2022 01:17:04 GMT</pubDate>\
             <description>teaser</description></item>"
        )
    };
    *feed.lock().unwrap() = rss(&[item("slow", "Slow"), item("gone", "Gone")]);
    let toml = toml(root.path(), "{ path = \"{title}.html\" }") + "full_text = true\n";
    let service = Service::start(&toml, at).await;
    // One has no article for good: it is kept as it is.
    wait_until("the item without an article", || {
        names(root.path()) == ["Gone.html"]
    })
    .await;
    assert_eq!(gone.load(Ordering::Relaxed), 1);
    release.send(true).unwrap();
    wait_until("the item with its article", || status(&service).items == 2).await;
    let text = String::from_utf8(files(root.path())["Slow.html"].clone()).unwrap();
    assert!(text.contains("A sentence of the article"), "{text}");
    assert_eq!(names(root.path()), ["Gone.html", "Slow.html"]);
    assert_eq!(status(&service).changes, 0);
}

/// `FEEDTEST_ITEMS` says how many.
#[tokio::test]
async fn thousands_of_items_at_once_are_all_kept() {
    let root = tempfile::tempdir().unwrap();
    let count = std::env::vars().find(|(name, _)| name == "FEEDTEST_ITEMS");
    let count: u64 = count.map_or(2_000, |(_, count)| count.parse().unwrap());
    let items: Vec<_> = (0..count)
        .map(|n| item(&n.to_string(), "The same title]]>", &format!("<p>{n}</p>")))
        .collect();
    let (origin, _) = publisher(rss(&items)).await;
    let service = Service::start(&toml(root.path(), "true"), origin.address()).await;
    let begun = std::time::Instant::now();
    wait_until("all items", || status(&service).items == count).await;
    println!(
        "{count} items kept after {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    let found = files(root.path());
    assert_eq!(found.len() as u64, count);
    assert!(found.values().all(|bytes| {
        let entry = Format::Seed
            .parse(std::str::from_utf8(bytes).unwrap())
            .unwrap();
        entry[0].html == format!("<p>{}</p>", entry[0].id)
    }));
}
