//! How much there is to read and to see in an item: what templates may say of its HTML.

use std::collections::HashSet;

use crate::feed::characters::is_allowed;
use crate::html::Markup;
use crate::html::tag::Tag;
use crate::html::walk::{Token, Walk, tags};
use crate::rewrite::passes::lazy::shown::shown_url;

/// Words that people read in a minute.
const WORDS_PER_MINUTE: u64 = 250;
/// Chinese and Japanese characters that people read in a minute.
const CHARACTERS_PER_MINUTE: u64 = 500;

/// Elements that may stand within a word.
const INLINE: &[&str] = &[
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins",
    "kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time",
    "tt", "u", "var", "wbr",
];

/// How much an item holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Words; each Chinese or Japanese character is one.
    pub words: u64,
    /// Minutes that reading takes, rounded up; 0 when there is nothing to read.
    pub reading_minutes: u64,
    /// Images; one that is there several times is counted once.
    pub images: u64,
}

/// What is to be found out; all of it takes time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) words: bool,
    pub(super) images: bool,
}

impl Needs {
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            words: self.words || other.words,
            images: self.images || other.images,
        }
    }
}

impl Extent {
    /// The extent of one field, as far as it is needed.
    pub(super) fn of(html: &str, markup: Markup, needs: Needs) -> Self {
        let mut extent = Self::default();
        if needs.words {
            let (words, characters) = count_words(html, markup);
            let pace = WORDS_PER_MINUTE * CHARACTERS_PER_MINUTE;
            let effort = words * CHARACTERS_PER_MINUTE + characters * WORDS_PER_MINUTE;
            extent.words = words + characters;
            extent.reading_minutes = effort.div_ceil(pace);
        }
        if needs.images {
            extent.images = count_images(html, markup);
        }
        extent
    }
}

/// Words, and characters of scripts that write no spaces between words.
fn count_words(html: &str, markup: Markup) -> (u64, u64) {
    let mut count = Count::default();
    let mut walk = Walk::of_reader(html, markup);
    let mut tag = Tag::default();
    while let Some(token) = walk.token(&mut tag) {
        match token {
            Token::Text(text) => count.read(&htmlize::unescape(text)),
            Token::Cdata(text) => count.read(text),
            Token::Tag => count.meet(tag.name),
            _ => {}
        }
    }
    (count.words, count.characters)
}

#[derive(Debug, Default)]
struct Count {
    words: u64,
    characters: u64,
    in_word: bool,
}

impl Count {
    fn read(&mut self, text: &str) {
        // What XML can't hold is not written: it parts no words.
        for letter in text.chars().filter(|letter| is_allowed(*letter)) {
            if is_character(letter) {
                self.characters += 1;
                self.in_word = false;
            } else if letter.is_alphanumeric() {
                self.words += u64::from(!self.in_word);
                self.in_word = true;
            } else if letter.is_whitespace() || matches!(letter, '–' | '—' | '…') {
                self.in_word = false;
            }
        }
    }

    /// A tag stands here.
    fn meet(&mut self, name: &str) {
        let is_inline = INLINE
            .iter()
            .any(|inline| name.eq_ignore_ascii_case(inline));
        self.in_word &= is_inline;
    }
}

/// Whether a letter is one of a script without spaces: Han, Kana and Bopomofo.
fn is_character(letter: char) -> bool {
    matches!(letter,
        '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3105}'..='\u{312f}'
        | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

fn count_images(html: &str, markup: Markup) -> u64 {
    let mut urls = HashSet::new();
    for tag in tags(html, markup).filter(|tag| !tag.is_end) {
        urls.extend(shown_url(&tag));
    }
    urls.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Needs = Needs {
        words: true,
        images: true,
    };

    #[track_caller]
    fn check(html: &str, words: u64, images: u64) {
        let found = Extent::of(html, Markup::Html, ALL);
        assert_eq!((found.words, found.images), (words, images), "{html}");
    }

    #[test]
    fn words() {
        check("", 0, 0);
        check("<p>One two</p><p>three</p>", 3, 0);
        check("<p>Don't well-known &amp; — … 1,5 a&nbsp;b", 5, 0);
        check("<b>H</b>ello<br>you<!-- not me -->", 2, 0);
        check(
            "<style>p { color: red }</style><script>var a</script>x",
            1,
            0,
        );
        check("<p>新闻 RSS 订阅。ひらがな", 9, 0);
        check("한국어 기사", 2, 0);
        check("caf&eacute; a&#32;b", 3, 0);
        check("be\u{c}ll&#11;s", 1, 0);
    }

    #[test]
    fn minutes() {
        let check = |html: String, expected: u64| {
            let found = Extent::of(&html, Markup::Html, ALL).reading_minutes;
            assert_eq!(found, expected, "{}", &html[..html.len().min(40)]);
        };
        check("<p> — </p>".to_owned(), 0);
        check("word".to_owned(), 1);
        check("word ".repeat(250), 1);
        check("word ".repeat(251), 2);
        check("字".repeat(500), 1);
        check("字".repeat(501), 2);
        check("字".repeat(500) + &" word".repeat(250), 2);
    }

    #[test]
    fn images() {
        check("<img src=a.png><img src=\"a.png\"><IMG SRC='b.png'>", 0, 2);
        check("<img><img src=''><p src=c.png>", 0, 0);
        check(
            "<picture><source srcset='a.webp'><img src=a.png></picture>",
            0,
            1,
        );
        check(
            "<img src=\"data:image/gif;base64,x\" data-src=\"https://x.org/a.jpg\"><noscript><img src=\"https://x.org/a.jpg\"></noscript>",
            0,
            1,
        );
        check("<!-- <img src=a.png> -->", 0, 0);
    }

    #[test]
    fn inline_xhtml() {
        let xhtml = "<h:p>a<![CDATA[ b < c ]]></h:p><h:img src=\"a.png\"/>";
        let found = Extent::of(xhtml, Markup::Xhtml, ALL);
        assert_eq!((found.words, found.images), (3, 1));
    }

    #[test]
    fn only_what_is_needed() {
        let found = Extent::of("a <img src=b>", Markup::Html, Needs::default());
        assert_eq!(found, Extent::default());
    }
}
