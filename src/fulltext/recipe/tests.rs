//! Rules and the expressions in them.

use dom_query::Document;

use super::site::{Site, file_names};
use super::xpath::Expression;

const PAGE: &str = r#"<html><body>
<div id="top" class="head nav"><a href="/1">one</a><a href="/2">two</a></div>
<div class="post"><h1>Title</h1><p>First <b>bold</b></p><p class="last">Second</p><!-- note -->
<ul><li>1</li><li>2</li><li>3</li></ul></div>
<p>After</p></body></html>"#;

#[test]
fn expressions_give_what_xpath_1_says() {
    let document = Document::from(PAGE);
    let check = |source: &str, expected: &str| {
        let expression =
            Expression::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
        let value = expression
            .evaluate(&document)
            .unwrap_or_else(|| panic!("{source}"));
        assert_eq!(value.to_text(), expected, "{source}");
    };
    check("//h1", "Title");
    check("//div[@class='post']/p[2]", "Second");
    check(
        "//div[contains(concat(' ', normalize-space(@class), ' '), ' nav ')]//a[last()]/@href",
        "/2",
    );
    check("//p[last()]", "Second");
    check("(//p)[last()]", "After");
    check("count(//li)", "3");
    check("//li[position() > 1 and position() < 3]", "2");
    check("//li[3]/preceding-sibling::li[1]", "2");
    check("//h1/following-sibling::p[1]/b", "bold");
    check("//b/ancestor::div/@class", "post");
    check("//b/../..//li[not(. = '1')]", "2");
    check("//ul/following::p", "After");
    check("//li[. = 2]/preceding::h1", "Title");
    check(
        "concat(//a[1]/@href, '?', substring-after('a:b', ':'))",
        "/1?b",
    );
    check("substring('12345', 1.5, 2.6)", "234");
    check("translate('bar', 'abc', 'AB')", "BAr");
    check("//p/text()[starts-with(., 'Sec')]", "Second");
    check("2 + 3 * 4 - -1", "15");
    check("5 mod 2 = 1 or false()", "true");
    check("//a | //h1", "one");
    check("//*[self::h1 or self::h2]", "Title");
    check("//p[@class]", "Second");
    check("//*[@id='top']/a[1]/@*", "/1");
    check("name(//*[@class='last'])", "p");
    check("string-length(normalize-space(//h1))", "5");
    check("//comment()", " note ");
    check("id('top')/a[2]", "two");
    check("//div[a]/@id", "top");
    check("boolean(//table)", "false");
    check("//div[count(.//li) = 3]/h1", "Title");
    check("//node()[self::b]", "bold");
}

#[test]
fn expressions_that_are_none_are_refused() {
    let deep = format!("{}1{}", "(".repeat(100), ")".repeat(100));
    let long = format!("//a[{}1]", "1 or ".repeat(2_000));
    for source in [
        "",
        "//",
        "//div[",
        "//div['",
        "//a[@b=]",
        "$x",
        "foo(1)",
        "up::a",
        "//a b",
        "contains('a')",
        "1 2",
        &deep,
        &long,
    ] {
        assert!(Expression::parse(source).is_err(), "{source}");
    }
}

#[test]
fn steps_over_steps_end() {
    let document = Document::from("<b>".repeat(400) + &"<i></i>".repeat(3_000));
    let expression = Expression::parse("//*//*//*//*//*//*[count(//*//*) > 0]").unwrap();
    assert!(expression.evaluate(&document).is_none());
}

#[test]
fn files_are_named_after_hosts() {
    let check = |host: &str, expected: &[&str]| assert_eq!(file_names(host), expected, "{host}");
    check("www.example.com", &["example.com.txt"]);
    check("Example.com", &["example.com.txt"]);
    check(
        "a.sport.example.com",
        &[
            "a.sport.example.com.txt",
            ".sport.example.com.txt",
            ".example.com.txt",
        ],
    );
    check("localhost", &["localhost.txt"]);
}

#[test]
fn a_file_of_rules_is_read() {
    let site = Site::parse(
        "# A paper\nbody: //div[@class='post']\nbody: //article\nstrip: //aside\nstrip_id_or_class: 'ad'\n\
         strip_image_src: /pixel\ntitle: //h1\nauthor: //span[@class='by']\ndate: //time/@datetime\nprune: no\n\
         autodetect_on_failure: no\nhttp_header(User-Agent): Curious/1.0\nreplace_string(<a href=\"x\">y</a>): <i>\n\
         find_string: <noscript>\nreplace_string: <div>\nsingle_page_link: //a[.='Print']\nif_page_contains: //div[@id='more']\n\
         next_page_link: //a[@rel='next']\ntest_url: http://example.org/1\ntidy: yes\nbody: //div[\nnonsense\n",
    );
    let recipe = &site.recipe;
    assert_eq!((recipe.content.len(), recipe.remove.len()), (2, 2));
    assert_eq!(
        (recipe.title.len(), recipe.author.len(), recipe.date.len()),
        (1, 1, 1)
    );
    assert!(!recipe.prune && !recipe.autodetect);
    assert_eq!(
        recipe.headers,
        [("user-agent".to_owned(), "Curious/1.0".to_owned())]
    );
    let replaced = [("<a href=\"x\">y</a>", "<i>"), ("<noscript>", "<div>")];
    assert_eq!(
        recipe.replace,
        replaced.map(|(find, with)| (find.to_owned(), with.to_owned()))
    );
    assert!(recipe.single_page[0].when.is_some() && recipe.next_page[0].when.is_none());
    assert_eq!(recipe.remove_images, ["/pixel"]);
    assert_eq!(
        site.problems
            .iter()
            .map(|(line, _)| *line)
            .collect::<Vec<_>>(),
        [21]
    );
}
