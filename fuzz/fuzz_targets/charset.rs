//! Decoding: no chunking makes a difference, and UTF-8 comes out as it came in.
#![no_main]

use feedwright::feed::encoding::Decoder;
use libfuzzer_sys::fuzz_target;

const CHARSETS: &[Option<&str>] = &[
    None,
    Some("utf-8"),
    Some("gb2312"),
    Some("utf-16"),
    Some("iso-2022-jp"),
    Some("big5"),
    Some("windows-1252"),
    Some("mac-greek"),
    Some("cp437"),
];

fn decode(bytes: &[u8], size: usize, charset: Option<&str>) -> (String, Option<&'static str>) {
    let mut decoder = Decoder::new(charset);
    let mut out = String::new();
    for chunk in bytes.chunks(size) {
        decoder.push(chunk, &mut out);
    }
    decoder.finish(&mut out);
    (out, decoder.charset())
}

fuzz_target!(|data: (u8, u8, &[u8])| {
    let (size, charset, bytes) = data;
    let charset = CHARSETS[usize::from(charset) % CHARSETS.len()];
    let whole = decode(bytes, bytes.len().max(1), charset);
    let size = usize::from(size % 16) + 1;
    assert_eq!(decode(bytes, size, charset), whole);
    let again = decode(whole.0.as_bytes(), 7, Some("utf-8"));
    if !whole.0.contains("encoding") && !whole.0.contains('\0') && !whole.0.contains('\u{1b}') {
        assert_eq!(again.0, whole.0);
    }
});
