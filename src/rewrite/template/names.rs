//! Finds what a template names but nobody knows, whether or not a rendering would come by.
//!
//! minijinja looks filters, tests and functions up while it renders, so a typo in a branch that is seldom
//! taken would show months later. The source is known to be valid here, so a small lexer is enough.

use std::collections::HashSet;

use minijinja::{Environment, ErrorKind};

use super::TemplateError;

/// The variables there are. `item` and `feed` themselves are none, so nothing hides behind an alias.
const VARIABLES: [&str; 25] = [
    "item.title",
    "item.link",
    "item.guid",
    "item.author",
    "item.published",
    "item.updated",
    "item.categories",
    "item.words",
    "item.reading_minutes",
    "item.images",
    "item.article.title",
    "item.article.author",
    "item.article.published",
    "item.article.modified",
    "item.article.site_name",
    "item.article.language",
    "item.article.image",
    "item.article.words",
    "item.article.reading_minutes",
    "feed.title",
    "feed.link",
    "feed.name",
    "feed.url",
    "feed.self_url",
    "feed.language",
];

/// Variables that were renamed: the old name and the new one.
const RENAMED: [(&str, &str); 2] = [
    ("item.pictures", "item.images"),
    ("item.article.picture", "item.article.image"),
];

/// The functions there are.
const FUNCTIONS: [&str; 3] = ["range", "dict", "namespace"];

/// The statements there are: nothing that loads templates, switches escaping off or defines macros.
const STATEMENTS: [&str; 13] = [
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "set",
    "endset",
    "with",
    "endwith",
    "filter",
    "endfilter",
    "raw",
];

/// Words that may stand before a parenthesis without calling anything.
const OPERATORS: [&str; 8] = ["and", "or", "not", "in", "if", "else", "elif", "is"];

/// What the operator is told about filters.
const FILTERS_SAY: &str = "iso, iso_ms, rfc2822, epoch, epoch_ms, date(format), host, urlencode and \
    minijinja's builtin filters but `safe`, such as default, escape, first, join, length, lower, replace, trim, upper";

