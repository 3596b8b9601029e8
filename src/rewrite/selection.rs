//! Which items of a feed stay: by what they say, and by their number.
//!
//! Invariant: an item is judged by what the publisher wrote, before any other rule changes it.

mod texts;

use regex::Regex;

use crate::rewrite::pattern::{PatternError, compile};
pub(super) use texts::{Item, Texts};

/// Conditions that each of `keep` and `drop` may have.
pub const CONDITIONS_MAX: usize = 64;

/// A part of an item that a condition looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Its title, as plain text.
    Title,
    /// Its link, absolute.
    Link,
    /// Each of its authors' names.
    Author,
    /// Each of its categories.
    Category,
    /// Its `guid`, `id` or `rdf:about`.
    Guid,
    /// Each of its fields of HTML or text, decoded, with its markup.
    Content,
    /// Any of these.
    Any,
}

/// What an item may be chosen by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Where it looks; one match in one of them is enough.
    pub fields: Vec<Field>,
    /// A regular expression.
    pub pattern: String,
}

/// Which items stay, as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SelectionOptions {
    /// The most items that stay.
    pub limit: Option<usize>,
    /// Where there are any, an item stays only if it matches one.
    pub keep: Vec<Condition>,
    /// An item that matches one goes.
    pub drop: Vec<Condition>,
}

/// Why an item goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The rule's name in the configuration.
    pub(super) rule: &'static str,
    pub(super) reason: String,
}

/// The conditions, ready for use.
#[derive(Debug)]
pub(super) struct Selection {
    limit: Option<usize>,
    keep: Vec<Test>,
    drop: Vec<Test>,
}

#[derive(Debug)]
struct Test {
    fields: Vec<Field>,
    regex: Regex,
}

impl Selection {
    pub(super) fn new(options: &SelectionOptions) -> Result<Self, PatternError> {
        let tests = |conditions: &[Condition]| {
            let tests = conditions.iter().map(|condition| {
                Ok(Test {
                    fields: condition.fields.clone(),
                    regex: compile(&condition.pattern)?,
                })
            });
            tests.collect::<Result<Vec<_>, PatternError>>()
        };
        Ok(Self {
            limit: options.limit,
            keep: tests(&options.keep)?,
            drop: tests(&options.drop)?,
        })
    }

    /// Whether every item stays.
    pub(super) fn is_empty(&self) -> bool {
        self.limit.is_none() && self.keep.is_empty() && self.drop.is_empty()
    }

    /// Why an item goes, before which `kept` items stayed; `None` when it stays.
    pub(super) fn refuse(&self, item: &Texts<'_>, kept: usize) -> Option<Refusal> {
        let refusal = |rule, reason| Some(Refusal { rule, reason });
        if let Some(limit) = self.limit.filter(|&limit| kept >= limit) {
            return refusal("limit", format!("{limit} items were kept before it"));
        }
        if let Some((field, test)) = self.drop.iter().find_map(|test| test.find(item)) {
            let reason = format!("its {} matches `{}`", field.name(), test.regex);
            return refusal("drop", reason);
        }
        let is_kept =
            self.keep.is_empty() || self.keep.iter().any(|test| test.find(item).is_some());
        if is_kept {
            return None;
        }
        refusal("keep", "it matches none of the conditions".to_owned())
    }
}

impl Test {
    /// The first field that matches.
    fn find(&self, item: &Texts<'_>) -> Option<(Field, &Self)> {
        let fields = self.fields.iter().flat_map(|field| field.each());
        let mut matching = fields.filter(|&field| {
            let texts = item.of(field);
            texts.iter().any(|text| self.regex.is_match(text))
        });
        matching.next().map(|field| (field, self))
    }
}

impl Field {
    /// All but [`Any`](Self::Any), which is all of them.
    const EACH: [Self; 6] = [
        Self::Title,
        Self::Link,
        Self::Author,
        Self::Category,
        Self::Guid,
        Self::Content,
    ];

    fn each(self) -> impl Iterator<Item = Self> {
        Self::EACH
            .into_iter()
            .filter(move |&one| self == Self::Any || self == one)
    }

    /// Its name in the configuration.
    fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Link => "link",
            Self::Author => "author",
            Self::Category => "category",
            Self::Guid => "guid",
            Self::Content => "content",
            Self::Any => "any",
        }
    }
}
