//! The marks around the header and footer that we put into an item, by which anybody finds them.
//!
//! Invariants: a mark is a comment, as a parser of the field reads it; only what stands between two
//! marks of a pair is ever taken out, and in inline XHTML only if every element in it is closed in
//! it. What lacks its other mark stays. Linear time.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::html::Edit;
use crate::html::Markup;
use crate::html::tag::Tag;
use crate::html::walk::{Token, Walk};

/// What every mark says.
const OURS: &str = "feedwright:";

/// What is put into items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Header,
    Footer,
}

impl Part {
    /// Its name in the configuration and in its marks.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Footer => "footer",
        }
    }
}

/// `html` between its marks.
pub(super) fn around(part: Part, html: &str) -> String {
    let name = part.name();
    format!("<!--{OURS}{name}-->{html}<!--/{OURS}{name}-->")
}

/// Whether a text may hold a mark.
pub(super) fn stand_in(text: &str) -> bool {
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(OURS));
    FINDER.find(text.as_bytes()).is_some()
}

/// Whether a template names a mark, which would end what stands between those around it.
pub(super) fn is_named_in(template: &str) -> bool {
    [Part::Header, Part::Footer]
        .into_iter()
        .any(|part| template.contains(&format!("{OURS}{}", part.name())))
}

/// Edits that take out what stands between marks, of those parts that are `stale`.
pub(super) fn edits(html: &str, markup: Markup, stale: impl Fn(Part) -> bool) -> Vec<Edit> {
    if !stand_in(html) {
        return Vec::new();
    }
    let mut regions: Vec<Range<usize>> = Vec::new();
    for part in [Part::Header, Part::Footer] {
        if stale(part) {
            regions.extend(pairs(html, markup, part));
        }
    }
    regions.sort_by_key(|region| (region.start, std::cmp::Reverse(region.end)));
    let mut edits: Vec<Edit> = Vec::new();
    for region in regions {
        match edits.last_mut() {
            // One in the other, or both crosswise.
            Some(last) if region.start < last.range.end => {
                last.range.end = last.range.end.max(region.end);
            }
            _ => edits.push(Edit {
                range: region,
                text: String::new(),
            }),
        }
    }
    edits
}

/// Where the pairs of marks of one part stand, marks included.
fn pairs(html: &str, markup: Markup, part: Part) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Vec<Opening> = Vec::new();
    let mut depth = 0_usize;
    let mut walk = Walk::of_reader(html, markup);
    let mut tag = Tag::default();
    while let Some(token) = walk.token(&mut tag) {
        let range = walk.range();
        match token {
            // A `<` before it is text, and must not begin a tag with what stands behind it.
            Token::Comment(_) if html[..range.start].ends_with('<') => {}
            Token::Comment(text) => match mark(text, part) {
                Some(true) => open.push(Opening {
                    at: range.start,
                    depth,
                    lowest: depth,
                }),
                Some(false) => {
                    let Some(opening) = open.pop() else { continue };
                    if let Some(outer) = open.last_mut() {
                        outer.lowest = outer.lowest.min(opening.lowest);
                    }
                    let is_whole = opening.lowest >= opening.depth && depth == opening.depth;
                    if markup == Markup::Html || is_whole {
                        found.push(opening.at..range.end);
                    }
                }
                None => {}
            },
            Token::Tag if tag.is_end => {
                depth = depth.saturating_sub(1);
                if let Some(inner) = open.last_mut() {
                    inner.lowest = inner.lowest.min(depth);
                }
            }
            Token::Tag => depth += usize::from(!tag.is_self_closed),
            _ => {}
        }
    }
    found
}

/// A mark that waits for its other one.
struct Opening {
    at: usize,
    /// How many elements were open there, and the fewest since.
    depth: usize,
    lowest: usize,
}

