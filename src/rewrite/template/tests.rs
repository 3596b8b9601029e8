//! Templates with what they give, and templates with what the operator is told.

use super::{Extent, FeedFacts, ItemFacts, OUTPUT_BYTES_MAX, Template};

const EXTENT: Extent = Extent {
    words: 1200,
    reading_minutes: 5,
    images: 3,
};

fn item() -> ItemFacts<'static> {
    ItemFacts {
        title: "Fish & <b>chips</b>".into(),
        link: "https://example.org/a/1?x=1&y=\"2\"".into(),
        guid: "tag:example.org,2022:1".into(),
        author: "Ada 'Countess' L.".into(),
        published: "".into(),
        updated: "Wed, 19 Jan 2022 01:08:24 GMT".into(),
        categories: vec!["news".into(), "food".into()],
        article: None,
    }
}

fn feed() -> FeedFacts<'static> {
    FeedFacts {
        title: "The Paper".into(),
        link: "https://example.org/".into(),
        name: "paper".into(),
        url: "https://example.org/feed.xml".into(),
        self_url: "https://feeds.example.org/feeds/paper".into(),
        language: "en".into(),
    }
}

#[track_caller]
fn check(source: &str, expected: &str) {
    check_item(source, &item(), expected);
}

#[track_caller]
fn check_item(source: &str, item: &ItemFacts<'_>, expected: &str) {
    let template = Template::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    assert_eq!(
        template.render(item, &EXTENT, &feed()).as_deref(),
        Ok(expected),
        "{source}"
    );
}

/// Each of `said` must be in the message.
#[track_caller]
fn check_refused(source: &str, line: usize, said: &[&str]) {
    let error = Template::parse(source).expect_err(source);
    assert_eq!(error.line, line, "{source}: {error}");
    for part in said {
        assert!(error.message.contains(part), "{source}: {error}");
    }
}

#[test]
fn renders() {
    for (source, expected) in [
        ("", ""),
        ("plain <hr>", "plain <hr>"),
        (
            "<div><i><br>{{ item.updated | iso_ms }}</i></div>",
            "<div><i><br>2022-01-19T01:08:24.000Z</i></div>",
        ),
        ("{{ item.published | iso }}", "2022-01-19T01:08:24Z"),
        (
            "{{ item.updated | rfc2822 }}",
            "Wed, 19 Jan 2022 01:08:24 +0000",
        ),
        (
            "{{ item.updated | epoch }} {{ item.updated | epoch_ms }}",
            "1642554504 1642554504000",
        ),
        (
            "{{ item.updated | date('%Y-%m-%d %H:%M') }}",
            "2022-01-19 01:08",
        ),
        ("{{ item.title }}", "Fish &amp; &lt;b&gt;chips&lt;/b&gt;"),
        (
            "<a href=\"{{ item.link }}\">",
            "<a href=\"https://example.org/a/1?x=1&amp;y=&quot;2&quot;\">",
        ),
        (
            "<a href='{{ item.link }}'>{{ item.author }}",
            "<a href='https://example.org/a/1?x=1&amp;y=&quot;2&quot;'>Ada &#39;Countess&#39; L.",
        ),
        (
            "{{ item.link | urlencode }}",
            "https%3A//example.org/a/1%3Fx%3D1%26y%3D%222%22",
        ),
        (
            "{{ item.link | host }}|{{ item.title | host }}",
            "example.org|",
        ),
        ("{{ item.guid }}", "tag:example.org,2022:1"),
        (
            "{% for c in item.categories %}{{ loop.index }}{{ c }} {% endfor %}",
            "1news 2food ",
        ),
        ("{{ item.categories | join(', ') | upper }}", "NEWS, FOOD"),
        (
            "{% if item.author is string and not (item.title is number) %}x{% endif %}",
            "x",
        ),
        (
            "{{ feed.title }} {{ feed.name }} {{ feed.url }} {{ feed.self_url }} {{ feed.language }}",
            "The Paper paper https://example.org/feed.xml https://feeds.example.org/feeds/paper en",
        ),
        ("{% set t = item.title | length %}{{ t }}", "19"),
        (
            "{{ item.words }} {{ item.reading_minutes }} {{ item.images }}",
            "1200 5 3",
        ),
        (
            "{% if item.images > 2 %}{{ item.words // 100 }}{% endif %}",
            "12",
        ),
        (
            "{# {{ item.titel }} #}{% raw %}{{ post.x }}{% endraw %}",
            "{{ post.x }}",
        ),
        ("{{ '}} | nofilter' }}{{ {'a': 1}['a'] }}", "}} | nofilter1"),
    ] {
        check(source, expected);
    }
}

