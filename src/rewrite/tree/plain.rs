//! The tree of a text whose tags nest plainly, made of those tags without a parser.

use dom_query::{Document, Element, NodeData, NodeRef};
use html5ever::tendril::StrTendril;
use html5ever::{Attribute, LocalName, QualName, ns};

use super::Size;
use crate::html::nesting::{Implied, Nesting};
use crate::html::tag::Tag;

/// The levels above a text's own elements.
const LEVELS_ABOVE: u64 = 2;

/// What is open: the element, and how many children it has.
struct Open<'t> {
    node: NodeRef<'t>,
    children: u64,
}

/// The tree of `html`, whose tags these are, each element with its tag's number in the attribute
/// `number`; `None` where only a parser can tell. What stands between the tags is text.
pub(in crate::rewrite) fn of_tags(
    html: &str,
    tags: &[Tag<'_>],
    number: &str,
) -> Option<(Document, Size)> {
    // Parsers replace these.
    if memchr::memchr2(b'\r', b'\0', html.as_bytes()).is_some() {
        return None;
    }
    let document = Document::fragment_sink();
    let number = LocalName::from(number);
    let mut nesting = Nesting::default();
    let mut builder = Builder::new(&document);
    let mut at = 0;
    for (index, tag) in tags.iter().enumerate() {
        let before = &html[at..tag.range.start];
        // A line break behind `pre` is no part of its content.
        let drops_break = tag.starts("pre") && html[tag.range.end..].starts_with('\n');
        if !nesting.text(before) || tag.has_more || drops_break {
            return None;
        }
        builder.text(before)?;
        at = tag.range.end;
        match nesting.implied(tag) {
            Implied::Nothing => {}
            Implied::OpensBody => builder.open(document.tree.new_element("tbody"), true)?,
            Implied::ClosesBody => builder.close()?,
        }
        let depth = nesting.depth();
        if !nesting.take(tag) {
            return None;
        }
        if tag.is_end {
            builder.close()?;
        } else {
            let node = element(tag, (index, &number), &document);
            builder.open(node, nesting.depth() > depth)?;
        }
    }
    builder.text(&html[at..])?;
    builder.close()?;
    let size = builder.size;
    nesting.is_closed().then_some((document, size))
}

/// Puts elements and text where they belong.
struct Builder<'d> {
    document: &'d Document,
    open: Vec<Open<'d>>,
    size: Size,
}

impl<'d> Builder<'d> {
    fn new(document: &'d Document) -> Self {
        let root = document.tree.new_element("html");
        document.root().append_child(&root);
        Self {
            document,
            open: vec![Open {
                node: root,
                children: 0,
            }],
            size: Size::default(),
        }
    }

    fn text(&self, text: &str) -> Option<()> {
        let top = self.open.last()?;
        if !text.is_empty() {
            let text = StrTendril::from_slice(&htmlize::unescape(text));
            top.node.append_child(&self.document.tree.new_text(text));
        }
        Some(())
    }

    fn open(&mut self, node: NodeRef<'d>, has_content: bool) -> Option<()> {
        self.size.nodes += 1;
        self.size.depths += LEVELS_ABOVE + self.open.len() as u64;
        let top = self.open.last_mut()?;
        top.children += 1;
        top.node.append_child(&node);
        if has_content {
            self.open.push(Open { node, children: 0 });
        }
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        let top = self.open.pop()?;
        self.size.pairs += top.children * top.children / 2;
        Some(())
    }
}

fn element<'d>(
    tag: &Tag<'_>,
    (index, number): (usize, &LocalName),
    document: &'d Document,
) -> NodeRef<'d> {
    let attribute = |name: LocalName, value: &str| Attribute {
        name: QualName::new(None, ns!(), name),
        value: StrTendril::from_slice(value),
    };
    let mut attributes = Vec::with_capacity(tag.attributes.len() + 1);
    attributes.push(attribute(number.clone(), &index.to_string()));
    for (place, written) in tag.attributes.iter().enumerate() {
        if tag.place(written.id) == Some(place) {
            let name = LocalName::from(written.name.to_ascii_lowercase());
            attributes.push(attribute(name, &tag.value_of(written)));
        }
    }
    let name = LocalName::from(tag.name.to_ascii_lowercase());
    let name = QualName::new(None, ns!(html), name);
    let element = Element::new(name, attributes, None, false);
    let id = document.tree.create_node(NodeData::Element(element));
    NodeRef::new(id, &document.tree)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::html::nesting::samples::{nested, soup};
    use crate::html::walk::Walk;
    use crate::html::{Edit, Markup, apply};
    use crate::rewrite::tree::{Limits, fragment};

    fn check(html: &str) -> bool {
        let mut walk = Walk::new(html, Markup::Html);
        let mut tag = Tag::default();
        let mut tags = Vec::new();
        while walk.read(&mut tag) {
            tags.push(std::mem::take(&mut tag));
        }
        let tree = walk.is_plain().then(|| of_tags(html, &tags, "n")).flatten();
        let Some((tree, size)) = tree else {
            return false;
        };
        let numbers = tags.iter().enumerate().filter(|(_, tag)| !tag.is_end);
        let numbers: Vec<_> = numbers
            .map(|(index, tag)| Edit {
                range: tag.name_range.end..tag.name_range.end,
                text: format!(" n=\"{index}\""),
            })
            .collect();
        let (parsed, parsed_size) = fragment(&apply(html, &numbers), Limits::FIELD).unwrap();
        assert_eq!(tree.html(), parsed.html(), "{html}");
        assert!(
            size.depths <= parsed_size.depths && size.pairs <= parsed_size.pairs,
            "{size:?} {parsed_size:?} {html}"
        );
        true
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn as_a_parser_makes_it(html in soup()) {
            check(&html);
        }

        #[test]
        fn as_a_parser_makes_it_of_what_nests(html in nested()) {
            check(&html);
        }
    }

    #[test]
    fn ordinary_texts_need_no_parser() {
        assert!(check(
            "<p Class=a>x<br>&amp;<b>y</b></p><ul><li>1</li></ul> z"
        ));
        assert!(!check("<p>a<p>b"));
    }
}
