//! Documents before and after, whatever the chunks.

mod json;
mod odd;
mod random;

use super::*;

/// `text` in chunks of `size` bytes, and how many things were left.
fn repair(text: &str, size: usize) -> (String, usize) {
    let (out, left, _) = repair_whole(text, size);
    (out, left)
}

/// The same, and whether the root was closed.
fn repair_whole(text: &str, size: usize) -> (String, usize, bool) {
    let mut repair = Repair::default();
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (chunk, later) = rest.split_at(rest.ceil_char_boundary(size.min(rest.len())));
        repair.inlet().push_str(chunk);
        repair.advance(&mut |part| out.push_str(part));
        rest = later;
    }
    let skips = repair.finish(&mut |part| out.push_str(part));
    let is_whole = matches!(repair.state, State::Epilog);
    (out, skips.map_or(0, |(_, count)| count), is_whole)
}

fn check_left(text: &str, expected: &str, left: usize) {
    for size in [1, 2, 3, 7, text.len().max(1)] {
        let (out, skips) = repair(text, size);
        assert_eq!(out, expected, "{text} by {size}");
        assert_eq!(skips, left, "{text} by {size}");
    }
    assert_eq!(repair(expected, 5).0, expected, "twice");
}

fn check(text: &str, expected: &str) {
    check_left(text, expected, 0);
}

/// The same inside the title of an item.
fn check_text(text: &str, expected: &str) {
    let document =
        |text: &str| format!("<rss><channel><item><title>{text}</title></item></channel></rss>");
    check(&document(text), &document(expected));
}

fn check_same(text: &str) {
    check(text, text);
}

fn check_tag(tag: &str, expected: &str) {
    let document = |tag: &str| format!("<rss><channel>{tag}</channel></rss>");
    check(&document(tag), &document(expected));
}

#[test]
fn what_is_well_formed_stays() {
    for text in [
        "",
        " \n",
        "{\"a\": \"&nbsp; \u{7f}\", \"b\": [1, {}]}\n",
        "<rss/>",
        "\u{feff}<?xml version='1.0' encoding=\"UTF-8\" standalone = 'yes' ?>\n<rss/>\n<!-- x -->\n<?p?>\n",
        "\n<!-- no declaration --><rss/>",
        "<rss><a>&lt;&gt;&amp;&quot;&apos;&#160;&#xA0;&#x1F600;&#000000000000000000065; > ]] > ' \"</a></rss>",
        "<rss><a><![CDATA[ & < ]] > &nbsp; <b> ]]]]><![CDATA[> ]]></a></rss>",
        "<rss><!-- & < - > &nbsp; <b> --><?php & < > <b> ?></rss>",
        "<rss><a b=\"'&lt;&gt;&quot;>\" c = '\">'\n\td=''/></rss>",
        "<rss><description>a<br></br>b<br/><p>c</p></description></rss>",
        "<rss xmlns:x='u'><x:a x:b='1' xml:lang='de' xmlns:y='v'><y:c/></x:a></rss>",
        "<rss><channel><item><item><item/>a</item><x><item/></x></item></channel></rss>",
        "<rss><channel><items><item>a</item><item>b</item></items></channel></rss>",
        "<rss><a></a ><b></b\n></rss>",
        "<rss><é>ü</é><a·1.-_/></rss>",
        "<!DOCTYPE rss [<!ENTITY nbsp \"&#160;\"><!ENTITY x '>]'>]><rss>&nbsp;&x;</rss>",
        "<!DOCTYPE rss PUBLIC \"-//Netscape Communications//DTD RSS 0.91//EN\" \"http://my.netscape.com/publish/formats/rss-0.91.dtd\"><rss>&any;</rss>",
        "<!DOCTYPE rss [<!ENTITY % p SYSTEM 'p'> %p;]><rss>&any;</rss>",
        "<!DOCTYPE rss [<!ATTLIST rss xmlns:b CDATA #FIXED 'u'>]><rss><b:c/></rss>",
        "<feed xmlns='http://www.w3.org/2005/Atom'><entry><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>a<br/></p></div></content></entry></feed>",
        "<opml><rss>&nbsp;</rss></opml>",
        "<!DOCTYPE html><html><br>&nbsp;</html>",
    ] {
        check_same(text);
    }
}