/// One word of an expression or statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word<'a> {
    /// A name or a number.
    Name(&'a str),
    /// A string's content.
    Text(&'a str),
    /// Any other character.
    Sign(char),
    /// The beginning of `{{ … }}`.
    Expression,
    /// The beginning of `{% … %}`.
    Statement,
}

/// Refuses the first name that does not exist; says which variables are named.
pub(super) fn check(
    environment: &Environment<'_>,
    name: &str,
    source: &str,
) -> Result<HashSet<String>, TemplateError> {
    let words = read_words(source);
    for at in 0..words.len() {
        check_word(environment, &words, at).map_err(|message| TemplateError {
            line: words[at].1,
            message,
        })?;
    }
    let template = environment
        .get_template(name)
        .map_err(|error| super::refuse(&error))?;
    let named = template.undeclared_variables(true);
    let unknown = named.iter().filter(|variable| !is_known(variable));
    let unknown = unknown.map(|variable| (find_line(&words, variable), variable));
    match unknown.min() {
        None => Ok(named),
        Some((line, variable)) => Err(TemplateError {
            line,
            message: describe_unknown(variable),
        }),
    }
}

fn describe_unknown(variable: &str) -> String {
    match RENAMED.iter().find(|(old, _)| *old == variable) {
        Some((old, new)) => format!("`{old}` is now `{new}`"),
        None => format!(
            "unknown variable `{variable}`; there are {}",
            VARIABLES.join(", ")
        ),
    }
}

fn is_known(variable: &str) -> bool {
    VARIABLES.contains(&variable) || FUNCTIONS.contains(&variable)
}

/// Looks at one word together with its neighbours.
fn check_word(
    environment: &Environment<'_>,
    words: &[(Word<'_>, usize)],
    at: usize,
) -> Result<(), String> {
    let word = |index: Option<usize>| {
        index
            .and_then(|index| words.get(index))
            .map(|(word, _)| *word)
    };
    let before = |distance: usize| word(at.checked_sub(distance));
    let Some(Word::Name(name)) = word(Some(at)) else {
        return Ok(());
    };
    let is_call = word(Some(at + 1)) == Some(Word::Sign('('));
    match before(1) {
        Some(Word::Statement) if !STATEMENTS.contains(&name) => Err(format!(
            "unknown statement `{name}`; there are if, for, set, with, filter and raw"
        )),
        Some(Word::Statement) => Ok(()),
        Some(Word::Name("filter")) if before(2) == Some(Word::Statement) => {
            check_filter(environment, name)
        }
        Some(Word::Sign('|')) => {
            check_filter(environment, name)?;
            match (name, is_call, word(Some(at + 2))) {
                ("map", true, Some(Word::Text(inner))) => check_filter(environment, inner),
                ("select" | "reject", true, Some(Word::Text(inner))) => {
                    check_test(environment, inner)
                }
                _ => Ok(()),
            }
        }
        Some(Word::Name("is")) if name != "not" => check_test(environment, name),
        Some(Word::Name("not")) if before(2) == Some(Word::Name("is")) => {
            check_test(environment, name)
        }
        Some(Word::Sign('.')) if is_call && before(2) != Some(Word::Name("loop")) => Err(format!(
            "unknown method `{name}`; values have no methods, use a filter: there are {FILTERS_SAY}"
        )),
        Some(Word::Sign('.')) => Ok(()),
        _ if is_call && !FUNCTIONS.contains(&name) && !OPERATORS.contains(&name) => Err(format!(
            "unknown function `{name}`; there are {}",
            FUNCTIONS.join(", ")
        )),
        _ => Ok(()),
    }
}

fn check_filter(environment: &Environment<'_>, name: &str) -> Result<(), String> {
    let found = environment.empty_state().apply_filter(name, &[]);
    match found.map_err(|error| error.kind()) {
        Err(ErrorKind::UnknownFilter) => {
            Err(format!("unknown filter `{name}`; there are {FILTERS_SAY}"))
        }
        _ => Ok(()),
    }
}

fn check_test(environment: &Environment<'_>, name: &str) -> Result<(), String> {
    let found = environment.empty_state().perform_test(name, &[]);
    match found.map_err(|error| error.kind()) {
        Err(ErrorKind::UnknownTest) => Err(format!(
            "unknown test `{name}`; there are minijinja's builtin tests, such as defined, in, odd, even, string"
        )),
        _ => Ok(()),
    }
}

/// The line where a variable such as `item.titel` stands.
fn find_line(words: &[(Word<'_>, usize)], variable: &str) -> usize {
    let names: Vec<&str> = variable.split('.').collect();
    let stands_at = |at: &usize| {
        let is_attribute = *at > 0 && words[at - 1].0 == Word::Sign('.');
        !is_attribute
            && names.iter().enumerate().all(|(index, name)| {
                words.get(at + 2 * index).map(|(word, _)| *word) == Some(Word::Name(name))
            })
    };
    (0..words.len()).find(stands_at).map_or(1, |at| words[at].1)
}

/// The words of all expressions and statements, each with its line.
fn read_words(source: &str) -> Vec<(Word<'_>, usize)> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(start) = find(source, at, "{") {
        let opening = source.get(start..start + 2).unwrap_or_default();
        let content = start + 2;
        at = match opening {
            "{#" => find(source, content, "#}").map_or(source.len(), |end| end + 2),
            "{{" => read_tag(source, content, "}}", (Word::Expression, &mut words)),
            "{%" => {
                let first = words.len();
                let end = read_tag(source, content, "%}", (Word::Statement, &mut words));
                if words.get(first + 1).map(|(word, _)| *word) == Some(Word::Name("raw")) {
                    skip_raw(source, end)
                } else {
                    end
                }
            }
            _ => start + 1,
        };
    }
    words
}

/// Reads one tag's words; returns where it ends.
fn read_tag<'a>(
    source: &'a str,
    from: usize,
    closing: &str,
    (opening, words): (Word<'a>, &mut Vec<(Word<'a>, usize)>),
) -> usize {
    let line = |at: usize| 1 + source[..at].matches('\n').count();
    words.push((opening, line(from)));
    let mut at = from;
    // `{{-` and `{%+` trim whitespace.
    if source[at..].starts_with(['-', '+']) {
        at += 1;
    }
    let mut braces = 0_usize;
    while let Some(c) = source[at..].chars().next() {
        if braces == 0 && source[at..].starts_with(closing) {
            return at + closing.len();
        }
        let length = match c {
            '"' | '\'' => {
                let length = string_length(&source[at..], c);
                let text = source.get(at + 1..at + length - 1).unwrap_or_default();
                words.push((Word::Text(text), line(at)));
                length
            }
            c if c.is_alphanumeric() || c == '_' => {
                let rest = &source[at..];
                let length = rest
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                words.push((Word::Name(&rest[..length]), line(at)));
                length
            }
            c if c.is_whitespace() => c.len_utf8(),
            c => {
                braces = match c {
                    '{' => braces + 1,
                    '}' => braces.saturating_sub(1),
                    _ => braces,
                };
                words.push((Word::Sign(c), line(at)));
                c.len_utf8()
            }
        };
        at += length;
    }
    at
}

/// The length of the string literal that `text` begins with, both quotes included.
fn string_length(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Where `{% endraw %}` ends.
fn skip_raw(source: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(start) = find(source, at, "{%") {
        let name = source[start + 2..]
            .trim_start_matches(['-', '+'])
            .trim_start();
        at = start + 2;
        if name.starts_with("endraw") {
            return find(source, at, "%}").map_or(source.len(), |end| end + 2);
        }
    }
    source.len()
}

fn find(source: &str, from: usize, what: &str) -> Option<usize> {
    source.get(from..)?.find(what).map(|at| from + at)
}
