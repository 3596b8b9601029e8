//! One fetch, kept: validators, ranges, stale images, restarts, what each client accepts.

use std::time::Duration;

use image::ImageFormat;

use super::{ask, image, look, open, refused};
use crate::origin::{Origin, Reply};
use crate::reader::{self, get};
use crate::service::Service;

#[tokio::test]
async fn one_fetch_serves_all_however_many_ask() {
    let jpeg = image(200, 100, ImageFormat::Jpeg);
    let (release, released) = tokio::sync::watch::channel(false);
    let origin = Origin::start(move |_| {
        Reply::default().wait_for(released.clone()).send(
            [
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", jpeg.len()).as_bytes(),
                &jpeg,
            ]
            .concat(),
        )
    })
    .await;
    let service = open(&origin, "").await;
    let mut streams = Vec::new();
    for number in 0..24 {
        let path = format!(
            "/image?url={}/a.jpg&w={}",
            origin.address(),
            10 + number % 3
        );
        streams.push(reader::ask(service.addr, &format!("GET {path}"), &[]).await);
    }
    release.send(true).unwrap();
    for (number, mut stream) in streams.into_iter().enumerate() {
        assert_eq!(
            look(&reader::read(&mut stream).await).0,
            10 + number as u32 % 3
        );
    }
    assert_eq!(origin.seen().len(), 1);
}

