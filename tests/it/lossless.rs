//! With no rules, a UTF-8 document comes out byte for byte, for any chunking; with rules, what they
//! do not cover does.
//!
//! `FEEDTEST_CORPUS` may name a folder of more documents; what came of them is printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use feedwright::feed::splitter::Completeness;
use feedwright::rewrite::{FeedRewriter, Origin, Rules};
use proptest::prelude::*;

use crate::golden::{rewrite, rules};
use crate::origin::{Origin as Publisher, Reply};
use crate::reader::get;
use crate::service::Service;

/// A feed's keys that leave everything as it came.
const NO_RULES: &str = "repair = false\nenvelope = \"keep\"\nsanitize = \"off\"\ndrop_trackers = false\nabsolute_links = false";

/// Fragments of feeds, well-formed and not; strung together they are documents.
const FRAGMENTS: &[&str] = &[
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>",
    "\u{feff}",
    "<!DOCTYPE rss [<!ENTITY x \"y\">]>",
    "\r\n",
    "<rss version='2.0'>",
    "<channel>",
    "<item>",
    "</item>",
    "</channel>",
    "</rss>",
    "<feed xmlns='http://www.w3.org/2005/Atom'>",
    "<entry>",
    "</entry>",
    "</feed>",
    "<title>",
    "</title>",
    "<description>",
    "</description>",
    "<description/>",
    "<![CDATA[",
    "]]>",
    "]]]]><![CDATA[>",
    "&lt;img src=&quot;a.png&quot;&gt;",
    "<img src='/b.png' alt=\"ü\">",
    "&nbsp; & &#0; &amp;",
    "text – größer 文字 \u{1f600}",
    "<content type=\"xhtml\"><div xmlns=\"http://www.w3.org/1999/xhtml\">",
    "</div></content>",
    "<!-- comment -- -->",
    "<?xml-stylesheet href='x.xsl'?>",
    "<a:link xmlns:a='http://www.w3.org/2005/Atom' rel=self href='x'/>",
    "<enclosure url=\"https://img.example.org/a.jpg\" type=\"image/jpeg\"/>",
    "<p>1 < 2 <b",
    "&amp;lt;p&amp;gt;",
    "<summary>",
    "</summary>",
    "<!--feedwright:footer-->",
    "<!--/feedwright:footer-->",
    "</",
    "<",
    "x\u{0}y",
    "{\"items\":[",
    "}",
    "{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[{\"id\":\"1\",\"content_html\":\"<img src=\\\"a\\\">\"}]}",
];

fn rewrite_in_cuts(rules: &Arc<Rules>, document: &[u8], cuts: &[usize]) -> String {
    rewrite_to_the_end(rules, document, cuts).0
}

fn rewrite_to_the_end(
    rules: &Arc<Rules>,
    document: &[u8],
    cuts: &[usize],
) -> (String, Completeness) {
    let origin = Origin {
        url: "https://www.example.org/feed.xml".parse().unwrap(),
        charset: None,
    };
    let mut rewriter = FeedRewriter::new(Arc::clone(rules), origin);
    let (mut out, mut from) = (String::new(), 0);
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (document.len() + 1)).collect();
    cuts.sort_unstable();
    for cut in cuts.into_iter().chain([document.len()]) {
        rewriter.push(&document[from..cut], &mut out);
        from = cut;
    }
    let ending = rewriter.finish(&mut out);
    (out, ending.completeness)
}

/// Feeds whose root is closed, unless something in them swallows its end.
fn feeds() -> impl Strategy<Value = String> {
    let roots = vec![
        ("<rss version='2.0'><channel>", "</channel></rss>"),
        ("<feed xmlns='http://www.w3.org/2005/Atom'>", "</feed>"),
        ("", "</channel></rss>"),
        ("", "</feed>"),
    ];
    (proptest::sample::select(roots), documents())
        .prop_map(|((start, end), inner)| format!("{start}{inner}{end}"))
}

