//! Find and replace by regular expression, in the HTML of fields.

use regex::{Regex, RegexBuilder};

use crate::feed::text::Edit;
use crate::rewrite::budget::Budget;

/// Replacements that one feed may have.
pub const REPLACEMENTS_MAX: usize = 64;
/// Bytes that one compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// One replacement, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// A regular expression.
    pub pattern: String,
    /// What stands there instead; `$1` and `$name` are what groups matched.
    pub with: String,
}

/// Why a pattern is refused; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pattern can't be used: {0}")]
pub struct PatternError(String);

/// Compiles a pattern that an operator wrote.
///
/// # Errors
/// When it can't be parsed, or grows too large.
pub fn compile(pattern: &str) -> Result<Regex, PatternError> {
    let regex = RegexBuilder::new(pattern)
        .size_limit(PATTERN_BYTES_MAX)
        .build();
    regex.map_err(|error| PatternError(error.to_string().replace('\n', " ")))
}

/// The replacements, ready for use.
#[derive(Debug)]
pub(super) struct Replace(Vec<(Regex, String)>);

impl Replace {
    pub(super) fn new(options: &[Replacement]) -> Result<Self, PatternError> {
        let compiled = options
            .iter()
            .map(|replacement| Ok((compile(&replacement.pattern)?, replacement.with.clone())));
        Ok(Self(compiled.collect::<Result<_, PatternError>>()?))
    }

    /// One pass for each, since one may match what another wrote.
    pub(super) fn passes(&self) -> impl Iterator<Item = (&Regex, &str)> {
        self.0.iter().map(|(regex, with)| (regex, with.as_str()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The edits of one replacement.
pub(super) fn edits(html: &str, (regex, with): (&Regex, &str), budget: &Budget) -> Vec<Edit> {
    let found = regex.captures_iter(html).filter_map(|groups| {
        let whole = groups.get(0)?;
        let mut text = String::new();
        groups.expand(with, &mut text);
        let text = budget.spend(text)?;
        let range = whole.range();
        (html[range.clone()] != text).then_some(Edit { range, text })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::compose::apply;

    #[test]
    fn groups_and_order() {
        let check = |pattern: &str, with: &str, html: &str, expected: &str| {
            let regex = compile(pattern).unwrap();
            let edits = edits(html, (&regex, with), &Budget::default());
            assert_eq!(apply(html, &edits), expected);
        };
        check("(?i)<BR>\\s*<br>", "<br>", "a<br><BR>b", "a<br>b");
        check("(\\w+)-(\\w+)", "$2+${1}x", "a-b c-d", "b+ax d+cx");
        check("^", "x", "a", "xa");
        check("a", "a", "aaa", "aaa");
    }

    #[test]
    fn patterns_that_are_refused() {
        assert!(compile("(").is_err());
        assert!(compile("(a{1000}){1000}").is_err());
    }
}
