//! Bodies: codings, limits, slowness, ends that come too early.

use super::{at, client, fetch, get, reason};
use crate::origin::{Origin, Reply};
use feedwright::upstream::{FetchError, FetchOptions, Fetched, Limit};
use std::io::Write;
use std::time::Duration;

fn encode(coding: &str, plain: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::best();
    match coding {
        "gzip" | "x-gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
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
        "zstd" => zstd::encode_all(plain, 9).unwrap(),
        _ => plain.to_vec(),
    }
}

fn coded(coding: &str, body: &[u8]) -> Reply {
    Reply::status(200, &[("content-encoding", coding)], body)
}

const CODINGS: [&str; 5] = ["gzip", "x-gzip", "deflate", "br", "zstd"];

#[tokio::test]
async fn every_coding_is_undone() {
    let plain = "<rss><item>ä</item></rss>".repeat(9000);
    for coding in CODINGS {
        let origin = Origin::script(vec![coded(coding, &encode(coding, plain.as_bytes()))]).await;
        let (_, body) = get(&client(FetchOptions::default()), &at(&origin, "/"))
            .await
            .unwrap();
        assert!(body == plain.as_bytes(), "{coding}");
    }
}

#[tokio::test]
async fn codings_that_lie_or_break() {
    let gzip = encode("gzip", b"<rss/>");
    let text = |kind| Reply::status(200, &[("content-type", kind)], encode("gzip", b"<rss/>"));
    for (reply, expected) in [
        (coded("gzip", b"<rss/>"), Ok(&b"<rss/>"[..])),
        (coded("gzip", b""), Ok(b"")),
        (Reply::ok(&gzip), Ok(b"<rss/>")),
        (text("text/xml"), Ok(b"<rss/>")),
        (text("application/rss+xml; charset=utf-8"), Ok(b"<rss/>")),
        (text("application/gzip"), Ok(b"<rss/>")),
        (text("application/octet-stream"), Ok(b"<rss/>")),
        (
            coded("gzip", &[&gzip[..], b"\0\0 trailing"].concat()),
            Ok(b"<rss/>"),
        ),
        (coded("identity", b"<rss/>"), Ok(b"<rss/>")),
        (coded("gzip, gzip", &encode("gzip", &gzip)), Ok(b"<rss/>")),
        (coded("gzip", &encode("gzip", &gzip)), Ok(b"<rss/>")),
        (coded("UTF-8", b"<rss/>"), Ok(b"<rss/>")),
        (coded("none", &gzip), Ok(b"<rss/>")),
        (coded("aws-chunked", b"<rss/>"), Ok(b"<rss/>")),
        (coded("compress", b"x"), Err("coding")),
        (coded("zstd", b"<rss/>"), Err("coding")),
    ] {
        let origin = Origin::script(vec![reply]).await;
        let outcome = get(&client(FetchOptions::default()), &at(&origin, "/")).await;
        let outcome = outcome
            .map(|(_, body)| body)
            .map_err(|error| error.reason());
        assert_eq!(outcome, expected.map(<[u8]>::to_vec));
    }
}

#[tokio::test]
async fn what_ends_early_is_cut() {
    for coding in CODINGS {
        let whole = encode(coding, "<rss/>".repeat(500).as_bytes());
        for keep in [1, whole.len() / 2, whole.len() - 1] {
            let origin = Origin::script(vec![coded(coding, &whole[..keep])]).await;
            let reason = reason(&client(FetchOptions::default()), &at(&origin, "/")).await;
            assert_eq!(reason, "cut", "{coding} after {keep} of {}", whole.len());
        }
    }
    let chunked = [("transfer-encoding", "chunked")];
    for (reply, expected) in [
        (
            Reply::head(200, &[], Some("10")).send("<rss>").close(),
            "cut",
        ),
        (
            Reply::head(200, &[], Some("10")).send("<rss>").reset(),
            "cut",
        ),
        (
            Reply::head(200, &chunked, None)
                .send("5\r\n<rss>\r\n")
                .close(),
            "cut",
        ),
        (
            Reply::head(200, &chunked, None).send("9\r\n<rss>").close(),
            "cut",
        ),
        (
            Reply::head(200, &chunked, None).send("zz\r\n<rss>"),
            "protocol",
        ),
        (
            Reply::head(200, &chunked, None).send("5\r\n<rss>\r\n0\r\n\r\n"),
            "ok",
        ),
        // Nothing says how long it is: the end of the connection is its end.
        (Reply::head(200, &[], None).send("<rss>").close(), "ok"),
    ] {
        let origin = Origin::script(vec![reply]).await;
        let reason = reason(&client(FetchOptions::default()), &at(&origin, "/")).await;
        assert_eq!(reason, expected);
    }
}

