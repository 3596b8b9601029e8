//! The pages of a feed's archive (RFC 5005): a reader that walks back finds every item once, pages stay as
//! they are, and what the publisher says of pages of its own goes.

use std::collections::HashSet;

use crate::kept::{KEYS, Publisher, ask, assert_well_formed, recorded, rss, start, stop, titles};
use crate::reader::{Answer, get};
use crate::service::Service;

/// The documents of a publisher: `count` items from `first` on, newest first.
fn document(first: usize, count: usize) -> String {
    let names: Vec<_> = (first..first + count)
        .rev()
        .map(|n| format!("i{n}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    rss(&names)
}

/// Where a document says that `relation` is, as a path.
fn link(text: &str, relation: &str) -> Option<String> {
    let document = roxmltree::Document::parse(text).unwrap();
    let mut links = document.descendants().filter(|node| {
        node.has_tag_name(("http://www.w3.org/2005/Atom", "link"))
            && node.attribute("rel") == Some(relation)
    });
    let link = links.next()?.attribute("href")?.to_owned();
    assert!(links.next().is_none(), "two {relation}");
    let path = link.strip_prefix("http://127.0.0.1:8080").unwrap();
    Some(path.to_owned())
}

async fn page(service: &Service, path: &str) -> (Answer, String) {
    let answer = get(service.addr, path, &[]).await;
    assert_eq!(answer.status, 200, "{path}");
    let text = String::from_utf8(answer.body.clone()).unwrap();
    assert_well_formed(&text);
    (answer, text)
}

/// The titles on all pages behind a document, page by page.
async fn walk(service: &Service, from: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next = link(from, "prev-archive");
    while let Some(path) = next {
        let (answer, text) = page(service, &path).await;
        assert!(text.contains("<fh:archive"), "{text}");
        assert_eq!(link(&text, "self").as_deref(), Some(path.as_str()));
        assert_eq!(link(&text, "current").as_deref(), Some("/feeds/news"));
        let tag = answer.header("etag").to_owned();
        let again = get(service.addr, &path, &[("if-none-match", &tag)]).await;
        assert_eq!(again.status, 304);
        pages.push(titles(&text).into_iter().map(str::to_owned).collect());
        next = link(&text, "prev-archive");
        assert!(pages.len() < 10);
    }
    pages
}

#[tokio::test]
async fn a_reader_that_walks_back_finds_everything_once() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::start(document(0, 60)).await;
    // The limit is for the feed itself.
    let keys = KEYS.replace(
        "keep_items = 10",
        "keep_items = 60\nlimit = 70\nfooter = \"<hr>end\"",
    );
    let service = start(folder.path(), &publisher, &keys).await;
    let (_, text) = ask(&service, |_, text| titles(text).len() == 60).await;
    assert_eq!(link(&text, "prev-archive"), None);
    recorded(&service, 60).await;
    publisher.show(document(60, 60));
    let (_, text) = ask(&service, |_, text| titles(text)[0] == "i119").await;
    assert_well_formed(&text);
    recorded(&service, 120).await;
    assert_eq!(
        link(&text, "prev-archive").as_deref(),
        Some("/feeds/news/archive/60")
    );
    let pages = walk(&service, &text).await;
    let sizes: Vec<_> = pages.iter().map(Vec::len).collect();
    assert_eq!(sizes, [10, 50]);
    let mut all: HashSet<String> = pages.into_iter().flatten().collect();
    assert_eq!(all.len(), 60);
    all.extend(titles(&text).into_iter().map(str::to_owned));
    assert_eq!(all.len(), 120);
    // The rules hold for pages as well.
    let (old, first) = page(&service, "/feeds/news/archive/50").await;
    assert_eq!(first.matches("&lt;hr&gt;end").count(), 50);
    assert_eq!(
        link(&first, "next-archive").as_deref(),
        Some("/feeds/news/archive/100")
    );
    assert_eq!(old.header("cache-control"), "public, max-age=86400");
    let newest = get(service.addr, "/feeds/news/archive", &[]).await;
    assert_eq!(
        (newest.status, newest.header("location")),
        (302, "http://127.0.0.1:8080/feeds/news/archive/120")
    );
    for path in [
        "/feeds/news/archive/121",
        "/feeds/news/archive/0",
        "/feeds/other/archive",
    ] {
        assert_eq!(get(service.addr, path, &[]).await.status, 404, "{path}");
    }
    // Pages stay as they are, whatever else comes, and over restarts.
    publisher.show(document(120, 40));
    ask(&service, |_, text| titles(text)[0] == "i159").await;
    recorded(&service, 160).await;
    let (later, same) = page(&service, "/feeds/news/archive/50").await;
    assert_eq!((later.header("etag"), &same), (old.header("etag"), &first));
    stop(service).await;
    let service = start(folder.path(), &publisher, &keys).await;
    let (again, same) = page(&service, "/feeds/news/archive/50").await;
    assert_eq!((again.header("etag"), &same), (old.header("etag"), &first));
    stop(service).await;
}

#[tokio::test]
async fn without_kept_items_there_are_no_pages() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::start(document(0, 3)).await;
    let service = start(folder.path(), &publisher, &KEYS.replace("10", "0")).await;
    ask(&service, |_, text| titles(text).len() == 3).await;
    for path in ["/feeds/news/archive", "/feeds/news/archive/1"] {
        assert_eq!(get(service.addr, path, &[]).await.status, 404, "{path}");
    }
    stop(service).await;
}

#[tokio::test]
async fn an_envelope_that_is_kept_says_what_the_publisher_says() {
    let folder = tempfile::tempdir().unwrap();
    let own = "<atom:link xmlns:atom=\"http://www.w3.org/2005/Atom\" rel=\"prev-archive\" \
               href=\"http://127.0.0.1:8080/old\"/>";
    let with_link = |text: String| text.replacen("<channel>", &format!("<channel>{own}"), 1);
    let publisher = Publisher::start(with_link(document(0, 2))).await;
    for (envelope, expected) in [("keep", "/old"), ("ours", "/feeds/news/archive/2")] {
        let keys = format!("{KEYS}\nenvelope = \"{envelope}\"");
        publisher.show(with_link(document(0, 2)));
        let service = start(folder.path(), &publisher, &keys).await;
        ask(&service, |_, text| titles(text).contains(&"i1")).await;
        recorded(&service, 2).await;
        publisher.show(with_link(document(2, 3)));
        let (_, text) = ask(&service, |_, text| titles(text).len() == 5).await;
        assert_eq!(link(&text, "prev-archive").as_deref(), Some(expected));
        let (_, page) = page(&service, "/feeds/news/archive/2").await;
        assert_eq!(titles(&page), ["i1", "i0"]);
        assert_eq!(link(&page, "prev-archive"), None);
        stop(service).await;
    }
}
