//! Splits a JSON Feed.
//!
//! Invariant: only what is needed to find members and items is understood; everything else
//! passes through, up to where it stops being JSON.

use super::outlet::{Outlet, Sink};
use super::{NotAFeed, Piece, Progress, Skip, SplitterOptions};
use crate::feed::json::syntax::Syntax;
use crate::feed::json::{Step, ValueKind, ValueScan, decode_key};

/// Values nested deeper than this pass through unread: readers' parsers stop there too.
const DEPTH_MAX: usize = 128;

/// A JSON document being split.
#[derive(Debug)]
pub(super) struct Document {
    options: SplitterOptions,
    /// Everything before this was read.
    at: usize,
    syntax: Syntax,
    /// Bytes that were handed out.
    base: usize,
    place: Place,
    /// Where the open member or item starts.
    piece: Option<usize>,
    /// The open member or item goes out unread.
    is_passing: bool,
    key: Key,
    is_known: bool,
    prolog_bytes: usize,
    /// Whether something stands among the items.
    has_items: bool,
    /// Whether the end of the items was said.
    is_past_items: bool,
}

/// What comes next.
#[derive(Debug)]
enum Place {
    /// The object's `{`.
    Root,
    /// A member's key, or the end of the object.
    Member,
    /// The rest of a key.
    Key(ValueScan),
    Colon,
    /// The first character of a member's value.
    ValueStart,
    /// The rest of a member's value.
    Value(ValueScan),
    /// An item, or the end of the items.
    Item,
    /// The rest of a value among the items.
    ItemValue(ValueScan),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Items,
    Version,
    Other,
}

impl Document {
    pub(super) fn new(options: SplitterOptions) -> Self {
        Self {
            options,
            at: 0,
            syntax: Syntax::new(0),
            base: 0,
            place: Place::Root,
            piece: None,
            is_passing: false,
            key: Key::Other,
            is_known: false,
            prolog_bytes: 0,
            has_items: false,
            is_past_items: false,
        }
    }

    /// Whether the document has said that it is a feed.
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    /// Reads as far as there is text, and hands out what is settled.
    pub(super) fn advance(&mut self, outlet: &mut Outlet, sink: &mut Sink<'_>) -> Progress {
        let broken = self.find_fault(outlet);
        let end = broken.unwrap_or(outlet.text.len());
        while self.at < end {
            let before = self.at;
            let is_over = self.step(end, outlet, sink);
            if is_over {
                return match (self.is_known, broken) {
                    (false, _) => Progress::Rejected(NotAFeed::Other),
                    (true, None) => Progress::Complete,
                    (true, Some(_)) => Progress::Rejected(NotAFeed::BrokenJson),
                };
            }
            if self.is_prolog_over() {
                return Progress::Rejected(NotAFeed::Other);
            }
            // A string that ends in a backslash for now.
            if self.at == before && self.at + 1 == end && self.is_in_value() {
                break;
            }
        }
        if broken.is_some() {
            return Progress::Rejected(if self.is_known {
                NotAFeed::BrokenJson
            } else {
                NotAFeed::Other
            });
        }
        self.hand_out(outlet, sink);
        Progress::Reading
    }

    /// Where the text that came last stops being JSON.
    fn find_fault(&mut self, outlet: &Outlet) -> Option<usize> {
        let from = self.syntax.position() - self.base;
        self.syntax
            .find_fault(outlet.text.as_bytes().get(from..)?)?;
        Some(self.syntax.position() - 1 - self.base)
    }

    fn hand_out(&mut self, outlet: &mut Outlet, sink: &mut Sink<'_>) {
        self.check_limits(self.at, outlet);
        let end = self.piece.filter(|_| !self.is_passing).unwrap_or(self.at);
        outlet.between(end, sink);
        let length = outlet.drain();
        self.at -= length;
        self.base += length;
        self.piece = self.piece.map(|start| start.saturating_sub(length));
        if !self.is_known {
            self.prolog_bytes += length;
        }
    }

    /// Whether too much was read of a document that has not said that it is a feed.
    fn is_prolog_over(&self) -> bool {
        !self.is_known && self.prolog_bytes + self.at > self.options.prolog_bytes_max
    }

    fn is_in_value(&self) -> bool {
        matches!(
            self.place,
            Place::Key(_) | Place::Value(_) | Place::ItemValue(_)
        )
    }

