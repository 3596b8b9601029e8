//! Spacing between fetches from one host. Pure: `now` is a parameter.

use std::time::Duration;

use tokio::time::Instant;

/// The spacing of the fetches from one host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Spacing {
    /// When the next background fetch may begin.
    free_at: Option<Instant>,
}

impl Spacing {
    /// Takes the next turn and returns when it is; no later than `latest`, where a reader waits.
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

    /// Whether the next turn is now.
    pub(super) fn is_free(&self, now: Instant) -> bool {
        self.free_at.is_none_or(|free_at| free_at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_sspacingd_and_nobody_who_waits_waits_long() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut spacing = Spacing::default();
        assert!(spacing.is_free(start));
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
            let turn = spacing.take(at(now), latest.map(at), Duration::from_secs(1));
            assert_eq!(turn, at(expected), "at {now}");
        }
        assert!(!spacing.is_free(at(9_999)));
        assert!(spacing.is_free(at(10_000)));
    }
}
