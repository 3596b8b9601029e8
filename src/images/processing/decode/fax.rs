//! Facsimile coding: Group 3 in one dimension and two (ITU-T T.4), Group 4 (T.6), and what TIFF
//! calls modified Huffman.

use std::convert::Infallible;

use fax::maps::{Mode, black, mode, white};
use fax::{BitReader, ByteReader};

/// Zeros of an end-of-line code, before its one. No other code has as many.
const END_OF_LINE_ZEROS: u8 = 11;

/// How rows are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// Each row for itself, from a full byte on.
    Huffman,
    /// Each row for itself, behind an end-of-line code.
    Group3,
    /// The same, some by the row above.
    Group3TwoDimensional,
    /// Each by the row above.
    Group4,
}

/// Rows of pixels, one after another.
pub(super) struct Rows<R> {
    bits: ByteReader<R>,
    coding: Coding,
    width: u32,
    /// Where the colour changes in the row above, from white on; below the width.
    above: Vec<u32>,
    /// Whether that row was broken, so that the start of the next must be looked for.
    is_lost: bool,
}

/// Rows of so many pixels.
pub(super) fn rows(
    data: impl Iterator<Item = u8>,
    coding: Coding,
    width: u32,
) -> Rows<impl Iterator<Item = Result<u8, Infallible>>> {
    // Codes are looked up by more bits than the last ones have.
    let bytes = data.chain([0; 4]).map(Ok::<u8, Infallible>);
    let bits = match ByteReader::new(bytes) {
        Ok(bits) => bits,
        Err(never) => match never {},
    };
    Rows {
        bits,
        coding,
        width,
        above: Vec::new(),
        is_lost: false,
    }
}

impl<R: Iterator<Item = Result<u8, Infallible>>> Rows<R> {
    /// Where the next row is black, as ranges of pixels; `None` when there is no row any more. A row
    /// of Group 3 that is broken is the one above.
    pub(super) fn next(&mut self) -> Option<impl Iterator<Item = std::ops::Range<usize>>> {
        match self.coding {
            Coding::Huffman => {
                let Ok(()) = self.bits.consume(self.bits.bits_to_byte_boundary());
                self.above = self.runs()?;
            }
            Coding::Group4 => self.above = self.by_row_above()?,
            Coding::Group3 | Coding::Group3TwoDimensional => self.group3()?,
        }
        let width = self.width;
        let black = self.above.chunks(2);
        Some(
            black.map(move |ends| ends[0] as usize..ends.get(1).copied().unwrap_or(width) as usize),
        )
    }

    fn group3(&mut self) -> Option<()> {
        if self.is_lost || self.bits.peek(END_OF_LINE_ZEROS - 2)? == 0 {
            self.skip_end_of_line()?;
        }
        let is_plain = self.coding == Coding::Group3 || self.bit()?;
        // One such code behind another ends the page.
        if self.bits.peek(END_OF_LINE_ZEROS + 1)? == 1 {
            return None;
        }
        let row = if is_plain {
            self.runs()
        } else {
            self.by_row_above()
        };
        self.is_lost = row.is_none();
        if let Some(row) = row {
            self.above = row;
        }
        Some(())
    }

    /// Past the next end-of-line code, with the zeros that fill up before it.
    fn skip_end_of_line(&mut self) -> Option<()> {
        let mut zeros = 0;
        loop {
            match self.bit()? {
                true if zeros >= END_OF_LINE_ZEROS => return Some(()),
                true => zeros = 0,
                false => zeros = (zeros + 1).min(END_OF_LINE_ZEROS),
            }
        }
    }

    fn bit(&mut self) -> Option<bool> {
        let bit = self.bits.peek(1)? == 1;
        let Ok(()) = self.bits.consume(1);
        Some(bit)
    }

    /// The length of a run.
    fn run(&mut self, is_black: bool) -> Option<u32> {
        let mut length: u32 = 0;
        loop {
            let part = match is_black {
                true => black::decode(&mut self.bits)?,
                false => white::decode(&mut self.bits)?,
            };
            length = length.checked_add(u32::from(part))?;
            // Shorter ones end a run.
            if part < 64 {
                return Some(length);
            }
        }
    }

    /// The changes of a row that is told by its runs.
    fn runs(&mut self) -> Option<Vec<u32>> {
        let mut row = Vec::new();
        let (mut at, mut is_black) = (0, false);
        while at < self.width {
            at = self.run(is_black)?.saturating_add(at);
            self.change(&mut row, at);
            is_black = !is_black;
        }
        Some(row)
    }