/// Whether a comment is the opening or (`false`) the closing mark of this part.
fn mark(comment: &str, part: Part) -> Option<bool> {
    let text = comment.trim_ascii();
    let (is_opening, name) = match text.strip_prefix('/') {
        Some(name) => (false, name),
        None => (true, text),
    };
    (name.strip_prefix(OURS)? == part.name()).then_some(is_opening)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::apply;
    use proptest::prelude::*;

    const H: &str = "<!--feedwright:header-->";
    const H_END: &str = "<!--/feedwright:header-->";
    const F: &str = "<!--feedwright:footer-->";
    const F_END: &str = "<!--/feedwright:footer-->";

    fn without(html: &str, markup: Markup) -> String {
        apply(html, &edits(html, markup, |_| true))
    }

    /// `1`, `2`, `3` and `4` stand for marks.
    fn written(short: &str) -> String {
        let letters = short.chars().map(|letter| match letter {
            '1' => H.to_owned(),
            '2' => H_END.to_owned(),
            '3' => F.to_owned(),
            '4' => F_END.to_owned(),
            other => other.to_string(),
        });
        letters.collect()
    }

    #[track_caller]
    fn check_as(short: &str, markup: Markup, expected: &str) {
        let html = written(short);
        assert_eq!(without(&html, markup), written(expected), "{short}");
    }

    #[track_caller]
    fn check(short: &str, expected: &str) {
        check_as(short, Markup::Html, expected);
    }

    #[test]
    fn what_stands_between_marks_goes() {
        check("1x2a<p>b</p>3<hr>4c", "a<p>b</p>c");
        check(
            "<!-- feedwright:header -->x<!--\n/feedwright:header -->a",
            "a",
        );
        check("1x21y2a3x43y4", "a");
        check("a3x3y4z4b", "ab");
        check("a1x3y2z4b", "ab");
        let only_headers = edits(&written("1x2a3y4"), Markup::Html, |part| {
            part == Part::Header
        });
        assert_eq!(apply(&written("1x2a3y4"), &only_headers), written("a3y4"));
    }

    #[test]
    fn what_is_no_pair_stays() {
        for short in [
            "a3b",
            "a4b",
            "4ab3",
            "1a4b",
            "<p title=\"3\">a</p><p title='4'>b</p>",
            "<p title=3>a4b",
            "<!-- 3 a 4",
            "<!-- <!--feedwright:footer a 4 -->",
            "<textarea>3</textarea>a4",
            "<style>3</style>a4",
            "<script>3</script>a4",
            "<title>3</title>a4",
            "<plaintext>3a4",
            "a<!--feedwright:footers-->b<!--/feedwright:footers-->",
            "a<!--feedwright:-->b<!--/feedwright:-->",
            "&lt;!--feedwright:footer--&gt;a&lt;!--/feedwright:footer--&gt;",
            "a3<!--/feedwright:footer",
        ] {
            check(short, short);
        }
        // What is left without its other mark does not hide the next pair.
        check("a3b3c4", "a3b");
        check("a4b3c4d", "a4bd");
        check("<p title='3'>a3b4", "<p title='3'>a");
        check("<3x4p>a", "<3x4p>a");
        check("31<324", "");
    }

    #[test]
    fn inline_xhtml_stays_well_formed() {
        let check = |short, expected| check_as(short, Markup::Xhtml, expected);
        check("<p>a</p>3<div><br/>x</div>4", "<p>a</p>");
        check("<b>a3</b>x4", "<b>a3</b>x4");
        check("a3<b>x4</b>", "a3<b>x4</b>");
        check("<b>a3</b><b>4</b>", "<b>a3</b><b>4</b>");
        check("<![CDATA[3]]>a<![CDATA[4]]>", "<![CDATA[3]]>a<![CDATA[4]]>");
        // `<!-->` begins a comment here, and `--!>` ends none.
        check("<!-->3 a -->4", "<!-->3 a -->4");
        check("<!-- --!>3-->x4", "<!-- --!>3-->x4");
        check("<a title=\"3\"/>4", "<a title=\"3\"/>4");
        check("<style>3</style>4", "<style>3</style>4");
    }

    #[test]
    fn hostile_marks_take_linear_time() {
        for short in ["1", "2", "12", "1<b>", "<b>2", "<!--feedwright:header"] {
            let html = written(&short.repeat(50_000));
            for markup in [Markup::Html, Markup::Xhtml] {
                let _ = edits(&html, markup, |_| true);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn twice_is_once(short in "[1234<>\"'abp/ =-]{0,24}", is_xhtml: bool) {
            let markup = if is_xhtml { Markup::Xhtml } else { Markup::Html };
            let once = without(&written(&short), markup);
            prop_assert_eq!(without(&once, markup), once);
        }
    }
}
