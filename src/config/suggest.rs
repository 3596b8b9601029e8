//! "Did you mean": the nearest of the names there are.

use strsim::osa_distance;

/// Names longer than this are no near misses of ours.
const NAME_CHARS_MAX: usize = 64;

/// Keys that were renamed: the end of the path of the table they are in, the old name, the new one.
const RENAMED: &[(&str, &str, &str)] = &[
    ("", "promote_pictures", "promote_images"),
    ("", "linked_pictures", "linked_images"),
    ("archive", "pictures", "images"),
    ("archive", "pictures_max", "images_max"),
    ("archive", "picture_bytes_max", "image_bytes_max"),
];

/// The new name of a renamed key of the table at `path`, if that table has it.
pub(super) fn new_name(path: &str, written: &str, known: &[&str]) -> Option<&'static str> {
    let mut renamed = RENAMED.iter();
    let found = renamed
        .find(|(table, old, new)| *old == written && path.ends_with(table) && known.contains(new));
    found.map(|(_, _, new)| *new)
}

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
pub(super) fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    if written.chars().count() > NAME_CHARS_MAX {
        return None;
    }
    let written = written.to_ascii_lowercase().replace('-', "_");
    known
        .iter()
        .map(|name| (osa_distance(&written, &name.to_ascii_lowercase()), *name))
        .filter(|(distance, name)| {
            let letters = name.chars().count();
            *distance <= (letters / 3).max(1) && *distance < letters
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses() {
        let check = |written: &str, expected: Option<&str>| {
            let known = ["listen", "public_url", "index", "name", "url", "c"];
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
        check("x", None);
        check(&"listen".repeat(20), None);
    }

    #[test]
    fn letters_that_are_swapped_are_one_mistake() {
        assert_eq!(nearest("mien", &["mine"]), Some("mine"));
        assert_eq!(nearest("kitten", &["sitting"]), None);
    }
}
