//! Golden files: `tests/golden/<format>/<case>.in.xml` through the rules of `<case>.rules.toml`
//! (or of `<case up to a dash>.rules.toml`, or of `rules.toml`) gives `<case>.out.xml` (or `.json`). Each is a test of its own. Adding a case is adding files (and touching this one, for the
//! compiler to look again); with `FEEDTEST_BLESS=1`
//! the outputs are written, to be read before they are committed. Where there is a `<case>.before.xml`, the items of that document are
//! kept ones; in `kept`, `…_page` and `…_behind` stand among the pages of an archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use feedwright::config;
use feedwright::rewrite::{Additions, FeedRewriter, Origin, Paging, Rules, reading};
use rstest::rstest;

/// Where every case is said to have come from.
const URL: &str = "https://www.example.org/feeds/all.xml";

/// The rules of a case: its own, those of all cases named like it up to the last dash, or those of
/// its folder.
fn rules_of(input: &Path, case: &str) -> String {
    let place = case.rsplit_once('-').map_or(case, |(place, _)| place);
    let names = [
        format!("{case}.rules.toml"),
        format!("{place}.rules.toml"),
        "rules.toml".into(),
    ];
    let mut found = names
        .iter()
        .map(|name| input.with_file_name(name))
        .filter(|path| path.exists());
    let path = found.next();
    fs::read_to_string(path.unwrap_or_else(|| panic!("{case} has no rules"))).unwrap()
}

pub(crate) fn rules(toml: &str) -> Arc<Rules> {
    let toml = format!("[[feed]]\nname = \"news\"\nurl = \"{URL}\"\n{toml}");
    let settings = config::parse("rules.toml", &toml, std::iter::empty()).unwrap();
    Arc::new(Rules::new(settings.feeds[0].rules.clone()).unwrap())
}

fn origin() -> Origin {
    Origin {
        url: URL.parse().unwrap(),
        charset: None,
    }
}

/// The document through the rules, in chunks of `size` bytes.
pub(crate) fn rewrite(rules: &Arc<Rules>, document: &[u8], size: usize) -> String {
    rewrite_with(rules, document, &Additions::default(), size)
}

/// The items of the document `before` that are not in `document`.
fn gone(before: &[u8], document: &[u8]) -> Additions {
    let read = |document| reading::read([document], &origin(), true).items;
    let here = read(document);
    let gone = read(before)
        .into_iter()
        .filter(|old| here.iter().all(|item| item.id != old.id));
    let items: Arc<[_]> = gone.collect();
    assert!(items.iter().all(|item| item.is_well_formed()));
    Additions {
        items,
        paging: None,
    }
}

/// Where the document of a case stands: as a page of its archive, before it, or nowhere.
fn paging(case: &str) -> Option<Paging> {
    let address = |place| Some(format!("http://127.0.0.1:8080/feeds/news/archive/{place}"));
    let (_, place) = case.split_once('_')?;
    match place {
        "page" => Some(Paging {
            page: address(100),
            older: address(50),
            newer: address(150),
        }),
        "behind" => Some(Paging {
            older: address(100),
            ..Paging::default()
        }),
        _ => None,
    }
}

fn rewrite_with(rules: &Arc<Rules>, document: &[u8], additions: &Additions, size: usize) -> String {
    let mut rewriter =
        FeedRewriter::new(Arc::clone(rules), origin()).with_additions(additions.clone());
    let mut out = String::new();
    for chunk in document.chunks(size) {
        rewriter.push(chunk, &mut out);
    }
    rewriter.finish(&mut out);
    out
}

fn assert_well_formed(text: &str, ending: &str) {
    match ending {
        "json" => {
            serde_json::from_str::<serde_json::Value>(text).unwrap();
        }
        _ => {
            roxmltree::Document::parse(text).unwrap();
        }
    }
}

#[rstest]
fn case(#[files("tests/golden/*/*.in.*")] input: PathBuf) {
    let stem = input.file_stem().unwrap().to_str().unwrap();
    if let Err(difference) = check(&input, stem.trim_end_matches(".in")) {
        panic!("{difference}");
    }
}

/// One case; what is wrong with it, line by line.
fn check(input: &Path, case: &str) -> Result<(), String> {
    let ending = input.extension().unwrap().to_str().unwrap();
    let folder = |name: &str| input.parent().is_some_and(|folder| folder.ends_with(name));
    let beside = |what: &str| input.with_file_name(format!("{case}.{what}"));
    let rules = rules(&rules_of(input, case));
    let document = fs::read(input).unwrap();
    let before = fs::read(beside(&format!("before.{ending}"))).ok();
    let mut additions = before.map_or_else(Additions::default, |before| gone(&before, &document));
    if folder("kept") {
        additions.paging = paging(case);
    }
    let out = rewrite_with(&rules, &document, &additions, 4096);
    let golden = beside(&format!("out.{ending}"));
    #[expect(clippy::disallowed_methods, reason = "a test's own switch")]
    if std::env::var("FEEDTEST_BLESS").is_ok() {
        fs::write(&golden, &out).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap();
    same(&out, &expected, &format!("{}", golden.display()))?;
    // Sanitising and other changes of markup may go on; images are done once.
    if folder("places") {
        let twice = rewrite(&rules, out.as_bytes(), 4096);
        same(&twice, &out, &format!("{case}, a second time"))?;
    }
    if !additions.is_empty() {
        assert_well_formed(&out, ending);
    }
    for size in [1, 7, 100] {
        let out = rewrite_with(&rules, &document, &additions, size);
        same(&out, &expected, &format!("{case}, by chunks of {size}"))?;
    }
    Ok(())
}

/// The lines in which `found` is another text than `expected`.
fn same(found: &str, expected: &str, what: &str) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let (found, expected): (Vec<_>, Vec<_>) = (found.lines().collect(), expected.lines().collect());
    let pairs = || found.iter().zip(&expected);
    let first = pairs().take_while(|(a, b)| a == b).count();
    let ends = found.iter().rev().zip(expected.iter().rev());
    let shorter = found.len().min(expected.len());
    let last = ends
        .take_while(|(a, b)| a == b)
        .count()
        .min(shorter - first);
    let mut diff = format!("{what}, from line {}:\n", first + 1);
    for (sign, lines) in [('-', &expected), ('+', &found)] {
        for line in &lines[first..lines.len() - last] {
            diff.push_str(&format!("{sign} {line}\n"));
        }
    }
    Err(diff)
}

