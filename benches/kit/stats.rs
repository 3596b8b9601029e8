//! Medians with their spread.

use std::fmt::{self, Display, Formatter};

/// What was measured again and again.
#[derive(Debug, Default, Clone)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    /// One more.
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The middle one; 0 when there is none.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
    }

    /// The smallest: what a busy machine spoils least. 0 when there is none.
    pub(crate) fn least(&self) -> f64 {
        self.0.iter().copied().min_by(f64::total_cmp).unwrap_or(0.0)
    }

    /// Each of ours by each of theirs, in the order they were measured.
    pub(crate) fn by(&self, theirs: &Self) -> Self {
        Self(self.0.iter().zip(&theirs.0).map(|(a, b)| a / b).collect())
    }
}

/// The median, and the least and the greatest in brackets; with as many decimals as asked for.
impl Display for Series {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(2);
        let (least, greatest) = self
            .0
            .iter()
            .fold((f64::INFINITY, 0.0_f64), |(least, greatest), value| {
                (least.min(*value), greatest.max(*value))
            });
        write!(
            f,
            "{:.decimals$} ({least:.decimals$}–{greatest:.decimals$})",
            self.median()
        )
    }
}
