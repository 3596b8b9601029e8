//! Documents that are made to take long: each shape in any size.

/// A document of about `bytes` bytes.
pub(crate) type Make = fn(bytes: usize) -> String;

/// What is repeated, and where it stands.
pub(crate) const SHAPES: &[(&str, Make)] = &[
    ("items like any feed's", |bytes| {
        let item = "<item><title>A title</title><link>https://news.example.org/1</link><guid>1</guid><description>\
                    &lt;p&gt;Some &lt;b&gt;text&lt;/b&gt; with a &lt;a href=\"/more?utm_source=rss\"&gt;link&lt;/a&gt; and \
                    &lt;img src=\"/a.jpg\" srcset=\"/a.jpg 1x, /b.jpg 2x\"&gt;&lt;/p&gt;</description></item>\n";
        rss(&repeat(item, bytes))
    }),
    ("empty items", |bytes| rss(&repeat("<item/>", bytes))),
    ("items in items", |bytes| {
        rss(&repeat("<item><title>", bytes))
    }),
    ("elements in elements", |bytes| rss(&repeat("<a>", bytes))),
    ("end tags of nothing", |bytes| {
        rss(&repeat("</a></b>", bytes))
    }),
    ("ampersands", |bytes| items(&repeat("&", bytes), "")),
    ("undeclared entities", |bytes| {
        items(&repeat("&nbsp;&foo;", bytes), "")
    }),
    ("undeclared prefixes", |bytes| {
        rss(&repeat("<item><x:a y:b='1'/></item>", bytes))
    }),
    ("a long attribute", |bytes| {
        rss(&format!("<item a=\"{}\"/>", repeat("x &lt; ", bytes)))
    }),
    ("many attributes", |bytes| {
        rss(&format!("<item {}/>", repeat("a=1 b='2' ", bytes)))
    }),
    ("an attribute left open", |bytes| {
        rss(&format!("<item a=\"{}", repeat("<b c='", bytes)))
    }),
    ("a comment left open", |bytes| {
        rss(&format!("<!-- {}", repeat("-- ", bytes)))
    }),
    ("a section left open", |bytes| {
        rss(&format!("<![CDATA[{}", repeat("]] >", bytes)))
    }),
    ("sections", |bytes| {
        items(&repeat("<![CDATA[<b>]]>", bytes), "")
    }),
    ("a declaration left open", |bytes| {
        format!("<!DOCTYPE rss [{}", repeat("<!ENTITY a 'b'>", bytes))
    }),
    ("images", |bytes| html(&repeat("<img src=a.jpg>", bytes))),
    ("lazy images", |bytes| {
        html(&repeat(
            "<img src='data:,' data-src=a.jpg><noscript><img src=a.jpg></noscript>",
            bytes,
        ))
    }),
    ("noscript left open", |bytes| {
        html(&repeat("<noscript><img src=a.jpg>", bytes))
    }),
    ("candidates", |bytes| {
        html(&format!("<img srcset='{}'>", repeat("a.jpg 1x, ", bytes)))
    }),
    ("commas", |bytes| {
        html(&format!("<img srcset='{}'>", repeat(",", bytes)))
    }),
    ("CSS addresses", |bytes| {
        html(&format!("<p style='{}'>", repeat("a:url(b.png);", bytes)))
    }),
    ("CSS left open", |bytes| {
        html(&format!("<style>{}", repeat("url('\\", bytes)))
    }),
    ("links", |bytes| {
        html(&repeat("<a href='/a?utm_source=b&fbclid=c'>d</a>", bytes))
    }),
    ("markup in markup", |bytes| html(&repeat("<div>", bytes))),
    ("paragraphs in lists in tables", |bytes| {
        html(&repeat("<table><td><li><p>", bytes))
    }),
    ("formatting left open", |bytes| {
        html(&repeat("<b><p>", bytes))
    }),
    ("formatting opened again and again", |bytes| {
        let bold: String = (0..50).map(|n| format!("<b a={n}>")).collect();
        fields(&format!("<p>{bold}"), "<p>x", bytes)
    }),
    ("ever more formatting", |bytes| {
        let count = ITEM_BYTES.min(bytes) / 16;
        let bold: String = (0..count).map(|n| format!("<b a={n}>")).collect();
        fields(&format!("<i onclick=x><p>{bold}"), "<p>x", bytes)
    }),
    ("adopted formatting", |bytes| {
        html(&repeat("<a><div><div><div><div><div><div><div></a>", bytes))
    }),
    ("texts before tables", |bytes| {
        fields("<svg><p onclick=x><table>", "x<tr>", bytes)
    }),
    ("attributes of one tag", |bytes| {
        let count = ITEM_BYTES.min(bytes) / 12;
        let names: String = (0..count).map(|n| format!("a{n} ")).collect();
        fields(&format!("<svg><p {names}>"), "x", bytes)
    }),
    ("references without a tag", |bytes| {
        html(&repeat("&nbsp;&amp;", bytes))
    }),
    ("comments of nothing", |bytes| {
        fields("<svg onload=x>", "<!---->", bytes)
    }),
    ("tags left open", |bytes| html(&repeat("<a <b ", bytes))),
    ("quotes", |bytes| html(&repeat("<a b=\"'<", bytes))),
    ("svg in math in svg", |bytes| {
        html(&repeat("<svg><math><mi>", bytes))
    }),
    ("scripts", |bytes| {
        html(&repeat("<script><!--<script>", bytes))
    }),
    ("markers of ours", |bytes| {
        html(&repeat("<!--feedwright:footer-->", bytes))
    }),
    ("inline XHTML", |bytes| {
        let body = repeat("<p><img src='a.jpg'/></p>", bytes);
        format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>t</title><entry><id>1</id><content type=\"xhtml\">\
             <div xmlns=\"http://www.w3.org/1999/xhtml\">{body}</div></content></entry></feed>"
        )
    }),
    ("JSON items", |bytes| {
        json(&format!(
            "{{\"id\":\"1\",\"content_html\":\"<p>{}\"}}",
            repeat("<img src=\\\"a.jpg\\\">", bytes)
        ))
    }),
    ("JSON in JSON", |bytes| json(&repeat("{\"a\":[", bytes))),
    ("JSON escapes", |bytes| {
        json(&format!(
            "{{\"id\":\"{}\"}}",
            repeat("\\ud800\\\\\\\"", bytes)
        ))
    }),
];

