//! Finds the items in a stream of text and hands the document out in pieces.
//!
//! Invariants: the pieces, put together, are the document, whatever it is and however it is
//! chunked; items and elements come whole; no more is held than one piece and one token. Nothing
//! is an error: what cannot be read passes through and is counted.

mod container;
mod ends;
mod json;
mod names;
mod outlet;
#[cfg(test)]
mod tests;
mod xml;

use std::fmt;

use super::Format;
use super::json::syntax;
use super::namespace::Namespaces;
use outlet::Outlet;

/// Chunks larger than this are read in parts, so that little is held at once.
const WINDOW_BYTES: usize = 64 << 10;

/// The splitter's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitterOptions {
    /// An item or element larger than this passes through unread.
    pub item_bytes_max: usize,
    /// A document whose root has not come within so many bytes is no feed.
    pub prolog_bytes_max: usize,
    /// An item or element nested deeper than this passes through unread (JSON: and at most 128).
    pub depth_max: usize,
    /// Every element of the document is closed where it should be. When it is not known, an item
    /// inside another element shows that the element was left open.
    pub is_repaired: bool,
}

impl Default for SplitterOptions {
    fn default() -> Self {
        Self {
            item_bytes_max: 4 << 20,
            prolog_bytes_max: 64 << 10,
            depth_max: 256,
            is_repaired: false,
        }
    }
}

/// What is known about the document around a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The document's family.
    pub format: Format,
    /// The bindings of the root and the channel.
    pub namespaces: Namespaces,
    /// `xml:base` of the root, then of the channel, decoded.
    pub bases: Vec<String>,
    /// What root and channel declare: prefix (`""`: the default namespace) and name, decoded; the
    /// innermost last.
    pub declarations: Vec<(String, String)>,
}

/// A part of the document. The pieces of a document, put together, are the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// What lies between the others: prolog, tags of root and channel, whitespace, comments, and
    /// what passes through unread. Cut anywhere.
    Between(&'a str),
    /// A processing instruction outside items that is not the XML declaration, or a DOCTYPE that
    /// declares something.
    Instruction(&'a str),
    /// A child element of the feed or channel that is no item; in JSON a top-level
    /// `"key": value`.
    Element(&'a str),
    /// An item: `<item …>…</item>`, `<entry …>…</entry>`, or one object of JSON's `items`.
    Item(&'a str),
    /// No bytes: more items can stand here, at the end of what holds them. At most one in a
    /// document.
    ItemsEnd {
        /// Whether nothing is in the list so far; only said of JSON.
        is_empty: bool,
    },
    /// No bytes: more children of the channel or feed (in JSON: members) can stand here, at its
    /// end. At most one in a document.
    ChannelEnd,
}

/// Why something passed through unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Skip {
    /// An item larger than [`SplitterOptions::item_bytes_max`].
    ItemTooLarge,
    /// Another element larger than [`SplitterOptions::item_bytes_max`].
    ElementTooLarge,
    /// An item or element nested deeper than [`SplitterOptions::depth_max`].
    TooDeep,
    /// An item or element with an item inside: up to that, or from that on.
    Interrupted,
    /// Something that is not well-formed and could not be repaired.
    NotWellFormed,
    /// A field of HTML whose tree would be too large: rules that need one read its tags one by one,
    /// or left it.
    TooComplex,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ItemTooLarge => "an item that is too large",
            Self::ElementTooLarge => "an element that is too large",
            Self::TooDeep => "an item or element that is nested too deeply",
            Self::Interrupted => "an item or element that has an item inside",
            Self::NotWellFormed => "something that is not well-formed and could not be repaired",
            Self::TooComplex => "a field that is too complex for a tree",
        })
    }
}

/// Whether the document was whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// The root was closed.
    Complete,
    /// The document ended before its root was closed.
    Truncated,
    /// It is no feed.
    NotAFeed(NotAFeed),
}

/// What the document is instead of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAFeed {
    /// Nothing, or only whitespace.
    Empty,
    /// A web page.
    Html,
    /// JSON that is not well-formed.
    BrokenJson,
    /// Text in this charset, which is not decoded.
    Charset(&'static str),
    /// Anything else.
    Other,
}

impl fmt::Display for NotAFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Charset(name) => return write!(f, "text in the unsupported encoding {name}"),
            Self::Empty => "the document is empty",
            Self::Html => "a web page",
            Self::BrokenJson => "JSON that is not well-formed",
            Self::Other => "neither RSS, Atom nor JSON Feed",
        })
    }
}

/// What there is to say once the document has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Whether the document was whole.
    pub completeness: Completeness,
    /// How many items were handed out.
    pub items: usize,
    /// What passed through unread, and how often.
    pub skips: Vec<(Skip, usize)>,
    /// The end tags of root and channel that are all the document lacked, where that was looked for.
    pub missing_ends: Option<String>,
}

/// Takes a document in chunks of any size and hands it out in pieces.
#[derive(Debug)]
pub struct Splitter {
    options: SplitterOptions,
    outlet: Outlet,
    state: State,
    is_known: bool,
}

#[derive(Debug)]
enum State {
    /// Only whitespace so far, so many bytes of it.
    Blank(usize),
    Xml(xml::Document),
    Json(json::Document),
    /// What follows is handed out as it comes.
    Done(Completeness),
}

