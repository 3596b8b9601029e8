//! What a browser makes of a field: its parser runs, and every element it creates is judged.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{Attribute, ExpandedName, ParseOpts, QualName, local_name, ns, parse_fragment};

use super::danger::{self, Element};
use crate::rewrite::html::tags::tags;
use crate::rewrite::html::{Markup, has_few_references};

/// Larger fields are not given to the parser.
const BYTES_MAX: usize = 1 << 20;
/// Nor are deeper ones: its time grows with the square of the depth.
const DEPTH_MAX: usize = 256;

/// Elements that hold nothing, or end where the next one starts.
const FLAT: &[&str] = &[
    "img", "br", "hr", "p", "li", "source", "wbr", "td", "tr", "th", "dd", "dt", "input", "link",
    "meta", "area", "base", "col", "embed", "param", "track",
];
/// How many elements that HTML doesn't know as empty may be closed in their start tags.
const FLAT_MAX: usize = 2_000;

fn is_void(name: &str) -> bool {
    FLAT.iter().any(|flat| name.eq_ignore_ascii_case(flat))
}

/// Whether a browser finds nothing forbidden in `html`, with scripts and without. What can't be
/// judged is not harmless.
pub(super) fn is_harmless(html: &str) -> bool {
    is_small(html)
        && [true, false]
            .into_iter()
            .all(|scripts| judge(html, scripts))
}

/// Whether a parser can take it.
pub(super) fn is_small(html: &str) -> bool {
    if html.len() > BYTES_MAX || !has_few_references(html) {
        return false;
    }
    // SECURITY: only an end tag that closes what is open makes it flatter; `</x>` does not.
    let mut open: Vec<&str> = Vec::new();
    for tag in tags(html, Markup::Html) {
        if tag.is_end {
            if open
                .last()
                .is_some_and(|last| last.eq_ignore_ascii_case(tag.name))
            {
                open.pop();
            }
            continue;
        }
        // Void elements, ends that HTML lets away and shapes only make this estimate too high.
        let is_flat =
            tag.is_self_closed || FLAT.iter().any(|name| tag.name.eq_ignore_ascii_case(name));
        if !is_flat {
            open.push(tag.name);
        }
        if open.len() > DEPTH_MAX {
            return false;
        }
    }
    // A self-closed tag of HTML's own is an open one: they must not add up.
    tags(html, Markup::Html)
        .filter(|tag| tag.is_self_closed && !is_void(tag.name))
        .count()
        <= FLAT_MAX
}

fn judge(html: &str, scripts: bool) -> bool {
    let mut options = ParseOpts::default();
    options.tree_builder.scripting_enabled = scripts;
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let parser = parse_fragment(Judge::default(), options, context, Vec::new(), scripts);
    parser.one(html)
}

/// A tree without nodes: only names are kept.
struct Judge {
    names: RefCell<Vec<std::rc::Rc<QualName>>>,
    is_harmless: Cell<bool>,
}

impl Default for Judge {
    fn default() -> Self {
        let root = QualName::new(None, ns!(), local_name!(""));
        Self {
            names: RefCell::new(vec![std::rc::Rc::new(root)]),
            is_harmless: Cell::new(true),
        }
    }
}

#[derive(Debug, Clone)]
struct Handle {
    id: usize,
    name: std::rc::Rc<QualName>,
}

impl Judge {
    fn node(&self, name: QualName) -> Handle {
        let mut names = self.names.borrow_mut();
        let name = std::rc::Rc::new(name);
        names.push(std::rc::Rc::clone(&name));
        Handle {
            id: names.len() - 1,
            name,
        }
    }

    fn nameless(&self) -> Handle {
        self.node(QualName::new(None, ns!(), local_name!("")))
    }

    fn see(&self, element: &str, attributes: &[Attribute]) {
        let forbidden = |attribute: &Attribute| {
            let local = &*attribute.name.local;
            let name = match &attribute.name.prefix {
                Some(prefix) => Cow::Owned(format!("{prefix}:{local}")),
                None => Cow::Borrowed(local),
            };
            danger::is_attribute(element, &name, &attribute.value)
        };
        if danger::element(element) != Element::Kept || attributes.iter().any(forbidden) {
            self.is_harmless.set(false);
        }
    }
}

impl TreeSink for Judge {
    type Handle = Handle;
    type Output = bool;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> bool {
        self.is_harmless.get()
    }

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        let names = self.names.borrow();
        Handle {
            id: 0,
            name: std::rc::Rc::clone(&names[0]),
        }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(
        &self,
        name: QualName,
        attributes: Vec<Attribute>,
        _flags: ElementFlags,
    ) -> Handle {
        self.see(&name.local, &attributes);
        self.node(name)
    }

    fn create_comment(&self, _text: StrTendril) -> Handle {
        self.nameless()
    }

    fn create_pi(&self, _target: StrTendril, _data: StrTendril) -> Handle {
        self.nameless()
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        if let NodeOrText::AppendText(text) = child
            && &*parent.name.local == "style"
            && danger::is_style(&text)
        {
            self.is_harmless.set(false);
        }
    }

    fn append_based_on_parent_node(
        &self,
        _element: &Handle,
        _previous: &Handle,
        _child: NodeOrText<Handle>,
    ) {
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Handle) -> Handle {
        target.clone()
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        one.id == other.id
    }

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn append_before_sibling(&self, _sibling: &Handle, _child: NodeOrText<Handle>) {}

    fn add_attrs_if_missing(&self, target: &Handle, attributes: Vec<Attribute>) {
        self.see(&target.name.local, &attributes);
    }

    fn remove_from_parent(&self, _target: &Handle) {}

    fn reparent_children(&self, _node: &Handle, _parent: &Handle) {}
}
