//! Which items stay, and that nothing about them changes but what the rules are for.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use crate::golden::{rewrite, rules};
use crate::origin::{Origin, Reply};
use crate::reader::get;
use crate::service::{Service, feed_of};

/// Every rule that there is.
const EVERYTHING: &str = r#"
images = "weserv"
image_attributes = { width = "100%" }
replace = [{ pattern = "teh", with = "the" }]
remove_elements = [".ad"]
remove_attributes = [{ selector = "p", attributes = ["style"] }]
sanitize = "strict"
clean_links = true
double_escaped = true
header = "<p>{{ item.published | iso_ms }} {{ item.words }} {{ item.images }}</p>"
footer = '<hr><a href="{{ item.link }}">{{ item.title }}</a> {{ item.categories | join(", ") }} {{ item.reading_minutes }}'
limit = 6
keep = [{ field = ["title", "guid"], pattern = "." }]
drop = [{ field = "title", pattern = "(?i)drop" }, { field = "category", pattern = "^gone$" }]
"#;
const LIMIT: usize = 6;

/// What items hold, well-formed as XML of no kind.
const CONTENTS: &[&str] = &[
    "",
    "plain teh text",
    "<p style=\"x\">a</p><div class=\"ad\">b</div>",
    "<p>left open <b>here",
    "<img src=\"/a.png\"><img data-src=\"https://x.org/b.jpg\" src=\"data:image/gif;base64,x\">",
    "<a href=\"https://x.org/?utm_source=x&amp;y=1\">y</a>",
    "&lt;p&gt;escaped twice&lt;/p&gt;",
    "<script>x()</script><p onclick=\"x()\">c</p>",
    "<!-- never closed",
    "<!--feedwright:footer--><p>old</p><!--/feedwright:footer-->new",
    "<!--feedwright:header--> not closed",
    "<guid>no guid</guid><title>no title</title>",
    "1 < 2 & 3 > 2",
];

/// One item of a feed, and what is known of it.
#[derive(Debug, Clone)]
struct Item {
    title: String,
    category: &'static str,
    content: &'static str,
    number: usize,
}

impl Item {
    fn stays(&self) -> bool {
        !self.title.to_lowercase().contains("drop") && self.category != "gone"
    }
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let one = (
        select(&["A title", "&lt;i&gt;x &amp; y", "Drop this", "drop", "d"][..]),
        select(&["news", "gone", "a &amp; b"][..]),
        select(CONTENTS),
        any::<u16>(),
    );
    let one = one.prop_map(|(title, category, content, number)| Item {
        title: title.to_owned(),
        category,
        content,
        number: number.into(),
    });
    prop::collection::vec(one, 0..10)
}

/// What of an item nobody may change, as it is written in a format.
fn identity(item: &Item, format: usize) -> String {
    let Item { title, number, .. } = item;
    match format {
        0 => format!(
            "<title>{title}</title>\n<link>https://x.org/{number}?a=1&amp;utm_source=b</link> <guid isPermaLink=\"false\">ID-{number}</guid><pubDate>Wed, 19 Jan 2022 01:08:{:02} GMT</pubDate>",
            number % 60
        ),
        1 => format!(
            "<id>tag:{number}</id><title type='html'>{title}</title><link href='https://x.org/{number}'/><updated>2022-01-19T01:08:{:02}Z</updated><published>2021</published>",
            number % 60
        ),
        2 => format!(
            "<title>{title}</title><link>/{number}</link><dc:date>2022-01-{:02}</dc:date>",
            number % 28 + 1
        ),
        _ => format!(
            "\"id\": {number}, \"title\": \"{title}\", \"url\": \"https:\\/\\/x.org\\/{number}\", \"date_published\": \"2022-01-{:02}\"",
            number % 28 + 1
        ),
    }
}