#[tokio::test]
async fn conditions_and_ranges() {
    let png = image(300, 200, ImageFormat::Png);
    let bytes = png.clone();
    let origin = Origin::start(move |_| {
        Reply::status(
            200,
            &[("last-modified", "Wed, 19 Jan 2022 01:17:04 GMT")],
            &bytes,
        )
    })
    .await;
    let service = open(&origin, "").await;
    let path = format!("/image?url={}/a.png", origin.address());
    let first = get(service.addr, &path, &[]).await;
    assert_eq!(first.body, png);
    let whole = get(service.addr, &path, &[]).await;
    let tag = whole.header("etag").to_owned();
    assert!(
        tag.starts_with('"') && whole.header("last-modified") == "Wed, 19 Jan 2022 01:17:04 GMT"
    );
    assert_eq!(whole.header("accept-ranges"), "bytes");
    for (headers, status, from, to) in [
        (vec![("range", "bytes=0-9")], 206, 0, 10),
        (vec![("range", "bytes=-10")], 206, png.len() - 10, png.len()),
        (
            vec![("range", "bytes=5-9"), ("if-range", tag.as_str())],
            206,
            5,
            10,
        ),
        (
            vec![("range", "bytes=5-9"), ("if-range", "\"other\"")],
            200,
            0,
            png.len(),
        ),
        (vec![("range", "bytes=9999999-")], 416, 0, 0),
        (vec![("if-none-match", tag.as_str())], 304, 0, 0),
        (vec![("if-none-match", "\"other\"")], 200, 0, png.len()),
        (
            vec![("if-modified-since", "Wed, 19 Jan 2022 01:17:04 GMT")],
            304,
            0,
            0,
        ),
    ] {
        let answer = get(service.addr, &path, &headers).await;
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (status, &png[from..to]),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn variants_have_tags_of_their_own() {
    let png = image(300, 200, ImageFormat::Png);
    let origin = Origin::start(move |_| Reply::ok(&png)).await;
    let service = open(&origin, "").await;
    let path = format!("/image?url={}/a.png", origin.address());
    get(service.addr, &path, &[]).await;
    let tag = get(service.addr, &path, &[])
        .await
        .header("etag")
        .to_owned();
    let small = get(service.addr, &format!("{path}&w=30"), &[]).await;
    let small_tag = small.header("etag").to_owned();
    assert_ne!(small_tag, tag);
    assert_eq!(
        get(
            service.addr,
            &format!("{path}&w=30"),
            &[("if-none-match", &small_tag)]
        )
        .await
        .status,
        304
    );
    // Nobody's tag is answered before the signature is looked at.
    let closed = super::closed(&origin, "").await;
    refused(
        &get(closed.addr, &path, &[("if-none-match", "*")]).await,
        403,
        "signature",
    );
}

#[tokio::test]
async fn head_is_answered_like_get() {
    let png = image(30, 20, ImageFormat::Png);
    let origin = Origin::start(move |_| Reply::ok(&png)).await;
    let service = open(&origin, "").await;
    let path = format!("/image?url={}/a.png&w=10", origin.address());
    let answer = reader::send(service.addr, &format!("HEAD {path}"), &[]).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-type"), "image/png");
}

#[tokio::test]
async fn what_a_client_accepts_decides() {
    let jpeg = image(60, 40, ImageFormat::Jpeg);
    let origin = Origin::start(move |_| Reply::ok(&jpeg)).await;
    let service = open(&origin, "").await;
    let path = format!("/image?url={}/a&w=30&output=auto", origin.address());
    for (accept, expected) in [
        ("image/avif,image/webp,*/*", ImageFormat::WebP),
        ("image/webp;q=0,*/*", ImageFormat::Jpeg),
        ("*/*", ImageFormat::Jpeg),
    ] {
        let expected = if cfg!(feature = "webp") {
            expected
        } else {
            ImageFormat::Jpeg
        };
        let answer = get(service.addr, &path, &[("accept", accept)]).await;
        assert_eq!(look(&answer).2, expected, "{accept}");
        assert_eq!(answer.header("vary"), "accept");
    }
    let fixed = format!("/image?url={}/a&w=30", origin.address());
    assert_eq!(
        get(service.addr, &fixed, &[("accept", "image/webp")])
            .await
            .header("vary"),
        ""
    );
}

#[tokio::test]
async fn failures_are_remembered_for_a_while() {
    let origin = Origin::start(|head| match head.contains("/500") {
        true => Reply::status(500, &[], ""),
        false => Reply::status(404, &[], ""),
    })
    .await;
    let service = open(&origin, "").await;
    for _ in 0..5 {
        refused(
            &ask(&service, &origin, "/404", "&w=5").await,
            404,
            "returned error: 404",
        );
        refused(
            &ask(&service, &origin, "/404", "").await,
            404,
            "returned error: 404",
        );
    }
    assert_eq!(origin.seen().len(), 1);
    ask(&service, &origin, "/500", "").await;
    ask(&service, &origin, "/500", "").await;
    assert_eq!(origin.seen().len(), 3, "what may be over is tried again");
}

#[tokio::test]
async fn images_outlive_the_process() {
    let jpeg = image(200, 100, ImageFormat::Jpeg);
    let origin = Origin::start(move |_| Reply::status(200, &[("etag", "\"v1\"")], &jpeg)).await;
    let folder = tempfile::tempdir().unwrap();
    let toml = format!(
        "[store]\npath = \"{}\"\n[image]\nopen = true\nallow_private = [\"PUBLISHER\"]\n",
        folder.path().display()
    );
    let mut tags = Vec::new();
    for _ in 0..2 {
        let service = Service::start(&toml, origin.address()).await;
        let small = ask(&service, &origin, "/a.jpg", "&w=50").await;
        assert_eq!(look(&small).0, 50);
        let signed = super::signed(&service, &origin.url("/a.jpg"), "w=20");
        tags.push((small.header("etag").to_owned(), signed));
        service.app.store.close().await;
        service.drain().await;
    }
    assert_eq!(
        tags[0], tags[1],
        "the same image at the same signed address"
    );
    assert_eq!(origin.seen().len(), 1, "fetched once");
}

#[tokio::test]
async fn a_transfer_that_breaks_off_is_kept_by_nobody() {
    let png = image(300, 200, ImageFormat::Png);
    let half = png[..png.len() / 2].to_vec();
    let length = png.len().to_string();
    let origin = Origin::script(vec![
        Reply::head(200, &[], Some(&length))
            .send(half)
            .wait(Duration::from_millis(50))
            .close(),
        Reply::ok(&png),
    ])
    .await;
    let service = open(&origin, "").await;
    let cut = ask(&service, &origin, "/a.png", "").await;
    assert!(!cut.whole || cut.status == 404, "a cut image ended cleanly");
    let again = async {
        loop {
            let answer = ask(&service, &origin, "/a.png", "").await;
            if answer.status == 200 && answer.whole {
                break answer.body;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    let body = tokio::time::timeout(Duration::from_secs(30), again)
        .await
        .unwrap();
    assert_eq!(body, png);
}
