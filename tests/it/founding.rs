//! The item that this program was made for: a publisher's feed has a headline and a teaser, the
//! mirror's item has the article, byte for byte.

use std::path::Path;
use std::time::Duration;

use crate::origin::{Origin, Reply};
use crate::reader::get;
use crate::service::Service;

const FEED: &str = include_str!("../../src/demo/founding/feed.xml");
const PAGE: &str = include_str!("../../src/demo/founding/article.html");
const ITEM: &str = include_str!("founding/item.html");
/// Where the publisher was; in these tests it is on loopback.
const SITE: &str = "https://www.dw.com/";
/// What stands above the item's HTML in the mirror's file.
const HEAD: &str = "<!--1642555024000-->\n[英媒：阿里巴巴美国云端业务恐不保](https://www.dw.com/zh/%E8%8B%B1%E5%AA%92%EF%BC%9A%E9%98%BF%E9%87%8C%E5%B7%B4%E5%B7%B4%E7%BE%8E%E5%9B%BD%E4%BA%91%E7%AB%AF%E4%B8%9A%E5%8A%A1%E6%81%90%E4%B8%8D%E4%BF%9D/a-60469586)\n------\n\n";

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
archive = true
images = "weserv"
mark = false
header = '<div><i><br>{{ item.article.published | iso_ms }}</i></div>'
figure = '<img src="{{ src }}" width="100%"><div><small style="color: #999;">{{ caption }}</small></div>'
footer = '''<br><hr><div>获取更多RSS：<br><a href="https://feedx.net" style="color:orange" target="_blank">https://feedx.net</a> <br><a href="https://feedx.top" style="color:orange" target="_blank">https://feedx.top</a><br></div>'''
"##;

/// The item's content once its article is there, and the whole feed.
async fn content(archive: &Path) -> (String, String, Origin) {
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
    let rules = format!("[archive]\ndirectory = \"{}\"\n{RULES}", archive.display());
    let service = Service::start(&rules, publisher.address()).await;
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
    let archive = tempfile::tempdir().unwrap();
    let (content, feed, publisher) = content(archive.path()).await;
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

/// The one file of the archive, with the publisher where it was.
async fn file_in(archive: &Path, publisher: &Origin) -> String {
    let month = archive.join("dw/2022/01");
    let file = month.join("2022-01-19-英媒：阿里巴巴美国云端业务恐不保.html");
    for _ in 0..600 {
        if file.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(std::fs::read_dir(month).unwrap().count(), 1);
    text.replace(&format!("http://{}/", publisher.address()), SITE)
}

#[tokio::test]
async fn the_archived_file_is_the_mirrors_byte_for_byte() {
    let archive = tempfile::tempdir().unwrap();
    let (.., publisher) = content(archive.path()).await;
    let file = file_in(archive.path(), &publisher).await;
    assert_eq!(file, format!("{HEAD}{}\n", ITEM.trim_end()));
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
    let archive = tempfile::tempdir().unwrap();
    let (content, _, publisher) = content(archive.path()).await;
    assert_eq!(content, html.trim_end());
    assert_eq!(file_in(archive.path(), &publisher).await, text);
}
