//! Each format against texts that try to break out of it.

use proptest::prelude::*;

use super::*;

fn entry() -> Entry {
    Entry {
        id: "https://a.example/1".to_owned(),
        link: "https://a.example/1".to_owned(),
        title: "英媒：阿里巴巴".to_owned(),
        date_ms: Some(1_642_555_024_000),
        html: "<div><i><br>2022</i></div>".to_owned(),
        ..Entry::default()
    }
}

fn full() -> Entry {
    Entry {
        id: "7".to_owned(),
        date_ms: Some(1_642_554_504_238),
        updated_ms: Some(1_642_555_024_001),
        author: "Ann: \"A\" --> #1".to_owned(),
        categories: vec!["a, b".to_owned(), "'c'".to_owned(), "-->".to_owned()],
        ..entry()
    }
}

#[test]
fn the_seed_format_is_the_first_archives() {
    assert_eq!(
        seed::render(&entry()),
        "<!--1642555024000-->\n[英媒：阿里巴巴](https://a.example/1)\n------\n\n<div><i><br>2022</i></div>\n"
    );
    let text = seed::render(&full());
    let (html, more) = text.split_once("\n<!--feedwright ").unwrap();
    assert!(html.ends_with("2022</i></div>"), "{html}");
    assert_eq!(more.matches("--").count(), 1, "{more}");
    let before = Entry {
        updated_ms: Some(-1),
        ..Entry::default()
    };
    assert_eq!(seed::parse(&seed::render(&before)).unwrap(), before);
}

#[test]
fn markdown_says_it_in_words() {
    let entry = Entry {
        html: "<h2>Head</h2><p>A <b>b</b> <a href=\"https://a.example/?x=1&amp;y=2\">link</a>.</p>\
               <figure><img src=\"https://a.example/p.jpg\" alt=\"P\"><figcaption>Caption</figcaption></figure>\
               <ul><li>one</li><li>two</li></ul><iframe src=\"https://v.example/embed/1\"></iframe><script>x</script>"
            .to_owned(),
        ..full()
    };
    assert_eq!(
        markdown::render(&entry, "dw"),
        "---\n\
         title: \"英媒：阿里巴巴\"\n\
         link: \"https://a.example/1\"\n\
         id: \"7\"\n\
         date: 2022-01-19T01:08:24.238Z\n\
         updated: 2022-01-19T01:17:04.001Z\n\
         author: \"Ann: \\\"A\\\" --> #1\"\n\
         categories: [\"a, b\", \"'c'\", \"-->\"]\n\
         feed: \"dw\"\n\
         ---\n\n\
         ## Head\n\n\
         A **b** [link](https://a.example/?x=1&amp;y=2).\n\n\
         ![P](https://a.example/p.jpg)\n\n\
         Caption\n\n\
         - one\n- two\n\n\
         [https://v.example/embed/1](https://v.example/embed/1)\n"
    );
    let back = markdown::parse(&markdown::render(&entry, "dw")).unwrap();
    assert!(back.html.contains("<h2>Head</h2>"), "{}", back.html);
    assert_eq!(
        Entry {
            html: entry.html.clone(),
            ..back
        },
        entry
    );
}

#[test]
fn front_matter_written_by_hand_is_read() {
    let text = "---\r\ntitle: Plain title # a remark\r\nlink: 'https://a.example/it''s'\r\n\
                categories:\r\n  - one\r\n  - \"two\"\r\ndate: 2022-01-19\r\naliases: [x]\r\n---\r\n\r\nText\r\n";
    let entry = markdown::parse(text).unwrap();
    assert_eq!(entry.title, "Plain title");
    assert_eq!(entry.link, "https://a.example/it's");
    assert_eq!(entry.categories, ["one", "two"]);
    assert_eq!(entry.date_ms, Some(1_642_550_400_000));
    assert_eq!(entry.html, "<p>Text</p>\n");
}

