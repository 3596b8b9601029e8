//! What repair changes, and notes of it for who asks.
//!
//! Invariant: edits that were made after a mark stand behind all that were made before it, so that
//! what came of a part of the text can be taken back.

use std::borrow::Cow;
use std::ops::Range;

/// How many notes are held for one [`take`](Edits::take_notes).
const NOTES_MAX: usize = 20_000;
/// How many bytes of a text a note keeps.
const NOTE_BYTES_MAX: usize = 1024;

/// A thing that was not well-formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where it stood.
    pub place: Place,
    /// What was wrong.
    pub fault: Fault,
    /// What stood there; empty where something was missing.
    pub before: String,
    /// What stands there now; `None` when it was left.
    pub after: Option<String>,
}

/// Where something is in a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Which item, from 1; `None` for what stands outside items.
    pub item: Option<usize>,
    /// The element of the item or channel.
    pub field: String,
    /// The innermost element in there, if that is another one.
    pub element: String,
    /// The attribute of that.
    pub attribute: String,
}

/// What keeps a document from being well-formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `&` that starts no reference.
    Ampersand,
    /// `&nbsp;` without a DTD.
    Entity,
    /// `&#0;`, `&#X41;`
    CharacterReference,
    /// A control character, U+FFFE or U+FFFF.
    Character,
    /// `<` that begins no tag.
    LessThan,
    /// `]]>` in text.
    SectionEnd,
    /// `--` in a comment.
    Comment,
    /// An XML declaration that is broken, or not at the start.
    Declaration,
    /// A DOCTYPE that is broken, or not before the root.
    Doctype,
    /// What stands before or behind the document and is not of it.
    Junk,
    /// A prefix that stands for no namespace.
    Prefix,
    /// An attribute without quotes, without a value, twice, with `<` in it, …
    Attribute,
    /// An end tag that ends nothing.
    StrayEnd,
    /// An end tag in another case, with attributes, without `>`.
    EndTag,
    /// An element without its end tag.
    LeftOpen,
    /// A tag whose quote is never closed.
    Quote,
    /// A processing instruction without a proper name.
    Instruction,
    /// HTML that nobody escaped, and that is no XML.
    Html,
    /// A mark of byte order before JSON (RFC 8259 section 8.1).
    ByteOrderMark,
    /// A comma behind the last value of a JSON array or object.
    TrailingComma,
    /// A control character in a JSON string.
    Control,
    /// Not repaired: a feed or items behind the root.
    SecondDocument,
    /// Not repaired: a name with colons that namespaces do not allow.
    Name,
    /// Not looked at: elements nested too deeply.
    TooDeep,
    /// Not repaired: a tag or comment longer than is looked at.
    TooLong,
}

impl Fault {
    /// The same in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Ampersand => "an ampersand that stands for itself",
            Self::Entity => "an entity that nobody declared",
            Self::CharacterReference => "a reference to a character that XML does not allow",
            Self::Character => "a character that XML does not allow",
            Self::LessThan => "a `<` that begins no tag",
            Self::SectionEnd => "`]]>` in text",
            Self::Comment => "`--` in a comment",
            Self::Declaration => "an XML declaration that is broken or not at the start",
            Self::Doctype => "a DOCTYPE that is broken or out of place",
            Self::Junk => "what is not of the document",
            Self::Prefix => "a prefix that nobody declared",
            Self::Attribute => "an attribute that is not written as XML wants it",
            Self::StrayEnd => "an end tag that ends nothing",
            Self::EndTag => "an end tag that is written wrong",
            Self::LeftOpen => "an element that was left open",
            Self::Quote => "a quote that was left open",
            Self::Instruction => "a processing instruction that is written wrong",
            Self::Html => "HTML that nobody escaped and that is no XML",
            Self::ByteOrderMark => "a mark of byte order before JSON",
            Self::TrailingComma => "a comma behind the last value",
            Self::Control => "a control character that JSON wants escaped",
            Self::SecondDocument => "more of a feed behind the end of the document",
            Self::Name => "a name with colons where namespaces allow none",
            Self::TooDeep => "elements nested more deeply than is looked at",
            Self::TooLong => "a tag or comment longer than is looked at",
        }
    }
}

/// One change.
#[derive(Debug)]
struct Edit {
    /// What is taken out, in offsets of the whole document.
    range: Range<usize>,
    text: Cow<'static, str>,
    fault: Fault,
    note: Option<Box<Note>>,
}