fn document(items: &[Item], format: usize) -> String {
    let (start, end) = match format {
        0 => (
            "<rss version=\"2.0\"><channel><title>n</title>",
            "\n</channel></rss>",
        ),
        1 => (
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>f</id>",
            "\n</feed>",
        ),
        2 => (
            "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns=\"http://purl.org/rss/1.0/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel/>",
            "\n</rdf:RDF>",
        ),
        _ => (
            "{\"version\": \"https://jsonfeed.org/version/1.1\", \"items\": [",
            "\n]}",
        ),
    };
    let written = items.iter().map(|item| {
        let (identity, Item { category, content, number, .. }) = (identity(item, format), item);
        let escaped = content.replace('&', "&amp;").replace('<', "&lt;");
        match format {
            0 if number % 2 == 0 => format!("\n<item>{identity}<category>{category}</category><description><![CDATA[{content}]]></description></item>"),
            0 => format!("\n<item>{identity}<category>{category}</category><description>{escaped}</description></item>"),
            1 => format!("\n<entry>{identity}<category term=\"{category}\"/><content type=\"{}\">{escaped}</content></entry>", ["html", "text"][number % 2]),
            2 => format!("\n<item rdf:about=\"urn:{number}\">{identity}<dc:subject>{category}</dc:subject></item>"),
            _ => format!("\n{{{identity}, \"tags\": [\"{category}\"], \"content_{}\": {}}}", ["html", "text"][number % 2], serde_json::to_string(content).unwrap()),
        }
    });
    let parted: Vec<String> = written.collect();
    let comma = if format == 3 { "," } else { "" };
    format!("{start}{}{end}", parted.join(comma))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn identities_dates_and_order_stay(items in items(), format in 0_usize..4, size in 1_usize..400) {
        let rules = rules(EVERYTHING);
        let document = document(&items, format);
        let out = rewrite(&rules, document.as_bytes(), size);
        let kept: Vec<_> = items.iter().filter(|item| item.stays()).take(LIMIT).collect();
        let mut rest = out.as_str();
        for item in &kept {
            let identity = identity(item, format);
            let found = rest.find(&identity);
            prop_assert!(found.is_some(), "{} is not in {}", identity, out);
            rest = &rest[found.unwrap_or_default() + identity.len()..];
        }
        let starts = ["<item>", "<entry>", "<item ", "\"id\":"][format];
        prop_assert_eq!(out.matches(starts).count(), kept.len(), "{}", out);
        let closing_marks = match format {
            3 => {
                let parsed: serde_json::Value = serde_json::from_str(&out).unwrap();
                let items = parsed["items"].as_array().unwrap();
                let html = items.iter().filter_map(|item| item["content_html"].as_str());
                html.map(|html| html.matches("<!--/feedwright:footer-->").count()).sum()
            }
            _ => out.matches("<!--/feedwright:footer-->").count() + out.matches("&lt;!--/feedwright:footer--&gt;").count(),
        };
        prop_assert_eq!(closing_marks, kept.len(), "{}", out);
        prop_assert_eq!(&rewrite(&rules, document.as_bytes(), usize::MAX), &out, "in one chunk");
        prop_assert_eq!(&rewrite(&rules, out.as_bytes(), usize::MAX), &out, "twice");
    }

    #[test]
    fn json_stays_json_whatever_goes(gone in prop::collection::vec(any::<bool>(), 0..7), gap in select(&["", " ", "\n  "][..])) {
        let items: Vec<_> = gone.iter().map(|gone| format!("{gap}{{\"id\":\"{}\"}}{gap}", if *gone { "x" } else { "k" })).collect();
        let document = format!("{{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[{}]}}", items.join(","));
        let rules = rules("drop = [{ field = 'guid', pattern = 'x' }]");
        for size in [1, 3, 1000] {
            let out = rewrite(&rules, document.as_bytes(), size);
            let parsed: serde_json::Value = serde_json::from_str(&out).unwrap();
            let kept = gone.iter().filter(|gone| !**gone).count();
            prop_assert_eq!(parsed["items"].as_array().unwrap().len(), kept, "{}", out);
        }
    }
}

/// A copy is fresh for a second and up to a fifth of one.
const PAST_FRESH: Duration = Duration::from_millis(1_250);
/// Drops every item.
const SHORT: &str = "drop = [{ field = \"title\", pattern = \"^Item\" }]\nrefresh = \"1s\"\nserve_stale_after = \"5s\"";

#[tokio::test]
async fn a_feed_whose_items_all_go_is_a_good_feed() {
    let publisher = Origin::script(vec![
        Reply::ok(feed_of(3, 100)),
        Reply::ok(feed_of(5, 100).replace("Of the day", "Of the next day")),
        Reply::ok(feed_of(0, 100)),
    ])
    .await;
    let service = Service::with_feed(SHORT, publisher.address()).await;
    let first = get(service.addr, "/feeds/news", &[]).await;
    assert_eq!((first.status, first.whole), (200, true));
    assert!(first.text().contains("Of the day") && !first.text().contains("<item>"));
    tokio::time::sleep(PAST_FRESH).await;
    let second = get(service.addr, "/feeds/news", &[]).await;
    assert!(
        second.text().contains("Of the next day"),
        "{}",
        second.text()
    );
    assert!(!second.text().contains("<item>"));
    // What upstream sends is what counts: one that loses its items is worse.
    tokio::time::sleep(PAST_FRESH).await;
    let third = get(service.addr, "/feeds/news", &[]).await;
    assert_eq!(third.body, second.body);
    assert!(
        third.header("cache-status").ends_with("no-items"),
        "{}",
        third.header("cache-status")
    );
}