#[test]
fn ampersands_start_references_or_are_none() {
    check_text(
        "AT&T & R&D; && &",
        "AT&amp;T &amp; R&amp;D; &amp;&amp; &amp;",
    );
    check_text(
        "?a=1&b=2&copy=3&amp;lt=4",
        "?a=1&amp;b=2&amp;copy=3&amp;lt=4",
    );
    check_text("&nbsp;&eacute;&hellip;&lang;", "&#160;&#233;&#8230;&#9001;");
    check_text("&NotEqualTilde;&check;", "&#8770;&#824;&#10003;");
    // What would be markup is HTML's to decode.
    check_text(
        "&LT;b&GT; &AMP; &doesnotexist;",
        "&amp;LT;b&amp;GT; &amp;AMP; &amp;doesnotexist;",
    );
    check_text(
        "&copy 2020, a &lt b &amp c &notit &copyright",
        "&#169; 2020, a &lt; b &amp; c &amp;notit &amp;copyright",
    );
    check_text(
        "&#0;a&#11;b&#x1f;c&#xFFFF;d&#99999999999;",
        "abc&#65533;d&#65533;",
    );
    check_text(
        "&#xD83D;&#xDE00; &#55357;&#56832;&#xD83D; &#xD83D;&#x41;",
        "&#128512; &#128512;&#65533; &#65533;&#x41;",
    );
    check_text(
        "&#X41; &#; &#x; &#65 &#x4g; &#12",
        "&#65; &amp;#; &amp;#x; &amp;#65 &amp;#x4g; &amp;#12",
    );
    check_text("&#xD83D;&#xD83D;&#xDE00;", "&#65533;&#128512;");
}

#[test]
fn text_holds_no_markup() {
    check_text("1 < 2 <3 <= </ <>", "1 &lt; 2 &lt;3 &lt;= &lt;/ &lt;>");
    check_text(
        "a ]]> b ]]]> ]]&#1;> ]&#1;]> ]]]",
        "a ]]&gt; b ]]]&gt; ]]&gt; ]]&gt; ]]]",
    );
    check_text(
        "a\u{0}b\u{b}c\u{ffff}d\u{fffd}\u{7f}\u{85}",
        "abcd\u{fffd}\u{7f}\u{85}",
    );
    check_text("<![CDATA[a\u{1}b]]> c ]]>", "<![CDATA[ab]]> c ]]&gt;");
    check_text(
        "Me <me@example.org> and <http://example.org/>",
        "Me &lt;me@example.org> and &lt;http://example.org/>",
    );
    check_text(
        "a<!-- b -- c ---d -->e<!----->",
        "a<!-- b - - c - - -d -->e<!--- -->",
    );
    check_text("a<?xml version='1.0'?>b<??>c<?a:b?>d<? e?>", "abcd");
}

#[test]
fn attributes_are_unique_and_quoted() {
    check_tag("<a b=c d='e'/>", "<a b=\"c\" d='e'/>");
    check_tag(
        "<a href=http://x/?y=1&z=\"2\" b>c</a>",
        "<a href=\"http://x/?y=1&amp;z=&quot;2&quot;\" b=\"b\">c</a>",
    );
    check_tag("<a b = c/>", "<a b =\"c\"/>");
    check_tag("<a b= c=d/>", "<a b=\"c=d\"/>");
    check_tag("<a b=/>", "<a b=\"\"/>");
    check_tag("<a b=ü>c</a>", "<a b=\"ü\">c</a>");
    check_tag("<é b=ü/>", "<é b=\"ü\"/>");
    check_tag("<a b=\"1\"c='2'/>", "<a b=\"1\" c='2'/>");
    check_tag(
        "<a b=\"<i>&nbsp; & &lt;\"/>",
        "<a b=\"&lt;i>&#160; &amp; &lt;\"/>",
    );
    check_tag("<a b='1' c='2' b='3'/>", "<a c='2' b='3'/>");
    check_tag("<a b=1 b=2 b/>", "<a b=\"b\"/>");
    check_tag("<a b=\"1\"\" c=\"2\",/>", "<a b=\"1\" c=\"2\"/>");
    check_tag(
        "<a @click=\"x\" on/off=\"y\" 1=2/>",
        "<a on=\"on\" off=\"y\"/>",
    );
    check_tag("<a / b='c' = />", "<a b='c' />");
    check_tag(
        "<a xmlns:b=''><b:c/></a>",
        "<a xmlns:b='urn:undeclared-prefix:b'><b:c/></a>",
    );
    check_tag("<a xmlns:xml='u' xmlns:xmlns='v'/>", "<a/>");
    let many: String = (0..50)
        .map(|number| format!(" a{}='{number}'", number % 40))
        .collect();
    let once: String = (10..50)
        .map(|number| format!(" a{}='{number}'", number % 40))
        .collect();
    check_tag(&format!("<a{many}/>"), &format!("<a{once}/>"));
}

