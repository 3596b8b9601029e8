//! Find and replace by regular expression, in the HTML of fields.

use regex::Regex;

use crate::html::Edit;
use crate::rewrite::budget::Budget;
use crate::rewrite::pattern::{PatternError, compile};

/// Replacements that one feed may have.
pub const REPLACEMENTS_MAX: usize = 64;

/// One replacement, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// A regular expression.
    pub pattern: String,
    /// What stands there instead; `$1` and `$name` are what groups matched.
    pub with: String,
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
    use crate::html::apply;

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
}
