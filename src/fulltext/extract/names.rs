//! Boilerplate names: words of an element's class, and of its id where that is not made from a heading.

mod words;

use dom_query::NodeRef;

use super::tree::{is_any, is_heading, line_of};
use words::{COMMENTS, KEEPERS, PAIRS, SITE, UNLIKELY, WORDS};

/// Names of an element that are read, and letters of each.
const NAMES_MAX: usize = 32;
const NAME_LETTERS_MAX: usize = 128;

/// Which name of an element says that it is boilerplate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Evidence {
    #[default]
    None,
    /// Its id alone, and no heading that the id may be made from.
    Id,
    Class,
    /// Its class: a comment, or several.
    Comment,
}

/// Evaluates the names of an element.
pub(super) fn evidence(node: &NodeRef<'_>) -> Evidence {
    for name in ["class", "data-component", "data-testid", "data-module"] {
        if let Some(value) = node.attr(name)
            && names_boilerplate(&value)
        {
            let is_comment = names_one_of(&value, COMMENTS);
            return if is_comment {
                Evidence::Comment
            } else {
                Evidence::Class
            };
        }
    }
    let id = node.attr("id");
    match id {
        Some(id) if names_boilerplate(&id) && !is_made_from_heading(node, &id) => Evidence::Id,
        _ => Evidence::None,
    }
}

/// Whether an element calls itself a part of the site around all of its pages: its end, or what asks
/// for agreement. Where it holds the article's own parts it is none.
pub(super) fn names_site(node: &NodeRef<'_>) -> bool {
    let is_called = ["class", "id"].iter().any(|name| {
        node.attr(name)
            .is_some_and(|value| names_one_of(&value, SITE))
    });
    is_called
        && is_any(node, &["div", "section", "span"])
        && !node
            .descendants_it()
            .take(64)
            .any(|inner| is_any(&inner, &["article", "main"]) || is_heading(&inner))
}

/// Whether the search for the article takes an element for unlikely by its names.
pub(super) fn is_unlikely(node: &NodeRef<'_>) -> bool {
    let class = node.attr("class").unwrap_or_default();
    let id = node.attr("id").unwrap_or_default();
    let is_in = |name: &str| {
        let name = name.to_ascii_lowercase();
        UNLIKELY.iter().any(|part| name.contains(part))
    };
    is_in(&class) || is_in(&id) && !is_made_from_heading(node, &id)
}

/// Whether an id is what tools make of the first heading in the element.
fn is_made_from_heading(node: &NodeRef<'_>, id: &str) -> bool {
    let Some(heading) = node.descendants_it().take(16).find(is_heading) else {
        return false;
    };
    let fold = |text: &str| -> String {
        let letters = text.chars().filter(|letter| letter.is_alphanumeric());
        letters.flat_map(char::to_lowercase).take(200).collect()
    };
    let (id, text) = (fold(id), fold(&line_of(&heading)));
    // `user-content-notes`, `notes-1`: with something before or behind it.
    !text.is_empty() && (id.contains(&text) || id.len() > 3 && text.contains(&id))
}

fn names_boilerplate(value: &str) -> bool {
    value.split_ascii_whitespace().take(NAMES_MAX).any(|name| {
        let words = split_name(name);
        if words.iter().any(|word| KEEPERS.contains(&word.as_str())) {
            return false;
        }
        let joined: String = words.concat();
        WORDS.contains(&joined.as_str())
            || words.iter().any(|word| WORDS.contains(&word.as_str()))
            || words.windows(2).any(|pair| {
                PAIRS
                    .iter()
                    .any(|(one, two)| pair[0] == *one && pair[1] == *two)
            })
    })
}

fn names_one_of(value: &str, known: &[&str]) -> bool {
    value.split_ascii_whitespace().take(NAMES_MAX).any(|name| {
        split_name(name)
            .iter()
            .any(|word| known.contains(&word.as_str()))
    })
}

/// `relatedPosts`, `related-posts`, `related_posts` → `related`, `posts`.
fn split_name(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars().take(NAME_LETTERS_MAX) {
        let starts = !letter.is_ascii_alphanumeric() || was_lower && letter.is_ascii_uppercase();
        if starts {
            words.push(String::new());
        }
        if letter.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(letter.to_ascii_lowercase());
        }
        was_lower = letter.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}
