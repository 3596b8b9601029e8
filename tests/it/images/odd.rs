//! What servers and publishers do that no specification foresees.

use image::ImageFormat;

use super::{ask, image, look, open};
use crate::origin::{Origin, Reply};
use crate::reader::get;

#[tokio::test]
async fn one_copy_for_all_who_take_the_same() {
    let jpeg = image(60, 40, ImageFormat::Jpeg);
    let origin = Origin::start(move |_| Reply::ok(&jpeg)).await;
    let service = open(&origin, "").await;
    let path = |options: &str| format!("/image?url={}/a&w=30{options}", origin.address());
    let is_hit = async |options: &str, accept: &str| {
        let answer = get(service.addr, &path(options), &[("accept", accept)]).await;
        assert_eq!(look(&answer).0, 30);
        answer.header("cache-status").contains("hit")
    };
    let auto = "&output=auto";
    assert!(!is_hit(auto, "image/avif,image/webp,*/*").await);
    assert!(is_hit(auto, "image/webp").await);
    if cfg!(feature = "webp") {
        assert!(is_hit("&output=webp", "*/*").await);
        assert!(!is_hit(auto, "*/*").await);
    }
    assert!(is_hit(auto, "image/avif").await);
}

#[tokio::test]
async fn bytes_of_other_encodings_stay_as_they_came() {
    let png = image(8, 6, ImageFormat::Png);
    let origin = Origin::start(move |_| Reply::ok(&png)).await;
    let service = open(&origin, "").await;
    for (given, asked) in [
        ("/caf%E9.png", "/caf%E9.png"),
        ("/%C3%A9%e9?q=%FF", "/%C3%A9%E9?q=%FF"),
        ("/caf%25E9", "/caf%E9"),
    ] {
        assert_eq!(look(&ask(&service, &origin, given, "&w=4").await).0, 4);
        let seen = origin.seen();
        let line = seen.last().unwrap().lines().next().unwrap().to_owned();
        assert_eq!(line, format!("GET {asked} HTTP/1.1"));
    }
}

#[tokio::test]
async fn drawings_of_every_kind_are_known() {
    let svg = |start: &str| {
        format!("{start}<svg xmlns='http://www.w3.org/2000/svg' width='20' height='10'/>")
    };
    let long = format!("<!-- {} -->", "a licence ".repeat(3000));
    let origin = Origin::start(move |head| {
        let drawn = if head.contains("/long") {
            svg(&long).into_bytes()
        } else if head.contains("/utf16") {
            let text = svg("<?xml version='1.0' encoding='UTF-16'?>");
            let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
            units.flat_map(u16::to_le_bytes).collect()
        } else {
            svg("<!DOCTYPE svg [<!ENTITY a 'b'>]>").into_bytes()
        };
        Reply::ok(drawn)
    })
    .await;
    let service = open(&origin, "").await;
    for path in ["/long", "/utf16", "/entity"] {
        let answer = ask(&service, &origin, path, "&w=10").await;
        assert_eq!(look(&answer), (10, 5, ImageFormat::Png), "{path}");
    }
}
