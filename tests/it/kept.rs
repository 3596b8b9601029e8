//! Items that fell out of a feed: they stay behind its own, once, as the rules would have them, after
//! restarts as well, and never at the feed's cost.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::origin::{Origin, Reply, field};
use crate::reader::{Answer, get};
use crate::service::Service;

/// A publisher whose document the test sets.
pub(crate) struct Publisher {
    pub(crate) origin: Origin,
    pub(crate) document: Arc<Mutex<String>>,
}

impl Publisher {
    pub(crate) async fn start(document: String) -> Self {
        let document = Arc::new(Mutex::new(document));
        let shown = Arc::clone(&document);
        let origin = Origin::start(move |head| {
            let document = shown.lock().unwrap().clone();
            let tag = format!("\"{:x}\"", document.len());
            if field(head, "if-none-match") == Some(&tag) {
                return Reply::head(304, &[("etag", &tag)], None);
            }
            Reply::status(200, &[("etag", &tag)], document)
        });
        Self {
            origin: origin.await,
            document,
        }
    }

    pub(crate) fn show(&self, document: String) {
        *self.document.lock().unwrap() = document;
    }

    fn address(&self) -> SocketAddr {
        self.origin.address()
    }
}

/// A document with these items, in this order; each says how long the list is, so that documents of
/// other items have other lengths.
pub(crate) fn rss(items: &[&str]) -> String {
    let items: String = items
        .iter()
        .map(|id| {
            format!(
                "<item><title>Item {id}</title><guid isPermaLink=\"false\">{id}</guid>\
                 <description>&lt;img src=\"https://img.example.org/{id}.png\"></description></item>\n"
            )
        })
        .collect();
    format!("<rss version=\"2.0\"><channel><title>News</title>\n{items}</channel></rss>")
}

fn json(items: &[&str]) -> String {
    let items: Vec<_> = items
        .iter()
        .map(|id| format!("{{\"id\": \"{id}\", \"content_text\": \"Item {id}\"}}"))
        .collect();
    let items = items.join(",\n");
    format!(
        "{{\"version\": \"https://jsonfeed.org/version/1.1\", \"title\": \"News\", \"items\": [{items}]}}"
    )
}

fn atom(items: &[&str]) -> String {
    let items: String = items
        .iter()
        .map(|id| {
            format!("<entry><id>{id}</id><title>Item {id}</title><x:own>{id}</x:own></entry>")
        })
        .collect();
    format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:x=\"urn:x:{}\"><id>f</id>{items}</feed>",
        items.len()
    )
}

pub(crate) const KEYS: &str = "keep_items = 10\nrefresh = \"1s\"\nrefresh_min = \"1s\"\nrefresh_max = \"1s\"\n\
                    retry_after_error = \"1s\"\nserve_stale_after = \"1m\"\nactive_for = \"0s\"\nstale_if_error = \"7d\"";

pub(crate) async fn start(folder: &Path, publisher: &Publisher, keys: &str) -> Service {
    let toml = format!(
        "[store]\npath = \"{}\"\n[fetch]\nhost_spacing = \"0s\"\n[[feed]]\nname = \"news\"\n\
         url = \"http://PUBLISHER/feed.xml\"\nallow_private = [\"PUBLISHER\"]\n{keys}\n",
        folder.join("data").display()
    );
    Service::start(&toml, publisher.address()).await
}

pub(crate) async fn stop(service: Service) {
    let store = service.app.store.clone();
    service.drain().await;
    store.close().await;
}

