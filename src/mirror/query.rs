//! What of a reader's query goes to the origin, by the mirror's rule. Pure.
//!
//! Invariant: what goes is as it was written, byte for byte and in its order; only names are decoded,
//! to be compared.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::config::QueryRule;

/// The mirror takes no query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused;

/// The query that goes to the origin; `None` for none. A bare `?` is no query to a rule other than
/// [`QueryRule::Keep`].
pub(super) fn passed<'q>(
    query: Option<&'q str>,
    rule: &QueryRule,
) -> Result<Option<Cow<'q, str>>, Refused> {
    let written = query.filter(|query| !query.is_empty());
    match rule {
        QueryRule::Keep => Ok(query.map(Cow::Borrowed)),
        QueryRule::Ignore => Ok(None),
        QueryRule::Refuse if written.is_some() => Err(Refused),
        QueryRule::Refuse => Ok(None),
        QueryRule::Names(names) => {
            let is_kept = |parameter: &&str| names.iter().any(|name| has_name(parameter, name));
            let kept: Vec<&str> = written
                .unwrap_or_default()
                .split('&')
                .filter(is_kept)
                .collect();
            Ok((!kept.is_empty()).then(|| Cow::Owned(kept.join("&"))))
        }
    }
}

/// Whether a parameter, `name` or `name=value`, has this name once decoded as forms are
/// (WHATWG URL §5.1).
fn has_name(parameter: &str, name: &str) -> bool {
    let written = parameter
        .split_once('=')
        .map_or(parameter, |(name, _)| name);
    let spaced = written.replace('+', " ");
    percent_decode_str(&spaced).eq(name.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> QueryRule {
        QueryRule::Names(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn what_goes_is_as_it_was_written() {
        let check = |query: Option<&str>, rule: &QueryRule, expected: Option<&str>| {
            let found = passed(query, rule).unwrap();
            assert_eq!(found.as_deref(), expected, "{query:?} by {rule:?}");
        };
        for (query, kept) in [
            (None, None),
            (Some(""), Some("")),
            (Some("b=2&a=1&b=2"), Some("b=2&a=1&b=2")),
            (Some("%61=%2f+&&"), Some("%61=%2f+&&")),
        ] {
            check(query, &QueryRule::Keep, kept);
            check(query, &QueryRule::Ignore, None);
        }
        let rule = names(&["a", "page no", "ü", "x&y"]);
        for (query, kept) in [
            (None, None),
            (Some(""), None),
            (Some("b=2"), None),
            (Some("b=2&a=1&c=3&a=0"), Some("a=1&a=0")),
            (Some("a"), Some("a")),
            (Some("a=&a"), Some("a=&a")),
            (Some("%61=%2F%2f+"), Some("%61=%2F%2f+")),
            (Some("page+no=1&page%20no=2"), Some("page+no=1&page%20no=2")),
            (Some("%C3%BC=1&%c3%bc=2&%FC=3"), Some("%C3%BC=1&%c3%bc=2")),
            (Some("x%26y=1&x&y"), Some("x%26y=1")),
            (Some("A=1&aa=1&=a&%=a&%6=a"), None),
            (Some("a=1;b=2"), Some("a=1;b=2")),
            (Some("a=b=c"), Some("a=b=c")),
            (Some("&&a=1&&"), Some("a=1")),
        ] {
            check(query, &rule, kept);
        }
        check(None, &QueryRule::Refuse, None);
        check(Some(""), &QueryRule::Refuse, None);
        for query in ["a", "a=1", "&", "="] {
            assert_eq!(passed(Some(query), &QueryRule::Refuse), Err(Refused));
        }
    }
}
