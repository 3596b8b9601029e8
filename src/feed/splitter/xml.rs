//! Splits RSS, RDF and Atom.
//!
//! Invariant: the bytes held are one piece of at most `item_bytes_max` and one token, whose own
//! limits `token` knows.

use std::ops::Range;

use super::container::Container;
use super::ends::Ends;
use super::names::{is_local, is_plain_item};
use super::outlet::{Outlet, Sink};
use super::{NotAFeed, Progress, Skip, SplitterOptions};
use crate::feed::Format;
use crate::feed::namespace::{self, Ns};
use crate::feed::nesting::{Nesting, Opened};
use crate::feed::token::{Scanner, Token};
use crate::feed::xml::{self, Tag};

/// Text before the root that is more than this is what the document is about.
const STRAY_BYTES_MAX: usize = 4096;
/// Channels in channels (CDF has them) deeper than this are elements.
const CONTAINERS_MAX: usize = 16;

/// An XML document being split.
#[derive(Debug)]
pub(super) struct Document {
    options: SplitterOptions,
    scanner: Scanner,
    /// The root and the channels that are open, outermost first.
    containers: Vec<Container>,
    piece: Option<Open>,
    nesting: Nesting,
    /// Bytes and stray text before the root.
    prolog_bytes: usize,
    stray_bytes: usize,
    /// The document calls itself HTML. Some feeds do; the root decides.
    is_html: bool,
    ends: Ends,
}

/// The item or element that is open.
#[derive(Debug)]
struct Open {
    start: usize,
    is_item: bool,
    /// Too large or too deep: it goes out unread.
    is_passing: bool,
}

impl Document {
    pub(super) fn new(options: SplitterOptions, prolog_bytes: usize) -> Self {
        Self {
            options,
            scanner: Scanner::default(),
            containers: Vec::new(),
            piece: None,
            nesting: Nesting::new(options.depth_max),
            prolog_bytes,
            stray_bytes: 0,
            is_html: false,
            ends: Ends::default(),
        }
    }

    /// Whether the root's start tag was read.
    pub(super) fn is_known(&self) -> bool {
        !self.containers.is_empty()
    }

    /// The end tags of what is open, unless that is more than root and channel.
    pub(super) fn missing_ends(&self, text: &str) -> Option<String> {
        let is_between =
            self.scanner.current().1.is_none() && self.scanner.looked_at() == text.len();
        let containers = self.containers.iter().rev();
        let ends = containers.map(|container| format!("</{}>", container.name));
        (is_between && self.is_known() && self.piece.is_none()).then(|| ends.collect())
    }

    /// Reads as far as there is text, and hands out what is settled.
    pub(super) fn advance(&mut self, outlet: &mut Outlet, sink: &mut Sink<'_>) -> Progress {
        while let Some((token, range)) = self.scanner.next(&outlet.text) {
            let progress = if self.piece.is_some() {
                self.inside(token, range, outlet, sink)
            } else if self.is_known() {
                self.outside(token, range, outlet, sink)
            } else {
                self.before(token, range, outlet, sink)
            };
            if progress != Progress::Reading {
                return progress;
            }
        }
        if !self.is_known() && self.prolog_bytes + outlet.text.len() > self.options.prolog_bytes_max
        {
            return Progress::Rejected(NotAFeed::Other);
        }
        self.hand_out(outlet, sink);
        Progress::Reading
    }

    /// Hands out what nothing that follows can change.
    fn hand_out(&mut self, outlet: &mut Outlet, sink: &mut Sink<'_>) {
        let settled = self.scanner.settled(&outlet.text);
        if let Some(piece) = &mut self.piece
            && settled - piece.start > self.options.item_bytes_max
        {
            let why = too_large(piece.is_item);
            pass(piece, why, outlet);
        }
        let end = match &self.piece {
            Some(piece) if !piece.is_passing => piece.start,
            _ => settled,
        };
        outlet.between(end, sink);
        let length = outlet.drain();
        self.scanner.rebase(length);
        if !self.is_known() {
            self.prolog_bytes += length;
        }
        if let Some(piece) = &mut self.piece {
            piece.start = piece.start.saturating_sub(length);
        }
    }

