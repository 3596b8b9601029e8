//! A tree of names: what the tree builder asks for is counted, and little of it kept.

use std::borrow::Cow;
use std::cell::{Cell, Ref, RefCell};

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::{Attribute, LocalName, QualName, local_name, ns};
use memchr::memchr2_iter;

use super::meter::Meter;

/// Work of a new node, of each of its attributes, of linking it somewhere, of looking at a node.
const NEW: u64 = 80;
const ATTRIBUTE: u64 = 20;
const LINK: u64 = 30;
const LOOK: u64 = 1;
/// Children that are looked through, and bytes that are, in one unit of work.
const CHILDREN: u64 = 2;
const TEXT_BYTES: u64 = 32;

/// Memory of a node and of an attribute without its texts, in the largest of the trees in use.
const NODE_BYTES: usize = 200;
const ATTRIBUTE_BYTES: usize = 56;

/// U+00A0 and its neighbours start with this byte.
const NO_BREAK_LEAD: u8 = 0xc2;

/// A node's number.
pub(super) type Node = usize;

/// What a tree holds.
pub(in crate::rewrite) enum Seen<'a> {
    /// An element, or more attributes of one.
    Element(&'a str, &'a [Attribute]),
    /// A style sheet.
    Style(&'a str),
}

/// How large a tree is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::rewrite) struct Size {
    /// Elements, and what else is no text.
    pub(in crate::rewrite) nodes: u64,
    /// The depths of all of them, together.
    pub(in crate::rewrite) depths: u64,
    /// How many pairs of siblings there are.
    pub(in crate::rewrite) pairs: u64,
}

struct Record {
    name: QualName,
    parent: Option<Node>,
    children: u64,
    holds_html: bool,
}

/// A text as it grows: how long it is, and what of it is written as references.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    bytes: u64,
    references: u64,
}

pub(super) struct Census<'o> {
    pub(super) meter: Meter,
    records: RefCell<Vec<Record>>,
    /// The text that is appended to last, and where.
    run: Cell<Option<(Node, Run)>>,
    /// All text that was put before a table: it may become one.
    fostered: Cell<Run>,
    /// The style sheet that is read, and what of it was.
    sheet: RefCell<(Node, String)>,
    /// How often children were given to another parent: their depths are not known exactly then.
    adoptions: Cell<u64>,
    see: RefCell<&'o mut dyn FnMut(Seen<'_>)>,
}

impl<'o> Census<'o> {
    pub(super) fn new(meter: Meter, see: &'o mut dyn FnMut(Seen<'_>)) -> Self {
        let census = Self {
            meter,
            records: RefCell::default(),
            run: Cell::new(None),
            fostered: Cell::new(Run::default()),
            sheet: RefCell::default(),
            adoptions: Cell::new(0),
            see: RefCell::new(see),
        };
        // The document.
        census.add(nameless(), false);
        census
    }

    /// The element that the text is parsed as the content of.
    pub(super) fn context(&self, name: QualName) -> Node {
        self.add(name, false)
    }

    pub(super) fn is_named(&self, node: Node, is_meant: impl Fn(&LocalName) -> bool) -> bool {
        self.meter.work(LOOK);
        let records = self.records.borrow();
        let name = &records[node].name;
        name.ns == ns!(html) && is_meant(&name.local)
    }

    pub(super) fn size(&self) -> Size {
        self.end_sheet();
        let records = self.records.borrow();
        let mut depths: Vec<u32> = vec![0; records.len()];
        let mut path = Vec::new();
        for start in 0..records.len() {
            let mut at = start;
            while depths[at] == 0 {
                path.push(at);
                match records[at].parent {
                    Some(parent) => at = parent,
                    None => break,
                }
            }
            let mut depth = depths[at];
            while let Some(node) = path.pop() {
                depth += 1;
                depths[node] = depth;
            }
        }
        Size {
            nodes: records.len() as u64,
            depths: depths.iter().map(|depth| u64::from(*depth)).sum::<u64>()
                + self.adoptions.get() * records.len() as u64,
            pairs: records
                .iter()
                .map(|record| record.children * record.children / 2)
                .sum(),
        }
    }

    fn add(&self, name: QualName, holds_html: bool) -> Node {
        self.meter.work(NEW);
        self.meter.bytes(NODE_BYTES);
        let mut records = self.records.borrow_mut();
        records.push(Record {
            name,
            parent: None,
            children: 0,
            holds_html,
        });
        records.len() - 1
    }

    fn count_attributes(&self, attributes: &[Attribute]) {
        self.meter.work(ATTRIBUTE * attributes.len() as u64);
        let texts = attributes
            .iter()
            .map(|attribute| ATTRIBUTE_BYTES + attribute.name.local.len() + attribute.value.len());
        self.meter.bytes(texts.sum());
    }

    fn show(&self, seen: Seen<'_>) {
        (*self.see.borrow_mut())(seen);
    }

    /// A node becomes the child of another, or of none.
    fn link(&self, node: Node, parent: Option<Node>) {
        self.meter.work(LINK);
        let mut records = self.records.borrow_mut();
        if let Some(old) = records[node].parent {
            // Some trees look through a node's siblings for it.
            self.meter.work(records[old].children / CHILDREN);
            records[old].children = records[old].children.saturating_sub(1);
        }
        if let Some(new) = parent {
            records[new].children += 1;
        }
        records[node].parent = parent;
    }

    /// Text in `parent`.
    ///
    /// html5ever (0.40) writes a text by looking from each `&` and each no-break space through the
    /// rest of it, so a long text of many is as much as its square.
    fn write(&self, run: Run, text: &str) -> Run {
        let found = memchr2_iter(b'&', NO_BREAK_LEAD, text.as_bytes()).count() as u64;
        let length = text.len() as u64;
        self.meter.work(LINK + length / TEXT_BYTES);
        self.meter.bytes(text.len());
        if run.bytes == 0 {
            self.meter.bytes(NODE_BYTES);
        }
        let run = Run {
            bytes: run.bytes + length,
            references: run.references + found,
        };
        // Each of those found now looks through this text at least, each of those before through
        // what was added.
        self.meter
            .work((found * run.bytes + run.references * length) / (2 * TEXT_BYTES));
        run
    }

    fn append_text(&self, parent: Node, text: &str) {
        let run = match self.run.get() {
            Some((last, run)) if last == parent => run,
            _ => Run::default(),
        };
        self.run.set(Some((parent, self.write(run, text))));
        if self.records.borrow()[parent].name.local == local_name!("style") {
            if self.sheet.borrow().0 != parent {
                self.end_sheet();
            }
            let mut sheet = self.sheet.borrow_mut();
            sheet.0 = parent;
            sheet.1.push_str(text);
        }
    }

    /// Shows a style sheet as a whole: it comes in parts.
    fn end_sheet(&self) {
        let (_, sheet) = self.sheet.take();
        if !sheet.is_empty() {
            self.show(Seen::Style(&sheet));
        }
    }

    fn put_before(&self, parent: Option<Node>, child: NodeOrText<Node>) {
        if let Some(parent) = parent {
            let children = self.records.borrow()[parent].children;
            self.meter.work(children / CHILDREN);
        }
        match child {
            NodeOrText::AppendNode(node) => self.link(node, parent),
            NodeOrText::AppendText(text) => {
                self.fostered.set(self.write(self.fostered.get(), &text));
            }
        }
    }
}

