//! What a thread has had of the processor: a busy machine spoils that least.

use std::fs;
use std::sync::LazyLock;
use std::time::Instant;

/// Seconds of processor time that this thread has had; where the system does not tell, the time.
pub(crate) fn seconds() -> f64 {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanos.map_or_else(|| BEGUN.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}
