//! What is counted, for what is usual and for what is made to cost much. Nothing here looks at a clock.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Bytes for which a shape is repeated.
const BYTES: usize = 400_000;

fn field(html: &str) -> Result<Size, TooComplex> {
    measure(html, Context::div(false), Limits::FIELD)
}

fn repeated(part: &str) -> String {
    part.repeat(BYTES / part.len() + 1)
}

/// Limits that are soon met.
const TIGHT: Limits = Limits {
    work: 300_000,
    work_per_byte: 4,
    bytes: 100_000,
    bytes_per_byte: 4,
};

/// What reading `html` took until it ended or was given up: work and bytes.
fn taken(html: &str) -> (u64, u64) {
    let meter = TIGHT.meter(html);
    attributes::count(html.as_bytes(), &meter);
    if meter.is_spent() {
        return meter.spent();
    }
    let mut see = |_: Seen<'_>| {};
    let census = Census::new(meter, &mut see);
    let context = census.context(QualName::new(None, ns!(html), local_name!("div")));
    let options = TreeBuilderOpts {
        scripting_enabled: false,
        ..TreeBuilderOpts::default()
    };
    let builder = TreeBuilder::new_for_fragment(census, context, None, options);
    let gate = Gate::new(builder);
    let tokenizer = Tokenizer::new(gate, TokenizerOpts::default());
    let queue = BufferQueue::default();
    for chunk in html.as_bytes().chunks(CHUNK_BYTES) {
        queue.push_back(StrTendril::from_slice(str::from_utf8(chunk).unwrap()));
        while !matches!(tokenizer.feed(&queue), TokenizerResult::Done) {}
        tokenizer.sink.count_fed(chunk.len());
    }
    tokenizer.end();
    tokenizer.sink.into_census().meter.spent()
}

#[test]
fn what_articles_are_made_of_is_not_too_complex() {
    let numbered =
        |count: usize, line: &dyn Fn(usize) -> String| -> String { (0..count).map(line).collect() };
    for html in [
        String::new(),
        "Only text &amp; references\u{a0}\u{2013} ".repeat(2_000),
        numbered(2_000, &|n| {
            format!(
                "<p class=\"a b\" id=p{n}>Words of <a href=\"https://example.org/{n}\" title=\"x\">a link</a>, \
                     <em>more</em> and <b>bold</b> ones that make a paragraph long enough.</p>\n"
            )
        }),
        numbered(100, &|n| {
            let rows = "<tr><td>1</td><td>22</td><td>333</td></tr>".repeat(20);
            format!("<table id=t{n}><tbody>{rows}</tbody></table>")
        }),
        format!("<ul>{}</ul>", "<li><a href=\"/a\">b</a></li>".repeat(3_000)),
        format!(
            "<p><img src=\"data:image/png;base64,{}\"></p>",
            "iVBORw0KGgo/AAAA+".repeat(50_000)
        ),
        format!(
            "<pre><code>{}</code></pre>",
            "if (a &lt; b &amp;&amp; c) { d(); }\n".repeat(2_000)
        ),
        format!(
            "<svg viewBox=\"0 0 1 1\"><path d=\"{}\"/></svg>",
            "M0 0L1 1 ".repeat(60_000)
        ),
        format!("<!--{}-->", "a comment, <b and> more - -- ".repeat(5_000)),
    ] {
        assert!(field(&html).is_ok(), "{:.60}", html);
    }
}

#[test]
fn what_parsers_make_much_of_is_too_complex() {
    let numbered = |line: &dyn Fn(usize) -> String| -> String {
        let mut html = String::new();
        for n in 0.. {
            html.push_str(&line(n));
            if html.len() > BYTES / 2 {
                break;
            }
        }
        html
    };
    let bold = |rest: &str| {
        format!(
            "<p>{}{}",
            numbered(&|n| format!("<b a={n}>")),
            repeated(rest)
        )
    };
    let fifty = |rest: &str| {
        let bold: String = (0..50)
            .map(|n| format!("<font a={n} title=abcdefghijklmnop>"))
            .collect();
        format!("<p>{bold}{}", repeated(rest))
    };
    for html in [
        bold("<p>x"),
        fifty("<p>x"),
        fifty("<p>"),
        fifty("<div>x</div>"),
        fifty("<td>x</table><table>"),
        numbered(&|n| format!("<a href={n}><p>")),
        repeated("<a><div><div><div><div><div><div><div></a>"),
        repeated("<div>"),
        repeated("<b><p>"),
        repeated("<table><td><li><p>"),
        repeated("<table>"),
        repeated("<template>"),
        repeated("<svg><desc>"),
        repeated("<math><mi><svg><title>"),
        format!("<p {}>", numbered(&|n| format!("a{n} "))),
        format!("</p {}>", numbered(&|n| format!("a{n}='>' "))),
        format!("<script></script {}>", numbered(&|n| format!("a{n}/"))),
        format!("<!--{}", repeated("<a <a ")),
        repeated("<a <b "),
        repeated("<x\0 \0=\0>"),
        repeated("\0"),
        repeated("&nbsp;&amp;"),
        repeated("<!---->").repeat(2),
        format!("<!--{}-->", "- ".repeat(BYTES * 2)),
        repeated("</x>").repeat(2),
        format!("<table>{}", repeated("&amp;</x>&amp;<tr>")),
        format!("<a title={}>{}", "x".repeat(2_000), repeated("<p></p>")),
    ] {
        assert_eq!(field(&html), Err(TooComplex), "{:.60}", html);
    }
}

