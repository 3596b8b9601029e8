//! What is read of items, format by format.

use url::Url;

use super::*;

fn one(document: &str) -> Entry {
    let url = Url::parse("https://feeds.example.org/news/feed").unwrap();
    let mut found = entries(document, url.clone());
    assert_eq!(found.len(), 1, "{document}");
    // However it is chunked.
    let mut chunked = Vec::new();
    let mut reader = EntryReader::new(url);
    for letter in document.chars() {
        reader.push(letter.encode_utf8(&mut [0; 4]), &mut |entry| {
            chunked.push(entry);
        });
    }
    reader.finish(&mut |entry| chunked.push(entry));
    assert_eq!(chunked, found);
    found.remove(0)
}

fn rss(item: &str) -> Entry {
    one(&format!(
        "<rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel><title>T</title>\
         <link>https://www.example.org/</link><item>{item}</item></channel></rss>"
    ))
}

#[test]
fn rss_items_are_read() {
    let entry = rss(
        "<title>A &amp; B</title><link>/a</link><guid isPermaLink=\"false\">7</guid>\
         <pubDate>Wed, 19 Jan 2022 01:17:04 GMT</pubDate><dc:creator>Ann</dc:creator>\
         <category>x</category><category><![CDATA[y & z]]></category>\
         <description>short</description><content:encoded><![CDATA[<p>long &amp; wide</p>]]></content:encoded>",
    );
    let expected = Entry {
        apart: String::new(),
        id: "7".to_owned(),
        link: "https://www.example.org/a".to_owned(),
        title: "A & B".to_owned(),
        date_ms: Some(1_642_555_024_000),
        updated_ms: None,
        author: "Ann".to_owned(),
        categories: vec!["x".to_owned(), "y & z".to_owned()],
        html: "<p>long &amp; wide</p>".to_owned(),
    };
    assert_eq!(entry, expected);
}

#[test]
fn what_is_missing_is_empty() {
    let entry = rss("");
    assert_eq!(entry, Entry::default());
    assert_eq!(entry.identity(), "\n");
    let entry = rss("<title>t</title><pubDate>yesterday</pubDate>");
    assert_eq!((entry.date_ms, entry.identity().as_str()), (None, "t\n"));
    let entry = rss("<link>https://a.example/1</link>");
    assert_eq!(entry.identity(), "https://a.example/1");
}

#[test]
fn rdf_items_are_read() {
    let entry = one(
        "<rdf:RDF xmlns=\"http://purl.org/rss/1.0/\" xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel rdf:about=\"x\"><title>T</title></channel>\
         <item rdf:about=\"urn:1\"><title>t</title><link>https://a.example/1</link>\
         <description>&lt;b&gt;d&lt;/b&gt;</description><dc:date>2022-01-19T01:17:04+00:00</dc:date></item></rdf:RDF>",
    );
    assert_eq!(entry.id, "urn:1");
    assert_eq!(entry.link, "https://a.example/1");
    assert_eq!(entry.date_ms, Some(1_642_555_024_000));
    assert_eq!(entry.html, "<b>d</b>");
}

fn atom(children: &str) -> Entry {
    one(&format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>T</title><id>f</id>\
         <link rel=\"self\" href=\"/self\"/><link href=\"https://www.example.org/blog/\"/>\
         <entry>{children}</entry></feed>"
    ))
}

#[test]
fn atom_entries_are_read() {
    let entry = atom(
        "<id>tag:1</id><title type=\"html\">a &lt;i&gt;b&lt;/i&gt;</title><link href=\"p/1\"/>\
         <published>2022-01-19T01:17:04Z</published><updated>2022-01-19T02:00:00.5Z</updated>\
         <author><name>Ann</name></author><category term=\"c\" label=\"C\"/>\
         <content type=\"html\">&lt;p&gt;x&lt;/p&gt;</content>",
    );
    assert_eq!(entry.id, "tag:1");
    assert_eq!(entry.title, "a b");
    assert_eq!(entry.link, "https://www.example.org/blog/p/1");
    assert_eq!(entry.date_ms, Some(1_642_555_024_000));
    assert_eq!(entry.updated_ms, Some(1_642_557_600_500));
    assert_eq!(entry.author, "Ann");
    assert_eq!(entry.categories, ["C"]);
    assert_eq!(entry.html, "<p>x</p>");
}

#[test]
fn text_becomes_html_and_markup_stays() {
    for (content, expected) in [
        ("<content>1 &lt; 2\n&amp;</content>", "1 &lt; 2<br>\n&amp;"),
        (
            "<summary>s</summary><content type=\"xhtml\"><div xmlns=\"http://www.w3.org/1999/xhtml\"><p>x<![CDATA[<]]></p></div></content>",
            "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>x&lt;</p></div>",
        ),
        ("<updated>2022-01-19T01:17:04Z</updated>", ""),
    ] {
        assert_eq!(atom(content).html, expected, "{content}");
    }
    let entry = atom("<updated>2022-01-19T01:17:04Z</updated>");
    assert_eq!(entry.date_ms, entry.updated_ms);
}

#[test]
fn json_items_are_read() {
    let json = |item: &str| {
        one(&format!(
            "{{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"T\",\
             \"home_page_url\":\"https://www.example.org/\",\"items\":[{item}]}}"
        ))
    };
    let entry = json(
        "{\"id\":\"1\",\"url\":\"/a\",\"title\":\"A \\u0026 B\",\"date_published\":\"2022-01-19T01:17:04Z\",\
         \"authors\":[{\"name\":\"Ann\"}],\"tags\":[\"x\"],\"content_html\":\"<p>h</p>\",\"content_text\":\"t\"}",
    );
    assert_eq!(entry.link, "https://www.example.org/a");
    assert_eq!(
        (&*entry.title, &*entry.author, &*entry.html),
        ("A & B", "Ann", "<p>h</p>")
    );
    assert_eq!(entry.date_ms, Some(1_642_555_024_000));
    assert_eq!(entry.categories, ["x"]);
    let entry = json("{\"id\":1,\"content_text\":\"a < b\"}");
    assert_eq!((&*entry.id, &*entry.html), ("1", "a &lt; b"));
}
