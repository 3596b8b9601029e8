//! The DOCTYPE and what its internal subset declares (XML 1.0 section 2.8).
//!
//! Invariant: a subset is read for the names in it, and never changed.

use std::collections::HashSet;

use super::edits::{Edits, Fault, Place};
use super::references::Entities;
use crate::feed::characters::Name;

const NAME: &str = "<!DOCTYPE";

/// Rewrites a DOCTYPE behind the repair; `None` leaves it as it is.
pub type DoctypeFilter = fn(&str) -> Option<String>;

/// What a DOCTYPE says that concerns the rest of the document.
#[derive(Debug, Default)]
pub(super) struct Doctype {
    pub(super) entities: Entities,
    /// Attributes are declared: namespaces may be, too.
    pub(super) has_attributes: bool,
    /// Whether the internal subset names all that counts once the document says that it stands
    /// alone.
    is_subset_whole: bool,
}

impl Doctype {
    /// The same where a DTD elsewhere may declare more.
    fn with_more_elsewhere(mut self) -> Self {
        self.entities = match self.entities {
            Entities::Predefined => Entities::Elsewhere(HashSet::new()),
            Entities::Declared(names) | Entities::Elsewhere(names) => Entities::Elsewhere(names),
        };
        self
    }

    /// The same for a document that says that it stands alone: then what is declared elsewhere
    /// does not count.
    pub(super) fn standing_alone(mut self) -> Self {
        self.entities = match self.entities {
            Entities::Elsewhere(names) if self.is_subset_whole => Entities::Declared(names),
            entities => entities,
        };
        self
    }
}

/// Whether a declaration is a DOCTYPE, whatever its case.
pub(super) fn is_doctype(raw: &str) -> bool {
    raw.get(..NAME.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(NAME))
}

/// Whether it says that the document is HTML.
pub(super) fn is_html(raw: &str) -> bool {
    let name = raw.get(NAME.len()..).unwrap_or_default().trim_start();
    is_doctype(raw)
        && name
            .get(..4)
            .is_some_and(|name| name.eq_ignore_ascii_case("html"))
        && !name[4..].starts_with(|letter: char| letter.is_alphanumeric())
}

/// Repairs the DOCTYPE `raw` at `start`, which goes through `filter` later.
pub(super) fn repair(
    (raw, filter): (&str, Option<DoctypeFilter>),
    start: usize,
    edits: &mut Edits,
) -> Doctype {
    let (head, subset) = split(raw);
    let filtered = filter.and_then(|filter| filter(raw));
    let declared = filtered.as_deref().map_or(subset, |left| split(left).1);
    let mut doctype = declared.map_or_else(Doctype::default, read_subset);
    let head = match read_head(head) {
        Some(head) => head,
        None if subset.is_none() => {
            edits.replace(Fault::Doctype, start..start + raw.len(), "", Place::default);
            return Doctype::default();
        }
        None => {
            return doctype.with_more_elsewhere();
        }
    };
    for (range, text) in head.repairs {
        let range = start + range.start..start + range.end;
        edits.replace(Fault::Doctype, range, text, Place::default);
    }
    if head.is_external {
        doctype.is_subset_whole = !matches!(doctype.entities, Entities::Elsewhere(_));
        doctype = doctype.with_more_elsewhere();
    }
    doctype
}

/// What stands before the internal subset, and what in it.
fn split(raw: &str) -> (&str, Option<&str>) {
    let inner = raw.strip_suffix('>').unwrap_or(raw);
    match find_unquoted(inner, b'[') {
        Some(at) => (&inner[..at], inner[at + 1..].trim_end().strip_suffix(']')),
        None => (inner, None),
    }
}

struct Head {
    is_external: bool,
    repairs: Vec<(std::ops::Range<usize>, &'static str)>,
}

/// Reads `<!DOCTYPE name PUBLIC "…" "…"`; `None` when it is nothing of the kind.
fn read_head(head: &str) -> Option<Head> {
    let mut repairs = Vec::new();
    let at = |rest: &str| head.len() - rest.len();
    if !head.starts_with(NAME) {
        repairs.push((0..NAME.len(), NAME));
    }
    let rest = head.get(NAME.len()..)?;
    let rest = skip_blanks(rest)?;
    let (name, rest) = rest.split_at(
        rest.find(|c: char| c.is_ascii_whitespace())
            .unwrap_or(rest.len()),
    );
    if Name::of(name) == Name::Invalid {
        return None;
    }
    if rest.trim().is_empty() {
        return Some(Head {
            is_external: false,
            repairs,
        });
    }
    let rest = skip_blanks(rest)?;
    let keyword = rest.get(..6)?;
    let is_public = keyword.eq_ignore_ascii_case("PUBLIC");
    if !is_public && !keyword.eq_ignore_ascii_case("SYSTEM") {
        return None;
    }
    let proper = if is_public { "PUBLIC" } else { "SYSTEM" };
    if keyword != proper {
        repairs.push((at(rest)..at(rest) + proper.len(), proper));
    }
    let mut rest = literal(skip_blanks(&rest[6..])?)?;
    if is_public {
        match skip_blanks(rest).and_then(literal) {
            Some(after) => rest = after,
            // SGML, and so HTML, lets it away.
            None if rest.trim().is_empty() => {
                let end = at(rest);
                repairs.push((end..end, " \"\""));
            }
            None => return None,
        }
    }
    rest.trim().is_empty().then_some(Head {
        is_external: true,
        repairs,
    })
}

fn skip_blanks(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches([' ', '\t', '\n', '\r']);
    (rest.len() < text.len()).then_some(rest)
}

/// What follows the literal in quotes that `text` starts with.
fn literal(text: &str) -> Option<&str> {
    let quote = text
        .chars()
        .next()
        .filter(|quote| matches!(quote, '"' | '\''))?;
    text[1..].split_once(quote).map(|(_, after)| after)
}

/// The names of the entities that are declared, and whether there may be more of them.
fn read_subset(subset: &str) -> Doctype {
    let mut names = HashSet::new();
    let (mut is_open, mut has_attributes) = (false, false);
    let mut rest = subset;
    while let Some(at) = rest.find(['<', '%']) {
        rest = &rest[at..];
        // What a parameter entity brings nobody knows who does not fetch it.
        if rest.starts_with('%') {
            is_open = true;
            rest = &rest[1..];
            continue;
        }
        has_attributes |= rest.starts_with("<!ATTLIST");
        let end = if rest.starts_with("<!--") {
            rest.find("-->").map(|end| end + 3)
        } else if rest.starts_with("<?") {
            rest.find("?>").map(|end| end + 2)
        } else {
            find_unquoted(rest, b'>').map(|end| end + 1)
        };
        let Some(end) = end else {
            is_open = true;
            break;
        };
        let declared = rest[..end].strip_prefix("<!ENTITY").and_then(skip_blanks);
        if let Some(name) = declared.and_then(|text| text.split_ascii_whitespace().next()) {
            names.insert(name.to_owned());
        }
        rest = &rest[end..];
    }
    Doctype {
        entities: if is_open {
            Entities::Elsewhere(names)
        } else {
            Entities::Declared(names)
        },
        has_attributes,
        is_subset_whole: false,
    }
}

/// Where `mark` stands first in `text` outside quotes.
fn find_unquoted(text: &str, mark: u8) -> Option<usize> {
    let mut quote = None;
    text.bytes().position(|byte| match quote {
        None if byte == mark => true,
        None => {
            quote = matches!(byte, b'"' | b'\'').then_some(byte);
            false
        }
        Some(open) => {
            quote = Some(open).filter(|open| *open != byte);
            false
        }
    })
}
