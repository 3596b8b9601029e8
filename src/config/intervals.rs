//! `refresh`, `refresh_min` and `refresh_max`, and how they bound each other.
//!
//! In one table they must be in order. What a feed writes goes before what it inherits: an
//! inherited one gives way as far as it must.

use std::time::Duration;

use super::error::SettingError;
use super::file::Shared;
use super::reader::Written;
use super::units::format_duration;

const REFRESH: Duration = Duration::from_secs(3_600);
const REFRESH_MAX: Duration = Duration::from_secs(86_400);

/// How long copies stay fresh: `min` ≤ `refresh` ≤ `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Intervals {
    pub(super) refresh: Duration,
    pub(super) min: Duration,
    pub(super) max: Duration,
}

/// What `own` and, behind it, `defaults` say.
pub(super) fn resolve(own: &Shared, defaults: &Shared) -> Intervals {
    let (mut refresh, mut min, mut max) = (REFRESH, None, None);
    for table in [defaults, own] {
        if let Some(written) = value(&table.refresh) {
            refresh = written;
            min = min.map(|min: Duration| min.min(written));
            max = max.map(|max: Duration| max.max(written));
        }
        if let Some(written) = value(&table.refresh_min) {
            min = Some(written);
            refresh = refresh.max(written);
            max = max.map(|max: Duration| max.max(written));
        }
        if let Some(written) = value(&table.refresh_max) {
            max = Some(written);
            refresh = refresh.min(written);
            min = min.map(|min| min.min(written));
        }
    }
    Intervals {
        refresh,
        min: min.unwrap_or(refresh),
        max: max.unwrap_or(REFRESH_MAX).max(refresh),
    }
}

/// What one table says that contradicts itself.
pub(super) fn check(table: &Shared) -> Option<SettingError> {
    let order = [
        ("refresh_min", &table.refresh_min),
        ("refresh", &table.refresh),
        ("refresh_max", &table.refresh_max),
    ];
    let mut written = order
        .into_iter()
        .filter_map(|(key, written)| Some((key, written.as_ref()?)));
    let mut before = written.next()?;
    for (key, next) in written {
        if next.value < before.1.value {
            let reason = format!(
                "it is shorter than `{}`, {}",
                before.0,
                format_duration(before.1.value)
            );
            let problem = SettingError::new(next.spot.clone(), reason);
            return Some(problem.with_first(&before.1.spot.place));
        }
        before = (key, next);
    }
    None
}

fn value(written: &Option<Written<Duration>>) -> Option<Duration> {
    written.as_ref().map(|written| written.value)
}
