//! The XML declaration: `<?xml version="1.0" encoding="UTF-8"?>` (XML 1.0 section 2.8).

use super::edits::{Edits, Fault, Place};
use crate::feed::characters::is_blank;
use crate::feed::encoding;

const USUAL: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// Repairs the declaration `raw` at `start`, whose label may be right where it `is_seen` by the decoder;
/// true when it says that the document stands alone.
pub(super) fn repair((raw, is_seen): (&str, bool), start: usize, edits: &mut Edits) -> bool {
    let range = start..start + raw.len();
    let Some(declaration) = read(raw) else {
        edits.replace(Fault::Declaration, range, USUAL, Place::default);
        return false;
    };
    if let Some(label) = declaration.label
        && !(is_believable(label) && (is_seen || label.eq_ignore_ascii_case("utf-8")))
    {
        // It has become UTF-8 on its way here.
        let at = start + label.as_ptr().addr() - raw.as_ptr().addr();
        edits.replace(
            Fault::Declaration,
            at..at + label.len(),
            "UTF-8",
            Place::default,
        );
    }
    declaration.standalone
}

struct Declaration<'a> {
    label: Option<&'a str>,
    standalone: bool,
}

/// Reads one that is as XML wants it.
fn read(raw: &str) -> Option<Declaration<'_>> {
    let mut rest = raw.strip_prefix("<?xml")?.strip_suffix("?>")?;
    let version = pair(&mut rest, "version")?;
    let minor = version.strip_prefix("1.")?;
    if minor.is_empty() || !minor.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let label = pair(&mut rest, "encoding");
    if label.is_some_and(|label| !is_label(label)) {
        return None;
    }
    let standalone = pair(&mut rest, "standalone");
    if standalone.is_some_and(|value| !matches!(value, "yes" | "no")) {
        return None;
    }
    rest.bytes().all(is_blank).then_some(Declaration {
        label,
        standalone: standalone == Some("yes"),
    })
}

/// Takes ` name="value"` off `rest`, if it stands there.
fn pair<'a>(rest: &mut &'a str, name: &str) -> Option<&'a str> {
    let blank = |letter: char| matches!(letter, ' ' | '\t' | '\n' | '\r');
    if !rest.starts_with(blank) {
        return None;
    }
    let text = rest.trim_start_matches(blank).strip_prefix(name)?;
    let text = text.trim_start_matches(blank).strip_prefix('=')?;
    let text = text.trim_start_matches(blank);
    let quote = text
        .chars()
        .next()
        .filter(|quote| matches!(quote, '"' | '\''))?;
    let (value, after) = text[1..].split_once(quote)?;
    *rest = after;
    Some(value)
}

/// XML 1.0 section 4.3.3.
fn is_label(label: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    label.starts_with(|letter: char| letter.is_ascii_alphabetic()) && label.bytes().all(is_letter)
}

/// Whether a parser may take the document for what its declaration says.
fn is_believable(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    // Browsers' own names, which no XML parser knows.
    encoding::is_known(label) && !lower.starts_with("x-") && !lower.starts_with("unicode")
}