/// Asks again until the answer is as the test wants it: copies grow stale in a second, and items are
/// recorded some time after they came.
pub(crate) async fn ask(
    service: &Service,
    is_right: impl Fn(&Answer, &str) -> bool,
) -> (Answer, String) {
    let mut tries = 0;
    loop {
        let answer = get(service.addr, "/feeds/news", &[]).await;
        let text = String::from_utf8(answer.body.clone()).unwrap();
        if answer.status == 200 && is_right(&answer, &text) {
            return (answer, text);
        }
        tries += 1;
        let status = answer.header("cache-status");
        assert!(tries < 400, "{} {status} {text:.1000}", answer.status);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the store has so many items of the feed.
pub(crate) async fn recorded(service: &Service, count: usize) {
    let mut tries = 0;
    while service.app.store.newest_items("news", 20_000).await.len() < count {
        tries += 1;
        assert!(tries < 400);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The titles in an answer, in its order.
pub(crate) fn titles(text: &str) -> Vec<&str> {
    let titles = text.split("<title>Item ").skip(1);
    titles.map(|rest| rest.split('<').next().unwrap()).collect()
}

pub(crate) fn assert_well_formed(text: &str) {
    roxmltree::Document::parse(text).unwrap();
}

#[tokio::test]
async fn what_falls_out_stays_behind_and_comes_back_once() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::start(rss(&["2", "1"])).await;
    let keys = format!("{KEYS}\nimages = \"weserv\"\nfooter = \"<hr>end of {{{{ item.title }}}}\"");
    let service = start(folder.path(), &publisher, &keys).await;
    let (first, _) = ask(&service, |_, text| titles(text) == ["2", "1"]).await;
    recorded(&service, 2).await;
    publisher.show(rss(&["4", "3", "2"]));
    let (second, text) = ask(&service, |_, text| titles(text) == ["4", "3", "2", "1"]).await;
    assert_well_formed(&text);
    assert_ne!(first.header("etag"), second.header("etag"));
    // The rules hold for it as for the others.
    assert_eq!(text.matches("images.weserv.nl").count(), 4);
    assert_eq!(text.matches("end of Item 1").count(), 1);
    recorded(&service, 4).await;
    // A 304 changes nothing.
    let asked = publisher.origin.seen().len();
    let (third, same) = ask(&service, |_, _| publisher.origin.seen().len() > asked).await;
    assert!(publisher.origin.seen()[asked].contains("if-none-match"));
    assert_eq!(
        (third.header("etag"), &same),
        (second.header("etag"), &text)
    );
    // It comes back, and stands there once.
    publisher.show(rss(&["1", "4"]));
    let (_, text) = ask(&service, |_, text| titles(text) == ["1", "4", "3", "2"]).await;
    assert_well_formed(&text);
    stop(service).await;
}

#[tokio::test]
async fn a_restart_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::start(rss(&["2", "1"])).await;
    let service = start(folder.path(), &publisher, KEYS).await;
    ask(&service, |_, text| titles(text) == ["2", "1"]).await;
    recorded(&service, 2).await;
    publisher.show(rss(&["3"]));
    let (before, text) = ask(&service, |_, text| titles(text) == ["3", "2", "1"]).await;
    recorded(&service, 3).await;
    stop(service).await;
    // The copy is made again, of the same bytes under the same tag, before upstream is asked.
    publisher.show("<rss><channel><title>Out of order".into());
    let service = start(folder.path(), &publisher, KEYS).await;
    let (after, again) = ask(&service, |_, _| true).await;
    assert_eq!(
        (before.header("etag"), &text),
        (after.header("etag"), &again)
    );
    publisher.show(rss(&["5", "4"]));
    ask(&service, |_, text| {
        titles(text) == ["5", "4", "3", "2", "1"]
    })
    .await;
    stop(service).await;
    // Without the key they are not shown, and with it again they are.
    let service = start(folder.path(), &publisher, &KEYS.replace("10", "0")).await;
    ask(&service, |_, text| titles(text) == ["5", "4"]).await;
    stop(service).await;
    let service = start(folder.path(), &publisher, KEYS).await;
    ask(&service, |_, text| titles(text).len() == 5).await;
    stop(service).await;
}

#[tokio::test]
async fn there_are_so_many_and_the_newest_stay() {
    let publisher = Publisher::start(rss(&["3", "2", "1"])).await;
    let folder = tempfile::tempdir().unwrap();
    let keys = KEYS.replace("keep_items = 10", "keep_items = 4");
    let service = start(folder.path(), &publisher, &keys).await;
    ask(&service, |_, text| titles(text) == ["3", "2", "1"]).await;
    recorded(&service, 3).await;
    publisher.show(rss(&["5", "4"]));
    ask(&service, |_, text| titles(text) == ["5", "4", "3", "2"]).await;
    recorded(&service, 5).await;
    // Where the feed has more of its own, all of these are there.
    publisher.show(rss(&["10", "9", "8", "7", "6"]));
    ask(&service, |_, text| {
        titles(text) == ["10", "9", "8", "7", "6"]
    })
    .await;
    stop(service).await;
}

#[tokio::test]
async fn json_and_atom_keep_items_too() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::start(json(&["2", "1"])).await;
    let service = start(folder.path(), &publisher, KEYS).await;
    ask(&service, |_, text| text.contains("Item 1")).await;
    recorded(&service, 2).await;
    publisher.show(json(&["3"]));
    let (_, text) = ask(&service, |_, text| text.contains("Item 3")).await;
    let feed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let items = feed["items"].as_array().unwrap();
    let ids: Vec<_> = items
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["3", "2", "1"]);
    recorded(&service, 3).await;
    // The publisher changes to Atom: what is JSON can't stand in it.
    publisher.show(atom(&["b", "a"]));
    let (_, text) = ask(&service, |_, text| titles(text) == ["b", "a"]).await;
    assert_well_formed(&text);
    recorded(&service, 5).await;
    publisher.show(atom(&["ccc"]));
    let (_, text) = ask(&service, |_, text| titles(text) == ["ccc", "b", "a"]).await;
    assert_well_formed(&text);
    assert_eq!(text.matches("xmlns:x=").count(), 3);
    stop(service).await;
}

