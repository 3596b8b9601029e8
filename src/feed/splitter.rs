//! Finds the items in a stream of text and hands the document out in pieces.

use super::Format;
use super::namespace::Namespaces;

/// The splitter's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// An item or element larger than this passes through unread.
    pub item_bytes_max: usize,
    /// A document whose root has not come within so many bytes is no feed.
    pub prolog_bytes_max: usize,
    /// An item nested deeper than this passes through unread.
    pub depth_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            item_bytes_max: 4 << 20,
            prolog_bytes_max: 64 << 10,
            depth_max: 256,
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
}

/// A part of the document. The pieces of a document, put together, are the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// What lies between the others: prolog, tags of root and channel, whitespace, comments, and
    /// what passes through unread. Cut anywhere.
    Between(&'a str),
    /// A processing instruction outside items that is not the XML declaration.
    Instruction(&'a str),
    /// A child element of the feed or channel that is no item; in JSON a top-level
    /// `"key": value`.
    Element(&'a str),
    /// An item: `<item …>…</item>`, `<entry …>…</entry>`, or one object of JSON's `items`.
    Item(&'a str),
}

/// Why something passed through unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Skip {
    /// An item larger than [`Options::item_bytes_max`].
    ItemTooLarge,
    /// Another element larger than [`Options::item_bytes_max`].
    ElementTooLarge,
    /// An item or element nested deeper than [`Options::depth_max`].
    TooDeep,
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
    /// Anything else.
    Other,
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
}

/// Takes a document in chunks of any size and hands it out in pieces.
#[derive(Debug)]
pub struct Splitter {
    frame: Frame,
}

impl Splitter {
    /// A splitter for one document.
    pub fn new(_options: Options) -> Self {
        Self {
            frame: Frame {
                format: Format::Rss,
                namespaces: Namespaces::default(),
                bases: Vec::new(),
            },
        }
    }

    /// Takes the next chunk. `sink` is called with each piece that is whole now, and the frame
    /// it stands in (which says nothing yet for pieces before the root).
    pub fn push(&mut self, chunk: &str, sink: &mut dyn FnMut(&Frame, Piece<'_>)) {
        sink(&self.frame, Piece::Between(chunk));
    }

    /// The document has ended: hands out the rest.
    pub fn finish(&mut self, _sink: &mut dyn FnMut(&Frame, Piece<'_>)) -> Ending {
        Ending {
            completeness: Completeness::NotAFeed(NotAFeed::Other),
            items: 0,
            skips: Vec::new(),
        }
    }

    /// Known once the root's start tag was read: the document is a feed.
    pub fn frame(&self) -> Option<&Frame> {
        None
    }

    /// Whether the document is known to be no feed.
    pub fn is_rejected(&self) -> bool {
        true
    }
}
