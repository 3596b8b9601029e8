//! Content codings, whole, cut and hostile.

use super::*;
use proptest::prelude::*;
use std::io::Write;

fn encode(coding: &str, plain: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::default();
    match coding {
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        "zlib" => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        "raw" => {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        "br" => {
            let mut coded = Vec::new();
            let mut encoder = brotli::CompressorWriter::new(&mut coded, 4096, 5, 22);
            encoder.write_all(plain).unwrap();
            drop(encoder);
            coded
        }
        "zstd" => zstd::encode_all(plain, 3).unwrap(),
        _ => plain.to_vec(),
    }
}

fn coding_of(form: &str) -> Coding {
    match form {
        "gzip" => Coding::Gzip,
        "zlib" | "raw" => Coding::Deflate,
        "br" => Coding::Brotli,
        "zstd" => Coding::Zstd,
        _ => Coding::Identity,
    }
}

fn decode(coding: Coding, body: &[u8], chunk: usize) -> Result<Vec<u8>, CodingError> {
    let mut decoder = Decoder::new(coding);
    let mut plain = Vec::new();
    for piece in body.chunks(chunk.max(1)) {
        let mut input = Bytes::copy_from_slice(piece);
        loop {
            let out = decoder.step(&mut input)?;
            if out.is_empty() {
                break;
            }
            assert!(out.len() <= STEP_BYTES_MAX);
            plain.extend_from_slice(&out);
        }
        assert!(input.is_empty());
    }
    plain.extend_from_slice(&decoder.finish()?);
    Ok(plain)
}

const FORMS: [&str; 6] = ["plain", "gzip", "zlib", "raw", "br", "zstd"];

proptest! {
    // Each case runs six encoders.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_chunking_gives_the_same_bytes(
        plain in proptest::collection::vec(any::<u8>(), 0..4000),
        repeat in 1..20usize,
        chunk in 1..9000usize,
    ) {
        let plain = plain.repeat(repeat);
        for form in FORMS {
            let body = encode(form, &plain);
            let decoded = decode(coding_of(form), &body, chunk).unwrap();
            prop_assert!(decoded == plain, "{form}");
        }
    }

    #[test]
    fn every_cut_of_a_coded_body_is_an_error(
        plain in proptest::collection::vec(any::<u8>(), 1..500),
        at in any::<prop::sample::Index>(),
    ) {
        for form in &FORMS[1..] {
            let body = encode(form, &plain);
            let cut = at.index(body.len() - 1) + 1;
            if cut < body.len() {
                let outcome = decode(coding_of(form), &body[..cut], 7);
                prop_assert!(matches!(outcome, Err(CodingError::Truncated)), "{form} at {cut}: {outcome:?}");
            }
        }
    }

    #[test]
    fn noise_never_panics(noise in proptest::collection::vec(any::<u8>(), 0..2000), chunk in 1..300usize) {
        for form in FORMS {
            let _ = decode(coding_of(form), &noise, chunk);
            // Behind a sound start too.
            let mut body = encode(form, b"<rss>");
            body.extend_from_slice(&noise);
            let _ = decode(coding_of(form), &body, chunk);
        }
    }
}

#[test]
fn one_byte_at_a_time() {
    for form in FORMS {
        let body = encode(form, b"<rss><channel/></rss>");
        assert_eq!(
            decode(coding_of(form), &body, 1).unwrap(),
            b"<rss><channel/></rss>",
            "{form}"
        );
    }
}

#[test]
fn lies_about_the_coding_are_seen_through() {
    let gzip = encode("gzip", b"<rss/>");
    for (coding, body, expected) in [
        (Coding::Gzip, &b"<rss/>"[..], &b"<rss/>"[..]),
        (Coding::Gzip, b"\x1f", b"!"),
        (Coding::Gzip, b"", b""),
        (Coding::Brotli, b"", b""),
        (Coding::Zstd, b"", b""),
        (Coding::Deflate, b"", b""),
        (Coding::Identity, &gzip, b"<rss/>"),
        (Coding::Identity, b"\x1f\x8b", b"\x1f\x8b"),
        (Coding::Deflate, &gzip, b"<rss/>"),
        (Coding::Gzip, &encode("gzip", &gzip), b"<rss/>"),
        (Coding::Identity, &encode("gzip", &gzip), b"<rss/>"),
        (Coding::Brotli, &encode("br", &gzip), b"<rss/>"),
        (Coding::Gzip, &encode("gzip", &gzip[..9]), b"!"),
        (Coding::Gzip, &encode("gzip", b"\x1f\x8b"), b"\x1f\x8b"),
        (
            Coding::Gzip,
            &[&gzip[..], b"\0\0\0\0 trailing"].concat(),
            b"<rss/>",
        ),
        (Coding::Gzip, &[&gzip[..], b"\x1f\x8b"].concat(), b"<rss/>"),
        (Coding::Gzip, &[&gzip[..], &gzip].concat(), b"<rss/><rss/>"),
        (Coding::Zstd, b"<rss/>", b"!"),
        (Coding::Brotli, b"\xff<rss/>", b"!"),
    ] {
        for chunk in [1, 2, 5, 1000] {
            let outcome = decode(coding, body, chunk);
            match expected {
                b"!" => assert!(outcome.is_err(), "{coding:?} {body:?}"),
                _ => assert_eq!(outcome.unwrap(), expected, "{coding:?} {body:?}"),
            }
        }
    }
}