    /// The changes of a row that is told by those of the one above (T.6 §2.2).
    fn by_row_above(&mut self) -> Option<Vec<u32>> {
        let mut row = Vec::new();
        let (mut at, mut is_black, mut index) = (0, false, 0);
        while at < self.width {
            // The first change above that lies ahead and is to the other colour.
            let is_start = at == 0 && row.is_empty() && !is_black;
            let is_behind = |change: &u32| *change < at || *change == at && !is_start;
            index = index.min(self.above.len());
            while index > 0 && !is_behind(&self.above[index - 1]) {
                index -= 1;
            }
            while self.above.get(index).is_some_and(is_behind) {
                index += 1;
            }
            index += usize::from((index % 2 == 1) != is_black);
            let above = |index: usize| self.above.get(index).copied().unwrap_or(self.width);
            match mode::decode(&mut self.bits)? {
                Mode::Pass => at = above(index + 1),
                Mode::Vertical(by) => {
                    let to = above(index).checked_add_signed(i32::from(by))?;
                    if to < at {
                        return None;
                    }
                    at = to;
                    self.change(&mut row, at);
                    is_black = !is_black;
                }
                Mode::Horizontal => {
                    for is_black in [is_black, !is_black] {
                        at = self.run(is_black)?.saturating_add(at);
                        self.change(&mut row, at);
                    }
                }
                Mode::Extension | Mode::EOF => return None,
            }
        }
        Some(row)
    }

    /// Notes a change; two in one place are none.
    fn change(&self, row: &mut Vec<u32>, at: u32) {
        if row.last() == Some(&at) {
            row.pop();
        } else if at < self.width {
            row.push(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits, written as digits; anything else between them is left out.
    fn packed(bits: &str) -> Vec<u8> {
        let digits: Vec<u8> = bits.bytes().filter(u8::is_ascii_digit).collect();
        let byte = |eight: &[u8]| {
            let bits = (0..8).map(|at| eight.get(at).is_some_and(|digit| *digit == b'1'));
            bits.fold(0, |byte, bit| byte << 1 | u8::from(bit))
        };
        digits.chunks(8).map(byte).collect()
    }

    #[track_caller]
    fn check(coding: Coding, bits: &str, expected: &[&str]) {
        let width = expected[0].len();
        let data = packed(bits);
        let mut rows = rows(data.into_iter(), coding, width as u32);
        for expected in expected {
            let mut row = vec![b'.'; width];
            rows.next().unwrap().for_each(|black| row[black].fill(b'#'));
            assert_eq!(String::from_utf8_lossy(&row), **expected);
        }
        assert!(rows.next().is_none());
    }

    const EOL: &str = "000000000001";

    #[test]
    fn rows_for_themselves() {
        // Two white, three black, three white; none white, eight black.
        let (first, second) = ("0111 10 1000", "00110101 000101");
        let rows = ["..###...", "########"];
        check(
            Coding::Huffman,
            &format!("{first} 000000 {second} 00"),
            &rows,
        );
        let group3 = format!("{EOL} {first} {EOL} {second} {}", EOL.repeat(6));
        check(Coding::Group3, &group3, &rows);
        // Filled up to whole bytes, or with nothing between.
        let filled = format!("{EOL} {first} 00000 {EOL} {second} {EOL} {EOL}");
        check(Coding::Group3, &filled, &rows);
        check(
            Coding::Group3,
            &format!("{first} {second} {EOL} {EOL}"),
            &rows,
        );
    }

    #[test]
    fn broken_rows_are_those_above() {
        let row = "0111 10 1000";
        let bits =
            format!("{EOL} {row} {EOL} 0111 0000000 1 00000000 {EOL} 00110101 000101 {EOL}{EOL}");
        check(Coding::Group3, &bits, &["..###...", "..###...", "########"]);
    }

    #[test]
    fn rows_by_those_above() {
        let first = "001 0111 10 1"; // Across: two white, three black; then the rest.
        let same = "1 1 1";
        let moved = "011 010 1"; // One to the right, one to the left.
        let passed = "0001 1";
        let rows = ["..###...", "..###...", "...#....", "........"];
        let end = EOL.repeat(2);
        check(
            Coding::Group4,
            &format!("{first} {same} {moved} {passed} {end}"),
            &rows,
        );
        let plain = "0111 10 1000";
        let mixed =
            format!("{EOL} 1 {plain} {EOL} 0 {same} {EOL} 0 {moved} {EOL} 0 {passed} {EOL}1{EOL}");
        check(Coding::Group3TwoDimensional, &mixed, &rows);
        // Black from the first pixel on, and again above.
        check(
            Coding::Group4,
            &format!("001 00110101 11 1 1 1 1 {end}"),
            &["##...", "##..."],
        );
    }

    #[test]
    fn any_bytes_end() {
        let mut state = 7_u32;
        let mut byte = || {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            (state >> 16) as u8
        };
        let data: Vec<u8> = (0..20_000).map(|_| byte()).collect();
        for coding in [
            Coding::Huffman,
            Coding::Group3,
            Coding::Group3TwoDimensional,
            Coding::Group4,
        ] {
            for width in [1, 100, 70_000] {
                let mut rows = rows(data.iter().copied(), coding, width);
                let mut count = 0;
                while count < 200_000 && rows.next().is_some() {
                    count += 1;
                }
                assert!(count < 200_000, "{coding:?}");
            }
        }
    }
}
