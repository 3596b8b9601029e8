//! The splitter: its pieces, put together, are the input, and chunking makes no difference.
#![no_main]

use feedwright::feed::splitter::{Piece, Splitter, SplitterOptions};
use libfuzzer_sys::fuzz_target;

fn split(chunks: &mut dyn Iterator<Item = &str>) -> (String, String) {
    let mut splitter = Splitter::new(SplitterOptions::default());
    let (mut whole, mut pieces) = (String::new(), String::new());
    let mut sink = |_: &_, piece: Piece<'_>| match piece {
        // Where what is passed on is cut follows the chunks; what is read does not.
        Piece::Item(text) => {
            whole.push_str(text);
            pieces.push_str(text);
            pieces.push('\n');
        }
        Piece::Between(text) | Piece::Element(text) | Piece::Instruction(text) => {
            whole.push_str(text);
        }
        Piece::ItemsEnd { .. } | Piece::ChannelEnd => pieces.push('#'),
    };
    for chunk in chunks {
        splitter.push(chunk, &mut sink);
    }
    let ending = splitter.finish(&mut sink);
    pieces.push_str(&format!("{:?} {}", ending.completeness, ending.items));
    (whole, pieces)
}

fuzz_target!(|data: (u8, &str)| {
    let (size, text) = data;
    let (whole, pieces) = split(&mut std::iter::once(text));
    assert_eq!(whole, text);
    let size = usize::from(size % 16) + 1;
    let mut rest = text;
    let mut chunks = std::iter::from_fn(|| {
        if rest.is_empty() {
            return None;
        }
        let mut at = size.min(rest.len());
        while !rest.is_char_boundary(at) {
            at += 1;
        }
        let (chunk, later) = rest.split_at(at);
        rest = later;
        Some(chunk)
    });
    assert_eq!(split(&mut chunks), (whole, pieces));
});
