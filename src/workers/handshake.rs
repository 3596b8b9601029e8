//! How a worker is started, and its first message to its parent.

use serde::{Deserialize, Serialize};

/// The hidden command that runs the program as a worker.
pub const COMMAND: &str = "worker";
/// Version of the protocol between parent and worker.
const PROTOCOL: u32 = 1;

/// A worker's first message, sent when its sandbox is up.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ready {
    pub(super) build: String,
    pub(super) idle_bytes: u64,
    pub(super) missing: String,
}

/// Version of the program and the protocol; parent and worker must agree.
pub(super) fn build() -> String {
    format!("{} {PROTOCOL}", env!("CARGO_PKG_VERSION"))
}
