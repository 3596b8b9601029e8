//! Attributes that images get or lose once they come from the image proxy.

pub(in crate::rewrite) mod setting;

use crate::html::tag::Tag;
use crate::rewrite::image_urls::ImageUrlRules;

pub use setting::{ATTRIBUTES_MAX, Setting, is_allowed};

/// Gives an image that is proxied these attributes.
pub(super) fn read<'h>(tag: &mut Tag<'h>, urls: &ImageUrlRules, settings: &'h [Setting]) {
    let is_ours = |tag: &Tag<'_>| tag.value("src").is_some_and(|src| urls.is_own(&src));
    if !tag.starts("img") || !is_ours(tag) {
        return;
    }
    for (name, value) in settings {
        match (tag.index(name), value) {
            (Some(index), Some(value)) if tag.value_of(&tag.attributes[index]) != *value => {
                tag.set_at(index, value);
            }
            (Some(index), None) => tag.take_at(index),
            (None, Some(value)) => tag.set(name, value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::Markup;
    use crate::html::apply;
    use crate::html::walk::tags;
    use crate::rewrite::RuleOptions;

    fn check(html: &str, expected: &str) {
        let urls = ImageUrlRules::new(&RuleOptions {
            images: Some("https://p.org/?url={url_enc}".into()),
            ..RuleOptions::default()
        })
        .unwrap()
        .unwrap();
        let settings = [
            ("width".to_owned(), Some("100%".to_owned())),
            ("loading".to_owned(), None),
            ("title".to_owned(), Some("\"a\" & b".to_owned())),
        ];
        let run = |html: &str| {
            let mut edits = Vec::new();
            for mut tag in tags(html, Markup::Html) {
                read(&mut tag, &urls, &settings);
                tag.write(&mut edits);
            }
            apply(html, &edits)
        };
        assert_eq!(run(html), expected);
        assert_eq!(run(expected), expected, "a second time");
    }

    #[test]
    fn set_replaced_and_removed() {
        let title = "title=\"&quot;a&quot; &amp; b\"";
        check(
            "<img src=\"https://p.org/?url=a\">",
            &format!("<img src=\"https://p.org/?url=a\" width=\"100%\" {title}>"),
        );
        check(
            "<img width='5' loading=lazy src=\"https://p.org/?url=a\"/>",
            &format!("<img width='100%' src=\"https://p.org/?url=a\" {title}/>"),
        );
        check(
            "<IMG WIDTH=5 src='https://p.org/?url=a' title=x loading=lazy>",
            &format!("<IMG WIDTH=\"100%\" src='https://p.org/?url=a' {title}>"),
        );
        check(
            "<img src='https://p.org/?url=a' loading>",
            &format!("<img src='https://p.org/?url=a' width=\"100%\" {title}>"),
        );
        check(
            "<img src=\"https://x.org/a\" loading=lazy>",
            "<img src=\"https://x.org/a\" loading=lazy>",
        );
    }

    #[test]
    fn names_that_are_allowed() {
        assert!(is_allowed("width") && is_allowed("data-x2"));
        for name in ["", "src", "srcset", "onload", "Width", "a b", "2x", "x="] {
            assert!(!is_allowed(name), "{name}");
        }
    }
}