/// How far a document has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Reading,
    Complete,
    Rejected(NotAFeed),
}

impl Splitter {
    /// A splitter for one document.
    pub fn new(options: SplitterOptions) -> Self {
        let frame = Frame {
            format: Format::Rss,
            namespaces: Namespaces::default(),
            bases: Vec::new(),
            declarations: Vec::new(),
        };
        Self {
            options,
            outlet: Outlet::new(frame),
            state: State::Blank(0),
            is_known: false,
        }
    }

    /// Takes the next chunk. `sink` is called with each piece that is whole now, and the frame
    /// it is in (which says nothing yet for pieces before the root).
    pub fn push(&mut self, chunk: &str, sink: &mut dyn FnMut(&Frame, Piece<'_>)) {
        let mut rest = chunk;
        while !rest.is_empty() {
            if matches!(self.state, State::Done(_)) {
                self.judge_rest(rest);
                sink(&self.outlet.frame, Piece::Between(rest));
                return;
            }
            let (window, later) = rest.split_at(rest.floor_char_boundary(WINDOW_BYTES));
            self.outlet.text.push_str(window);
            self.advance(sink);
            rest = later;
        }
    }

    /// The document has ended: hands out the rest.
    pub fn finish(&mut self, sink: &mut dyn FnMut(&Frame, Piece<'_>)) -> Ending {
        self.outlet.rest(sink);
        self.outlet.drain();
        let completeness = match self.state {
            State::Done(completeness) => completeness,
            State::Blank(_) => Completeness::NotAFeed(NotAFeed::Empty),
            _ if self.is_known => Completeness::Truncated,
            _ => Completeness::NotAFeed(NotAFeed::Other),
        };
        self.state = State::Done(completeness);
        Ending {
            completeness,
            items: self.outlet.items,
            skips: std::mem::take(&mut self.outlet.skips),
            missing_ends: None,
        }
    }

    /// The end tags that the document lacks, if it lacks nothing else so far: it has items, all of them
    /// whole, and only the root, and maybe the channel, is open.
    #[must_use]
    pub fn missing_ends(&self) -> Option<String> {
        match &self.state {
            State::Xml(document) if self.outlet.items > 0 => {
                document.missing_ends(&self.outlet.text)
            }
            _ => None,
        }
    }

    /// Known once the root's start tag was read (JSON: once it says that it is a feed).
    pub fn frame(&self) -> Option<&Frame> {
        self.is_known.then_some(&self.outlet.frame)
    }

    /// Bytes that are held until they make a piece: at most an item's limit and a chunk.
    pub fn held_bytes(&self) -> usize {
        self.outlet.held_bytes()
    }

    /// What the document is instead, once it is known to be no feed. All that follows is
    /// [`Piece::Between`].
    pub fn rejected(&self) -> Option<NotAFeed> {
        match self.state {
            State::Done(Completeness::NotAFeed(what)) => Some(what),
            _ => None,
        }
    }

    fn advance(&mut self, sink: &mut dyn FnMut(&Frame, Piece<'_>)) {
        if let State::Blank(before) = self.state {
            self.state = self.choose(before, sink);
        }
        let (progress, is_known) = match &mut self.state {
            State::Xml(document) => (
                document.advance(&mut self.outlet, sink),
                document.is_known(),
            ),
            State::Json(document) => (
                document.advance(&mut self.outlet, sink),
                document.is_known(),
            ),
            State::Blank(_) | State::Done(_) => return,
        };
        self.is_known = is_known;
        let completeness = match progress {
            Progress::Reading => return,
            Progress::Complete => Completeness::Complete,
            Progress::Rejected(why) => Completeness::NotAFeed(why),
        };
        self.state = State::Done(completeness);
        self.outlet.rest(sink);
        self.outlet.drain();
    }

    /// What stands behind the end of a JSON document must be blank.
    fn judge_rest(&mut self, rest: &str) {
        let is_whole = matches!(self.state, State::Done(Completeness::Complete));
        if is_whole && self.outlet.frame.format == Format::Json && syntax::is_more(rest) {
            self.state = State::Done(Completeness::NotAFeed(NotAFeed::BrokenJson));
        }
    }

    /// Looks for the first character that tells XML from JSON, after `before` bytes of blanks.
    fn choose(&mut self, before: usize, sink: &mut dyn FnMut(&Frame, Piece<'_>)) -> State {
        let text = &self.outlet.text;
        let is_blank = |letter: char| letter.is_whitespace() || letter == '\u{feff}';
        let document = text.trim_start_matches(is_blank);
        let blank_bytes = text.len() - document.len();
        let first = document.chars().next();
        self.outlet.between(blank_bytes, sink);
        self.outlet.drain();
        let before = before + blank_bytes;
        match first {
            None if before > self.options.prolog_bytes_max => {
                State::Done(Completeness::NotAFeed(NotAFeed::Other))
            }
            None => State::Blank(before),
            Some('{') => {
                self.outlet.frame.format = Format::Json;
                State::Json(json::Document::new(self.options))
            }
            Some('[') => {
                self.outlet.rest(sink);
                self.outlet.drain();
                State::Done(Completeness::NotAFeed(NotAFeed::Other))
            }
            Some(_) => State::Xml(xml::Document::new(self.options, before)),
        }
    }
}