#[test]
fn the_extent_is_asked_for_where_it_is_named() {
    let check = |source: &str, words: bool, images: bool| {
        let needs = Template::parse(source).unwrap().needs();
        assert_eq!((needs.words, needs.images), (words, images), "{source}");
    };
    check("{{ item.title }} item.words", false, false);
    check("{{ item.words }}", true, false);
    check(
        "{% if false %}{{ item.reading_minutes }}{% endif %}",
        true,
        false,
    );
    check("{{ item.images }}", false, true);
    check_refused(
        "{{ item.word }}",
        1,
        &["unknown variable `item.word`", "item.words"],
    );
    check_refused(
        "\n{{ item.pictures }}",
        2,
        &["`item.pictures` is now `item.images`"],
    );
    check_refused(
        "{{ item.article.picture }}",
        1,
        &["`item.article.picture` is now `item.article.image`"],
    );
    check_refused("{{ item.image_count }}", 1, &["item.images"]);
    check_refused("<b>\n<!--/feedwright:footer-->", 1, &["mark"]);
}

#[test]
fn missing_values_are_empty() {
    let nothing = ItemFacts::default();
    check_item(
        "[{{ item.title }}{{ item.link }}{{ item.updated | iso_ms }}{{ item.published | date('%Y') }}]",
        &nothing,
        "[]",
    );
    check_item("{{ item.updated | epoch }}", &nothing, "");
    let odd = ItemFacts {
        published: "2022-01-19T01:08:24.238Z".into(),
        updated: "  ".into(),
        ..ItemFacts::default()
    };
    check_item(
        "{{ item.updated | iso_ms }} {{ item.updated | iso }}",
        &odd,
        "2022-01-19T01:08:24.238Z 2022-01-19T01:08:24Z",
    );
    let unreadable = ItemFacts {
        updated: "soon".into(),
        ..ItemFacts::default()
    };
    check_item(
        "{{ item.updated }}|{{ item.updated | iso }}",
        &unreadable,
        "soon|",
    );
}

#[test]
fn addresses_cannot_run() {
    for (link, expected) in [
        ("https://example.org/", "https://example.org/"),
        (" HTTP://example.org/ ", "HTTP://example.org/"),
        ("mailto:a@example.org", "mailto:a@example.org"),
        ("javascript:alert(1)", ""),
        ("  java\nscript:alert(1)", ""),
        ("\u{1}javascript:alert(1)", ""),
        ("JavaScript:alert(1)", ""),
        ("vbscript:x", ""),
        ("data:text/html,<script>", ""),
        ("/relative", ""),
        (
            "https://example.org/a onclick=x",
            "https://example.org/a%20onclick=x",
        ),
    ] {
        let item = ItemFacts {
            link: link.into(),
            guid: "javascript:alert(1)".into(),
            ..ItemFacts::default()
        };
        check_item("{{ item.link }}{{ item.guid }}", &item, expected);
    }
}

