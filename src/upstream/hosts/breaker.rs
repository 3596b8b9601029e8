//! A circuit breaker for one host. Pure: `now` and chance are parameters.
//!
//! Closed, it lets every fetch pass. It opens when the host asks us to wait, or when several fetches
//! in a row fail within a short time. Once the back-off is over, a single fetch probes the host: its
//! outcome closes the breaker, or opens it for longer.

use std::time::Duration;

use tokio::time::Instant;

use super::options::{Backoff, HostOptions};

/// Failures in a row count together when the first and the last are no further apart.
const FAILURES_WITHIN: Duration = Duration::from_secs(60);
/// How long other fetches are put off at a time while a probe is in flight.
const PROBE_PAUSE: Duration = Duration::from_secs(5);
/// Doublings of a back-off, so that the arithmetic can't overflow.
const DOUBLINGS_MAX: u32 = 20;

/// Whether a fetch may go ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may.
    Pass,
    /// It may, alone, as the probe.
    Probe,
    /// Not before this.
    Backoff(Instant),
}

/// The breaker of one host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Breaker {
    /// Failures in a row.
    failures: u32,
    /// When the first of them was; `None` without one.
    failing_since: Option<Instant>,
    /// Set while the breaker is open; in the past, the next fetch is the probe.
    held_until: Option<Instant>,
    is_probing: bool,
}

impl Breaker {
    /// Whether a fetch may go ahead. A probe has to end with `answered`, `failed`, `overloaded` or
    /// `abandoned`.
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        match self.held_until {
            None => Admission::Pass,
            Some(until) if now < until => Admission::Backoff(until),
            Some(_) if self.is_probing => Admission::Backoff(now + PROBE_PAUSE),
            Some(_) => {
                self.is_probing = true;
                Admission::Probe
            }
        }
    }

    /// The host answered as a healthy one does. A fetch that was in flight when the host asked us
    /// to wait changes nothing about that.
    pub(super) fn answered(&mut self, now: Instant) {
        let is_held = self.held_until.is_some_and(|until| now < until);
        if self.is_probing || !is_held {
            *self = Self::default();
        }
    }

    /// The host could not be reached, or failed.
    pub(super) fn failed(&mut self, now: Instant, options: &HostOptions, fraction: f64) {
        let is_open = self.held_until.is_some();
        let since = self.failing_since.get_or_insert(now);
        if !is_open && now.saturating_duration_since(*since) > FAILURES_WITHIN {
            *since = now;
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        if is_open || self.failures >= options.failures_max {
            let opened = self.failures.saturating_sub(options.failures_max);
            self.hold(now + backoff(opened, options, fraction));
        }
    }

    /// The host said that we come too often, and perhaps for how long to stay away.
    pub(super) fn overloaded(
        &mut self,
        now: Instant,
        wait: Option<Duration>,
        options: &HostOptions,
        fraction: f64,
    ) {
        match wait.filter(|wait| !wait.is_zero()) {
            Some(wait) => self.hold(now + wait),
            None => {
                self.failures = self.failures.saturating_add(1).max(options.failures_max);
                let opened = self.failures - options.failures_max;
                self.hold(now + backoff(opened, options, fraction));
            }
        }
    }

    /// The probe ended without an outcome: the next fetch is the probe.
    pub(super) fn abandoned(&mut self) {
        self.is_probing = false;
    }

    /// The back-off that is left, where the breaker is open.
    pub(super) fn backoff(&self, now: Instant) -> Option<Backoff> {
        Some(Backoff {
            held_for: self.held_until?.saturating_duration_since(now),
            failures: self.failures,
        })
    }

    /// The breaker of an earlier process, which was open when that ended.
    pub(super) fn restored(now: Instant, backoff: Backoff) -> Self {
        Self {
            failures: backoff.failures,
            held_until: Some(now + backoff.held_for),
            ..Self::default()
        }
    }

    /// When the back-off ends, where the breaker is open.
    pub(super) fn held_until(&self) -> Option<Instant> {
        self.held_until
    }

    /// Opens the breaker until then; a longer back-off stays.
    pub(super) fn hold(&mut self, until: Instant) {
        self.is_probing = false;
        self.held_until = self.held_until.max(Some(until));
    }
}

