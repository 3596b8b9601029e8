//! Readers who leave a mirror, and what tells its answers apart.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::mirror_of;
use crate::origin::{Origin, Reply, field};
use crate::reader::{ask, get};
use crate::service::Service;

async fn until_idle(service: &Service) {
    for _ in 0..3_000 {
        if service.app.mirrors.exchanges_under_way() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("an exchange goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_every_reader_has_left_is_not_fetched_on() {
    let origin = Origin::start(|head| {
        let length = (!head.contains("/chunked")).then_some("1000000");
        match head.contains("/silent") {
            true => Reply::default().hang(),
            false => Reply::head(200, &[("cache-control", "max-age=60")], length)
                .send("x".repeat(10_000))
                .hang(),
        }
    })
    .await;
    let service = mirror_of(&origin, "").await;
    for path in ["silent", "half", "chunked", "private?no-store"] {
        let mut readers = Vec::new();
        for _ in 0..3 {
            readers.push(ask(service.addr, &format!("GET /mirror/m/{path}"), &[]).await);
        }
        while service.app.mirrors.exchanges_under_way() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(readers);
        until_idle(&service).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_bounded_for_each_mirror_also_while_bodies_are_passed_through() {
    let (release, released) = tokio::sync::watch::channel(false);
    let origin = Origin::start(move |_| {
        Reply::head(200, &[("cache-control", "no-store")], Some("4"))
            .send("ab")
            .wait_for(released.clone())
            .send("cd")
    })
    .await;
    let service = mirror_of(&origin, "fetches_max = 2").await;
    let mut readers = Vec::new();
    for number in 0..5 {
        readers.push(ask(service.addr, &format!("GET /mirror/m/{number}"), &[]).await);
    }
    while origin.seen().len() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(origin.seen().len(), 2);
    release.send(true).unwrap();
    for mut reader in readers {
        assert_eq!(crate::reader::read(&mut reader).await.body, b"abcd");
    }
}

/// Fields with which one reader could spoil what another gets.
const PASSED: &[(&str, &str)] = &[
    ("accept", "text/evil"),
    ("accept-language", "evil"),
    ("content-type", "text/evil"),
    ("origin", "https://evil.example"),
    ("referer", "https://evil.example/"),
    ("sec-fetch-site", "evil"),
    ("user-agent", "evil"),
    ("x-api-version", "evil"),
    ("x-requested-with", "evil"),
    ("x-theme", "evil"),
];

#[tokio::test]
async fn whatever_all_passes_on_tells_answers_apart() {
    let count = AtomicUsize::new(0);
    let origin = Origin::start(move |_| {
        let body = count.fetch_add(1, Ordering::SeqCst).to_string();
        Reply::status(200, &[("cache-control", "max-age=60")], body)
    })
    .await;
    let service = mirror_of(&origin, "request_headers = [\"*\"]").await;
    let plain = get(service.addr, "/mirror/m/a", &[]).await.body;
    for header in PASSED {
        let evil = get(service.addr, "/mirror/m/a", &[*header]).await.body;
        assert_ne!(evil, plain, "{header:?}");
        let head = origin.seen().pop().unwrap();
        assert_eq!(field(&head, header.0), Some(header.1));
        assert_eq!(field(&head, "feedwright-passed"), None);
        // Kept for who sends the same, and for nobody else.
        assert_eq!(
            get(service.addr, "/mirror/m/a", &[*header]).await.body,
            evil
        );
        let again = get(service.addr, "/mirror/m/a", &[]).await.body;
        assert!(again != evil, "{header:?}");
    }
    let before = origin.seen().len();
    for header in [
        ("x-forwarded-host", "evil"),
        ("X-Original-URL", "/evil"),
        ("x-http-method-override", "DELETE"),
        ("X_Forwarded_Host", "evil"),
        ("cf-connecting-ip", "10.0.0.1"),
        ("x-middleware-subrequest", "evil"),
        ("max-forwards", "0"),
        ("proxy", "http://evil.example/"),
        ("feedwright-passed", "evil"),
        ("pragma", "akamai-x-get-cache-key"),
    ] {
        get(service.addr, "/mirror/m/b", &[header]).await;
    }
    let seen = origin.seen().split_off(before);
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(!seen[0].to_ascii_lowercase().contains("evil"), "{seen:?}");
}
