//! Memory of a process as the kernel counts it.

/// Bytes that `RLIMIT_DATA` counts for a process, from its `statm` file.
pub(super) fn data_bytes(statm: &str) -> Option<u64> {
    let text = std::fs::read_to_string(statm).ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(5)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
