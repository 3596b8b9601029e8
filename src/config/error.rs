//! What is wrong with a configuration: all of it at once, each with its place, for the operator.
//!
//! Invariant: what is shown of the file has its secrets masked already.

use std::fmt::{self, Display, Formatter};
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};

/// Error shown in full; the rest is counted.
const PROBLEMS_SHOWN_MAX: usize = 100;

/// Characters of a variable's value that are shown.
const VALUE_SHOWN_MAX: usize = 120;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// These bytes of the file.
    File(Range<usize>),
    /// This environment variable, with its value where it may be shown.
    Variable(String, Option<String>),
    /// The file as a whole.
    Whole,
}

/// One key at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// The key's full path, `feed[2].refresh`; empty for the document.
    pub(super) path: String,
    /// The name of the feed it belongs to, where it has one.
    pub(super) feed: Option<String>,
    /// Where it is written.
    pub(super) place: Place,
}

/// One error of one key, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SettingError {
    spot: Spot,
    reason: String,
    help: Option<String>,
    first: Option<Range<usize>>,
}

impl SettingError {
    /// An error of a value.
    pub(super) fn new(spot: Spot, reason: impl Into<String>) -> Self {
        Self {
            spot,
            reason: reason.into(),
            help: None,
            first: None,
        }
    }

    /// Adds a line of advice.
    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the place where the same thing was written first.
    pub(super) fn with_first(mut self, place: &Place) -> Self {
        if let Place::File(range) = place {
            self.first = Some(range.clone());
        }
        self
    }

    /// The key, its feed and the reason in one line.
    fn title(&self) -> String {
        let path = match (&self.spot.place, self.spot.path.as_str()) {
            (Place::Variable(name, _), "") => name.clone(),
            (Place::Variable(name, _), path) => format!("{name} ({path})"),
            (_, path) => path.to_owned(),
        };
        let feed = match &self.spot.feed {
            Some(name) => format!(" (feed \"{name}\")"),
            None => String::new(),
        };
        let colon = if path.is_empty() { "" } else { ": " };
        normalize_untrusted_str(&format!("{path}{feed}{colon}{}", self.reason))
    }

    /// File problems by position, then those of variables by name.
    fn order(&self) -> (u8, usize, &str) {
        match &self.spot.place {
            Place::Whole => (0, 0, ""),
            Place::File(range) => (1, range.start, ""),
            Place::Variable(name, _) => (2, 0, name),
        }
    }

    fn render(&self, renderer: &Renderer, name: &str, text: &str) -> String {
        let mut group = Group::with_title(Level::ERROR.primary_title(self.title()));
        match &self.spot.place {
            Place::File(range) => {
                let mut snippet = Snippet::source(text)
                    .path(name)
                    .annotation(AnnotationKind::Primary.span(first_line(text, range)));
                if let Some(first) = &self.first {
                    let span = first_line(text, first);
                    let first = AnnotationKind::Context.span(span).label("first here");
                    snippet = snippet.annotation(first);
                }
                group = group.element(snippet);
            }
            Place::Variable(name, Some(value)) => {
                let value: String = value.chars().take(VALUE_SHOWN_MAX).collect();
                group = group.element(Level::NOTE.message(format!("{name} is {value:?}")));
            }
            Place::Variable(_, None) | Place::Whole => {}
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
        }
        renderer.render(&[group])
    }
}

/// Everything that is wrong with a configuration, in the order of the file.
///
/// `Display` writes one report per error, without colours: the key's path, the reason, the file,
/// the line and what stands there. Secrets are masked.
pub struct Error {
    name: String,
    text: String,
    list: Vec<SettingError>,
}

impl Error {
    /// Sorts the problems and masks the given ranges of the text.
    pub(super) fn new(
        name: &str,
        text: &str,
        masked: &[Range<usize>],
        mut list: Vec<SettingError>,
    ) -> Self {
        list.sort_by(|a, b| a.order().cmp(&b.order()));
        Self {
            name: name.into(),
            text: mask(text, masked),
            list,
        }
    }

    /// How many there are; never 0.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// The same as `Display`, with ANSI colours, for a terminal.
    #[must_use]
    pub fn coloured(&self) -> String {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let shown = self.list.iter().take(PROBLEMS_SHOWN_MAX);
        let mut reports: Vec<String> = shown
            .map(|problem| problem.render(renderer, &self.name, &self.text))
            .collect();
        if self.list.len() > PROBLEMS_SHOWN_MAX {
            let more = self.list.len() - PROBLEMS_SHOWN_MAX;
            reports.push(format!("… and {more} more"));
        }
        reports.join("\n\n")
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Renderer::plain()))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

/// SECURITY: a report quotes the operator's line; what is secret in it becomes asterisks, so that
/// a log or a bug report with the output gives nothing away. Byte for byte, so that spans stay
/// true; line ends stay, so that line numbers do.
fn mask(text: &str, ranges: &[Range<usize>]) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut ranges: Vec<_> = ranges.to_vec();
    ranges.sort_by_key(|range| range.start);
    let mut at = 0;
    for range in ranges {
        let start = range.start.max(at);
        let (Some(before), Some(secret)) = (text.get(at..start), text.get(start..range.end)) else {
            continue;
        };
        masked.push_str(before);
        for character in secret.chars() {
            match character {
                '\n' | '\r' => masked.push(character),
                _ => masked.extend(std::iter::repeat_n('*', character.len_utf8())),
            }
        }
        at = range.end;
    }
    masked.push_str(&text[at..]);
    masked
}

/// A value's first line is enough to find it.
fn first_line(text: &str, range: &Range<usize>) -> Range<usize> {
    let written = text.get(range.clone()).unwrap_or_default();
    let length = written.find(['\r', '\n']).unwrap_or(written.len());
    range.start..range.start + length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn masking_keeps_positions() {
        let check = |text: &str, ranges: &[Range<usize>], expected: &str| {
            assert_eq!(mask(text, ranges), expected);
        };
        check("a = 'x'", std::slice::from_ref(&(4..7)), "a = ***");
        check("a = 'é'\n", std::slice::from_ref(&(4..8)), "a = ****\n");
        check("ab\r\ncd", std::slice::from_ref(&(1..5)), "a*\r\n*d");
        check("abcdef", &[2..4, 0..1, 3..5], "*b***f");
        check("abc", &[0..3, 1..2], "***");
    }

    proptest! {
        #[test]
        fn masking_never_panics(text in "\\PC{0,20}", ranges in prop::collection::vec((0usize..40, 0usize..40), 0..5)) {
            let ranges: Vec<_> = ranges.into_iter().map(|(a, b)| a..b).collect();
            prop_assert_eq!(mask(&text, &ranges).len(), text.len());
        }
    }
}
