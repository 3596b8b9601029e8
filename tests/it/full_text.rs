//! Full texts: fetched once, in the background, kept, and never to the harm of a feed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use feedwright::store::Space;

use crate::origin::{Origin, Reply};
use crate::reader::get;
use crate::service::Service;

/// Quick retries are not configurable; spacing is.
const QUICK: &str = "[fetch]\nhost_spacing = \"0s\"\nhost_fetches_max = 8\n";

/// A feed with an item for each of these paths.
pub(crate) fn feed(own: &str, paths: &[&str]) -> String {
    let items: String = paths
        .iter()
        .map(|path| {
            format!(
                "<item><title>T {path}</title><link>http://{own}{path}</link><guid>g{path}</guid><description>Teaser {path}</description></item>\n"
            )
        })
        .collect();
    format!(
        "<rss version=\"2.0\"><channel><title>N</title><link>http://{own}/</link>\n{items}</channel></rss>"
    )
}

/// An article's page with so many paragraphs.
pub(crate) fn page(name: &str, paragraphs: usize) -> String {
    let sentences =
        "A sentence of the article that goes on for a while, as sentences do. ".repeat(3);
    let text: String = (0..paragraphs)
        .map(|number| format!("<p>{name} {number}: {sentences}</p>\n"))
        .collect();
    format!(
        "<!DOCTYPE html><html><head><title>{name}</title></head><body><nav><a href=\"/\">Home</a></nav>\
         <article><h1>{name}</h1>{text}</article><footer>Imprint</footer></body></html>"
    )
}

pub(crate) fn own_host(head: &str) -> &str {
    head.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap_or_default()
}

pub(crate) fn path_of(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

/// A publisher whose feed has these items and whose pages `answer` gives.
pub(crate) async fn publisher(
    paths: &'static [&'static str],
    answer: impl Fn(&str) -> Reply + Send + Sync + 'static,
) -> Origin {
    Origin::start(move |head| match path_of(head) {
        "/feed.xml" => {
            let headers = [("content-type", "application/rss+xml"), ("etag", "\"1\"")];
            Reply::status(200, &headers, feed(own_host(head), paths))
        }
        _ => answer(head),
    })
    .await
}

pub(crate) async fn service(keys: &str, publisher: &Origin) -> Service {
    let toml = format!(
        "{QUICK}\n[[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/feed.xml\"\nallow_private = [\"PUBLISHER\"]\n{keys}\n"
    );
    Service::start(&toml, publisher.address()).await
}