#[test]
fn header_and_footer_stand_once_however_often_a_feed_passes() {
    let rules = rules(
        "header = '<i>{{ item.title }}</i>'\nfooter = '<hr><a href=\"{{ item.link }}\">more</a>'",
    );
    for document in [
        "<rss><channel><title>n</title><item><title>a</title><link>https://x.org/1</link><description><![CDATA[<p>b <b>c]]></description></item></channel></rss>",
        "<rss><channel><title>n</title><item><title>a &amp; b</title><link>https://x.org/1</link><description>&lt;p>b </description></item></channel></rss>",
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>n</title><entry><title>a</title><link href=\"https://x.org/1\"/><content type=\"xhtml\"><div xmlns=\"http://www.w3.org/1999/xhtml\">b </div></content></entry></feed>",
        "{\"version\":\"https://jsonfeed.org/version/1\",\"title\":\"n\",\"items\":[{\"id\":\"1\",\"title\":\"a\",\"url\":\"https://x.org/1\",\"content_html\":\"<p>b\"}]}",
    ] {
        let once = rewrite(&rules, document.as_bytes(), 100);
        assert_eq!(once.matches("more").count(), 1, "{once}");
        assert_eq!(rewrite(&rules, once.as_bytes(), 100), once);
    }
}

#[test]
fn a_field_whose_last_tag_goes_is_read_as_text() {
    let rules = rules("images = \"weserv\"");
    let document = "<rss><channel><item><description><link rel='x'/><![CDATA[<img src='/b.png'>]]></description></item></channel></rss>";
    let once = rewrite(&rules, document.as_bytes(), 100);
    assert!(!once.contains("<link") && once.contains("weserv"), "{once}");
    assert_eq!(rewrite(&rules, once.as_bytes(), 100), once);
}

#[test]
fn html_that_hides_between_tags_is_sanitised() {
    let item = |content: &str| {
        format!("<rss><channel><item><description>{content}</description></item></channel></rss>")
    };
    let check = |more: &str, content: &str, expected: &str| {
        let rules = rules(more);
        let once = rewrite(&rules, item(content).as_bytes(), 100);
        assert_eq!(once, item(expected), "{content}");
        assert_eq!(rewrite(&rules, once.as_bytes(), 100), once);
    };
    check(
        "",
        "<b>a</b>&lt;i&gt;b&lt;/i&gt;",
        "<b>a</b>&lt;i&gt;b&lt;/i&gt;",
    );
    let shown = "&lt;b&gt;a&lt;/b&gt;";
    check("", "<b>a</b>&lt;script&gt;x()&lt;/script&gt;", shown);
    check(
        "",
        "&lt;scr<i/>ipt&gt;x()",
        "&lt;scr&lt;i&gt;&lt;/i&gt;ipt&gt;x()",
    );
    check(
        "",
        "<b>a</b><![CDATA[<p onclick='x()'>]]>",
        "&lt;b&gt;a&lt;/b&gt;&lt;p&gt;",
    );
    check(
        "sanitize = 'off'",
        "<b>a</b>&lt;script&gt;",
        "<b>a</b>&lt;script&gt;",
    );
}

#[test]
fn a_footer_that_a_comment_swallows_does_not_count() {
    let rules = rules("footer = '<hr>FOOT'");
    let document = "<rss><channel><title>n</title><item><description><![CDATA[<p>b<!-- <hr>FOOT]]></description></item></channel></rss>";
    let out = rewrite(&rules, document.as_bytes(), 100);
    assert_eq!(out.matches("<hr>FOOT").count(), 2, "{out}");
}

/// Every cell of the tables of places is a case, and every case is a cell.
#[test]
fn the_documented_places_are_tested() {
    let documentation = include_str!("../../docs/image-urls.md");
    let mut cells: Vec<&str> = documentation
        .split("[yes](../tests/golden/places/")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect();
    let named = cells.len();
    cells.sort_unstable();
    cells.dedup();
    assert_eq!(cells.len(), named, "a case stands in two cells");
    let places = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/places");
    let names = fs::read_dir(places)
        .unwrap()
        .map(|file| file.unwrap().file_name());
    let mut files: Vec<String> = names
        .map(|name| name.into_string().unwrap())
        .filter(|name| name.contains(".in."))
        .collect();
    files.sort_unstable();
    assert_eq!(cells, files);
    // The rows of the first table are whole.
    let rows = documentation
        .lines()
        .filter(|line| line.contains("-cdata.in.xml"));
    for row in rows {
        for carrier in ["-escaped.in.xml", "-xhtml.in.xml", "-json.in.json"] {
            assert!(row.contains(carrier), "{row} has no cell for {carrier}");
        }
    }
}
