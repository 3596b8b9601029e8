//! The `feedwright` command.

use std::process::ExitCode;

/// Copies that stay lie between buffers that go. With 1,000 feeds of 100 KB cached, the system's
/// allocator came to hold 380 KiB for each of them, this one 54, and `benches/memory` shows what
/// it is now.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    feedwright::cli::main()
}
