//! Which requests a stored response answers (RFC 9111 §4.1): `Vary` and secondary keys.

use http::HeaderMap;
use http::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_LANGUAGE, HeaderName, VARY};

use super::list::{all_members, text};

/// Members of `Vary` that are looked at; a response that names more is matched by no request.
const NAMES_MAX: usize = 32;

/// What of its request selected a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    fields: Vec<(HeaderName, Option<String>)>,
    /// `Content-Language`, one tag, for readers whose first choice it is.
    language: Option<String>,
}

impl Selection {
    /// The selection that a response makes of the request it answers, by its `Vary` and by what it
    /// is kept by `also`; `None` for `Vary: *`, and for more than can be kept: no other request
    /// matches.
    #[must_use]
    pub fn of(response: &HeaderMap, request: &HeaderMap, also: &[HeaderName]) -> Option<Self> {
        let names = all_members(response, &VARY);
        if names.len() > NAMES_MAX || is_star(response) {
            return None;
        }
        let mut fields = Vec::with_capacity(names.len());
        for name in names {
            let name: HeaderName = name.parse().ok()?;
            let value = normalised(request, &name);
            fields.push((name, value));
        }
        for name in also {
            fields.push((name.clone(), normalised(request, name)));
        }
        Some(Self::restored(response, fields))
    }

    /// A selection from what [`Selection::fields`] gave, for a response with these fields.
    #[must_use]
    pub fn restored(response: &HeaderMap, fields: Vec<(HeaderName, Option<String>)>) -> Self {
        Self {
            fields,
            language: language_of(response),
        }
    }

    /// The fields that decide, with their normalised values in the request.
    #[must_use]
    pub fn fields(&self) -> &[(HeaderName, Option<String>)] {
        &self.fields
    }

    /// Whether a request selects the same response.
    #[must_use]
    pub fn matches(&self, request: &HeaderMap) -> bool {
        self.fields.iter().all(|(name, selected)| {
            let asked = normalised(request, name);
            asked == *selected || (*name == ACCEPT_LANGUAGE && self.is_first_choice(request))
        })
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        let bytes = |(name, value): &(HeaderName, Option<String>)| {
            name.as_str().len() + value.as_ref().map_or(0, String::len)
        };
        self.fields.iter().map(bytes).sum()
    }

    /// Whether the response is in the one language that the request likes best (§4.1: known
    /// mechanisms for ranking preference may be used).
    fn is_first_choice(&self, request: &HeaderMap) -> bool {
        let mut ranked = weighted(&all_members(request, &ACCEPT_LANGUAGE));
        ranked.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        match (ranked.as_slice(), &self.language) {
            ([(best, weight), rest @ ..], Some(language)) => {
                *best == *language && *weight > 0 && rest.iter().all(|(_, other)| other < weight)
            }
            _ => false,
        }
    }
}

fn language_of(response: &HeaderMap) -> Option<String> {
    let tag = response.get(CONTENT_LANGUAGE)?;
    Some(text(tag).trim().to_ascii_lowercase())
}

/// Whether `Vary` has a member `*`.
pub(super) fn is_star(response: &HeaderMap) -> bool {
    all_members(response, &VARY).iter().any(|name| name == "*")
}

/// A field in a form in which values that mean the same are equal: lines combined, space between
/// members dropped; the `Accept` fields without regard to order and case.
fn normalised(request: &HeaderMap, name: &HeaderName) -> Option<String> {
    if !request.contains_key(name) {
        return None;
    }
    let list = all_members(request, name);
    if ![ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE].contains(name) {
        return Some(list.join(","));
    }
    let mut list = weighted(&list);
    list.sort();
    let list = list
        .into_iter()
        .map(|(value, weight)| format!("{value};q={weight}"));
    Some(list.collect::<Vec<_>>().join(","))
}