    /// A token before the root.
    fn before(
        &mut self,
        token: Token,
        range: Range<usize>,
        outlet: &mut Outlet,
        sink: &mut Sink<'_>,
    ) -> Progress {
        if self.prolog_bytes + range.end > self.options.prolog_bytes_max {
            return Progress::Rejected(NotAFeed::Other);
        }
        let raw = &outlet.text[range.clone()];
        match token {
            Token::Text | Token::Cdata => {
                self.stray_bytes += raw.trim().len();
                if self.stray_bytes > STRAY_BYTES_MAX {
                    return Progress::Rejected(NotAFeed::Other);
                }
            }
            Token::Declaration if !raw.contains('[') => self.is_html |= is_html_doctype(raw),
            Token::Declaration => outlet.instruction(range, sink),
            Token::Instruction => instruction(range, outlet, sink),
            Token::Start => return self.open_root(range, outlet),
            Token::Comment | Token::End => {}
        }
        Progress::Reading
    }

    fn open_root(&mut self, range: Range<usize>, outlet: &mut Outlet) -> Progress {
        let Some(tag) = Tag::parse(&outlet.text[range]) else {
            return Progress::Reading;
        };
        let (prefix, local) = namespace::split(tag.name());
        let format = match local.to_ascii_lowercase().as_str() {
            "rss" | "channel" => Format::Rss,
            "rdf" => Format::Rdf,
            "feed" => Format::Atom,
            "html" | "head" | "body" => return Progress::Rejected(NotAFeed::Html),
            _ if self.is_html => return Progress::Rejected(NotAFeed::Html),
            _ => return Progress::Rejected(NotAFeed::Other),
        };
        outlet.frame.format = format;
        let is_empty = tag.is_empty_element();
        let container = Container::enter(&tag, &mut outlet.frame);
        // Whatever the default namespace is called here (or not at all), it is the format's.
        let namespaces = &mut outlet.frame.namespaces;
        if prefix.is_empty() || (format == Format::Rdf && namespaces.resolve("") == Ns::Other) {
            let own = if format == Format::Atom {
                Ns::Atom
            } else {
                Ns::Core
            };
            namespaces.bind("", own);
        }
        self.containers.push(container);
        if is_empty {
            Progress::Complete
        } else {
            Progress::Reading
        }
    }

    /// A token that is a child of root or channel.
    fn outside(
        &mut self,
        token: Token,
        range: Range<usize>,
        outlet: &mut Outlet,
        sink: &mut Sink<'_>,
    ) -> Progress {
        match token {
            Token::Instruction => instruction(range, outlet, sink),
            Token::Start => self.open_child(range, outlet, sink),
            Token::End => {
                let name = xml::end_tag_name(&outlet.text[range.clone()]);
                let Some(depth) = self.find_container(name) else {
                    return Progress::Reading;
                };
                self.ends.say((depth, range.start), outlet, sink);
                if depth == 0 {
                    return Progress::Complete;
                }
                self.leave(depth, outlet);
            }
            Token::Text | Token::Cdata | Token::Comment | Token::Declaration => {}
        }
        Progress::Reading
    }

    fn open_child(&mut self, range: Range<usize>, outlet: &mut Outlet, sink: &mut Sink<'_>) {
        let Some(tag) = Tag::parse(&outlet.text[range.clone()]) else {
            return;
        };
        let is_channel = is_local(&tag, "channel") && outlet.frame.format != Format::Atom;
        if is_channel && !tag.is_empty_element() && self.containers.len() < CONTAINERS_MAX {
            let container = Container::enter(&tag, &mut outlet.frame);
            self.containers.push(container);
            return;
        }
        // The tag's own declarations count: `<a:entry xmlns:a="…">`.
        self.nesting.restart();
        let opened = self.nesting.open(&tag, &outlet.frame.namespaces);
        let (Opened::Level(ns) | Opened::Leaf(ns)) = opened else {
            return;
        };
        // Some feeds call their items as the other formats do, and readers take them for such.
        let is_named = is_local(&tag, "item") || is_local(&tag, "entry");
        let is_item = is_named && matches!(ns, Ns::Core | Ns::Atom)
            || is_plain_item(&tag, outlet.frame.format);
        self.nesting.set_is_item(is_item);
        if is_item {
            self.ends.note_item(self.containers.len());
        }
        self.piece = Some(Open {
            start: range.start,
            is_item,
            is_passing: false,
        });
        if matches!(opened, Opened::Leaf(_)) {
            self.close_piece(range.end, outlet, sink);
        }
    }

