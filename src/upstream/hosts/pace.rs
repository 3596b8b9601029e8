//! When the next fetch from a host may begin. Pure: `now` is a parameter.

use std::time::Duration;

use tokio::time::Instant;

/// The spacing of what is fetched from one host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pace {
    /// Nothing that has time begins before this.
    free_at: Option<Instant>,
}

impl Pace {
    /// Takes the next turn and says when it is; `latest` is for whom somebody waits.
    pub(super) fn take(
        &mut self,
        now: Instant,
        latest: Option<Instant>,
        spacing: Duration,
    ) -> Instant {
        let turn = self.free_at.map_or(now, |free_at| free_at.max(now));
        let turn = latest.map_or(turn, |latest| turn.min(latest.max(now)));
        self.free_at = self.free_at.max(Some(turn + spacing));
        turn
    }

    /// Whether a turn that is taken now is at once.
    pub(super) fn is_free(&self, now: Instant) -> bool {
        self.free_at.is_none_or(|free_at| free_at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_spaced_and_nobody_who_waits_waits_long() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut pace = Pace::default();
        assert!(pace.is_free(start));
        for (now, latest, expected) in [
            (0, None, 0),
            (0, None, 1_000),
            (100, None, 2_000),
            (100, None, 3_000),
            // Somebody waits: in 2 s at the latest, and those with time go after.
            (200, Some(2_200), 2_200),
            (200, None, 4_000),
            // The limit is past already.
            (300, Some(100), 300),
            (4_500, None, 5_000),
            (9_000, None, 9_000),
        ] {
            let turn = pace.take(at(now), latest.map(at), Duration::from_secs(1));
            assert_eq!(turn, at(expected), "at {now}");
        }
        assert!(!pace.is_free(at(9_999)));
        assert!(pace.is_free(at(10_000)));
    }
}
