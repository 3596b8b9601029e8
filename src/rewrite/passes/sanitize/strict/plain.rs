//! The strict list for fields whose tree is plain to see, as most are: what the parser, the list and
//! the serializer make of those is written tag by tag.
//!
//! Invariant: byte for byte what they make of the field.

use std::collections::HashSet;
use std::sync::LazyLock;

use url::{ParseError, Url};

use super::list::listed;
use super::{LIST, is_value};
use crate::html::escape::{push_text, push_value};
use crate::html::nesting::{Implied, Nesting};
use crate::html::tag::Tag;
use crate::html::walk::{Token, Walk};
use crate::html::{Markup, Name, names};
use crate::rewrite::image_url::ImageUrl;

/// Attributes whose URLs the list judges by their schemes.
const URL_ATTRIBUTES: [Name; 3] = names(["href", "src", "poster"]);

static SCHEMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| LIST.clone_url_schemes());

/// What is left of `html`; `None` where a tree has to say.
pub(super) fn clean(html: &str) -> Option<String> {
    // Parsers replace these, each in its own places.
    if memchr::memchr2(b'\r', b'\0', html.as_bytes()).is_some() {
        return None;
    }
    let mut out = String::with_capacity(html.len() + html.len() / 16);
    let mut nesting = Nesting::default();
    let mut walk = Walk::new(html, Markup::Html);
    let mut tag = Tag::default();
    while let Some(token) = walk.token(&mut tag) {
        match token {
            Token::Text(text) if nesting.text(text) => {
                push_text(&htmlize::unescape(text), &mut out);
            }
            Token::Tag => {
                match nesting.implied(&tag) {
                    Implied::Nothing => {}
                    Implied::OpensBody => out.push_str("<tbody>"),
                    Implied::ClosesBody => out.push_str("</tbody>"),
                }
                if !nesting.take(&tag) {
                    return None;
                }
                push_tag(html, &tag, &mut out)?;
            }
            _ => return None,
        }
        if !walk.is_plain() {
            return None;
        }
    }
    nesting.is_closed().then_some(out)
}

fn push_tag(html: &str, tag: &Tag<'_>, out: &mut String) -> Option<()> {
    let element = listed(tag.id)?;
    if tag.is_end {
        out.push_str("</");
        out.push_str(element.name);
        out.push('>');
        return Some(());
    }
    // A line break there is no part of the content.
    if tag.starts("pre") && html[tag.range.end..].starts_with('\n') || tag.has_more {
        return None;
    }
    out.push('<');
    out.push_str(element.name);
    for (index, attribute) in tag.attributes.iter().enumerate() {
        let is_first = tag.place(attribute.id) == Some(index);
        let Some(name) = element.attribute(attribute.id).filter(|_| is_first) else {
            continue;
        };
        let value = tag.value_of(attribute);
        if attribute.id.is_one_of(&URL_ATTRIBUTES) && !has_listed_scheme(&value) {
            continue;
        }
        // One that only looks harmless to the list changes the order of the others.
        is_value(element.name, name, &value).then_some(())?;
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        push_value(&value, false, false, out);
        out.push('"');
    }
    out.push('>');
    Some(())
}

fn has_listed_scheme(url: &str) -> bool {
    if ImageUrl::of_plain(url).is_some() {
        return true;
    }
    match Url::parse(url) {
        Ok(url) => SCHEMES.contains(url.scheme()),
        Err(error) => error == ParseError::RelativeUrlWithoutBase,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::html::nesting::samples::{nested, soup};

    fn check(html: &str) -> bool {
        let Some(clean) = clean(html) else {
            return false;
        };
        let expected = LIST.clean(html).to_string();
        assert_eq!(clean, expected, "{html}");
        true
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn as_the_tree_says(html in soup()) {
            check(&html);
        }

        #[test]
        fn as_the_tree_says_of_what_nests(html in nested()) {
            check(&html);
        }
    }

    #[test]
    fn ordinary_fields_need_no_tree() {
        assert!(check(
            "<p class=x>A <a href=\"https://x.org/a?b=1&amp;c=2\" target=_blank>b</a> &nbsp;c&#8217;s</p>\n\
             <ul><li>1<ul><li>2</li></ul></li></ul><figure><img src='a.png' alt=\"x\" /></figure>\
             <table> <tbody><tr><td><p>a</p></td>\n<th>b</th></tr></tbody></table>"
        ));
        for html in [
            "<p>a<div>b</div>",
            "<table>a<tbody></tbody></table>",
            "<!-- a -->b",
            "<p>a",
        ] {
            assert!(!check(html), "{html}");
        }
    }
}
