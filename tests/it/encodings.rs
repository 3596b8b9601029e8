//! What is added to a feed is in the encoding that its declaration names, and items that share a guid
//! stay apart.

use crate::kept::{KEYS, Publisher, ask, assert_well_formed, recorded, start, stop};
use crate::reader::get;

fn latin(items: &[(&str, &str)]) -> String {
    let items: String = items
        .iter()
        .map(|(id, title)| {
            format!(
                "<item><title>Item {title}</title><guid isPermaLink=\"false\">{id}</guid></item>"
            )
        })
        .collect();
    let length = items.len();
    format!(
        "<?xml version='1.0' encoding='ISO-8859-1'?>\n\
         <rss version=\"2.0\"><channel><title>News {length}</title>{items}</channel></rss>"
    )
}

#[tokio::test]
async fn what_was_latin_1_yesterday_stands_in_ascii_today() {
    let folder = tempfile::tempdir().unwrap();
    // The scripted publisher sends UTF-8: what its label says is wrong, and that is seen.
    let publisher = Publisher::start(latin(&[("2", "café"), ("1", "für")])).await;
    let service = start(folder.path(), &publisher, KEYS).await;
    ask(&service, |_, text| text.contains("café")).await;
    recorded(&service, 2).await;
    publisher.show(latin(&[("4", "plain"), ("3", "too")]));
    let (_, text) = ask(&service, |_, text| text.contains("Item plain")).await;
    assert!(
        text.starts_with("<?xml version='1.0' encoding='UTF-8'?>"),
        "{text}"
    );
    assert!(text.contains("Item café") && text.contains("Item für"));
    assert_well_formed(&text);
    recorded(&service, 4).await;
    let page = get(service.addr, "/feeds/news/archive/2", &[]).await;
    let text = String::from_utf8(page.body).unwrap();
    assert!(
        text.starts_with("<?xml version='1.0' encoding='UTF-8'?>"),
        "{text}"
    );
    assert!(text.contains("Item café") && text.contains("Item für"));
    stop(service).await;
}

fn same(items: &[&str]) -> String {
    let items: String = items
        .iter()
        .map(|name| {
            format!(
                "<item><title>Item {name}</title><link>https://news.example.org/{name}</link>\
                 <guid>https://news.example.org/same</guid></item>\n"
            )
        })
        .collect();
    let length = items.len();
    format!("<rss version=\"2.0\"><channel><title>News {length}</title>\n{items}</channel></rss>")
}

#[tokio::test]
async fn items_that_share_a_guid_all_stay_behind_and_have_a_page() {
    use crate::kept::titles;
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::start(same(&["3", "2", "1"])).await;
    let mut service = start(folder.path(), &publisher, KEYS).await;
    ask(&service, |_, text| titles(text) == ["3", "2", "1"]).await;
    recorded(&service, 3).await;
    publisher.show(same(&["4"]));
    ask(&service, |_, text| titles(text) == ["4", "3", "2", "1"]).await;
    recorded(&service, 4).await;
    for _ in 0..2 {
        publisher.show(same(&["55", "4"]));
        ask(&service, |_, text| {
            titles(text) == ["55", "4", "3", "2", "1"]
        })
        .await;
        recorded(&service, 5).await;
        let page = get(service.addr, "/feeds/news/archive/5", &[]).await;
        let page = String::from_utf8(page.body).unwrap();
        assert_eq!(titles(&page), ["55", "4", "3", "2", "1"]);
        assert_eq!(service.app.store.newest_items("news", 100).await.len(), 5);
        stop(service).await;
        service = start(folder.path(), &publisher, KEYS).await;
    }
    stop(service).await;
}