#[tokio::test]
async fn what_is_broken_is_not_kept_and_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let broken = rss(&["2", "1"]).replacen("Item 1", "Item 1 & more", 1);
    let publisher = Publisher::start(broken).await;
    let keys = format!("{KEYS}\nrepair = false");
    let service = start(folder.path(), &publisher, &keys).await;
    ask(&service, |_, text| text.contains("1 & more")).await;
    recorded(&service, 1).await;
    // What is cut or no feed records nothing and replaces nothing.
    publisher.show("<rss><channel><title>News</title><item><guid>9</guid></item>".into());
    let failed = |answer: &Answer, _: &str| answer.header("cache-status").contains("truncated");
    let (_, text) = ask(&service, failed).await;
    assert!(text.contains("1 & more"));
    publisher.show(rss(&["3"]));
    let (_, text) = ask(&service, |_, text| titles(text).first() == Some(&"3")).await;
    assert_eq!(titles(&text), ["3", "2"]);
    assert_well_formed(&text);
    stop(service).await;
    // With repair it is made well-formed before it is kept.
    let folder = tempfile::tempdir().unwrap();
    publisher.show(rss(&["2", "1"]).replacen("Item 1", "Item 1 & more", 1));
    let service = start(folder.path(), &publisher, KEYS).await;
    ask(&service, |_, text| text.contains("1 &amp; more")).await;
    recorded(&service, 2).await;
    publisher.show(rss(&["3"]));
    let (_, text) = ask(&service, |_, text| {
        titles(text) == ["3", "2", "1 &amp; more"]
    })
    .await;
    assert_well_formed(&text);
    stop(service).await;
}

#[tokio::test]
async fn kept_items_that_would_be_too_much_are_left_out() {
    const FIRST: usize = 100;
    const ALL: usize = 300;
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<_> = (0..ALL).map(|n| n.to_string()).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let publisher = Publisher::start(rss(&all[..FIRST])).await;
    // What the rules add to a document is bounded: to 200 items they may, to 300 they may not.
    let footer = "footer = '{% for n in range(250) %}{{ \"x\" * 1000 }}{% endfor %}'";
    let keys = KEYS.replace("keep_items = 10", "keep_items = 1000");
    let service = start(folder.path(), &publisher, &format!("{keys}\n{footer}")).await;
    ask(&service, |_, text| titles(text).len() == FIRST).await;
    recorded(&service, FIRST).await;
    publisher.show(rss(&all[FIRST..]));
    let (_, text) = ask(&service, |_, text| titles(text)[0] == all[FIRST]).await;
    assert_eq!(titles(&text), all[FIRST..]);
    stop(service).await;
    let service = start(folder.path(), &publisher, &keys).await;
    ask(&service, |_, text| titles(text).len() == ALL).await;
    stop(service).await;
}

#[tokio::test]
async fn ten_thousand_items() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<_> = (0..10_000).map(|n| n.to_string()).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let publisher = Publisher::start(rss(&all[..6_000])).await;
    let keys = KEYS.replace("keep_items = 10", "keep_items = 10000");
    let service = start(folder.path(), &publisher, &keys).await;
    ask(&service, |_, text| titles(text).len() == 6_000).await;
    recorded(&service, 6_000).await;
    publisher.show(rss(&all[6_000..]));
    let (_, text) = ask(&service, |_, text| titles(text).len() == 10_000).await;
    assert_well_formed(&text);
    recorded(&service, 10_000).await;
    // More than that are too many to be told apart: the feed is served as it is.
    let more: Vec<_> = (20_000..30_001).map(|n| n.to_string()).collect();
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    publisher.show(rss(&more));
    ask(&service, |_, text| titles(text).len() == 10_001).await;
    stop(service).await;
}
