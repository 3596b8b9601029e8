//! Where an item's file lies: a template, filled so that no title leads anywhere else.
//!
//! Invariants. A path that comes out is relative, has no empty part and none that is dots; its parts
//! are names on every file system in use: no separators, control or format characters (bidi), no
//! reserved names, no leading dot, no dot or space at the end, and at most [`PART_BYTES_MAX`] bytes.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Bytes of one part of a path: what file systems allow, less what is put behind it.
pub const PART_BYTES_MAX: usize = 200;
/// Bytes of a title in a path.
const TITLE_BYTES_MAX: usize = 120;
/// Bytes of a template.
const TEMPLATE_BYTES_MAX: usize = 512;
/// What stands for an item that has no title.
const UNTITLED: &str = "untitled";

/// Names that some systems keep for devices, whatever stands behind a dot.
const RESERVED: &[&str] = &[
    "con", "prn", "aux", "nul", "conin$", "conout$", "com0", "com1", "com2", "com3", "com4",
    "com5", "com6", "com7", "com8", "com9", "com¹", "com²", "com³", "lpt0", "lpt1", "lpt2", "lpt3",
    "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "lpt¹", "lpt²", "lpt³",
];

/// What a template may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Feed,
    Year,
    Month,
    Day,
    Date,
    Time,
    Title,
    Id,
}

const FIELDS: &[(&str, Field)] = &[
    ("feed", Field::Feed),
    ("year", Field::Year),
    ("month", Field::Month),
    ("day", Field::Day),
    ("date", Field::Date),
    ("time", Field::Time),
    ("title", Field::Title),
    ("id", Field::Id),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(Field),
}

/// A parsed template: the parts of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate {
    parts: Vec<Vec<Piece>>,
}

/// Why a template is refused; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PathError(String);

/// What a template is filled with.
#[derive(Debug, Clone, Copy)]
pub struct PathFacts<'a> {
    /// The feed's name.
    pub feed: &'a str,
    /// The item's title.
    pub title: &'a str,
    /// The item's time, in milliseconds since 1970; paths are in UTC.
    pub date_ms: i64,
    /// What tells the item from others, as a name.
    pub id: &'a str,
}

impl PathTemplate {
    /// Parses `{feed}/{year}/{date}-{title}.html`.
    ///
    /// # Errors
    /// When it is empty, too long, absolute, names what there is not, or has a part that is no name.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let refuse = |reason: String| Err(PathError(reason));
        if text.len() > TEMPLATE_BYTES_MAX {
            return refuse(format!("it is longer than {TEMPLATE_BYTES_MAX} bytes"));
        }
        let mut parts = Vec::new();
        for part in text.split('/') {
            let pieces = parse_part(part)?;
            let is_text = |piece: &Piece| matches!(piece, Piece::Text(_));
            if pieces.iter().all(is_text) && safe_part(part) != part {
                return refuse(match part {
                    "" => "a part of the path is empty: it is relative to the archive's directory, with one `/` between two parts".to_owned(),
                    part => format!("`{part}` is no name that every file system takes"),
                });
            }
            parts.push(pieces);
        }
        let tells_apart =
            |piece: &Piece| matches!(piece, Piece::Field(Field::Title | Field::Id | Field::Time));
        if !parts
            .last()
            .is_some_and(|last| last.iter().any(tells_apart))
        {
            return refuse(
                "the file's name tells no item from another: it needs `{title}`, `{id}` or `{time}`"
                    .to_owned(),
            );
        }
        Ok(Self { parts })
    }

    /// The path of an item, with `/` between its parts.
    #[must_use]
    pub fn fill(&self, facts: &PathFacts<'_>) -> String {
        let parts = self.parts.iter().map(|pieces| {
            let mut text = String::new();
            for piece in pieces {
                match piece {
                    Piece::Text(literal) => text.push_str(literal),
                    Piece::Field(field) => text.push_str(&value(*field, facts)),
                }
            }
            safe_part(&text)
        });
        parts.collect::<Vec<_>>().join("/")
    }
}

