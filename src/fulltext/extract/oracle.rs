//! What a page says of itself in JSON-LD about the article's text, as a measure for what was found.

use std::collections::HashSet;

/// Letters that are compared at once: enough to tell texts apart in any script.
const WINDOW: usize = 12;
/// Shorter texts tell nothing.
const CHARS_MIN: usize = 200;
/// Longer ones are not read to their end.
const CHARS_MAX: usize = 200_000;

/// The pieces of a text.
#[derive(Debug)]
pub(super) struct Oracle {
    pieces: HashSet<u64>,
    chars: usize,
}

impl Oracle {
    /// From an article's text; `None` when it is too short to tell anything.
    pub(super) fn new(text: &str) -> Option<Self> {
        let letters = letters(text);
        (letters.len() >= CHARS_MIN).then(|| Self {
            pieces: pieces(&letters).collect(),
            chars: letters.len(),
        })
    }

    /// Letters of the text.
    pub(super) fn chars(&self) -> usize {
        self.chars
    }

    /// Of `text`, what is in the article.
    pub(super) fn share(&self, text: &str) -> f64 {
        let letters = letters(text);
        let (mut all, mut known) = (0_usize, 0_usize);
        for piece in pieces(&letters) {
            all += 1;
            known += usize::from(self.pieces.contains(&piece));
        }
        if all == 0 {
            0.0
        } else {
            known as f64 / all as f64
        }
    }
}

fn letters(text: &str) -> Vec<char> {
    text.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .take(CHARS_MAX)
        .collect()
}

fn pieces(letters: &[char]) -> impl Iterator<Item = u64> + '_ {
    let size = WINDOW.min(letters.len().max(1));
    letters.windows(size).map(|window| {
        window
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, letter| {
                (hash ^ u64::from(*letter as u32)).wrapping_mul(0x0100_0000_01b3)
            })
    })
}
