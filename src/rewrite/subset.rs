//! What a DOCTYPE declares that would become markup: entities that hold tags, and attributes that
//! put elements into another vocabulary. A browser reads them in a feed as in any other document.
//!
//! Invariant: a DOCTYPE that declares nothing of the kind stays as it is. Entities keep their names,
//! so that what refers to them is still well-formed.

use std::collections::BTreeSet;

use crate::feed::characters::Name;

/// How often a reference in an entity may lead to another reference by number.
const ROUNDS_MAX: usize = 4;

/// A DOCTYPE that declares nothing harmful; `None` where it is that already.
pub(super) fn harmless(doctype: &str) -> Option<String> {
    let (start, end) = (find_unquoted(doctype, b'[')? + 1, doctype.rfind(']')?);
    let subset = doctype.get(start..end)?;
    let clean = match clean(subset) {
        Some(clean) if clean == subset => return None,
        Some(clean) => clean,
        // SECURITY: what can't be read is not passed on.
        None => emptied(subset),
    };
    Some(format!("{}{clean}{}", &doctype[..start], &doctype[end..]))
}

/// The subset with harmful declarations emptied or left out; `None` where it is not understood.
fn clean(subset: &str) -> Option<String> {
    let mut out = String::with_capacity(subset.len());
    let mut rest = subset;
    while let Some(open) = rest.find(['<', '%']) {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        let length = if rest.starts_with("<!--") {
            rest.find("-->")? + "-->".len()
        } else if rest.starts_with("<?") {
            rest.find("?>")? + "?>".len()
        } else if rest.starts_with("<!") {
            find_unquoted(rest, b'>')? + 1
        } else if rest.starts_with('%') {
            rest.find(';')? + 1
        } else {
            return None;
        };
        let (declaration, behind) = rest.split_at(length);
        rest = behind;
        if declaration.starts_with("<!ATTLIST") {
            continue;
        }
        match declaration.strip_prefix("<!ENTITY") {
            Some(entity) => out.push_str(&clean_entity(declaration, entity)?),
            None => out.push_str(declaration),
        }
    }
    out.push_str(rest);
    Some(out)
}

/// The entities that a subset names, with nothing in them.
fn emptied(subset: &str) -> String {
    let mut names = BTreeSet::new();
    for (at, keyword) in subset.match_indices("<!ENTITY") {
        let declared = subset[at + keyword.len()..].trim_ascii_start();
        let name = declared
            .split(|c: char| c.is_ascii_whitespace() || "<>\"'".contains(c))
            .next();
        names.extend(name.filter(|name| Name::of(name) != Name::Invalid));
    }
    let declare = |name| format!("<!ENTITY {name} \"\">");
    names.into_iter().map(declare).collect()
}

/// The declaration of an entity, emptied where its text could become markup.
fn clean_entity(declaration: &str, entity: &str) -> Option<String> {
    let entity = entity.trim_start();
    let is_parameter = entity.starts_with('%');
    let name = entity.trim_start_matches('%').trim_start();
    let value = name[name.find(|c: char| c.is_ascii_whitespace())?..].trim_start();
    let quote = value.chars().next()?;
    if !matches!(quote, '"' | '\'') {
        // It stands elsewhere, where no browser looks.
        return Some(declaration.to_owned());
    }
    let text = &value[1..1 + value[1..].find(quote)?];
    if !is_parameter && !may_be_markup(text) {
        return Some(declaration.to_owned());
    }
    let at = declaration.len() - value.len() + 1;
    let (before, behind) = (&declaration[..at], &declaration[at + text.len()..]);
    Some(format!("{before}{behind}"))
}

