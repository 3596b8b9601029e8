//! Decoding by the encodings of the WHATWG Encoding Standard.

/// Bytes are decoded in steps, so that little room is needed ahead.
const STEP_BYTES: usize = 16 << 10;

/// Decodes `bytes` onto the end of `out`, in steps.
pub(super) fn decode(
    decoder: &mut encoding_rs::Decoder,
    bytes: &[u8],
    is_last: bool,
    out: &mut String,
) {
    let mut rest = bytes;
    loop {
        let (step, later) = rest.split_at(rest.len().min(STEP_BYTES));
        let is_end = is_last && later.is_empty();
        let room = decoder.max_utf8_buffer_length(step.len());
        out.reserve(room.unwrap_or(4 * STEP_BYTES));
        let (_, read, _) = decoder.decode_to_string(step, out, is_end);
        rest = &rest[read..];
        if rest.is_empty() {
            return;
        }
    }
}