/// The back-off after `times` others in a row: at least `hold_min`, with full jitter over a time
/// that doubles up to `hold_max`.
fn backoff(times: u32, options: &HostOptions, fraction: f64) -> Duration {
    let doubled = options
        .hold_min
        .saturating_mul(2 << times.min(DOUBLINGS_MAX));
    let most = doubled.min(options.hold_max).max(options.hold_min);
    options.hold_min + (most - options.hold_min).mul_f64(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: HostOptions = HostOptions {
        fetches_max: 2,
        fetches_in_all_max: 256,
        queue_timeout: Duration::from_secs(20),
        spacing: Duration::from_secs(1),
        failures_max: 3,
        hold_min: Duration::from_secs(30),
        hold_max: Duration::from_secs(3_600),
    };

    /// What happens, and at which second.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Answered,
        Failed,
        Asked(Option<u64>),
        Abandoned,
        /// Admits: passes, probes, or is held for so many seconds.
        Passes,
        Probes,
        Backoff(u64),
    }
    use Step::*;

    /// Plays steps with chance at its middle.
    fn check(steps: &[(u64, Step)]) {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        for (at, step) in steps {
            let now = start + Duration::from_secs(*at);
            let admitted = |breaker: &mut Breaker| breaker.admit(now);
            match *step {
                Answered => breaker.answered(now),
                Failed => breaker.failed(now, &OPTIONS, 0.5),
                Asked(wait) => {
                    breaker.overloaded(now, wait.map(Duration::from_secs), &OPTIONS, 0.5);
                }
                Abandoned => breaker.abandoned(),
                Passes => assert_eq!(admitted(&mut breaker), Admission::Pass, "{at} of {steps:?}"),
                Probes => assert_eq!(
                    admitted(&mut breaker),
                    Admission::Probe,
                    "{at} of {steps:?}"
                ),
                Backoff(seconds) => assert_eq!(
                    admitted(&mut breaker),
                    Admission::Backoff(now + Duration::from_secs(seconds)),
                    "{at} of {steps:?}"
                ),
            }
        }
    }

    #[test]
    fn it_opens_after_some_failures_in_a_row_and_probes() {
        check(&[
            (0, Failed),
            (1, Failed),
            (1, Passes),
            (2, Failed),
            (2, Backoff(45)),
        ]);
        check(&[
            (0, Failed),
            (1, Failed),
            (2, Answered),
            (3, Failed),
            (3, Passes),
        ]);
        // Far apart, they are no row.
        check(&[
            (0, Failed),
            (30, Failed),
            (61, Failed),
            (61, Passes),
            (62, Failed),
            (63, Failed),
            (63, Backoff(45)),
        ]);
        let opened = [
            (0, Failed),
            (0, Failed),
            (0, Failed),
            (44, Backoff(1)),
            (45, Probes),
            (46, Backoff(5)),
        ];
        let after = |rest: &[(u64, Step)]| check(&[&opened[..], rest].concat());
        after(&[(50, Answered), (50, Passes), (51, Failed), (51, Passes)]);
        // The second time it stays open for longer, the third for longer again.
        after(&[
            (50, Failed),
            (50, Backoff(75)),
            (125, Probes),
            (130, Failed),
            (130, Backoff(135)),
        ]);
        after(&[(50, Abandoned), (50, Probes), (50, Backoff(5))]);
    }

    #[test]
    fn it_waits_as_it_is_asked_to() {
        check(&[
            (0, Asked(Some(120))),
            (0, Backoff(120)),
            (119, Backoff(1)),
            (120, Probes),
        ]);
        check(&[
            (0, Asked(Some(120))),
            (1, Asked(Some(10))),
            (1, Backoff(119)),
        ]);
        check(&[(0, Asked(Some(120))), (1, Answered), (1, Backoff(119))]);
        for no_time in [None, Some(0)] {
            check(&[
                (0, Asked(no_time)),
                (0, Backoff(45)),
                (45, Probes),
                (46, Asked(no_time)),
                (46, Backoff(75)),
            ]);
        }
        // A failure of a fetch in flight does not shorten a long back-off.
        check(&[(0, Asked(Some(7_200))), (1, Failed), (1, Backoff(7_199))]);
    }

    #[test]
    fn waits_grow_to_their_limit_and_not_beyond() {
        for (times, fraction, expected_s) in [
            (0, 0.0, 30),
            (0, 1.0, 60),
            (1, 1.0, 120),
            (5, 1.0, 1_920),
            (6, 1.0, 3_600),
            (6, 0.5, 1_815),
            (u32::MAX, 1.0, 3_600),
            (u32::MAX, 0.0, 30),
        ] {
            let wait = backoff(times, &OPTIONS, fraction);
            assert_eq!(wait.as_secs(), expected_s, "{times} {fraction}");
        }
    }
}
