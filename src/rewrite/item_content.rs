//! Where an item's full text goes: `content:encoded`, Atom's `content`, JSON's `content_html`, which
//! are added where they are missing. The summary stays.
//!
//! Invariant: every byte of the item stays in its place, but for the content that the full text
//! stands for.

use crate::feed::Format;
use crate::feed::element::Element;
use crate::feed::json::{Member, ValueKind};
use crate::feed::namespace::Ns;
use crate::feed::splitter::Frame;
use crate::rewrite::field::attribute;

const CONTENT_NAMESPACE: &str = "http://purl.org/rss/1.0/modules/content/";

/// The item `xml` with `html` as its content; `None` when it has no place for one.
pub(super) fn in_xml(
    xml: &str,
    elements: &[Element<'_>],
    frame: &Frame,
    html: &str,
) -> Option<String> {
    let item = elements.first()?;
    let children = || elements.iter().filter(|element| element.depth == 1);
    let is_content = |element: &&Element<'_>| match frame.format {
        Format::Atom => element.is(Ns::Atom, "content"),
        _ => element.is(Ns::Content, "encoded"),
    };
    let (old, written) = (children().find(is_content), written(item, elements, frame));
    let text = written.element(html);
    if let Some(old) = old {
        return Some(splice(xml, old.range.clone(), &text));
    }
    // An item that closes itself has no child to stand beside.
    let last = children().next_back()?;
    let before = children().next()?.range.start;
    let gap = &xml[item.tag_range.end..before];
    let gap = if gap.trim().is_empty() { gap } else { "" };
    let end = last.range.end;
    Some(splice(xml, end..end, &format!("{gap}{text}")))
}

/// The item `json` with `html` as its content.
pub(super) fn in_json(json: &str, members: &[Member<'_>], html: &str) -> Option<String> {
    let text = serde_json::to_string(html).ok()?;
    let old = members
        .iter()
        .find(|member| member.key == "content_html" && member.value.kind == ValueKind::String);
    if let Some(old) = old {
        return Some(splice(json, old.value.range.clone(), &text));
    }
    let end = members.last()?.value.range.end;
    Some(splice(json, end..end, &format!(",\"content_html\":{text}")))
}

fn splice(text: &str, range: std::ops::Range<usize>, new: &str) -> String {
    let mut out = String::with_capacity(text.len() + new.len());
    out.push_str(&text[..range.start]);
    out.push_str(new);
    out.push_str(&text[range.end..]);
    out
}

/// How a content element is written in this item.
struct ContentElement {
    name: String,
    attributes: String,
}

impl ContentElement {
    fn element(&self, html: &str) -> String {
        let Self { name, attributes } = self;
        // SECURITY: what would end the section is written in two.
        let html = html.replace("]]>", "]]]]><![CDATA[>");
        format!("<{name}{attributes}><![CDATA[{html}]]></{name}>")
    }
}

fn written(item: &Element<'_>, elements: &[Element<'_>], frame: &Frame) -> ContentElement {
    if frame.format == Format::Atom {
        let prefix = item.tag.name().split_once(':').map(|(prefix, _)| prefix);
        // Atom 0.3 says in `mode` what 1.0 says in `type`.
        let is_old = elements
            .iter()
            .any(|element| element.ns == Ns::Atom && !attribute(element, "mode").is_empty());
        return ContentElement {
            name: prefix.map_or("content".to_owned(), |prefix| format!("{prefix}:content")),
            attributes: if is_old {
                " type=\"text/html\" mode=\"escaped\"".to_owned()
            } else {
                " type=\"html\"".to_owned()
            },
        };
    }
    match frame.namespaces.prefix_of(Ns::Content) {
        Some(prefix) => ContentElement {
            name: format!("{prefix}:encoded"),
            attributes: String::new(),
        },
        None => ContentElement {
            name: "content:encoded".to_owned(),
            attributes: format!(" xmlns:content=\"{CONTENT_NAMESPACE}\""),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::element::elements;
    use crate::feed::json::members;
    use crate::feed::namespace::Namespaces;

    fn frame(format: Format) -> Frame {
        Frame {
            format,
            namespaces: Namespaces::default(),
            bases: Vec::new(),
            declarations: Vec::new(),
        }
    }

    #[test]
    fn content_is_added_or_replaced() {
        let check = |format, xml: &str, expected: &str| {
            let frame = frame(format);
            let written = in_xml(xml, &elements(xml, &frame), &frame, "<p>]]></p>");
            assert_eq!(written.as_deref(), Some(expected), "{xml}");
        };
        let own = "<content:encoded xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"><![CDATA[<p>]]]]><![CDATA[></p>]]></content:encoded>";
        check(
            Format::Rss,
            "<item>\n  <title>a</title>\n  <description>b</description>\n</item>",
            &format!(
                "<item>\n  <title>a</title>\n  <description>b</description>\n  {own}\n</item>"
            ),
        );
        check(
            Format::Rss,
            "<item><content:encoded>old</content:encoded><guid>g</guid></item>",
            &format!("<item>{own}<guid>g</guid></item>"),
        );
    }

    #[test]
    fn json_gets_a_member() {
        let check = |json: &str, expected: &str| {
            let written = in_json(json, &members(json, 0..json.len()), "<p>\"</p>");
            assert_eq!(written.as_deref(), Some(expected), "{json}");
        };
        check(
            r#"{"id": "1", "content_text": "t"}"#,
            r#"{"id": "1", "content_text": "t","content_html":"<p>\"</p>"}"#,
        );
        check(
            r#"{"content_html": "old"}"#,
            r#"{"content_html": "<p>\"</p>"}"#,
        );
    }
}