#[test]
fn quotes_end() {
    check_tag(
        "<a b=\"c>d</a><e f=\"g\">h</e>",
        "<a b=\"c\">d</a><e f=\"g\">h</e>",
    );
    check_tag("<a b='c />d<e f='g'/>", "<a b='c' />d<e f='g'/>");
    check("<rss><a b=\"c>d</a></rss>", "<rss><a b=\"c\">d</a></rss>");
}

#[test]
fn prefixes_are_declared_where_they_are_used() {
    check_tag(
        "<media:a><media:b c='d'/></media:a><media:e/>",
        "<media:a xmlns:media=\"http://search.yahoo.com/mrss/\"><media:b c='d'/></media:a><media:e xmlns:media=\"http://search.yahoo.com/mrss/\"/>",
    );
    check_tag(
        "<a my:b='1' xlink:href='2' xmlns:x='u' x:c='3'/>",
        "<a xmlns:my=\"urn:undeclared-prefix:my\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" my:b='1' xlink:href='2' xmlns:x='u' x:c='3'/>",
    );
    check(
        "<rdf:RDF/>",
        "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"/>",
    );
    // Beyond what is kept, nothing is said of prefixes.
    let many: String = (0..200)
        .map(|number| format!(" xmlns:p{number}='u'"))
        .collect();
    check_same(&format!("<rss{many}><p199:a/><none:b/></rss>"));
    let many: String = (0..300).map(|number| format!(" a{number}='u'")).collect();
    check_same(&format!("<rss{many} xmlns:x='u'><x:b/></rss>"));
    check_left("<rss><a:b:c/></rss>", "<rss><a:b:c/></rss>", 1);
    check("<rss><b a:b:c='1' :d='2' e:='3'/></rss>", "<rss><b/></rss>");
}

#[test]
fn elements_end() {
    check_tag("<a><b>c</a>", "<a><b>c</b></a>");
    check_tag("<a><b><c>d</b></c>e</a>", "<a><b><c>d</c></b>e</a>");
    check_tag("<a>b</B>c</A>", "<a>bc</a>");
    check_tag("<a>b</a c='d'>", "<a>b</a>");
    check_tag("<a>b</a<c/>", "<a>b</a><c/>");
    check(
        "<rss><channel><a>b</rss>",
        "<rss><channel><a>b</a></channel></rss>",
    );
    check(
        "<rss><channel></channel></rss",
        "<rss><channel></channel></rss>",
    );
    check("<rss><channel></rss ", "<rss><channel></channel></rss>");
    // What is cut off stays so.
    check_same("<rss><channel><item><title>a</title></item></channel></rs");
    check_same("<rss><channel><item><title>a</ti");
    check_same("<rss><channel><item><title><![CDATA[a</title></item></channel></rss>");
}

