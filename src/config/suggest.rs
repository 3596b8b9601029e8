//! "Did you mean": the nearest of the names there are.

/// Names longer than this are no near misses of ours.
const NAME_CHARS_MAX: usize = 64;

/// One line of advice: the near miss if there is one, and the list of what is known.
pub(super) fn suggest(written: &str, known: &[&str], what: &str) -> String {
    let list = known
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match nearest(written, known) {
        Some(name) => format!("did you mean `{name}`? {what}: {list}"),
        None => format!("{what}: {list}"),
    }
}

/// The known name that differs least, if it differs by no more than a third of its letters.
fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    if written.chars().count() > NAME_CHARS_MAX {
        return None;
    }
    let written = written.to_ascii_lowercase().replace('-', "_");
    known
        .iter()
        .map(|name| (distance(&written, &name.to_ascii_lowercase()), *name))
        .filter(|(distance, name)| *distance <= (name.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein's distance, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses() {
        let check = |written: &str, expected: Option<&str>| {
            let known = ["listen", "public_url", "index", "name", "url"];
            assert_eq!(nearest(written, &known), expected, "{written}");
        };
        check("listn", Some("listen"));
        check("Listen", Some("listen"));
        check("public-url", Some("public_url"));
        check("publicurl", Some("public_url"));
        check("urll", Some("url"));
        check("uri", Some("url"));
        check("title", None);
        check("", None);
        check(&"listen".repeat(20), None);
    }

    #[test]
    fn distances() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }
}