/// Whether an entity's text could hold a tag, a reference to another entity, or a URL that runs.
fn may_be_markup(text: &str) -> bool {
    let mut text = text.to_owned();
    for _ in 0..ROUNDS_MAX {
        if !text.contains("&#") {
            break;
        }
        text = htmlize::unescape(text.as_str()).into_owned();
    }
    // An ampersand that begins no reference is one: `Smith & Co`.
    let is_reference = |(at, _): (usize, &str)| {
        text[at + 1..].starts_with(|next: char| {
            !next.is_ascii() || next.is_ascii_alphabetic() || "#_:".contains(next)
        })
    };
    text.contains(['<', '%'])
        || text.match_indices('&').any(is_reference)
        || text.to_ascii_lowercase().contains("script")
}

/// Where a byte stands outside quotes.
fn find_unquoted(text: &str, wanted: u8) -> Option<usize> {
    let mut quote = None;
    text.bytes().position(|byte| match quote {
        Some(open) => {
            if byte == open {
                quote = None;
            }
            false
        }
        None => {
            if matches!(byte, b'"' | b'\'') {
                quote = Some(byte);
            }
            byte == wanted
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(subset: &str, expected: &str) {
        let doctype = |subset: &str| format!("<!DOCTYPE rss [{subset}]>");
        let clean = harmless(&doctype(subset)).unwrap_or_else(|| doctype(subset));
        assert_eq!(clean, doctype(expected));
        assert_eq!(harmless(&clean), None, "idempotent");
    }

    #[test]
    fn names_of_characters_stay() {
        for subset in [
            "",
            " <!ENTITY nbsp \"&#160;\"> <!ENTITY copy '&#xA9;'>\n",
            "<!ENTITY copy \"&#38;#169;\">",
            "<!ENTITY site 'Some words: 100'>",
            "<!ENTITY house \"Smith &#38;#38; Co\">",
            "<!ENTITY % HTMLlat1 PUBLIC \"-//W3C//ENTITIES Latin 1 for XHTML//EN\" \"http://www.w3.org/TR/xhtml1/DTD/xhtml-lat1.ent\"> %HTMLlat1;",
            "<!-- ] it's > <!ENTITY a '<'> --><!ELEMENT rss ANY>",
        ] {
            check(subset, subset);
        }
        for doctype in [
            "<!DOCTYPE rss>",
            "<!DOCTYPE rss PUBLIC \"-//Netscape Communications//DTD RSS 0.91//EN\" \"http://my.netscape.com/publish/formats/rss-0.91.dtd\">",
            "<!DOCTYPE rss SYSTEM '[a]'>",
        ] {
            assert_eq!(harmless(doctype), None);
        }
    }

    #[test]
    fn what_would_become_markup_is_emptied() {
        for text in [
            "<x:script/>",
            "&#60;script>",
            "&#38;#60;script>",
            "&#x3c;b>",
            "&lt;img>",
            "&other;",
            "javascript:alert(1)",
        ] {
            check(
                &format!("<!ENTITY a \"{text}\"><!ENTITY b 'c'>"),
                "<!ENTITY a \"\"><!ENTITY b 'c'>",
            );
        }
        check(
            "<!ENTITY % p '<!ATTLIST a xmlns CDATA \"x\">'>%p;",
            "<!ENTITY % p ''>%p;",
        );
        check(
            "<!ATTLIST item xmlns CDATA 'http://www.w3.org/1999/xhtml'>",
            "",
        );
        check(
            "<!ATTLIST item a CDATA '>'><!ELEMENT a ANY>",
            "<!ELEMENT a ANY>",
        );
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        for subset in ["<x>", "<!ENTITY", "%p", "<!-- "] {
            check(subset, "");
        }
        // What refers to them is well-formed still.
        check("<!ENTITY a '<x>", "<!ENTITY a \"\">");
        check("<!ENTITY a>", "<!ENTITY a \"\">");
        check(
            "<!ENTITY b 'x'><!ENTITY % p 'y'><!ENTITY a \"&#38;\"oops</title> <!ENTITY b>",
            "<!ENTITY a \"\"><!ENTITY b \"\">",
        );
    }
}