/// Items end at this size; a field beyond it passes unread.
const ITEM_BYTES: usize = 2 << 20;

fn repeat(part: &str, bytes: usize) -> String {
    part.repeat(bytes / part.len() + 1)
}

fn rss(content: &str) -> String {
    format!(
        "<rss version=\"2.0\"><channel><title>t</title><link>https://news.example.org/</link>{content}</channel></rss>"
    )
}

/// One item with `content` as it is, in pieces that are small enough to be read.
fn items(content: &str, end: &str) -> String {
    let mut out = String::new();
    let mut rest = content;
    while !rest.is_empty() {
        let (part, later) = rest.split_at(rest.floor_char_boundary(ITEM_BYTES));
        out += &format!("<item><description>{part}{end}</description></item>");
        rest = later;
    }
    rss(&out)
}

/// Items whose fields begin with `start` and go on with `part`.
fn fields(start: &str, part: &str, bytes: usize) -> String {
    let each = ITEM_BYTES.min(bytes).max(start.len());
    let field = format!("{start}{}", repeat(part, each - start.len()));
    let item = format!("<item><description><![CDATA[{field}]]></description></item>");
    rss(&item.repeat(bytes.div_ceil(item.len())))
}

/// The same in a CDATA section.
fn html(content: &str) -> String {
    let mut out = String::new();
    let mut rest = content;
    while !rest.is_empty() {
        let (part, later) = rest.split_at(rest.floor_char_boundary(ITEM_BYTES));
        out += &format!("<item><description><![CDATA[{part}]]></description></item>");
        rest = later;
    }
    rss(&out)
}

fn json(item: &str) -> String {
    format!(
        "{{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"t\",\"items\":[{item}]}}"
    )
}
