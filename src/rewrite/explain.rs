//! Outcome the rules did to a document, and what they left and why: for people who ask.
//!
//! Invariant: without a request no note is taken; the number and length of notes are bounded.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::ops::Range;

use crate::feed::repair::Finding;
use crate::html::Edit;
use crate::html::tag::Tag;
use crate::html::tag_around;
use crate::rewrite::image_urls::decision::Decision;
use crate::rewrite::passes::images::ImageReference;

/// How many notes of one document are kept; what happens after that is only counted.
const NOTES_MAX: usize = 20_000;
/// How many bytes of a text are shown.
const TEXT_BYTES_MAX: usize = 400;

/// One thing that a rule did or left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Which item of the document, from 1; `None` for what stands outside items.
    pub item: Option<usize>,
    /// The element of the feed, or the JSON member: `content:encoded`, `enclosure`, `image`.
    pub field: String,
    /// The HTML element inside that field, if it is one that holds HTML.
    pub element: String,
    /// The attribute of that; empty for text.
    pub attribute: String,
    /// The rule's name in the configuration: `images`, `image_rules[2]`.
    pub rule: Cow<'static, str>,
    /// Outcome was wrong, where a rule has several reasons; empty otherwise.
    pub fault: &'static str,
    /// Outcome became of it.
    pub outcome: Outcome,
}

/// Outcome became of something that a rule covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was changed.
    Changed {
        /// Outcome stood there; empty where something was added.
        before: String,
        /// Outcome stands there now; empty where something was removed.
        after: String,
    },
    /// The item went.
    Dropped {
        /// Its title.
        title: String,
        /// Why.
        reason: String,
    },
    /// It was left.
    Left {
        /// Outcome stands there.
        text: String,
        /// Why.
        reason: String,
    },
}

/// Takes notes where that was asked for.
#[derive(Debug, Default)]
pub(in crate::rewrite) struct Trace {
    recorder: Option<Recorder>,
    /// Fields that were too complex for a tree.
    complex: Cell<usize>,
}

#[derive(Debug, Default)]
struct Recorder {
    item: Cell<Option<usize>>,
    items: Cell<usize>,
    field: RefCell<String>,
    notes: RefCell<Vec<Note>>,
    dropped: Cell<usize>,
}

/// Where an image's URL is.
#[derive(Debug, Clone, Copy)]
pub(in crate::rewrite) enum ImageLocation<'a> {
    /// In a field of HTML.
    Html(&'a ImageReference<'a>),
    /// In this attribute (empty: the text) of an element of the feed itself.
    Feed(&'a str),
}

/// A place in a field.
#[derive(Debug, Clone, Copy, Default)]
struct NotePlace<'a> {
    element: &'a str,
    attribute: &'a str,
}

impl Trace {
    /// One that takes notes.
    pub(in crate::rewrite) fn taking() -> Self {
        Self {
            recorder: Some(Recorder::default()),
            complex: Cell::new(0),
        }
    }

    /// The notes so far, and how many more there would be.
    pub(in crate::rewrite) fn take(&self) -> (Vec<Note>, usize) {
        self.recorder
            .as_ref()
            .map_or_else(Default::default, |recorder| {
                (recorder.notes.take(), recorder.dropped.take())
            })
    }