/// What a note says besides.
#[derive(Debug)]
struct Note {
    place: Place,
    /// What stood there and what does now, where that is not what the edit says.
    told: Option<(String, Option<String>)>,
}

/// The changes that were not carried out yet.
#[derive(Debug, Default)]
pub(super) struct Edits {
    list: Vec<Edit>,
    /// How many were carried out.
    done: usize,
    notes: Option<Vec<Finding>>,
}

impl Edits {
    /// Takes notes from here on.
    pub(super) fn take_notes_from_here(&mut self) {
        self.notes = Some(Vec::new());
    }

    /// Whether notes are taken.
    pub(super) fn is_noting(&self) -> bool {
        self.notes
            .as_ref()
            .is_some_and(|notes| notes.len() < NOTES_MAX)
    }

    /// The notes of what was carried out since they were taken last.
    pub(super) fn take_notes(&mut self) -> Vec<Finding> {
        self.notes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Puts `text` where `range` is; `place` is called when notes are taken.
    pub(super) fn replace(
        &mut self,
        fault: Fault,
        range: Range<usize>,
        text: impl Into<Cow<'static, str>>,
        place: impl FnOnce() -> Place,
    ) {
        let note = self.is_noting().then(|| {
            Box::new(Note {
                place: place(),
                told: None,
            })
        });
        self.list.push(Edit {
            range,
            text: text.into(),
            fault,
            note,
        });
    }

    /// Puts `open` at the start of `range` and `close` at its end, told as one change of `text`,
    /// which stands there.
    pub(super) fn surround(
        &mut self,
        fault: Fault,
        range: Range<usize>,
        (open, text, close): (&'static str, &str, &'static str),
        place: impl FnOnce() -> Place,
    ) {
        let after = format!("{open}{}{close}", shorten(text));
        self.remark(fault, range.start, (text, Some(after)), place);
        for (at, text) in [(range.start, open), (range.end, close)] {
            self.list.push(Edit {
                range: at..at,
                text: text.into(),
                fault,
                note: None,
            });
        }
    }

    /// Notes that `text` at `at` is told as changed to something, or as left.
    pub(super) fn remark(
        &mut self,
        fault: Fault,
        at: usize,
        (text, after): (&str, Option<String>),
        place: impl FnOnce() -> Place,
    ) {
        if self.is_noting() {
            let note = Note {
                place: place(),
                told: Some((shorten(text).into_owned(), after)),
            };
            self.list.push(Edit {
                range: at..at,
                text: "".into(),
                fault,
                note: Some(Box::new(note)),
            });
        }
    }

    /// For [`cut`](Self::cut).
    pub(super) fn mark(&self) -> usize {
        self.done + self.list.len()
    }

    /// Takes back what came after the mark.
    pub(super) fn cut(&mut self, mark: usize) {
        self.list.truncate(mark.saturating_sub(self.done));
    }

    /// Hands out `text`, which starts at `base`, with the edits in it (`is_last`: and with those
    /// at its end).
    pub(super) fn apply(
        &mut self,
        (text, base): (&str, usize),
        is_last: bool,
        sink: &mut dyn FnMut(&str),
    ) {
        if self.list.is_empty() {
            return sink(text);
        }
        let end = base + text.len();
        let is_due = |edit: &Edit| is_last || edit.range.start < end;
        let count = self.list.partition_point(is_due);
        // Where an element should have ended is known later than what stands behind.
        self.list[..count].sort_by_key(|edit| edit.range.start);
        let mut at = base;
        for edit in self.list.drain(..count) {
            let start = edit.range.start.clamp(at, end);
            let stop = edit.range.end.clamp(start, end);
            for part in [&text[at - base..start - base], &*edit.text] {
                if !part.is_empty() {
                    sink(part);
                }
            }
            at = stop;
            if let (Some(note), Some(notes)) = (edit.note, &mut self.notes) {
                let (before, after) = note.told.unwrap_or_else(|| {
                    let before = &text[start - base..stop - base];
                    let [before, after] = [before, &*edit.text].map(shorten);
                    (before.into_owned(), Some(after.into_owned()))
                });
                notes.push(Finding {
                    place: note.place,
                    fault: edit.fault,
                    before,
                    after,
                });
            }
        }
        self.done += count;
        if at < end {
            sink(&text[at - base..]);
        }
    }
}

fn shorten(text: &str) -> Cow<'_, str> {
    if text.len() <= NOTE_BYTES_MAX {
        return text.into();
    }
    let end = text.floor_char_boundary(NOTE_BYTES_MAX);
    format!("{}…", &text[..end]).into()
}