fn documents() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(FRAGMENTS), 0..30)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_rules_is_identity(document in documents(), cuts in proptest::collection::vec(any::<usize>(), 0..6)) {
        let rules = rules(NO_RULES);
        prop_assert_eq!(rewrite_in_cuts(&rules, document.as_bytes(), &cuts), document);
    }

    #[test]
    fn chunking_changes_nothing(document in documents(), cuts in proptest::collection::vec(any::<usize>(), 0..6)) {
        let rules = rules("images = \"weserv\"\nheader = \"<b>h</b>\"\nfooter = \"<br>{{ item.title }}\"");
        let whole = rewrite_in_cuts(&rules, document.as_bytes(), &[]);
        prop_assert_eq!(rewrite_in_cuts(&rules, document.as_bytes(), &cuts), whole);
    }

    #[test]
    fn images_are_proxied_once(document in documents()) {
        let rules = rules("images = \"weserv\"");
        let once = rewrite_in_cuts(&rules, document.as_bytes(), &[]);
        prop_assert_eq!(&rewrite_in_cuts(&rules, once.as_bytes(), &[]), &once);
    }

    #[test]
    fn header_and_footer_are_put_once(document in feeds(), strict: bool) {
        let more = if strict { "sanitize = \"strict\"\ndouble_escaped = true" } else { "" };
        let rules = rules(&format!("header = \"<b>h</b>\"\nfooter = \"<br>{{{{ item.words }}}} {{{{ item.title }}}}\"\n{more}"));
        let (once, completeness) = rewrite_to_the_end(&rules, document.as_bytes(), &[]);
        // What breaks off is never kept.
        if completeness == Completeness::Complete {
            prop_assert_eq!(&rewrite_in_cuts(&rules, once.as_bytes(), &[]), &once);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(document in proptest::collection::vec(any::<u8>(), 0..300)) {
        let rules = rules("images = \"weserv\"\nfooter = \"<br>\"");
        rewrite(&rules, &document, 7);
    }
}

fn corpus() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found)
            } else if path.extension().is_none_or(|ending| ending != "toml") {
                found.push(path)
            }
        }
    }
    let mut found = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "a test's own switch")]
    if let Ok(folder) = std::env::var("FEEDTEST_CORPUS") {
        walk(Path::new(&folder), &mut found);
    }
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"),
        &mut found,
    );
    found
}

/// A document that says it is UTF-8, or says nothing else.
fn is_utf8(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).to_ascii_lowercase();
    let declaration = head.find("?>").map_or("", |end| &head[..end]);
    let declares_other = declaration.contains("encoding") && !declaration.contains("utf-8");
    // A NUL is UTF-16 or UTF-32 text, which may look like UTF-8.
    !bytes.contains(&0)
        && std::str::from_utf8(bytes).is_ok()
        && (bytes.is_ascii() || !declares_other)
}

#[test]
fn utf8_documents_come_out_as_they_came_in() {
    let rules = rules(NO_RULES);
    let (mut same, mut not_utf8) = (0, 0);
    for path in corpus() {
        let bytes = fs::read(&path).unwrap();
        if !is_utf8(&bytes) {
            not_utf8 += 1;
            continue;
        }
        for size in [1, 13, 4096, usize::MAX] {
            let out = rewrite(&rules, &bytes, size);
            assert!(
                out.as_bytes() == bytes,
                "{} in chunks of {size} is not identical",
                path.display()
            );
        }
        same += 1;
    }
    println!("{same} UTF-8 documents identical, {not_utf8} in other charsets");
    assert!(same > 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn utf8_feeds_come_out_of_the_service_as_they_came_in() {
    let publisher = Publisher::start(|head| {
        let path = head
            .split(' ')
            .nth(1)
            .unwrap()
            .trim_start_matches("/corpus/");
        Reply::ok(fs::read(&corpus()[path.parse::<usize>().unwrap()]).unwrap())
    })
    .await;
    let paths = corpus();
    let mut toml = format!(
        "[fetch]\nhost_spacing = \"0s\"\nhost_fetches_max = 8\n[defaults]\nallow_private = [\"PUBLISHER\"]\n{NO_RULES}\n"
    );
    for number in 0..paths.len() {
        toml += &format!(
            "[[feed]]\nname = \"f{number}\"\nurl = \"http://PUBLISHER/corpus/{number}\"\n"
        );
    }
    let service = Service::start(&toml, publisher.address()).await;
    let (mut same, mut refused, mut other) = (0, 0, 0);
    for (number, path) in paths.iter().enumerate() {
        let bytes = fs::read(path).unwrap();
        let answer = get(service.addr, &format!("/feeds/f{number}"), &[]).await;
        if answer.status != 200 || !answer.whole {
            refused += 1;
            println!(
                "refused ({} {}): {}",
                answer.status,
                answer.header("cache-status"),
                path.display()
            );
        } else if is_utf8(&bytes) {
            assert!(answer.body == bytes, "{} is not identical", path.display());
            same += 1;
        } else {
            other += 1;
        }
    }
    println!("{same} identical, {other} in other charsets, {refused} refused as no whole feed");
    assert!(same > 5);
}