#[test]
fn seed_files_of_others_are_read() {
    let entry =
        seed::parse("<!--1-->\r\n[[A] b](https://a.example/1)\r\n------\r\n\r\n<p>x</p>").unwrap();
    assert_eq!((&*entry.title, &*entry.html), ("[A] b", "<p>x</p>"));
    assert_eq!(entry.id, entry.link);
}

#[test]
fn what_is_of_another_format_is_refused() {
    for (format, text, expected) in [
        (
            Format::Seed,
            "",
            "line 1: it is not `<!--milliseconds since 1970-->`",
        ),
        (
            Format::Seed,
            "<!--x-->\n",
            "line 1: `x` is no time in milliseconds",
        ),
        (
            Format::Seed,
            "<!--1-->\ntitle\n",
            "line 2: it is not `[title](link)`",
        ),
        (
            Format::Seed,
            "<!--1-->\n[t](l)\n---\n",
            "line 3: it is not `------`",
        ),
        (
            Format::Seed,
            "<!--1-->\n[t](l)\n------\nx",
            "line 4: it is not empty",
        ),
        (Format::Markdown, "# Head", "line 1: it is not `---`"),
        (
            Format::Markdown,
            "---\ntitle: x\n",
            "line 3: the front matter has no end",
        ),
        (
            Format::Markdown,
            "---\ntext\n---\n",
            "line 2: it is not `key: value`",
        ),
        (
            Format::Markdown,
            "---\ntitle: |\n---\n",
            "line 2: `|` is more YAML than is read",
        ),
        (
            Format::Markdown,
            "---\ndate: soon\n---\n",
            "line 1: `date`: `soon` is no date",
        ),
    ] {
        let error = format.parse(text).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }
    let error = jsonl::parse("{}\n\n[").unwrap_err();
    assert_eq!(error.line, 3);
    let error = jsonl::parse("{\"date\":\"soon\"}").unwrap_err();
    assert_eq!(error.problem, "`date`: `soon` is no date");
}

#[test]
fn titles_that_try_to_break_out_come_back() {
    for title in [
        "]]>",
        "../../etc/passwd",
        "a\nb\r\nc",
        "\u{202e}txt.exe\u{2066}",
        "[a](b) ](c)",
        "\\",
        "\\[&#10;",
        "--- \u{85}\u{2028}",
        "\"quoted\": 'x' # y",
        "<!--feedwright {}-->",
        "",
    ] {
        for format in Format::ALL {
            let entry = Entry {
                title: title.to_owned(),
                link: format!("https://a.example/{title}"),
                ..full()
            };
            let text = format.render(&entry, "f");
            let back = format.parse(&text).unwrap().remove(0);
            assert_eq!(back.title, entry.title, "{format:?}");
            assert_eq!(back.link, entry.link, "{format:?}");
        }
    }
}

#[test]
fn deep_html_stays_html() {
    let deep = "<div>".repeat(2_000);
    assert_eq!(markdown::of_html(&deep), deep);
}

proptest! {
    #[test]
    fn seed_and_jsonl_lose_nothing(
        texts in prop::collection::vec("[ -~\\n\\r\\\\\u{80}-\u{a0}\u{2028}\u{feff}中]{0,12}|\n<!--feedwright \\{\\}-->", 6),
        dates in prop::collection::vec(prop::option::of(-62_135_596_800_000_i64..253_402_300_799_999), 2),
    ) {
        let entry = Entry {
            apart: String::new(),
            id: texts[0].clone(),
            link: texts[1].clone(),
            title: texts[2].clone(),
            date_ms: dates[0],
            updated_ms: dates[1],
            author: texts[3].clone(),
            categories: texts[4..5].to_vec(),
            html: texts[5].clone(),
        };
        for format in [Format::Seed, Format::JsonLines] {
            let back = format.parse(&format.render(&entry, "f")).unwrap();
            prop_assert_eq!(&back[..], std::slice::from_ref(&entry), "{:?}", format);
        }
        let back = markdown::parse(&markdown::render(&entry, "f")).unwrap();
        prop_assert_eq!(Entry { html: entry.html.clone(), ..back }, entry);
    }
}