/// Reads until the error; what came out until then, and the limit that stopped it.
async fn burst(options: FetchOptions, reply: Reply) -> (u64, Limit) {
    let origin = Origin::script(vec![reply]).await;
    let outcome = fetch(&client(options), &at(&origin, "/")).await;
    let mut found = match outcome {
        Ok(Fetched::Found(found)) => found,
        Err(FetchError::TooLarge { limit }) => return (0, limit),
        other => panic!("{other:?}"),
    };
    let mut yielded = 0;
    loop {
        match found.body.chunk().await {
            Ok(Some(chunk)) => {
                assert!(chunk.len() <= 64 << 10);
                yielded += chunk.len() as u64;
            }
            Err(FetchError::TooLarge { limit }) => return (yielded, limit),
            other => panic!("{other:?} after {yielded}"),
        }
    }
}

#[tokio::test]
async fn bombs_are_cut_at_the_limit() {
    const DECODED_MAX: u64 = 2 << 20;
    let plain = vec![b' '; 3 << 20];
    for coding in CODINGS {
        let bomb = encode(coding, &plain);
        let options = FetchOptions {
            decoded_bytes_max: DECODED_MAX,
            ratio_max: u32::MAX,
            ..FetchOptions::default()
        };
        let (yielded, limit) = burst(options, coded(coding, &bomb)).await;
        assert_eq!(limit, Limit::Decoded(DECODED_MAX), "{coding}");
        assert!(yielded <= DECODED_MAX, "{coding}: {yielded}");
        // The ratio stops it just behind the first MiB.
        let (yielded, limit) = burst(FetchOptions::default(), coded(coding, &bomb)).await;
        assert_eq!(limit, Limit::Ratio(100), "{coding}");
        assert!(yielded <= (1 << 20) + (64 << 10), "{coding}: {yielded}");
    }
}

#[tokio::test]
async fn the_wire_has_a_limit_with_and_without_a_declared_length() {
    let options = FetchOptions {
        body_bytes_max: 1000,
        ..FetchOptions::default()
    };
    let declared = Reply::head(200, &[], Some("1001")).hang();
    assert_eq!(
        burst(options.clone(), declared).await,
        (0, Limit::Wire(1000))
    );
    let endless = Reply::head(200, &[], None)
        .send("<item/>".repeat(400))
        .hang();
    let (yielded, limit) = burst(options, endless).await;
    assert_eq!(limit, Limit::Wire(1000));
    assert!(yielded <= 1000);
}

#[tokio::test(start_paused = true)]
async fn slowness_has_five_limits() {
    let second = Duration::from_secs(1);
    let open = || Reply::head(200, &[], None);
    for (reply, expected) in [
        (Reply::default().hang(), "timeout: FirstByte"),
        (
            Reply::default()
                .wait(60 * second)
                .send("HTTP/1.1 200 OK\r\n\r\n"),
            "timeout: FirstByte",
        ),
        (
            Reply::default().send("HTTP/1.1 200 OK\r\n").hang(),
            "timeout: FirstByte",
        ),
        (open().hang(), "timeout: Idle"),
        (open().send("<rss>").hang(), "timeout: Idle"),
        // One byte every nine seconds is never idle.
        (open().drip(&[b' '; 20], 1, 9 * second), "timeout: Rate"),
        // Neither idle nor slower than 1 KiB/s, but endless.
        (
            open().drip(&vec![b' '; 4096 * 90], 4096, second),
            "timeout: Total",
        ),
        (
            open().drip(&vec![b' '; 4096 * 30], 4096, second).close(),
            "ok",
        ),
        // A slow start is forgiven.
        (open().drip(b"<rss/>", 1, second).close(), "ok"),
    ] {
        let origin = Origin::script(vec![reply]).await;
        assert_eq!(
            reason(&client(FetchOptions::default()), &at(&origin, "/")).await,
            expected
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_not_upstreams_fault() {
    let pieces = Reply::head(200, &[], Some("6")).drip(b"<rss/>", 1, Duration::from_millis(10));
    let origin = Origin::script(vec![pieces]).await;
    let options = FetchOptions {
        total_timeout: Duration::from_secs(3600),
        ..FetchOptions::default()
    };
    let outcome = fetch(&client(options), &at(&origin, "/")).await.unwrap();
    let Fetched::Found(mut found) = outcome else {
        panic!("a body was expected");
    };
    while found.body.chunk().await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
}

#[tokio::test]
async fn tiny_chunks_are_put_together() {
    let body: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    let mut coded = Vec::new();
    for byte in &body {
        coded.extend_from_slice(&[b'1', b'\r', b'\n', *byte, b'\r', b'\n']);
    }
    let reply = Reply::head(200, &[("transfer-encoding", "chunked")], None)
        .send(coded)
        .send("0\r\n\r\n");
    let origin = Origin::start(move |_| reply.clone()).await;
    let fetched = fetch(&client(FetchOptions::default()), &at(&origin, "/")).await;
    let Ok(Fetched::Found(mut found)) = fetched else {
        panic!("nothing was found");
    };
    let (mut whole, mut chunks) = (Vec::new(), 0);
    while let Some(chunk) = found.body.chunk().await.unwrap() {
        whole.extend_from_slice(&chunk);
        chunks += 1;
    }
    assert_eq!(whole, body);
    assert!(chunks <= body.len() / 64, "{chunks} chunks");
}