#[test]
fn hostile_values_stay_text() {
    for title in [
        "]]><script>",
        "{{ 7 * 7 }}",
        "{% raw %}",
        "${env}",
        "%n",
        "\"><img onerror=x>",
        "\u{202e}",
    ] {
        let item = ItemFacts {
            title: title.into(),
            ..ItemFacts::default()
        };
        let template =
            Template::parse("<p title=\"{{ item.title }}\">{{ item.title | e }}").unwrap();
        let html = template.render(&item, &EXTENT, &feed()).unwrap();
        assert_eq!(html.matches('<').count(), 1, "{html}");
        assert_eq!(html.matches('"').count(), 2, "{html}");
        assert!(!html.contains("49"), "{html}");
    }
    let item = ItemFacts {
        title: "x".repeat(OUTPUT_BYTES_MAX + 1).into(),
        ..ItemFacts::default()
    };
    let error = Template::parse("{{ item.title }}")
        .unwrap()
        .render(&item, &EXTENT, &feed())
        .unwrap_err();
    assert!(error.message.contains("longer than"), "{error}");
}

#[test]
fn unknown_variables_are_named() {
    for (source, line, said) in [
        ("{{ item.titel }}", 1, ["`item.titel`", "item.title"]),
        ("a\nb\n{{ post.x }}", 3, ["`post.x`", "feed.self_url"]),
        (
            "{% if item.title == 'never' %}\n{{ item.titel }}\n{% endif %}",
            2,
            ["`item.titel`", "item.link"],
        ),
        ("{{ item }}", 1, ["`item`", "item.title"]),
        ("{{ item['title'] }}", 1, ["`item`", "item.title"]),
        ("{{ item.title.x }}", 1, ["`item.title.x`", "item.title"]),
        ("{% set x = item %}{{ x.titel }}", 1, ["`item`", ""]),
    ] {
        check_refused(source, line, &said);
    }
}

#[test]
fn other_mistakes_are_named() {
    for (source, line, said) in [
        ("{{ item.title | uper }}", 1, ["filter `uper`", "iso_ms"]),
        ("{{ item.title | safe }}", 1, ["filter `safe`", ""]),
        (
            "{% if false %}\n\n{{ item.title\n| isoms }}{% endif %}",
            4,
            ["filter `isoms`", "iso_ms"],
        ),
        (
            "{% filter uper %}x{% endfilter %}",
            1,
            ["filter `uper`", ""],
        ),
        (
            "{% if false %}{{ item.categories | map('uper') }}{% endif %}",
            1,
            ["filter `uper`", ""],
        ),
        ("{{ item.title is odder }}", 1, ["test `odder`", "odd"]),
        (
            "{{ 'a' if item.title is not odder }}",
            1,
            ["test `odder`", ""],
        ),
        (
            "{% if false %}{{ debug() }}{% endif %}",
            1,
            ["function `debug`", "range"],
        ),
        (
            "{% if false %}{{ item.title.upper() }}{% endif %}",
            1,
            ["method `upper`", "filter"],
        ),
        ("{% include 'x' %}", 1, ["statement `include`", "for"]),
        (
            "{% macro m() %}{% endmacro %}",
            1,
            ["statement `macro`", ""],
        ),
        (
            "{% autoescape false %}{{ item.title }}{% endautoescape %}",
            1,
            ["statement `autoescape`", ""],
        ),
        ("\n{{ item.title", 2, ["syntax error", ""]),
        ("{% if item.title %}", 1, ["syntax error", "end"]),
        (
            "{{ item.categories[0] }}",
            1,
            ["undefined", "without any field"],
        ),
        ("{{ item.updated | date('%!') }}", 1, ["no format", "%!"]),
        (
            "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}",
            1,
            ["too many steps", ""],
        ),
    ] {
        check_refused(source, line, &said);
    }
    check_refused(&"x".repeat(65 * 1024), 1, &["longer than"]);
}

#[test]
fn is_shared_between_threads() {
    fn check_bounds<T: Send + Sync + Clone + 'static>(_: &T) {}
    check_bounds(&Template::parse("x").unwrap());
}