/// List members with their weights in thousandths (RFC 9110 §12.4.2), in lower case.
fn weighted(list: &[String]) -> Vec<(String, u32)> {
    let split = |member: &String| {
        let member = member.to_ascii_lowercase();
        let mut weight = 1000;
        let mut value = String::with_capacity(member.len());
        for part in member.split(';').map(str::trim) {
            match part
                .strip_prefix("q=")
                .and_then(|q| q.trim().parse::<f32>().ok())
            {
                Some(q) => weight = (q.clamp(0.0, 1.0) * 1000.0) as u32,
                None if value.is_empty() => value.push_str(part),
                None => value = value + ";" + part,
            }
        }
        (value, weight)
    };
    list.iter().map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(|line| line.split_once(": ").unwrap()) {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        headers
    }

    fn check(vary: &[&str], first: &[&str], second: &[&str], expected: bool) {
        let selection = Selection::of(&map(vary), &map(first), &[]);
        let found = selection.is_some_and(|selection| selection.matches(&map(second)));
        assert_eq!(found, expected, "{vary:?} {first:?} {second:?}");
    }

    #[test]
    fn rfc_9111_4_1_fields_decide() {
        let foo = &["vary: Foo"];
        check(&[], &["foo: 1"], &["foo: 2"], true);
        check(foo, &["foo: 1"], &["foo: 1"], true);
        check(foo, &["foo: 1"], &["foo: 2"], false);
        check(foo, &["foo: 1"], &[], false);
        check(foo, &[], &["foo: 1"], false);
        check(foo, &[], &[], true);
        check(foo, &["foo: 1", "other: 2"], &["foo: 1", "other: 3"], true);
        let three = &["vary: Foo, Bar", "vary: Baz"];
        let request = &["foo: 1", "bar: abc", "baz: 789"];
        check(three, request, &["baz: 789", "foo: 1", "bar: abc"], true);
        check(three, request, &["foo: 1", "baz: 789", "bar: abcde"], false);
        for star in ["*", "*, *", ", *", "*, Foo", "Foo, *"] {
            check(&[&format!("vary: {star}")], &["foo: 1"], &["foo: 1"], false);
        }
        check(&["vary: ", "vary: *"], &[], &[], false);
        check(&["vary: no name"], &[], &[], false);
    }

    #[test]
    fn rfc_9111_4_1_values_are_normalised() {
        let foo = &["vary: foo"];
        check(foo, &["foo: 1, 2"], &["foo: 1", "foo: 2"], true);
        check(foo, &["foo: 1,2"], &["foo:  1, 2 "], true);
        check(foo, &["foo: 1,2"], &["foo: 2,1"], false);
        check(foo, &["foo: a"], &["foo: A"], false);
        let language = &["vary: accept-language"];
        let first = &["accept-language: en, de"];
        check(language, first, &["accept-language: de, en"], true);
        check(language, first, &["accept-language: eN,   De"], true);
        check(language, first, &["accept-language: en;q=1.0, de"], true);
        check(language, first, &["accept-language: en, de;q=0.5"], false);
        check(language, first, &["accept-language: de"], false);
        let coding = &["vary: accept-encoding"];
        let first = &["accept-encoding: gzip, br"];
        check(coding, first, &["accept-encoding: br,gzip"], true);
        check(coding, first, &["accept-encoding: gzip"], false);
        check(coding, first, &["accept-encoding: gzip, br;q=0"], false);
    }

    #[test]
    fn a_language_that_is_the_first_choice_will_do() {
        let vary = &["vary: accept-language", "content-language: DE"];
        let first = &["accept-language: en, de"];
        for (asked, expected) in [
            ("fr;q=0.5, de;q=1.0", true),
            ("de", true),
            ("de, fr", false),
            ("fr, de;q=0.9", false),
            ("de;q=0", false),
        ] {
            check(
                vary,
                first,
                &[&format!("accept-language: {asked}")],
                expected,
            );
        }
    }
}
