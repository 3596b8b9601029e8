//! Rules for a site in the format of Full-Text RSS (FiveFilters): `key: value` by line, XPath in
//! most of them. Keys that are not read here change nothing.

use super::{FINDERS_MAX, Finder, FinderError, Link, Recipe};

/// Bytes of a file.
pub const FILE_BYTES_MAX: u64 = 256 << 10;
/// Bytes of a text that is found or replaced.
const TEXT_BYTES_MAX: usize = 4 << 10;
/// Labels of a host name that files may be named after.
const LABELS_MAX: usize = 16;

/// A file of rules, read.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// What it says.
    pub recipe: Recipe,
    /// The lines that are not understood: their number from 1, and why.
    pub problems: Vec<(usize, FinderError)>,
}

/// The names under which the rules of a host may stand, the nearest first.
#[must_use]
pub fn file_names(host: &str) -> Vec<String> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let bare = host.strip_prefix("www.").unwrap_or(&host);
    let mut names = vec![format!("{bare}.txt")];
    let mut rest = bare;
    for _ in 0..LABELS_MAX {
        // Rules for all hosts below a name do not cover the name itself.
        let Some((_, above)) = rest.split_once('.') else {
            break;
        };
        if !above.contains('.') {
            break;
        }
        names.push(format!(".{above}.txt"));
        rest = above;
    }
    names
}

impl Site {
    /// Reads a file.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut reader = Reader::default();
        for (line, number) in text.lines().zip(1..) {
            reader.line(line.trim(), number);
        }
        reader.site
    }
}

#[derive(Debug, Default)]
struct Reader {
    site: Site,
    find: Option<String>,
    /// Which kind of link was said last, for the condition behind it.
    last_link: Option<Which>,
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Single,
    Next,
}

impl Reader {
    fn line(&mut self, line: &str, number: usize) {
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        let Some((key, value)) = split(line) else {
            return;
        };
        if let Err(problem) = self.say(key, value) {
            self.site.problems.push((number, problem));
        }
    }

    fn say(&mut self, key: &str, value: &str) -> Result<(), FinderError> {
        let recipe = &mut self.site.recipe;
        let is_yes = value.eq_ignore_ascii_case("yes") || value.eq_ignore_ascii_case("true");
        match key {
            "body" => add(&mut recipe.content, Finder::xpath(value)?),
            "strip" => add(&mut recipe.remove, Finder::xpath(value)?),
            "strip_attr" => add(&mut recipe.remove, Finder::xpath(value)?),
            "strip_id_or_class" => {
                let part = quoted(value.trim_matches(['\'', '"']));
                let source = format!(
                    "//*[contains(concat(' ', @class, ' '), {part}) or contains(concat(' ', @id, ' '), {part})]"
                );
                add(&mut recipe.remove, Finder::xpath(&source)?);
            }
            "strip_image_src" => add(
                &mut recipe.remove_images,
                value.trim_matches(['\'', '"']).to_owned(),
            ),
            "title" => add(&mut recipe.title, Finder::xpath(value)?),
            "author" => add(&mut recipe.author, Finder::xpath(value)?),
            "date" => add(&mut recipe.date, Finder::xpath(value)?),
            "prune" => recipe.prune = is_yes,
            "autodetect_on_failure" => recipe.autodetect = is_yes,
            "single_page_link" => {
                let to = Finder::xpath(value)?;
                add(&mut recipe.single_page, Link { to, when: None });
                self.last_link = Some(Which::Single);
            }
            "next_page_link" => {
                let to = Finder::xpath(value)?;
                add(&mut recipe.next_page, Link { to, when: None });
                self.last_link = Some(Which::Next);
            }
            "if_page_contains" => {
                let when = Finder::xpath(value)?;
                let links = match self.last_link {
                    Some(Which::Single) => &mut recipe.single_page,
                    Some(Which::Next) => &mut recipe.next_page,
                    None => return Ok(()),
                };
                for link in links.iter_mut().filter(|link| link.when.is_none()) {
                    link.when = Some(when.clone());
                }
            }
            "find_string" => self.find = Some(value.to_owned()),
            "replace_string" => {
                if let Some(find) = self.find.take() {
                    self.replace(&find, value);
                }
            }
            _ => self.say_with_argument(key, value),
        }
        Ok(())
    }

    /// `key(argument): value`
    fn say_with_argument(&mut self, key: &str, value: &str) {
        let Some((key, argument)) = key.split_once('(') else {
            return;
        };
        let argument = argument.strip_suffix(')').unwrap_or(argument);
        match key {
            "replace_string" => self.replace(argument, value),
            "http_header" => {
                let name = argument.trim().to_ascii_lowercase();
                add(&mut self.site.recipe.headers, (name, value.to_owned()));
            }
            _ => {}
        }
    }

    fn replace(&mut self, find: &str, with: &str) {
        let fits = !find.is_empty() && find.len() <= TEXT_BYTES_MAX && with.len() <= TEXT_BYTES_MAX;
        if fits {
            add(
                &mut self.site.recipe.replace,
                (find.to_owned(), with.to_owned()),
            );
        }
    }
}

fn add<T>(list: &mut Vec<T>, value: T) {
    if list.len() < FINDERS_MAX {
        list.push(value);
    }
}

/// `key: value` or `key(with: anything): value`.
fn split(line: &str) -> Option<(&str, &str)> {
    let colon = match line.find('(') {
        Some(open)
            if line[..open]
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') =>
        {
            open + line[open..].find("):")? + 1
        }
        _ => line.find(':')?,
    };
    Some((line[..colon].trim(), line[colon + 1..].trim()))
}

/// A text as XPath writes it; one with both kinds of quotation marks loses one kind.
fn quoted(text: &str) -> String {
    if text.contains('\'') {
        format!("\"{}\"", text.replace('"', ""))
    } else {
        format!("'{text}'")
    }
}
