//! Which characters XML 1.0 allows, and which of them make names.

use memchr::memmem;

/// Whether a document may hold `letter` (XML 1.0 section 2.2).
pub(crate) fn is_allowed(letter: char) -> bool {
    match letter {
        '\t' | '\n' | '\r' => true,
        _ => letter >= ' ' && !matches!(letter, '\u{fffe}' | '\u{ffff}'),
    }
}

/// Writes `text` as the content of an element or the value of an attribute, in XML as in HTML; what XML
/// does not allow goes.
pub(crate) fn escape(text: &str, out: &mut String) {
    for letter in text.chars().filter(|letter| is_allowed(*letter)) {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // As it is it would be read as a line feed and, in a value, as a space.
            '\r' => out.push_str("&#13;"),
            other => out.push(other),
        }
    }
}

/// Whether `text` may hold a character that is not allowed. Fast, and right when it says no.
pub(crate) fn may_be_illegal(text: &str) -> bool {
    // The least of each, without a branch and to the end: compilers make vectors of that, and few
    // instructions.
    let (mut least, mut least_behind_cr, mut least_vt, mut least_mark) = (!0, !0, !0, !0);
    for byte in text.bytes() {
        least = byte.min(least);
        least_behind_cr = byte.wrapping_sub(b'\r' + 1).min(least_behind_cr);
        least_vt = byte.wrapping_sub(b'\n' + 1).min(least_vt);
        least_mark = (byte ^ 0xef).min(least_mark);
    }
    least < b'\t'
        || least_behind_cr < b' ' - (b'\r' + 1)
        || least_vt < 2
        // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
        || least_mark == 0 && memmem::find(text.as_bytes(), b"\xef\xbf").is_some()
}

/// What stands for a character that is not allowed, behind `before`: nothing, unless what follows
/// could then make a tag or a comment together with what is before.
pub(super) fn substitute(before: &str) -> &'static str {
    let joins = |end: &&str| before.ends_with(*end);
    if ["<", "<!", "<!-"].iter().any(joins) {
        " "
    } else {
        ""
    }
}

/// What `text` is as the name of an element or attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// `name`
    Plain,
    /// `prefix:name`, where the colon stands.
    Prefixed(usize),
    /// A name for XML, but not for its namespaces: `a:b:c`.
    Colons,
    /// No name.
    Invalid,
}

impl Name {
    pub(crate) fn of(text: &str) -> Self {
        let mut colons = 0;
        let mut colon = 0;
        let mut is_start = true;
        for (at, letter) in text.char_indices() {
            if letter == ':' {
                colons += 1;
                colon = at;
                continue;
            }
            // Behind the colon a name starts again (Namespaces in XML section 3).
            let is_behind = colons == 1 && colon + 1 == at;
            let is_fine = if is_start || is_behind {
                is_name_start(letter)
            } else {
                is_name_letter(letter)
            };
            is_start = false;
            if !is_fine {
                return Self::Invalid;
            }
        }
        match colons {
            _ if text.is_empty() || is_start => Self::Invalid,
            0 => Self::Plain,
            1 if colon > 0 && colon + 1 < text.len() => Self::Prefixed(colon),
            _ => Self::Colons,
        }
    }
}

/// XML 1.0 (fifth edition) section 2.3, without the colon.
pub(super) fn is_name_start(letter: char) -> bool {
    matches!(letter,
        'a'..='z' | 'A'..='Z' | '_'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}'
        | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
        | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

/// The same for what follows.
pub(super) fn is_name_letter(letter: char) -> bool {
    is_name_start(letter)
        || matches!(letter,
            '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

/// What XML calls white space.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
