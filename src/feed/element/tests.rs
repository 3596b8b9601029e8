//! Elements as spans.

use super::super::Format;
use super::super::namespace::Namespaces;
use super::*;

fn frame() -> Frame {
    let mut namespaces = Namespaces::default();
    namespaces.declare(&Tag::parse("<rss xmlns:a='http://www.w3.org/2005/Atom'>").unwrap());
    Frame {
        format: Format::Rss,
        namespaces,
        bases: Vec::new(),
        declarations: Vec::new(),
    }
}

/// Each element as `depth:Ns:local=content`.
fn check(xml: &str, expected: &[&str]) {
    let frame = frame();
    let found = elements(xml, &frame);
    let seen: Vec<_> = found
        .iter()
        .map(|one| {
            assert_eq!(one.tag.raw(), &xml[one.tag_range.clone()], "{xml}");
            assert!(xml[one.range.clone()].starts_with(one.tag.raw()), "{xml}");
            let markup = if one.has_markup { "+" } else { "" };
            let content = &xml[one.content.clone()];
            format!("{}:{:?}:{}={markup}{content}", one.depth, one.ns, one.local)
        })
        .collect();
    assert_eq!(seen, expected, "{xml}");
}

#[test]
fn elements_are_listed_with_their_content() {
    check("<item/>", &["0:Core:item="]);
    check(
        "<item><link>x</link><media:group><media:content url='y'/></media:group></item>",
        &[
            "0:Core:item=<link>x</link><media:group><media:content url='y'/></media:group>",
            "1:Core:link=x",
            "1:Media:group=<media:content url='y'/>",
            "2:Media:content=",
        ],
    );
}

#[test]
fn text_is_not_descended_into() {
    check(
        "<item><description><p>hi<img src=x></description><link>l</link></item>",
        &[
            "0:Core:item=<description><p>hi<img src=x></description><link>l</link>",
            "1:Core:description=+<p>hi<img src=x>",
            "1:Core:link=l",
        ],
    );
    check(
        "<a:entry><a:content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><content/></div></a:content></a:entry>",
        &[
            "0:Atom:entry=<a:content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><content/></div></a:content>",
            "1:Atom:content=+<div xmlns='http://www.w3.org/1999/xhtml'><content/></div>",
        ],
    );
    check(
        "<item><title>a</title><body xmlns='http://www.w3.org/1999/xhtml'><p>x</p></body><x:body/></item>",
        &[
            "0:Core:item=<title>a</title><body xmlns='http://www.w3.org/1999/xhtml'><p>x</p></body><x:body/>",
            "1:Core:title=a",
            "1:Xhtml:body=+<p>x</p>",
            "1:Other:body=",
        ],
    );
}

#[test]
fn what_is_not_closed_ends_with_its_parent() {
    check(
        "<item><author><name>x</author><link>l</item>",
        &[
            "0:Core:item=<author><name>x</author><link>l",
            "1:Core:author=<name>x",
            "2:Core:name=x",
            "1:Core:link=l",
        ],
    );
    check(
        "<item><link>l</b>",
        &["0:Core:item=<link>l</b>", "1:Core:link=l</b>"],
    );
}

#[test]
fn names_are_matched_whatever_their_case() {
    let frame = frame();
    let found = elements("<ITEM><Link>x</link></item>", &frame);
    assert!(found[1].is(Ns::Core, "link"));
    assert_eq!(found[1].content, 12..13);
    assert_eq!(found[1].parent, Some(0));
}

#[test]
fn an_address_ends_where_markup_begins() {
    let check = |link: &str, expected: &str| {
        let xml = format!("<item>{link}</item>");
        let found = elements(&xml, &frame());
        assert_eq!(&xml[found[1].text_range(&xml)], expected, "{xml}");
    };
    check("<link>a&amp;b</link>", "a&amp;b");
    check("<link><![CDATA[a<b>c]]></link>", "<![CDATA[a<b>c]]>");
    check("<link>a<description>b</description></link>", "a");
    check(
        "<link><![CDATA[<a>]]><!-- c -->d<b/></link>",
        "<![CDATA[<a>]]><!-- c -->d",
    );
    check("<link/>", "");
}

#[test]
fn bases_come_from_the_outside_in() {
    let xml = "<item xml:base='http://a/?x&amp;y'><g><description xml:base='b/'>t</description></g></item>";
    let found = elements(xml, &frame());
    assert_eq!(bases(&found, 2), ["http://a/?x&y", "b/"]);
    assert_eq!(bases(&found, 1), ["http://a/?x&y"]);
}

#[test]
fn the_list_is_bounded_and_deep_nesting_is_not_listed() {
    let frame = frame();
    let many = format!("<item>{}</item>", "<x/>".repeat(30_000));
    let found = elements(&many, &frame);
    assert_eq!(found.len(), ELEMENTS_MAX);
    assert_eq!(found[0].range, 0..many.len());
    let deep = format!("<item>{}</item>", "<x>".repeat(1_000_000));
    let found = elements(&deep, &frame);
    assert_eq!(found.len(), DEPTH_MAX);
    assert_eq!(found[0].content.end, deep.len() - "</item>".len());
}