    /// Reads on by a character or a value; true once the object is closed.
    fn step(&mut self, end: usize, outlet: &mut Outlet, sink: &mut Sink<'_>) -> bool {
        let byte = outlet.text.as_bytes()[self.at];
        match &mut self.place {
            Place::Key(scan) | Place::Value(scan) | Place::ItemValue(scan) => {
                match scan.advance(&outlet.text.as_bytes()[..end], self.at) {
                    Step::More(at) => self.at = at,
                    Step::End(end) => {
                        self.at = end;
                        self.end_value(outlet, sink);
                    }
                }
                return false;
            }
            Place::ValueStart if byte == b'[' && self.key == Key::Items => {
                self.check_limits(self.at, outlet);
                self.is_known |= !self.is_prolog_over();
                self.piece = None;
                self.place = Place::Item;
            }
            Place::Root => self.place = Place::Member,
            Place::Member => match byte {
                b'"' => return self.start(byte, Place::Key),
                b'}' => {
                    outlet.mark(self.at, Piece::ChannelEnd, sink);
                    self.at += 1;
                    return true;
                }
                _ => {}
            },
            Place::Colon => match byte {
                b':' => self.place = Place::ValueStart,
                b'}' | b',' | b'"' => return self.abandon(outlet),
                _ => {}
            },
            Place::ValueStart if !byte.is_ascii_whitespace() => {
                return match ValueScan::start(byte) {
                    Some(scan) => {
                        self.place = Place::Value(scan);
                        false
                    }
                    None => self.abandon(outlet),
                };
            }
            Place::Item if byte == b']' => {
                self.place = Place::Member;
                if !std::mem::replace(&mut self.is_past_items, true) {
                    let is_empty = !self.has_items;
                    outlet.mark(self.at, Piece::ItemsEnd { is_empty }, sink);
                }
            }
            Place::Item if !byte.is_ascii_whitespace() && byte != b',' => {
                self.has_items = true;
                if ValueScan::start(byte).is_some() {
                    return self.start(byte, Place::ItemValue);
                }
            }
            Place::ValueStart | Place::Item => {}
        }
        self.at += 1;
        false
    }

    /// Starts a piece with the value that stands here.
    fn start(&mut self, first: u8, place: fn(ValueScan) -> Place) -> bool {
        if let Some(scan) = ValueScan::start(first) {
            self.piece = Some(self.at);
            self.is_passing = false;
            self.place = place(scan);
        }
        false
    }

    /// This is no member: what was read of it passes through.
    fn abandon(&mut self, outlet: &mut Outlet) -> bool {
        self.check_limits(self.at, outlet);
        self.piece = None;
        self.place = Place::Member;
        false
    }

    fn end_value(&mut self, outlet: &mut Outlet, sink: &mut Sink<'_>) {
        self.check_limits(self.at, outlet);
        let start = self.piece.unwrap_or(self.at);
        let kind = match &self.place {
            Place::Key(_) => {
                self.place = Place::Colon;
                self.key = Key::Other;
                if !self.is_passing {
                    self.key = match &*decode_key(&outlet.text[start + 1..self.at - 1]) {
                        "items" => Key::Items,
                        "version" => Key::Version,
                        _ => Key::Other,
                    };
                }
                return;
            }
            Place::Value(scan) | Place::ItemValue(scan) => scan.kind,
            _ => return,
        };
        let is_item = matches!(self.place, Place::ItemValue(_));
        self.place = if is_item { Place::Item } else { Place::Member };
        self.piece = None;
        if self.is_passing || self.is_prolog_over() {
            outlet.between(self.at, sink);
        } else if !is_item {
            let is_version = self.key == Key::Version;
            self.is_known |= is_version && outlet.text[start..self.at].contains("jsonfeed.org");
            outlet.element(start..self.at, sink);
        } else if kind == ValueKind::Object {
            outlet.item(start..self.at, sink);
        }
    }

    /// Lets the open piece out unread when it is too large or too deep.
    fn check_limits(&mut self, end: usize, outlet: &mut Outlet) {
        let Some(start) = self.piece.filter(|_| !self.is_passing) else {
            return;
        };
        let (deepest, is_item) = match &self.place {
            Place::Value(scan) => (scan.deepest, false),
            Place::ItemValue(scan) => (scan.deepest, true),
            _ => (0, false),
        };
        let why = if deepest > self.options.depth_max.min(DEPTH_MAX) {
            Skip::TooDeep
        } else if end - start <= self.options.item_bytes_max {
            return;
        } else if is_item {
            Skip::ItemTooLarge
        } else {
            Skip::ElementTooLarge
        };
        self.is_passing = true;
        outlet.count(why);
    }
}