#[test]
fn items_are_siblings_once_one_was_left_open() {
    check(
        "<rss><channel><item><title>a</title><item><b>c<item>d</channel></rss>",
        "<rss><channel><item><title>a</title></item><item><b>c</b></item><item>d</item></channel></rss>",
    );
    check(
        "<rss><channel><image><url>a<item>b</item><item>c</item></channel></rss>",
        "<rss><channel><image><url>a</url></image><item>b</item><item>c</item></channel></rss>",
    );
    check(
        "<feed><entry><title>a<b>c<entry>d&nbsp;</entry><entry/></feed>",
        "<feed><entry><title>a<b>c</b></title></entry><entry>d&#160;</entry><entry/></feed>",
    );
    check(
        "<rss><channel><item><description>a<b><item>c</item></channel></rss>",
        "<rss><channel><item><description><![CDATA[a<b>]]></description></item><item>c</item></channel></rss>",
    );
    check(
        "<rss><channel><item><x><item>a</item></x><b></item><item>c</item></channel></rss>",
        "<rss><channel><item><x><item>a</item></x><b></b></item><item>c</item></channel></rss>",
    );
    let open = "<item>a&nbsp;".repeat(300);
    let closed = "<item>a&#160;</item>".repeat(300);
    check(
        &format!("<rss><channel>{open}</channel></rss>"),
        &format!("<rss><channel>{closed}</channel></rss>"),
    );
}

#[test]
fn html_that_is_no_xml_becomes_text() {
    check_text(
        "a<br>b &nbsp; <img src=c.png> & ]]>",
        "<![CDATA[a<br>b &nbsp; <img src=c.png> & ]]]]><![CDATA[>]]>",
    );
    check_text(
        "a <b>c</b> &nbsp; <i d=e>f</i>",
        "a <b>c</b> &#160; <i d=\"e\">f</i>",
    );
    check_text("<p>a<p>b</p>", "<![CDATA[<p>a<p>b</p>]]>");
    check_text("List<String>", "<![CDATA[List<String>]]>");
    check_text("a</b>c<!DOCTYPE html>", "<![CDATA[a</b>c<!DOCTYPE html>]]>");
    check_text(
        "a<![if x]>b<b>c</b><![endif]>",
        "<![CDATA[a<![if x]>b<b>c</b><![endif]>]]>",
    );
    // Beside a CDATA section, markup is markup.
    check_text(
        "<![CDATA[<br>]]><br>a<b>c",
        "<![CDATA[<br>]]><br/>a<b>c</b>",
    );
    check(
        "<feed xmlns='http://www.w3.org/2005/Atom'><content type='html'>a<br>b</content><summary>a<br>b<p>c</summary></feed>",
        "<feed xmlns='http://www.w3.org/2005/Atom'><content type='html'><![CDATA[a<br>b]]></content><summary>a<br/>b<p>c</p></summary></feed>",
    );
    check(
        "<feed xmlns='http://www.w3.org/2005/Atom'><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>a<br>b<img src=c></p></div></content></feed>",
        "<feed xmlns='http://www.w3.org/2005/Atom'><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>a<br/>b<img src=\"c\"/></div></content></feed>",
    );
}

#[test]
fn nothing_stands_around_the_document() {
    check(
        "\n <?xml version='1.0'?><rss/>",
        "<?xml version='1.0'?><rss/>",
    );
    check(
        "\u{feff}\n\u{feff}<?xml version='1.0'?><rss/>",
        "\u{feff}<?xml version='1.0'?><rss/>",
    );
    check(
        "Notice: x\n<?xml version='1.0'?>\n<rss/>",
        "<?xml version='1.0'?>\n<rss/>",
    );
    check(
        "<br />\n<b>Warning</b>: x in <b>y</b><br />\n<?xml version='1.0'?><rss/>",
        "<?xml version='1.0'?><rss/>",
    );
    check(
        "<!-- a -- --><?xml version='1.0'?><rss/>",
        "<!-- a - - --><rss/>",
    );
    check(
        "<?xml version='1.0'?><?xml version='1.0'?>x<rss/>",
        "<?xml version='1.0'?><rss/>",
    );
    check(
        "<rss/>x <b>y</b>\n<!-- z --><script>a</script>&nbsp;<?xml?><![CDATA[]]>",
        "<rss/> \n<!-- z -->",
    );
    check("<rss/><!-- z", "<rss/>");
    check_left("<rss/>x<rss>a&b</rss>", "<rss/><rss>a&b</rss>", 1);
    check_same("<b>x</b><rss>&nbsp;</rss>");
    check_same("<rdf=8><RDF a='&'/>");
    check(
        "<channel><a:feed xmlns:a='http://www.w3.org/2005/Atom'><d><a:entry></a:feed></channel>",
        "<channel><a:feed xmlns:a='http://www.w3.org/2005/Atom'><d><a:entry></a:entry></d></a:feed></channel>",
    );
    check(
        "<channel><a:feed xmlns:a='http://www.w3.org/2005/Atom'><d><a:entry xmlns:b='u'></a:feed></channel>",
        "<channel><a:feed xmlns:a='http://www.w3.org/2005/Atom'><d><a:entry xmlns:b='u'></a:entry></d></a:feed></channel>",
    );
    let own = "<a:entry xmlns:a='http://www.w3.org/2005/Atom'>";
    check(
        &format!("<channel>{own}<d>{own}</a:entry></channel>"),
        &format!("<channel>{own}<d></d></a:entry>{own}</a:entry></channel>"),
    );
}