    /// Outcome follows is of the next item.
    pub(in crate::rewrite) fn enter_item(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.items.set(recorder.items.get() + 1);
            recorder.item.set(Some(recorder.items.get()));
        }
    }

    /// Outcome follows stands outside items.
    pub(in crate::rewrite) fn leave_item(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.item.set(None);
        }
    }

    /// Outcome follows is of this element of the feed.
    pub(in crate::rewrite) fn enter_field(&self, name: &str) {
        if let Some(recorder) = &self.recorder {
            name.clone_into(&mut recorder.field.borrow_mut());
        }
    }

    /// Outcome one pass did to a field's HTML.
    pub(in crate::rewrite) fn changes(&self, rule: &'static str, html: &str, edits: &[Edit]) {
        if self.recorder.is_none() {
            return;
        }
        for edit in edits {
            let before = &html[edit.range.clone()];
            self.note(rule.into(), place_in(html, &edit.range), || {
                Outcome::Changed {
                    before: shorten(before),
                    after: shorten(&edit.text),
                }
            });
        }
    }

    /// How many notes there are.
    pub(in crate::rewrite) fn len(&self) -> usize {
        self.recorder
            .as_ref()
            .map_or(0, |recorder| recorder.notes.borrow().len())
    }

    /// Forgets all notes but the first so many.
    pub(in crate::rewrite) fn truncate(&self, notes: usize) {
        if let Some(recorder) = &self.recorder {
            recorder.notes.borrow_mut().truncate(notes);
        }
    }

    /// Whether notes are taken.
    pub(in crate::rewrite) fn is_taking(&self) -> bool {
        self.recorder.is_some()
    }

    /// Outcome a rule did to a tag.
    pub(in crate::rewrite) fn tag(&self, rule: &'static str, before: &Tag<'_>, after: &Tag<'_>) {
        for change in before.changes(after) {
            let place = NotePlace {
                element: after.name,
                attribute: change.attribute,
            };
            self.note(rule.into(), place, || Outcome::Changed {
                before: shorten(change.before),
                after: shorten(&change.after),
            });
        }
    }

    /// Something at `range` of a field's HTML that the rule covers was left.
    pub(in crate::rewrite) fn skip(
        &self,
        rule: &'static str,
        html: &str,
        range: Range<usize>,
        reason: impl Display,
    ) {
        if self.recorder.is_some() {
            self.note(rule.into(), place_in(html, &range), || Outcome::Left {
                text: shorten(&html[range.clone()]),
                reason: reason.to_string(),
            });
        }
    }

    /// A field is too complex for the tree that the rule needs; says what became of it.
    pub(in crate::rewrite) fn too_complex(
        &self,
        rule: &'static str,
        html: &str,
        reason: impl Display,
    ) {
        self.complex.set(self.complex.get() + 1);
        self.skip(rule, html, 0..0, reason);
    }

    /// How often a field was too complex for a tree.
    pub(in crate::rewrite) fn complex(&self) -> usize {
        self.complex.get()
    }

    /// Outcome became of an image's URL.
    pub(in crate::rewrite) fn image(
        &self,
        location: ImageLocation<'_>,
        written: &str,
        decided: &Decision,
    ) {
        if self.recorder.is_none() {
            return;
        }
        let place = match location {
            ImageLocation::Html(image) => NotePlace {
                element: image.element,
                attribute: image.attribute,
            },
            ImageLocation::Feed(attribute) => NotePlace {
                element: "",
                attribute,
            },
        };
        match decided {
            Ok(proxied) => {
                let rule = match proxied.rule {
                    Some(index) => format!("image_rules[{index}]").into(),
                    None => "images".into(),
                };
                self.note(rule, place, || Outcome::Changed {
                    before: shorten(written),
                    after: shorten(&proxied.url),
                });
            }
            Err(reason) => self.note("images".into(), place, || Outcome::Left {
                text: shorten(written),
                reason: reason.to_string(),
            }),
        }
    }

    /// The same, left.
    pub(in crate::rewrite) fn left(
        &self,
        rule: &'static str,
        attribute: &str,
        text: &str,
        reason: impl Display,
    ) {
        let place = NotePlace {
            element: "",
            attribute,
        };
        self.note(rule.into(), place, || Outcome::Left {
            text: shorten(text),
            reason: reason.to_string(),
        });
    }

    /// The whole item goes.
    pub(in crate::rewrite) fn dropped(&self, rule: &'static str, title: &str, reason: &str) {
        self.enter_field("");
        self.note(rule.into(), NotePlace::default(), || Outcome::Dropped {
            title: shorten(title),
            reason: reason.to_owned(),
        });
    }

    /// Outcome was not well-formed.
    pub(in crate::rewrite) fn repaired(&self, findings: Vec<Finding>) {
        for finding in findings {
            let place = finding.place;
            self.push(|| Note {
                item: place.item,
                field: place.field,
                element: place.element,
                attribute: place.attribute,
                rule: "repair".into(),
                fault: finding.fault.describe(),
                outcome: match finding.after {
                    Some(after) => Outcome::Changed {
                        before: shorten(&finding.before),
                        after: shorten(&after),
                    },
                    None => Outcome::Left {
                        text: shorten(&finding.before),
                        reason: "it can't be repaired".to_owned(),
                    },
                },
            });
        }
    }

    fn note(
        &self,
        rule: Cow<'static, str>,
        place: NotePlace<'_>,
        outcome: impl FnOnce() -> Outcome,
    ) {
        let Some(recorder) = &self.recorder else {
            return;
        };
        self.push(|| Note {
            item: recorder.item.get(),
            field: recorder.field.borrow().clone(),
            element: place.element.to_owned(),
            attribute: place.attribute.to_owned(),
            rule,
            fault: "",
            outcome: outcome(),
        });
    }

    fn push(&self, note: impl FnOnce() -> Note) {
        let Some(recorder) = &self.recorder else {
            return;
        };
        let mut notes = recorder.notes.borrow_mut();
        if notes.len() >= NOTES_MAX {
            recorder.dropped.set(recorder.dropped.get() + 1);
        } else {
            notes.push(note());
        }
    }
}

/// The tag that `range` lies in.
fn place_in<'a>(html: &'a str, range: &Range<usize>) -> NotePlace<'a> {
    let (element, attribute) = tag_around(html, range.start);
    NotePlace { element, attribute }
}

fn shorten(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(TEXT_BYTES_MAX);
    format!("{}…", &text[..end])
}
