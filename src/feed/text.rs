//! What a field carries, decoded, and the way back: edits are spliced into the raw bytes.

use std::ops::Range;

/// Replaces `range` (byte offsets in the decoded text) by `text` (decoded too).
/// An empty range inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub range: Range<usize>,
    /// What stands there instead, before it is encoded for the carrier.
    pub text: String,
}