#[test]
fn declarations_are_as_xml_wants_them() {
    const USUAL: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss/>";
    for broken in [
        "<?xml version=1.0?>",
        "<?xml?>",
        "<?xml encoding='UTF-8'?>",
        "<?xml version='1.0' encoding='UTF-8'>",
        "<?XML version='1.0'?>",
        "<?xml version='2.0'?>",
        "<?xml version='1.0'encoding='UTF-8'?>",
        "<?xml version='1.0' standalone='yes' encoding='UTF-8'?>",
        "<?xml version='1.0' encoding=''?>",
        "<?xml version=\"1.0\u{1}\"?>",
    ] {
        check(&format!("{broken}<rss/>"), USUAL);
    }
    check("<?xml version=\"1.0\" encoding=\"bogus\"?><rss/>", USUAL);
    check("<?xml version=\"1.0\" encoding=\"utf-16\"?><rss/>", USUAL);
    check_same("<?xml version=\"1.1\" encoding=\"big5\"?><rss/>");
    check("<!doctype rss><rss/>", "<!DOCTYPE rss><rss/>");
    check(
        "<!DOCTYPE rss public \"-//N//DTD RSS 0.91//EN\" ><rss>&nbsp;</rss>",
        "<!DOCTYPE rss PUBLIC \"-//N//DTD RSS 0.91//EN\" \"\" ><rss>&#160;</rss>",
    );
    check(
        "<!DOCTYPE rss SYSTEM 'a' [<!ENTITY nbsp 'b'>]><rss>&nbsp;&uuml;&any;</rss>",
        "<!DOCTYPE rss SYSTEM 'a' [<!ENTITY nbsp 'b'>]><rss>&nbsp;&#252;&any;</rss>",
    );
    check(
        "<!DOCTYPE rss [<!ENTITY % p SYSTEM 'p'> %p;<!ENTITY a 'b'>]><rss>&a;&mdash;&any;</rss>",
        "<!DOCTYPE rss [<!ENTITY % p SYSTEM 'p'> %p;<!ENTITY a 'b'>]><rss>&a;&#8212;&any;</rss>",
    );
    check_same("<!DOCTYPE rss [<?a it's ]> b ?><!ENTITY nbsp ' '>]><rss>&nbsp;</rss>");
    check("<!DOCTYPE><!DOCTYPE rss><!ELEMENT a><rss/>", "<rss/>");
    check(
        "<!DOCTYPE rss [<!ENTITY a 'b'>]><rss>&a;&nbsp;</rss>",
        "<!DOCTYPE rss [<!ENTITY a 'b'>]><rss>&a;&#160;</rss>",
    );
    check(
        "<?xml version='1.0' standalone='yes'?><!DOCTYPE rss SYSTEM 'a' [<!ENTITY a 'b'>]><rss>&a;&nbsp;</rss>",
        "<?xml version='1.0' standalone='yes'?><!DOCTYPE rss SYSTEM 'a' [<!ENTITY a 'b'>]><rss>&a;&#160;</rss>",
    );
}
