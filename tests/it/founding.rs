//! The item that this program was made for: a publisher's feed has a headline and a teaser, the
//! mirror's item has the article, byte for byte.

use std::time::Duration;

use crate::origin::{Origin, Reply};
use crate::reader::get;
use crate::service::Service;

const FEED: &str = include_str!("../../src/demo/founding/feed.xml");
const PAGE: &str = include_str!("../../src/demo/founding/article.html");
const ITEM: &str = include_str!("founding/item.html");

/// What a mirror's operator writes.
const RULES: &str = r##"
[image_proxy.weserv]
template = "https://images.weserv.nl/?url={host_path}"

[fetch]
host_spacing = "0s"

[[feed]]
name = "dw"
url = "http://PUBLISHER/rdf/rss-chi-all"
allow_private = ["PUBLISHER"]
full_text = true
images = "weserv"
mark = false
header = '<div><i><br>{{ item.updated | iso_ms }}</i></div>'
figure = '<img src="{{ src }}" width="100%"><div><small style="color: #999;">{{ caption }}</small></div>'
footer = '''<br><hr><div>获取更多RSS：<br><a href="https://feedx.net" style="color:orange" target="_blank">https://feedx.net</a> <br><a href="https://feedx.top" style="color:orange" target="_blank">https://feedx.top</a><br></div>'''
"##;

/// The item's content once its article is there, and the whole feed.
async fn content() -> (String, String, Origin) {
    let publisher = Origin::start(|head| {
        let own = head
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .unwrap_or_default();
        let fill = |text: &str| text.replace("{{publisher}}", own);
        if head.starts_with("GET /rdf/") {
            Reply::status(200, &[("content-type", "text/xml")], fill(FEED))
        } else {
            Reply::status(200, &[("content-type", "text/html")], fill(PAGE))
        }
    })
    .await;
    let service = Service::start(RULES, publisher.address()).await;
    for _ in 0..600 {
        let answer = get(service.addr, "/feeds/dw", &[]).await;
        let text = answer.text().to_owned();
        if let Some((_, rest)) = text.split_once("<![CDATA[")
            && let Some((content, _)) = rest.split_once("]]>")
            && text.contains("content:encoded")
        {
            return (content.to_owned(), text.clone(), publisher);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the article never came");
}

#[tokio::test]
async fn the_item_is_the_mirrors_byte_for_byte() {
    let (content, feed, publisher) = content().await;
    assert_eq!(content, ITEM.trim_end());
    assert!(feed.contains(
        "<content:encoded xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"><![CDATA["
    ));
    // What identifies the item, and its summary, are the publisher's.
    let own = FEED.replace("{{publisher}}", &publisher.address().to_string());
    let start = own.find("  <item ").unwrap();
    let end = own.find("\n  </item>").unwrap();
    assert!(feed.contains(&own[start..end]), "{feed}");
    assert_eq!(publisher.seen().len(), 2, "the feed once, the article once");
}

/// The mirror's own file, where somebody put it beside the repository.
#[tokio::test]
async fn the_item_is_the_one_in_the_mirrors_file() {
    let Some(file) = std::env::vars()
        .find(|(name, _)| name == "FEEDTEST_FOUNDING")
        .map(|(_, value)| value)
    else {
        return;
    };
    let text = std::fs::read_to_string(&file).unwrap();
    let html = text.splitn(5, '\n').nth(4).unwrap();
    let (content, ..) = content().await;
    assert_eq!(content, html.trim_end());
}