#[test]
fn names_are_shown_with_their_sheets_whole() {
    let sheet = format!("{}expression(1)", " ".repeat(CHUNK_BYTES - 10));
    let html = format!("<p id=a>b</p><style>{sheet}</style><html lang=c>");
    let mut seen = Vec::new();
    watch(&html, Context::div(true), Limits::FIELD, &mut |one| {
        seen.push(match one {
            Seen::Element(name, attributes) => format!("{name} {}", attributes.len()),
            Seen::Style(text) => text.trim().to_owned(),
        });
    })
    .unwrap();
    let expected = ["html 0", "p 1", "style 0", "html 1", "expression(1)"];
    assert_eq!(seen, expected);
}

#[test]
fn sizes() {
    let size = |html: &str| field(html).unwrap();
    let (flat, deep) = (size(&"<p></p>".repeat(100)), size(&"<div>".repeat(100)));
    assert_eq!(flat.nodes, deep.nodes);
    assert!(flat.pairs >= 5_000 && deep.pairs < 500, "{flat:?} {deep:?}");
    assert!(
        deep.depths >= 5_000 && flat.depths < 500,
        "{flat:?} {deep:?}"
    );
}

const PARTS: &[&str] = &[
    "<p>",
    "</p>",
    "<b a=1>",
    "<b a=2>",
    "<i>",
    "</i>",
    "</b>",
    "<a href=x>",
    "</a>",
    "<font size=1>",
    "<table>",
    "</table>",
    "<tr>",
    "<td>",
    "<div>",
    "</div>",
    "<li>",
    "<ul>",
    "</ul>",
    "<svg>",
    "</svg>",
    "<math>",
    "<mi>",
    "<desc>",
    "<template>",
    "</template>",
    "<select>",
    "<option>",
    "</select>",
    "<nobr>",
    "<button>",
    "<form>",
    "x",
    "&amp;",
    "\0",
    "<!--",
    "-->",
    "<!x>",
    "<?x",
    "<style>",
    "</style>",
    "<script>",
    "</script>",
    "<title>",
    "</title>",
    "<body a=1 b=2>",
    "<html c=3>",
    "<noscript>",
    "<h1>",
    "<h2>",
    "</x>",
    "<x y",
    " z='",
    "'",
    ">",
    "/",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_count_ends_where_the_limit_is(
        start in prop::collection::vec(select(PARTS), 0..60),
        part in prop::collection::vec(select(PARTS), 1..8),
        last in prop::collection::vec(select(PARTS), 1..5),
    ) {
        let part = part.concat();
        let html = format!("{}{}{}", start.concat(), part.repeat(20_000 / part.len()), last.concat().repeat(200));
        let (work, bytes) = taken(&html);
        let limits = TIGHT.meter(&html);
        // One token beyond it: all that waits is opened anew.
        let (work_max, bytes_max) = limits.limits();
        prop_assert!(work == u64::MAX || work < work_max + 2_000_000, "{} of {}", work, work_max);
        prop_assert!(bytes < bytes_max + (1 << 20), "{} of {}", bytes, bytes_max);
        let is_err = measure(&html, Context::div(false), TIGHT).is_err();
        prop_assert_eq!(is_err, work > work_max || bytes > bytes_max);
    }

    #[test]
    fn the_same_tree_as_a_parser_makes(parts in prop::collection::vec(select(PARTS), 0..40)) {
        let html = parts.concat();
        let counted = measure(&html, Context::DOM_QUERY, Limits::FIELD).unwrap();
        let document = Document::fragment(html.as_str());
        let nodes = document.root().descendants().iter().filter(|node| !node.is_text()).count() as u64;
        // What a template holds is no descendant of it there.
        prop_assume!(!html.contains("<template"));
        // Besides: the document, and the context.
        prop_assert!(counted.nodes >= nodes + 2, "{} {}", counted.nodes, nodes);
    }
}
