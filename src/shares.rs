//! Reserved shares of what is kept, in memory as on disk. Pure.
//!
//! A share is a reservation, not a wall: what one space leaves free others may fill, and they give it
//! back when it is wanted.
//!
//! Invariant: as long as anybody takes more than its share, nobody who doesn't has to give way.

/// The spaces that have a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Share {
    /// The last good copy of each feed.
    Feeds,
    /// Full texts, and pages of items that fell out of feeds: what can be made or fetched again for
    /// feeds.
    Articles,
    /// Images, as they came and as they were made.
    Images,
    /// Mirrored resources.
    Mirrors,
}

impl Share {
    /// How many there are.
    pub const COUNT: usize = 4;
    /// Every one, in the order of [`Share::index`].
    pub const ALL: [Self; Self::COUNT] = [Self::Feeds, Self::Articles, Self::Images, Self::Mirrors];

    /// What it is called in the configuration and in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Feeds => "feeds",
            Self::Articles => "articles",
            Self::Images => "images",
            Self::Mirrors => "mirrors",
        }
    }

    /// Its place in an array of all.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// Bytes that each space takes, by [`Share::index`].
pub type Taken = [u64; Share::COUNT];

/// Percent of everything that each space has for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares([u8; Share::COUNT]);

impl Default for Shares {
    fn default() -> Self {
        Self([40, 20, 20, 20])
    }
}

/// Who has to give way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Yields {
    /// The space.
    pub share: Share,
    /// How many bytes; it then takes no less than its share, and everything fits.
    pub bytes: u64,
}

impl Shares {
    /// These percents, in the order of [`Share::ALL`]; `None` where they are more than a hundred
    /// together, or one is zero.
    #[must_use]
    pub fn new(percents: [u8; Share::COUNT]) -> Option<Self> {
        let sum: u32 = percents.iter().map(|percent| u32::from(*percent)).sum();
        (sum <= 100 && !percents.contains(&0)).then_some(Self(percents))
    }

    /// Percent of everything.
    #[must_use]
    pub fn percent(&self, share: Share) -> u8 {
        self.0[share.index()]
    }

    /// The bytes of `total` that are a space's own.
    #[must_use]
    pub fn bytes(&self, share: Share, total: u64) -> u64 {
        let part = u128::from(total) * u128::from(self.percent(share)) / 100;
        u64::try_from(part).unwrap_or(total)
    }

    /// Who gives way first when this is taken and `total` is all there is: of those that take more than
    /// their share the one that takes most beyond it, and feeds after all others. Others than feeds
    /// give way until `goal` is reached, a little below `total`, so that not each write has to make
    /// room. `None` when everything fits.
    #[must_use]
    pub fn yields(&self, taken: &Taken, (total, goal): (u64, u64)) -> Option<Yields> {
        let sum: u64 = taken
            .iter()
            .fold(0, |sum, bytes| sum.saturating_add(*bytes));
        let beyond = |share: Share| {
            let bytes = taken[share.index()].saturating_sub(self.bytes(share, total));
            (bytes > 0).then_some((bytes, share))
        };
        if sum <= total {
            return None;
        }
        let others = [Share::Articles, Share::Images, Share::Mirrors];
        let most = others
            .into_iter()
            .filter_map(beyond)
            .max_by_key(|(bytes, _)| *bytes);
        let (excess, (beyond, share)) = match most {
            Some(most) => (sum - goal.min(total), most),
            // As few as have to: each is the last good copy of a feed.
            None => (sum - total, beyond(Share::Feeds)?),
        };
        let bytes = excess.min(beyond).max(1);
        Some(Yields { share, bytes })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_sum_and_each_are_bounded() {
        for (percents, is_fine) in [
            ([40, 20, 20, 20], true),
            ([1, 1, 1, 1], true),
            ([97, 1, 1, 1], true),
            ([40, 20, 20, 21], false),
            ([0, 20, 20, 20], false),
            ([40, 20, 0, 20], false),
            ([255, 255, 255, 255], false),
        ] {
            assert_eq!(Shares::new(percents).is_some(), is_fine, "{percents:?}");
        }
        let shares = Shares::default();
        assert_eq!(shares.bytes(Share::Feeds, 1_000), 400);
        assert_eq!(shares.bytes(Share::Images, u64::MAX), u64::MAX / 5);
    }

    #[test]
    fn who_takes_most_beyond_its_share_gives_way_and_feeds_last() {
        let check = |taken: Taken, expected: Option<(Share, u64)>| {
            let found = Shares::default().yields(&taken, (1_000, 970));
            let found = found.map(|yields| (yields.share, yields.bytes));
            assert_eq!(found, expected, "{taken:?}");
        };
        check([0; 4], None);
        // Borrowed room is nobody's loss until it is wanted.
        check([0, 0, 1_000, 0], None);
        check([1_000, 0, 0, 0], None);
        check([0, 0, 1_010, 0], Some((Share::Images, 40)));
        check([400, 0, 410, 200], Some((Share::Images, 40)));
        check([400, 0, 205, 400], Some((Share::Mirrors, 35)));
        // Not below its share, and then the next one.
        check([400, 200, 205, 205], Some((Share::Mirrors, 5)));
        check([800, 0, 205, 0], Some((Share::Images, 5)));
        // Feeds alone are above theirs: as few as have to.
        check([810, 0, 200, 0], Some((Share::Feeds, 10)));
        check([1_500, 0, 0, 0], Some((Share::Feeds, 500)));
    }

    proptest! {
        #[test]
        fn nobody_gives_way_who_takes_no_more_than_its_share(
            taken in prop::array::uniform4(0..2_000_u64),
            percents in prop::array::uniform4(1..26_u8),
        ) {
            let shares = Shares::new(percents).unwrap();
            let mut left = taken;
            let mut rounds = 0;
            while let Some(Yields { share, bytes }) = shares.yields(&left, (1_000, 970)) {
                prop_assert!(left[share.index()] - bytes >= shares.bytes(share, 1_000));
                left[share.index()] -= bytes;
                rounds += 1;
                prop_assert!(rounds <= 2 * Share::COUNT);
            }
            prop_assert!(left.iter().sum::<u64>() <= 1_000);
            for share in Share::ALL {
                let own = taken[share.index()].min(shares.bytes(share, 1_000));
                prop_assert!(left[share.index()] >= own, "{share:?} of {taken:?}: {left:?}");
            }
        }
    }
}
