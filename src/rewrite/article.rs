//! The full text of an item, and what its page goes through on the way to it.

pub(super) mod content;

use url::Url;

pub use content::{Answer, Article, Articles};

use crate::html::Markup;
use crate::html::apply;
use crate::rewrite::base::{FeedBase, FieldBase, PieceBase};
use crate::rewrite::budget::Budget;
use crate::rewrite::extent::{Extent, Needs};
use crate::rewrite::passes::lazy;
use crate::rewrite::passes::links;
use crate::rewrite::passes::sanitize;

/// `page` with the images that only a script would load in their place, and without the twins of
/// images in `<noscript>`.
#[must_use]
pub fn promote_images(page: &str, base: &Url) -> String {
    with_base(base, |base| {
        apply(page, &lazy::edits(page, Markup::Html, base))
    })
}

/// `html` with its URLs made absolute.
#[must_use]
pub fn make_absolute(html: &str, base: &Url) -> String {
    let options = links::LinkOptions {
        absolute: true,
        ..links::LinkOptions::default()
    };
    let Some(links) = links::Links::new(&options, true) else {
        return html.to_owned();
    };
    let budget = Budget::default();
    with_base(base, |base| {
        apply(html, &links.edits(html, (Markup::Html, base), &budget))
    })
}

/// Says how much there is to read.
pub fn measure(article: &mut Article) {
    let needs = Needs {
        words: true,
        images: false,
    };
    let extent = Extent::of(&article.html, Markup::Html, needs);
    article.words = extent.words;
    article.reading_minutes = extent.reading_minutes;
}

/// Whether a frame with this URL shows something that every reader may show.
#[must_use]
pub fn is_known_player(url: &str) -> bool {
    sanitize::is_known_player(url)
}

/// `html` with nothing in it but what articles are made of, and no letter that XML refuses.
#[must_use]
pub fn sanitize(html: &str) -> String {
    let mut clean = sanitize::clean(html);
    clean.retain(is_in_xml);
    clean
}

fn with_base<T>(url: &Url, work: impl FnOnce(&FieldBase<'_>) -> T) -> T {
    let feed = FeedBase::new(url.clone());
    let piece = PieceBase::of_element(&feed, &[]);
    work(&FieldBase::of_piece(&piece))
}

/// XML 1.0 §2.2.
fn is_in_xml(letter: char) -> bool {
    !matches!(letter, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_made_ready() {
        let base = Url::parse("https://example.org/a/b").unwrap();
        assert_eq!(
            promote_images(r#"<img data-src="/x.jpg">"#, &base),
            r#"<img data-src="/x.jpg" src="/x.jpg">"#
        );
        assert_eq!(
            make_absolute(r#"<a href="c">c</a><img src="/x.jpg">"#, &base),
            r#"<a href="https://example.org/a/c">c</a><img src="https://example.org/x.jpg">"#
        );
        assert_eq!(
            sanitize("<p onclick=x>a\u{b}b</p><script>1</script>"),
            "<p>ab</p>"
        );
    }
}