    /// A token inside an item or element.
    fn inside(
        &mut self,
        token: Token,
        range: Range<usize>,
        outlet: &mut Outlet,
        sink: &mut Sink<'_>,
    ) -> Progress {
        match token {
            Token::Start => {
                let Some(tag) = Tag::parse(&outlet.text[range.clone()]) else {
                    return Progress::Reading;
                };
                // A reader that looks for items finds this one, whatever was left open before.
                let is_item_in_element = self.piece.as_ref().is_some_and(|piece| !piece.is_item)
                    && is_plain_item(&tag, outlet.frame.format)
                    && !self.nesting.is_in_document();
                if is_item_in_element {
                    self.interrupt(range, outlet, sink);
                    return Progress::Reading;
                }
                match self.nesting.open(&tag, &outlet.frame.namespaces) {
                    Opened::Sibling => self.interrupt(range, outlet, sink),
                    Opened::TooDeep => {
                        if let Some(piece) = &mut self.piece {
                            pass(piece, Skip::TooDeep, outlet);
                        }
                    }
                    Opened::Markup if !tag.is_empty_element() => {
                        if let Some(depth) = self.find_container(tag.name()) {
                            self.containers[depth].again += 1;
                        }
                    }
                    Opened::Level(_) | Opened::Leaf(_) | Opened::Markup => {}
                }
            }
            Token::End => {
                let name = xml::end_tag_name(&outlet.text[range.clone()]);
                match self.nesting.close(name) {
                    Some(0) => self.close_piece(range.end, outlet, sink),
                    Some(_) => {}
                    None if self.ends_container(name) && !self.nesting.is_in_document() => {
                        self.close_piece(range.start, outlet, sink);
                        return self.outside(token, range, outlet, sink);
                    }
                    None => {}
                }
            }
            _ => {}
        }
        Progress::Reading
    }

    /// An item starts inside the piece that is open, and ends it. In a repaired document the piece
    /// goes on behind that item: that passes, and so does what is cut off from its end where it can't
    /// be balanced.
    fn interrupt(&mut self, range: Range<usize>, outlet: &mut Outlet, sink: &mut Sink<'_>) {
        if let Some(piece) = &mut self.piece
            && self.options.is_repaired
        {
            if !piece.is_item || self.nesting.is_in_field() {
                pass(piece, Skip::Interrupted, outlet);
            } else if !piece.is_passing {
                outlet.count(Skip::Interrupted);
            }
        }
        self.close_piece(range.start, outlet, sink);
        self.open_child(range, outlet, sink);
    }

    fn close_piece(&mut self, end: usize, outlet: &mut Outlet, sink: &mut Sink<'_>) {
        let Some(mut piece) = self.piece.take() else {
            return;
        };
        for container in &mut self.containers {
            container.again = 0;
        }
        if end - piece.start > self.options.item_bytes_max {
            let why = too_large(piece.is_item);
            pass(&mut piece, why, outlet);
        }
        match (piece.is_passing, piece.is_item) {
            (true, _) => outlet.between(end, sink),
            (false, true) => outlet.item(piece.start..end, sink),
            (false, false) => outlet.element(piece.start..end, sink),
        }
    }

    /// The innermost open root or channel of that name.
    fn find_container(&self, name: &str) -> Option<usize> {
        let mut containers = self.containers.iter();
        containers.rposition(|container| container.name.eq_ignore_ascii_case(name))
    }

    /// Whether an end tag in the open piece is that of a container.
    fn ends_container(&mut self, name: &str) -> bool {
        let Some(depth) = self.find_container(name) else {
            return false;
        };
        let again = &mut self.containers[depth].again;
        let is_markup = *again > 0;
        *again = again.saturating_sub(1);
        !is_markup
    }

    fn leave(&mut self, depth: usize, outlet: &mut Outlet) {
        self.containers[depth].leave(&mut outlet.frame);
        self.containers.truncate(depth);
    }
}

/// Lets the piece out unread from here on.
fn pass(piece: &mut Open, why: Skip, outlet: &mut Outlet) {
    if !piece.is_passing {
        piece.is_passing = true;
        outlet.count(why);
    }
}

fn too_large(is_item: bool) -> Skip {
    if is_item {
        Skip::ItemTooLarge
    } else {
        Skip::ElementTooLarge
    }
}

fn instruction(range: Range<usize>, outlet: &mut Outlet, sink: &mut Sink<'_>) {
    let raw = &outlet.text[range.clone()];
    // The rest of one that was too long to be held has no start.
    let Some(body) = raw.strip_prefix("<?") else {
        return;
    };
    let target = body
        .split(|c: char| c.is_ascii_whitespace() || c == '?')
        .next();
    if !target.is_some_and(|target| target.eq_ignore_ascii_case("xml")) {
        outlet.instruction(range, sink);
    }
}

fn is_html_doctype(raw: &str) -> bool {
    let mut words = raw.split(|c: char| c.is_ascii_whitespace() || c == '>');
    let name = words.find(|word| !word.is_empty() && !word.eq_ignore_ascii_case("<!doctype"));
    name.is_some_and(|name| name.eq_ignore_ascii_case("html"))
}
