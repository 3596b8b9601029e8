//! Packing for PNG (RFC 1950): by libdeflate, in less time and fewer bytes than by zlib; without it
//! by the route in Rust.

use crate::images::processing::error::ProcessingError;

/// libdeflate's levels for zlib's: the fastest whose files are no larger.
#[cfg(feature = "libdeflate")]
const LEVELS: [i32; 10] = [0, 1, 1, 2, 3, 3, 4, 6, 8, 10];

/// Packs at one of zlib's levels, 0 to 9; more is as 9.
#[cfg(feature = "libdeflate")]
pub(super) fn zlib(data: &[u8], level: u8) -> Result<Vec<u8>, ProcessingError> {
    use libdeflater::{CompressionLvl, Compressor};
    let level = LEVELS[usize::from(level).min(LEVELS.len() - 1)];
    let level = CompressionLvl::new(level).map_err(|_| ProcessingError::Unreadable)?;
    let mut compressor = Compressor::new(level);
    let mut packed = vec![0; compressor.zlib_compress_bound(data.len())];
    let bytes = compressor.zlib_compress(data, &mut packed);
    packed.truncate(bytes.map_err(|_| ProcessingError::Unreadable)?);
    Ok(packed)
}

/// Packs at one of zlib's levels, 0 to 9; more is as 9.
#[cfg(not(feature = "libdeflate"))]
pub(super) fn zlib(data: &[u8], level: u8) -> Result<Vec<u8>, ProcessingError> {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    let level = Compression::new(level.min(9).into());
    let mut zlib = ZlibEncoder::new(Vec::with_capacity(data.len() / 2), level);
    let packed = zlib.write_all(data).and_then(|()| zlib.finish());
    packed.map_err(|_| ProcessingError::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_is_read_and_more_of_it_packs_better() {
        let mut state = 9_u32;
        let data: Vec<u8> = (0..200_000_u32)
            .map(|at| {
                state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                (at % 1500 / 6) as u8 ^ (state >> 24 == 0) as u8
            })
            .collect();
        let mut bytes = Vec::new();
        for level in 0..=10 {
            let packed = zlib(&data, level).unwrap();
            let mut read = Vec::new();
            let mut reader = flate2::read::ZlibDecoder::new(packed.as_slice());
            std::io::Read::read_to_end(&mut reader, &mut read).unwrap();
            assert_eq!(read, data, "level {level}");
            bytes.push(packed.len());
        }
        assert!(
            bytes[0] > data.len() && bytes[1] < data.len() / 4,
            "{bytes:?}"
        );
        assert!(bytes[6] < bytes[1] && bytes[9] < bytes[6], "{bytes:?}");
        assert_eq!(bytes[10], bytes[9]);
    }

    #[test]
    fn nothing_is_packed_too() {
        assert!(!zlib(&[], 6).unwrap().is_empty());
    }
}
