//! A decoded image: its frames, their timing and what its file says of colours.

use super::canvas::Canvas;

/// The frames to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameRange {
    pub(super) first: u32,
    pub(super) count: u32,
}

/// A decoded image.
#[derive(Debug)]
pub(super) struct DecodedImage {
    pub(super) frames: Vec<Canvas>,
    /// How long each frame shows, in milliseconds; as many as frames, or none.
    pub(super) delays_ms: Vec<u32>,
    /// How often it plays; 0 is for ever.
    pub(super) loops: u16,
    pub(super) is_grey: bool,
    pub(super) profile: Option<Vec<u8>>,
    pub(super) palette_bits: Option<u8>,
    pub(super) subsampling: Option<&'static str>,
}

impl DecodedImage {
    pub(super) fn still(canvas: Canvas) -> Self {
        Self {
            frames: vec![canvas],
            delays_ms: Vec::new(),
            loops: 0,
            is_grey: false,
            profile: None,
            palette_bits: None,
            subsampling: None,
        }
    }
}
