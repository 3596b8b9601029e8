//! Publishers who never write the last end tags of their documents.

use std::path::Path;

use crate::kept::{KEYS, assert_well_formed, recorded, stop};
use crate::origin::{Origin, Reply};
use crate::reader::{Answer, get};
use crate::service::Service;

fn document(items: &[&str]) -> String {
    let items: String = items
        .iter()
        .map(|id| format!("<item><title>Item {id}</title><guid>{id}</guid></item>\n"))
        .collect();
    format!("<?xml version=\"1.0\"?>\n<rss version=\"2.0\"><channel><title>News</title>\n{items}")
}

fn whole(items: &[&str]) -> Reply {
    Reply::ok(document(items) + "</channel></rss>")
}

/// Ends with its connection, as what was cut does.
fn unframed(items: &[&str]) -> Reply {
    Reply::head(200, &[], None).send(document(items)).close()
}

fn chunked(items: &[&str]) -> Reply {
    let body = document(items);
    let head = Reply::head(200, &[("transfer-encoding", "chunked")], None);
    head.send(format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()))
}

async fn start(folder: &Path, origin: &Origin, keys: &str) -> Service {
    let toml = format!(
        "[store]\npath = \"{}\"\n[fetch]\nhost_spacing = \"0s\"\n[[feed]]\nname = \"news\"\n\
         url = \"http://PUBLISHER/feed.xml\"\nallow_private = [\"PUBLISHER\"]\n{keys}\n",
        folder.join("data").display()
    );
    Service::start(&toml, origin.address()).await
}

/// Asks until the publisher was asked so often; the answer of the last time.
async fn asked(service: &Service, origin: &Origin, times: usize) -> Answer {
    for _ in 0..400 {
        let before = origin.seen().len();
        let answer = get(service.addr, "/feeds/news", &[]).await;
        if before < times && origin.seen().len() >= times {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the publisher was asked {} times", origin.seen().len());
}

#[tokio::test]
async fn a_document_without_its_last_end_tags_counts_from_the_second_time_on() {
    for reply in [Reply::ok(document(&["2", "1"])), chunked(&["2", "1"])] {
        let folder = tempfile::tempdir().unwrap();
        let origin = Origin::start(move |_| reply.clone()).await;
        let service = start(folder.path(), &origin, KEYS).await;
        let first = asked(&service, &origin, 1).await;
        // Nothing better is there: readers play it, and see that it broke off.
        assert!(!first.whole || first.status == 502, "{}", first.status);
        let second = asked(&service, &origin, 2).await;
        assert_eq!((second.status, second.whole), (200, true));
        assert!(
            second.text().ends_with("</channel></rss>"),
            "{}",
            second.text()
        );
        assert_well_formed(second.text());
        // It outlives the process, and there is a page of it.
        recorded(&service, 2).await;
        let page = get(service.addr, "/feeds/news/archive/2", &[]).await;
        assert_well_formed(page.text());
        stop(service).await;
        let service = start(folder.path(), &origin, &KEYS.replace("\"1s\"", "\"1h\"")).await;
        let again = get(service.addr, "/feeds/news", &[]).await;
        assert_eq!((again.status, again.text()), (200, second.text()));
        stop(service).await;
    }
}

#[tokio::test]
async fn what_ends_with_its_connection_or_within_an_item_never_counts() {
    let cut = |text: &str| Reply::ok(document(&["1"]) + text);
    for (reply, keys) in [
        (unframed(&["2", "1"]), ""),
        (cut("<item><title>2</title>"), ""),
        (cut("<image><url>x</url>"), ""),
        (cut("<!-- "), ""),
        (cut("<ite"), ""),
        (Reply::ok(document(&[])), ""),
        (Reply::ok(document(&["1"])), "repair = false"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let origin = Origin::start(move |_| reply.clone()).await;
        let service = start(folder.path(), &origin, &format!("{KEYS}\n{keys}")).await;
        for times in 1..=3 {
            let answer = asked(&service, &origin, times).await;
            assert!(!answer.whole || answer.status == 502, "{}", answer.text());
        }
        stop(service).await;
    }
}

#[tokio::test]
async fn it_never_takes_the_place_of_a_copy_with_more_items() {
    let folder = tempfile::tempdir().unwrap();
    let less = || Reply::ok(document(&["3", "2"]));
    let replies = vec![
        whole(&["3", "2", "1"]),
        less(),
        less(),
        less(),
        // As many are as good.
        Reply::ok(document(&["4", "3", "2"])),
        whole(&["5"]),
        // A row begins again.
        Reply::ok(document(&["6"])),
        Reply::ok(document(&["7"])),
    ];
    let origin = Origin::script(replies).await;
    let keys = KEYS.replace("keep_items = 10\n", "");
    let service = start(folder.path(), &origin, &keys).await;
    for (times, expected) in [
        (1, "Item 1"),
        (2, "Item 1"),
        (3, "Item 1"),
        (4, "Item 1"),
        (5, "Item 4"),
        (6, "Item 5"),
        (7, "Item 5"),
        (8, "Item 7"),
    ] {
        let answer = asked(&service, &origin, times).await;
        assert_eq!((answer.status, answer.whole), (200, true), "{times}");
        assert!(
            answer.text().contains(expected),
            "{times}: {}",
            answer.text()
        );
    }
    stop(service).await;
}
