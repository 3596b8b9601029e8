//! Readers who leave: what nobody waits for is not fetched.

use std::time::Duration;

use image::ImageFormat;

use super::{image, open};
use crate::origin::{Origin, Reply};
use crate::reader::{self, get};
use crate::service::Service;

/// Far more than are fetched at the same time.
const READERS: usize = 400;

/// Waits until no fetch of an image is under way.
async fn until_idle(service: &Service) {
    for _ in 0..3_000 {
        if service.app.imager.fetches_under_way() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} fetches go on", service.app.imager.fetches_under_way());
}

#[tokio::test(flavor = "multi_thread")]
async fn l7_what_every_reader_has_left_is_not_fetched_on() {
    let png = image(60, 40, ImageFormat::Png);
    let start = png[..200].to_vec();
    let origin = Origin::start(move |head| match head.contains("/good") {
        true => Reply::ok(&png),
        // The start of a large image, and nothing more.
        false => Reply::head(200, &[], Some("1000000")).send(&start).hang(),
    })
    .await;
    let service = open(&origin, "").await;
    let address = origin.address();
    for what in ["", "&w=10"] {
        let mut readers = Vec::new();
        for number in 0..READERS {
            let path = format!("GET /image?url={address}/{number}{}.png{what}", what.len());
            readers.push(reader::ask(service.addr, &path, &[]).await);
        }
        while service.app.imager.fetches_under_way() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(readers);
        until_idle(&service).await;
    }
    // No more were begun than there are places, and they are free again.
    let good = get(
        service.addr,
        &format!("/image?url={address}/good.png&w=20"),
        &[],
    )
    .await;
    assert_eq!(good.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_reader_who_stays_gets_it_and_what_is_nearly_whole_is_kept() {
    let png = image(300, 200, ImageFormat::Png);
    let length = png.len().to_string();
    let most = png.len() * 9 / 10;
    let (release, released) = tokio::sync::watch::channel(false);
    let bytes = png.clone();
    let origin = Origin::start(move |_| {
        Reply::head(200, &[], Some(&length))
            .send(&bytes[..most])
            .wait_for(released.clone())
            .send(&bytes[most..])
    })
    .await;
    let service = open(&origin, "").await;
    let (left, stayed) = ("a.png", "b.png");
    let ask = async |name: &str| {
        let path = format!("GET /image?url={}/{name}", origin.address());
        reader::ask(service.addr, &path, &[]).await
    };
    let leaving = ask(left).await;
    let mut staying = ask(stayed).await;
    let second = ask(stayed).await;
    while origin.seen().len() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // They have had what there is.
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop((leaving, second));
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    release.send(true).unwrap();
    assert_eq!(reader::read(&mut staying).await.body, png);
    until_idle(&service).await;
    let path = format!("/image?url={}/{left}", origin.address());
    assert_eq!(get(service.addr, &path, &[]).await.body, png);
    assert_eq!(origin.seen().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_bounded_for_each_host() {
    let png = image(60, 40, ImageFormat::Png);
    let (release, released) = tokio::sync::watch::channel(false);
    let origin = Origin::start(move |_| {
        let ok = Reply::ok(&png);
        Reply::default().wait_for(released.clone()).then(ok)
    })
    .await;
    let service = open(&origin, "host_fetches_max = 3\n").await;
    let mut readers = Vec::new();
    for number in 0..12 {
        let path = format!("GET /image?url={}/{number}.png", origin.address());
        readers.push(reader::ask(service.addr, &path, &[]).await);
    }
    while origin.seen().len() < 3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(origin.seen().len(), 3);
    release.send(true).unwrap();
    for mut reader in readers {
        assert_eq!(reader::read(&mut reader).await.status, 200);
    }
}
