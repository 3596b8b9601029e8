//! Bounds that the keys of several tables share.

use std::ops::RangeInclusive;
use std::time::Duration;

pub(super) const NOTHING: Duration = Duration::ZERO;
pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3_600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
pub(super) const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Sizes of a body.
pub(super) const BODIES: RangeInclusive<u64> = 1 << 10..=1 << 30;
/// Sizes of a cache in memory.
pub(super) const MEMORIES: RangeInclusive<u64> = 1 << 20..=1 << 40;