fn nameless() -> QualName {
    QualName::new(None, ns!(), local_name!(""))
}

impl TreeSink for Census<'_> {
    type Handle = Node;
    type Output = Self;
    type ElemName<'a>
        = Ref<'a, QualName>
    where
        Self: 'a;

    fn finish(self) -> Self {
        self
    }

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn get_document(&self) -> Node {
        0
    }

    fn elem_name<'a>(&'a self, target: &'a Node) -> Ref<'a, QualName> {
        self.meter.work(LOOK);
        Ref::map(self.records.borrow(), |records| &records[*target].name)
    }

    fn create_element(
        &self,
        name: QualName,
        attributes: Vec<Attribute>,
        flags: ElementFlags,
    ) -> Node {
        self.count_attributes(&attributes);
        self.show(Seen::Element(&name.local, &attributes));
        self.add(name, flags.mathml_annotation_xml_integration_point)
    }

    fn create_comment(&self, text: StrTendril) -> Node {
        self.meter.bytes(text.len());
        self.add(nameless(), false)
    }

    fn create_pi(&self, _target: StrTendril, data: StrTendril) -> Node {
        self.create_comment(data)
    }

    fn append(&self, parent: &Node, child: NodeOrText<Node>) {
        match child {
            NodeOrText::AppendNode(node) => {
                self.run.set(None);
                self.link(node, Some(*parent));
            }
            NodeOrText::AppendText(text) => self.append_text(*parent, &text),
        }
    }

    fn append_based_on_parent_node(
        &self,
        element: &Node,
        previous: &Node,
        child: NodeOrText<Node>,
    ) {
        let parent = self.records.borrow()[*element].parent;
        match parent {
            Some(_) => self.put_before(parent, child),
            None => self.append(previous, child),
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Node) -> Node {
        *target
    }

    fn same_node(&self, one: &Node, other: &Node) -> bool {
        self.meter.work(LOOK);
        one == other
    }

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Node, child: NodeOrText<Node>) {
        let parent = self.records.borrow()[*sibling].parent;
        self.put_before(parent, child);
    }

    fn add_attrs_if_missing(&self, target: &Node, attributes: Vec<Attribute>) {
        self.count_attributes(&attributes);
        let name = self.records.borrow()[*target].name.local.clone();
        self.show(Seen::Element(&name, &attributes));
    }

    fn remove_from_parent(&self, target: &Node) {
        self.link(*target, None);
    }

    fn reparent_children(&self, node: &Node, new_parent: &Node) {
        let mut records = self.records.borrow_mut();
        let children = std::mem::take(&mut records[*node].children);
        records[*new_parent].children += children;
        self.meter.work(LINK * children);
        self.adoptions.set(self.adoptions.get() + 1);
    }

    fn is_mathml_annotation_xml_integration_point(&self, handle: &Node) -> bool {
        self.records.borrow()[*handle].holds_html
    }
}