/// `path` with something more at the end of its name: `a/b.html` and `v2` give `a/b.v2.html`.
#[must_use]
pub fn with_suffix(path: &str, suffix: &str) -> String {
    let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
    let dot = path[name_at..].rfind('.').filter(|dot| *dot > 0);
    let at = dot.map_or(path.len(), |dot| name_at + dot);
    format!("{}.{suffix}{}", &path[..at], &path[at..])
}

fn parse_part(part: &str) -> Result<Vec<Piece>, PathError> {
    let mut pieces = Vec::new();
    let mut rest = part;
    while let Some(open) = rest.find(['{', '}']) {
        let field = rest[open..].strip_prefix('{').and_then(|inner| {
            let (name, after) = inner.split_once('}')?;
            Some((name.trim(), after))
        });
        let Some((name, after)) = field else {
            return Err(PathError("a brace has no other".to_owned()));
        };
        let known = FIELDS.iter().find(|(known, _)| *known == name);
        let Some((_, field)) = known else {
            let names: Vec<_> = FIELDS
                .iter()
                .map(|(name, _)| format!("{{{name}}}"))
                .collect();
            let names = names.join(", ");
            return Err(PathError(format!(
                "there is no `{{{name}}}`; there are {names}"
            )));
        };
        if open > 0 {
            pieces.push(Piece::Text(rest[..open].to_owned()));
        }
        pieces.push(Piece::Field(*field));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

fn value(field: Field, facts: &PathFacts<'_>) -> String {
    let moment = Timestamp::from_millisecond(facts.date_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let moment = moment.to_zoned(TimeZone::UTC).datetime();
    match field {
        Field::Feed => facts.feed.to_owned(),
        Field::Year => format!("{:04}", moment.year()),
        Field::Month => format!("{:02}", moment.month()),
        Field::Day => format!("{:02}", moment.day()),
        Field::Date => moment.date().to_string(),
        Field::Time => format!(
            "{:02}{:02}{:02}",
            moment.hour(),
            moment.minute(),
            moment.second()
        ),
        Field::Title => safe_title(facts.title),
        Field::Id => facts.id.to_owned(),
    }
}

/// A title as a part of a name: words with dashes between them.
fn safe_title(title: &str) -> String {
    let mut name = String::new();
    for letter in title.chars() {
        let is_gap = letter.is_whitespace() || letter == '-' || is_unsafe(letter);
        if !is_gap {
            name.push(letter);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = cut(name.trim_matches(['-', '.']), TITLE_BYTES_MAX).trim_end_matches(['-', '.']);
    if name.is_empty() {
        UNTITLED.to_owned()
    } else {
        name.to_owned()
    }
}

/// A text as a part of a path.
fn safe_part(text: &str) -> String {
    let mut part: String = text
        .chars()
        .map(|letter| if is_unsafe(letter) { '-' } else { letter })
        .collect();
    if part.len() > PART_BYTES_MAX {
        // What it ends with says of what kind the file is.
        let dot = part.rfind('.').filter(|dot| part.len() - dot <= 16);
        let ending = dot.map_or(String::new(), |dot| part[dot..].to_owned());
        let stem = cut(&part, PART_BYTES_MAX - ending.len()).to_owned();
        part = stem + &ending;
    }
    let trimmed = part.trim_end_matches(['.', ' ']);
    // SECURITY: hidden files, and ours.
    let is_hidden = trimmed.starts_with(['.', ' ']);
    let stem = trimmed.split('.').next().unwrap_or_default().trim_end();
    let is_reserved = RESERVED.contains(&stem.to_lowercase().as_str());
    if is_hidden || is_reserved || trimmed.is_empty() {
        return format!("_{trimmed}");
    }
    trimmed.to_owned()
}

/// At most so many bytes, whole characters.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// What ends a name, means something to a shell or a system, or is not seen.
fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        // Format characters of Unicode, which turn text round or hide in it, and what is no letter.
        || matches!(
            letter,
            '\u{ad}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff0}'..='\u{ffff}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fill(template: &str, title: &str) -> String {
        let facts = PathFacts {
            feed: "dw",
            title,
            date_ms: 1_642_555_024_000,
            id: "00ff",
        };
        PathTemplate::parse(template).unwrap().fill(&facts)
    }

    #[test]
    fn templates_are_filled() {
        for (template, expected) in [
            (
                "{feed}/{year}/{month}/{date}-{title}.html",
                "dw/2022/01/2022-01-19-A-title.html",
            ),
            ("{day}/{time}", "19/011704"),
            ("x y/{ id }.md", "x y/00ff.md"),
        ] {
            assert_eq!(fill(template, "A title"), expected);
        }
    }

    #[test]
    fn no_title_leads_elsewhere() {
        for (title, expected) in [
            ("../../etc/passwd", "etc-passwd"),
            ("..", "untitled"),
            ("", "untitled"),
            ("a/b\\c:d", "a-b-c-d"),
            ("one\ntwo\r\nthree\0", "one-two-three"),
            ("\u{202e}txt.exe\u{2066}", "txt.exe"),
            ("阿里巴巴 美国", "阿里巴巴-美国"),
            ("]]> <b>x</b>", "]]-b-x-b"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("Com¹ .x", "Com¹-.x"),
            (".hidden", "hidden"),
            ("ends. ", "ends"),
            ("%2e%2e%2f", "%2e%2e%2f"),
        ] {
            assert_eq!(fill("{title}", title), expected, "{title:?}");
        }
        assert_eq!(fill("{title}.html", "CON"), "_CON.html");
        let long = fill("{feed}-{title}.html", &"长".repeat(500));
        assert!(
            long.len() <= PART_BYTES_MAX && long.ends_with("长.html"),
            "{long}"
        );
    }

    #[test]
    fn templates_that_lead_elsewhere_are_refused() {
        for (template, expected) in [
            ("", "a part of the path is empty"),
            ("/{title}", "a part of the path is empty"),
            ("a//{title}", "a part of the path is empty"),
            ("../{title}", "`..` is no name"),
            ("nul/{title}", "`nul` is no name"),
            ("C:/{title}", "`C:` is no name"),
            (".index/{title}", "`.index` is no name"),
            ("{titel}", "there is no `{titel}`; there are {feed}, {year}"),
            ("{title", "a brace has no other"),
            ("title}", "a brace has no other"),
            (
                "{title}/{date}",
                "the file's name tells no item from another",
            ),
        ] {
            let error = PathTemplate::parse(template).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{template}: {error}");
        }
        assert!(PathTemplate::parse(&"{title}".repeat(100)).is_err());
    }

    #[test]
    fn suffixes_stand_before_the_ending() {
        for (path, expected) in [
            ("a/b.html", "a/b.v2.html"),
            ("a.b/c", "a.b/c.v2"),
            ("a/.b", "a/.b.v2"),
        ] {
            assert_eq!(with_suffix(path, "v2"), expected);
        }
    }

    proptest! {
        #[test]
        fn paths_are_safe(title in "\\PC{0,300}|[./\\\\ a\u{202e}]{0,20}", date_ms in any::<i64>()) {
            let facts = PathFacts { feed: "dw", title: &title, date_ms, id: "00ff" };
            let template = PathTemplate::parse("{title}/{date}/.{title}.html").unwrap();
            let path = template.fill(&facts);
            prop_assert!(path.split('/').count() == 3, "{}", path);
            for part in path.split('/') {
                prop_assert!(!part.is_empty() && !part.starts_with('.') && !part.ends_with(['.', ' ']));
                prop_assert!(part.len() <= PART_BYTES_MAX + 1);
                prop_assert!(!part.chars().any(is_unsafe));
            }
        }
    }
}