#[test]
fn a_damaged_checksum_is_an_error() {
    let mut body = encode("gzip", b"<rss/>");
    let at = body.len() - 6;
    body[at] ^= 1;
    assert!(matches!(
        decode(Coding::Gzip, &body, 100),
        Err(CodingError::Broken(_))
    ));
}

#[test]
fn a_bomb_comes_out_in_small_steps() {
    let plain = vec![b' '; 4 << 20];
    for form in ["gzip", "zlib", "raw", "br", "zstd"] {
        let mut input = Bytes::from(encode(form, &plain));
        let mut decoder = Decoder::new(coding_of(form));
        for _ in 0..8 {
            let out = decoder.step(&mut input).unwrap();
            assert!(!out.is_empty() && out.len() <= STEP_BYTES_MAX, "{form}");
        }
    }
}

#[test]
fn what_unfolds_twice_is_counted_once_unfolded_and_ends_when_it_says_nothing() {
    let plain = vec![b' '; 4 << 20];
    let twice = encode("gzip", &encode("gzip", &plain));
    let mut input = Bytes::from(twice);
    let mut decoder = Decoder::new(Coding::Gzip);
    let mut bytes = 0;
    loop {
        let out = decoder.step(&mut input).unwrap();
        assert!(out.len() <= STEP_BYTES_MAX);
        bytes += out.len();
        if out.is_empty() {
            break;
        }
    }
    assert_eq!(bytes, plain.len());
    assert!(decoder.between_bytes() < (plain.len() / 100) as u64);
    // A file's name that never ends.
    let mut head = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3];
    head.resize(SILENT_BYTES_MAX + 100_000, b'x');
    let silent = encode("gzip", &head);
    assert!(silent.len() < 100_000);
    let outcome = decode(Coding::Gzip, &silent, usize::MAX);
    assert!(matches!(outcome, Err(CodingError::Broken(_))));
}

#[test]
fn wide_windows_are_refused() {
    let mut encoder = zstd::stream::raw::Encoder::new(1).unwrap();
    encoder
        .set_parameter(zstd::stream::raw::CParameter::WindowLog(27))
        .unwrap();
    let mut writer = zstd::stream::zio::Writer::new(Vec::new(), encoder);
    writer.write_all(&vec![b'x'; 1 << 20]).unwrap();
    writer.finish().unwrap();
    let (body, _) = writer.into_inner();
    assert!(matches!(
        decode(Coding::Zstd, &body, 1000),
        Err(CodingError::Broken(_))
    ));
    // The first byte of a large-window brotli stream.
    assert!(matches!(
        decode(Coding::Brotli, &[0x11, 30, 0, 0], 9),
        Err(CodingError::Broken(_))
    ));
}

#[test]
fn content_encoding_is_read_with_care() {
    for (values, expected) in [
        (&[][..], "Ok(Identity)"),
        (&["identity"], "Ok(Identity)"),
        (&["GZIP"], "Ok(Gzip)"),
        (&["x-gzip"], "Ok(Gzip)"),
        (&["deflate"], "Ok(Deflate)"),
        (&[" br "], "Ok(Brotli)"),
        (&["zstd"], "Ok(Zstd)"),
        (&["gzip, identity"], "Ok(Gzip)"),
        (&["gzip, gzip"], "Ok(Gzip)"),
        (&["gzip, gzip, gzip"], "Err(Layers)"),
        (&["gzip", "br"], "Err(Layers)"),
        (&["compress"], "Err(Unasked(\"compress\"))"),
        (&["UTF-8"], "Ok(Identity)"),
        (&["aws-chunked,gzip"], "Ok(Gzip)"),
        (&["none", "binary"], "Ok(Identity)"),
    ] {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::CONTENT_ENCODING, value.parse().unwrap());
        }
        assert_eq!(
            format!("{:?}", Coding::of(&headers)),
            expected,
            "{values:?}"
        );
    }
}