/// The feed once `is_there` says so.
pub(crate) async fn wait_for(service: &Service, is_there: impl Fn(&str) -> bool) -> String {
    for _ in 0..750 {
        let answer = get(service.addr, "/feeds/news", &[]).await;
        assert_eq!(answer.status, 200);
        if is_there(answer.text()) {
            return answer.text().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it never came");
}

/// Ends a service and its store, so that the next one can have it.
pub(crate) async fn close(service: Service) {
    let store = service.app.store.clone();
    service.drain().await;
    store.close().await;
}

pub(crate) fn asked_for(publisher: &Origin, path: &str) -> usize {
    let seen = publisher.seen();
    seen.iter().filter(|head| path_of(head) == path).count()
}

/// Waits until a page was asked for so often, and a little longer.
pub(crate) async fn settled(publisher: &Origin, path: &str, times: usize) {
    for _ in 0..500 {
        if asked_for(publisher, path) >= times {
            tokio::time::sleep(Duration::from_millis(200)).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{path} was never asked for");
}

#[tokio::test]
async fn articles_come_in_the_background_once_and_stay() {
    let publisher = publisher(&["/a", "/b"], |head| {
        Reply::status(
            200,
            &[("content-type", "text/html")],
            page(&format!("Page{}", path_of(head)), 4),
        )
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let store = format!("[store]\npath = {:?}", folder.path().display().to_string());
    let keys = format!("full_text = true\n{store}");
    let first = service(&keys, &publisher).await;
    let answer = get(first.addr, "/feeds/news", &[]).await;
    assert!(
        answer
            .text()
            .contains("<description>Teaser /a</description>")
    );
    assert!(!answer.text().contains("content:encoded"));
    assert_eq!(answer.header("cache-control"), "public, max-age=60");
    let before = answer.header("etag").to_owned();
    let text = wait_for(&first, |text| {
        text.matches("</content:encoded>").count() == 2
    })
    .await;
    assert!(text.contains("Page/a 3: A sentence") && text.contains("Page/b 0: A sentence"));
    assert!(text.contains("<guid>g/a</guid><description>Teaser /a</description>"));
    assert!(!text.contains("Imprint") && !text.contains("Home"));
    let after = get(first.addr, "/feeds/news", &[]).await;
    assert_ne!(after.header("etag"), before);
    assert_ne!(after.header("cache-control"), "public, max-age=60");
    close(first).await;

    // The next process has them at once, and asks for the feed alone.
    let second = service(&keys, &publisher).await;
    let answer = get(second.addr, "/feeds/news", &[]).await;
    assert_eq!(answer.text().matches("</content:encoded>").count(), 2);
    assert_eq!(
        (asked_for(&publisher, "/a"), asked_for(&publisher, "/b")),
        (1, 1)
    );
    // Without the feed's own document it streams, with the articles that are stored.
    let key = second.app.feeds().next().unwrap().key.clone();
    second.app.store.remove(Space::Feeds, &key).await;
    close(second).await;
    let streamed = service(&keys, &publisher).await;
    let answer = get(streamed.addr, "/feeds/news", &[]).await;
    assert_eq!(answer.text().matches("</content:encoded>").count(), 2);
    assert_eq!(asked_for(&publisher, "/a"), 1);
    close(streamed).await;

    // With other rules the stored pages are read again, not fetched again.
    let keys = format!("full_text = {{ content = \"article p:first-of-type\" }}\n{store}");
    let third = service(&keys, &publisher).await;
    let answer = get(third.addr, "/feeds/news", &[]).await;
    assert!(answer.text().contains("Page/a 0:") && !answer.text().contains("Page/a 1:"));
    assert_eq!(
        (asked_for(&publisher, "/a"), asked_for(&publisher, "/b")),
        (1, 1)
    );
}

#[tokio::test]
async fn items_wait_for_their_articles_where_that_is_asked_for() {
    let (release, released) = tokio::sync::watch::channel(false);
    let publisher = publisher(&["/a", "/b.pdf"], move |head| match path_of(head) {
        "/a" => Reply::default()
            .wait_for(released.clone())
            .send(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
            .send(page("Late", 3))
            .close(),
        _ => Reply::ok("%PDF-1.7"),
    })
    .await;
    let service = service("full_text = { hold = true }", &publisher).await;
    let text = wait_for(&service, |text| text.contains("Teaser /b.pdf")).await;
    assert!(!text.contains("Teaser /a"));
    release.send(true).unwrap();
    let text = wait_for(&service, |text| text.contains("Late 2:")).await;
    assert!(text.contains("Teaser /a") && text.contains("Teaser /b.pdf"));
}

#[tokio::test]
async fn what_is_no_article_leaves_the_item_as_it_is() {
    const PATHS: &[&str] = &[
        "/pdf",
        "/png",
        "/empty",
        "/404",
        "/login",
        "/challenge",
        "/cf",
        "/deep",
        "/private",
        "/short",
    ];
    let publisher = publisher(PATHS, |head| {
        let html = |body: &str| Reply::status(200, &[("content-type", "text/html")], body);
        match path_of(head) {
            "/pdf" => Reply::status(200, &[("content-type", "text/html")], "%PDF-1.7 and more"),
            "/png" => Reply::status(200, &[("content-type", "image/png")], b"\x89PNG\r\n\x1a\n0000"),
            "/empty" => html(""),
            "/404" => Reply::status(404, &[], page("Not found", 3)),
            "/login" => html("<html><body><h1>Subscribers</h1><form><input type=text><input type=password></form><p>Please log in to read this article of ours today.</p></body></html>"),
            "/challenge" => html("<html><head><title>Just a moment...</title></head><body><p>Checking that you are human before this page can be seen by you.</p></body></html>"),
            "/cf" => Reply::status(403, &[("cf-mitigated", "challenge")], "<p>no</p>"),
            "/deep" => html(&"<div>".repeat(100_000)),
            "/private" => Reply::redirect(302, "http://10.0.0.1/"),
            _ => html("<html><body><p>Hi.</p></body></html>"),
        }
    })
    .await;
    let service = service("full_text = true", &publisher).await;
    get(service.addr, "/feeds/news", &[]).await;
    for path in PATHS {
        settled(&publisher, path, 1).await;
    }
    let text = get(service.addr, "/feeds/news", &[])
        .await
        .text()
        .to_owned();
    assert!(!text.contains("content:encoded"), "{text}");
    for path in PATHS {
        let own = format!("<guid>g{path}</guid><description>Teaser {path}</description>");
        assert!(text.contains(&own), "{path}");
        assert_eq!(asked_for(&publisher, path), 1, "{path}");
    }
}

#[tokio::test]
async fn pages_without_end_are_given_up() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let publisher = publisher(&["/huge", "/endless", "/good"], move |head| {
        match path_of(head) {
            "/huge" => Reply::head(200, &[("content-type", "text/html")], Some("104857600")).hang(),
            "/endless" => {
                let mut reply =
                    Reply::head(200, &[("content-type", "text/html")], None).send("<html><body>");
                for _ in 0..200 {
                    counter.fetch_add(1, Ordering::Relaxed);
                    reply = reply.send("<p>word word word</p>".repeat(2_000));
                }
                reply.hang()
            }
            _ => Reply::ok(page("Good", 3)),
        }
    })
    .await;
    let service = service("full_text = true", &publisher).await;
    let text = wait_for(&service, |text| text.contains("Good 2:")).await;
    settled(&publisher, "/endless", 1).await;
    assert!(text.contains("Teaser /huge") && text.contains("Teaser /endless"));
    assert_eq!(text.matches("</content:encoded>").count(), 1);
}

#[tokio::test]
async fn pages_are_read_in_their_charset_and_xhtml_too() {
    let publisher = publisher(&["/gbk", "/xhtml"], |head| match path_of(head) {
        "/gbk" => {
            let text = page("标题", 2).replace("A sentence of the article that goes on for a while, as sentences do. ", "这是文章的一句话，它继续写下去，就像句子那样。中国政府的新闻。");
            let (bytes, ..) = encoding_rs::GBK.encode(&text);
            Reply::status(200, &[("content-type", "text/html")], bytes)
        }
        _ => {
            let text = page("Strict", 3).replace("<!DOCTYPE html><html>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\">\n<html xmlns=\"http://www.w3.org/1999/xhtml\">");
            Reply::status(200, &[("content-type", "application/xhtml+xml")], text)
        }
    })
    .await;
    let service = service("full_text = true", &publisher).await;
    let text = wait_for(&service, |text| {
        text.matches("</content:encoded>").count() == 2
    })
    .await;
    assert!(text.contains("这是文章的一句话") && text.contains("Strict 1:"));
}

#[tokio::test]
async fn ten_thousand_items_ask_for_no_more_than_the_limit() {
    let publisher = Origin::start(|head| match path_of(head) {
        "/feed.xml" => {
            let paths: Vec<String> = (0..10_000).map(|number| format!("/{number}")).collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            Reply::ok(feed(own_host(head), &paths))
        }
        path => Reply::ok(page(&format!("Page{path}"), 2)),
    })
    .await;
    let toml = format!(
        "{QUICK}\n[full_text]\nitems_max = 20\n[[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/feed.xml\"\nallow_private = [\"PUBLISHER\"]\nfull_text = true\n"
    );
    let service = Service::start(&toml, publisher.address()).await;
    let text = wait_for(&service, |text| {
        text.matches("</content:encoded>").count() == 20
    })
    .await;
    assert_eq!(text.matches("<item>").count(), 10_000);
    assert_eq!(publisher.seen().len(), 21);
}

#[tokio::test]
async fn pages_that_go_on_are_read_on_and_cookies_go_to_named_hosts() {
    let publisher = publisher(&["/1"], |head| {
        let is_known = head.contains("cookie: session=1");
        match (is_known, path_of(head)) {
            (false, _) => Reply::status(403, &[], "no"),
            (true, "/1") => {
                Reply::ok("<meta http-equiv=refresh content=\"0; url=/1?p=1\"><p>Go on")
            }
            (true, path) => {
                let name = if path == "/1?p=1" { "First" } else { "Second" };
                // The last page is followed by itself, for ever.
                let next = format!("</article><a rel=next href=\"{path}0\">Next</a>");
                Reply::ok(page(name, 2).replace("</article>", &next))
            }
        }
    })
    .await;
    let keys = "full_text = { content = \"article\", next_page = \"a[rel=next]\", cookies = \"session=1\", hosts = [\"127.0.0.1\"] }";
    let service = service(keys, &publisher).await;
    let text = wait_for(&service, |text| text.contains("</content:encoded>")).await;
    assert!(text.contains("First 1:"));
    assert_eq!(text.matches("Second 1:").count(), 1);
}

#[tokio::test]
async fn site_rules_are_read_from_the_operators_folder() {
    let folder = tempfile::tempdir().unwrap();
    let rules = "# ours\nbody: //div[@id='story']\nstrip: //p[@class='promo']\nstrip_id_or_class: noise\n\
                 find_string: <x-p>\nreplace_string: <p>\nhttp_header(user-agent): Curious/1.0\nprune: no\n";
    std::fs::write(folder.path().join("127.0.0.1.txt"), rules).unwrap();
    let publisher = publisher(&["/1"], |head| {
        assert!(!path_of(head).starts_with("/1") || head.contains("user-agent: Curious/1.0"));
        Reply::ok("<html><body><div id=story><x-p>The story itself, long enough to be one of its kind.</p><p class=promo>Buy</p><div class=\"a noise\">Noise</div></div><p>Other text that is longer than the story, and yet is none of it at all. Other text that is longer.</p></body></html>")
    })
    .await;
    let toml = format!(
        "{QUICK}\n[full_text]\nsite_rules = {:?}\n[[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/feed.xml\"\nallow_private = [\"PUBLISHER\"]\nfull_text = true\n",
        folder.path().display().to_string()
    );
    let service = Service::start(&toml, publisher.address()).await;
    let text = wait_for(&service, |text| text.contains("</content:encoded>")).await;
    assert!(
        text.contains("<![CDATA[<p>The story itself, long enough to be one of its kind.</p>]]>"),
        "{text}"
    );
}

/// Rules that others wrote, where somebody put a folder of them beside the repository.
#[test]
fn the_rules_of_others_are_understood() {
    let Some((_, folder)) = std::env::vars().find(|(name, _)| name == "FEEDTEST_SITE_RULES") else {
        return;
    };
    let (mut files, mut lines, mut problems) = (0, 0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "txt") {
            continue;
        }
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let site = feedwright::fulltext::recipe::Site::parse(&text);
        let recipe = &site.recipe;
        files += 1;
        lines +=
            recipe.content.len() + recipe.remove.len() + recipe.title.len() + recipe.author.len();
        lines += recipe.date.len() + recipe.single_page.len() + recipe.next_page.len();
        lines += site.problems.len();
        let written: Vec<&str> = text.lines().collect();
        problems.extend(site.problems.iter().map(|(line, problem)| {
            format!(
                "{}:{line}: {problem}: {}",
                path.display(),
                written[line - 1]
            )
        }));
    }
    println!(
        "{files} files, {lines} expressions, {} not understood",
        problems.len()
    );
    problems.iter().for_each(|problem| println!("{problem}"));
    assert!(problems.len() * 100 < lines);
}
