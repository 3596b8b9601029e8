//! Patterns that an operator wrote: regular expressions and globs.

use globset::{GlobBuilder, GlobMatcher};
use regex::{Regex, RegexBuilder};

/// Bytes that one compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Why a pattern is refused; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pattern can't be used: {0}")]
pub struct PatternError(String);

/// Compiles a pattern.
///
/// # Errors
/// When it can't be parsed, or grows too large.
pub fn compile(pattern: &str) -> Result<Regex, PatternError> {
    let regex = RegexBuilder::new(pattern)
        .size_limit(PATTERN_BYTES_MAX)
        .build();
    regex.map_err(|error| PatternError(error.to_string().replace('\n', " ")))
}

/// Why a glob is refused; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the glob can't be used: {0}")]
pub struct GlobError(String);

/// Checks a glob.
///
/// # Errors
/// When it can't be parsed.
pub fn check_path(glob: &str) -> Result<(), GlobError> {
    parse_glob(glob).map(drop)
}

pub(super) fn parse_glob(glob: &str) -> Result<GlobMatcher, GlobError> {
    let parsed = GlobBuilder::new(glob).literal_separator(false).build();
    parsed
        .map(|glob| glob.compile_matcher())
        .map_err(|error| GlobError(error.kind().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_are_refused() {
        assert!(compile("(").is_err());
        assert!(compile("(a{1000}){1000}").is_err());
    }
}
