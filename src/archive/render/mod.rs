//! How one item is in a file: three formats, each with its way back.
//!
//! Invariants: what `seed` and `jsonl` write is read as it was, byte for byte; Markdown says the same
//! in other words, and only what stands above its text comes back as it was.

pub mod atom;
mod front_matter;
pub mod jsonl;
pub mod markdown;
pub mod seed;
#[cfg(test)]
mod tests;

use crate::rewrite::entry::Entry;

/// A format of files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// The time in a comment, the title as a link in Markdown, a rule, and the HTML.
    #[default]
    Seed,
    /// Markdown below YAML front matter.
    Markdown,
    /// A line of JSON.
    JsonLines,
}

/// Why a text is no archived item; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: String,
}

impl ParseError {
    fn new(line: usize, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self { line, problem }
    }
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Seed, Self::Markdown, Self::JsonLines];

    /// What it is called in the configuration and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Markdown => "markdown",
            Self::JsonLines => "jsonl",
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// How names of its files end, without the dot.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Seed => "html",
            Self::Markdown => "md",
            Self::JsonLines => "jsonl",
        }
    }

    /// A file's text for an item of the feed of this name.
    #[must_use]
    pub fn render(self, entry: &Entry, feed: &str) -> String {
        match self {
            Self::Seed => seed::render(entry),
            Self::Markdown => markdown::render(entry, feed),
            Self::JsonLines => jsonl::render(entry, feed),
        }
    }

    /// The items in a file's text: one, or as many as there are lines of JSON.
    ///
    /// # Errors
    /// When the text is of another format.
    pub fn parse(self, text: &str) -> Result<Vec<Entry>, ParseError> {
        match self {
            Self::Seed => seed::parse(text).map(|entry| vec![entry]),
            Self::Markdown => markdown::parse(text).map(|entry| vec![entry]),
            Self::JsonLines => jsonl::parse(text),
        }
    }

    /// The format that a file's text is of, by its first characters.
    #[must_use]
    pub fn detect(text: &str) -> Option<Self> {
        let text = text.trim_start_matches('\u{feff}');
        if text.starts_with("<!--") {
            Some(Self::Seed)
        } else if text.starts_with("---") {
            Some(Self::Markdown)
        } else if text.trim_start().starts_with('{') {
            Some(Self::JsonLines)
        } else {
            None
        }
    }
}

/// A moment as RFC 3339 has it, to the millisecond; `None` when no calendar has it.
fn moment_text(ms: i64) -> Option<String> {
    let moment = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(format!("{moment:.3}"))
}
