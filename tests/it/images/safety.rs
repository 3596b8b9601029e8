//! What strangers may try: other hosts, scripts in images, bombs, circles.

use std::time::{Duration, Instant};

use image::ImageFormat;

use super::{ask, closed, image, look, open, refused, signed};
use crate::origin::{Origin, Reply, field};
use crate::reader::{Answer, get};

fn check_headers(answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let policy = answer.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("sandbox"),
        "{policy}"
    );
    assert_eq!(
        answer.header("cross-origin-resource-policy"),
        "cross-origin"
    );
    for name in [
        "set-cookie",
        "refresh",
        "x-powered-by",
        "server",
        "content-encoding",
        "strict-transport-security",
    ] {
        assert_eq!(answer.header(name), "", "{name}");
    }
}

#[tokio::test]
async fn every_answer_is_locked_in() {
    let jpeg = image(40, 30, ImageFormat::Jpeg);
    let evil = [
        ("set-cookie", "a=b"),
        ("content-type", "text/html"),
        ("refresh", "0; url=https://evil.example"),
        ("x-powered-by", "x"),
        ("server", "x"),
        ("content-security-policy", "default-src *"),
        ("link", "<https://evil.example>; rel=preload"),
    ];
    let origin = Origin::start(move |head| match head.contains("/404") {
        true => Reply::status(404, &evil, "<script>1</script>"),
        false => Reply::status(200, &evil, &jpeg),
    })
    .await;
    let service = open(&origin, "").await;
    for (path, options) in [
        ("/a", ""),
        ("/a", "&w=10"),
        ("/a", "&output=json"),
        ("/a", "&encoding=base64"),
        ("/404", ""),
        ("/404", "&default=1"),
    ] {
        let answer = ask(&service, &origin, path, options).await;
        check_headers(&answer);
        assert!(
            !answer.header("content-type").contains("html"),
            "{path}{options}"
        );
        assert!(!answer.header("link").contains("evil"));
    }
    let first = ask(&service, &origin, "/a", "").await;
    let tag = first.header("etag").to_owned();
    let path = format!("/image?url={}/a", origin.address());
    let again = get(service.addr, &path, &[("if-none-match", &tag)]).await;
    assert_eq!(again.status, 304);
    check_headers(&again);
    check_headers(&get(service.addr, &path, &[("range", "bytes=99999999-")]).await);
}

#[tokio::test]
async fn svg_never_leaves_as_a_document() {
    let attacks = [
        "<script>alert(1)</script>",
        "<s:script xmlns:s='http://www.w3.org/2000/svg'>alert(1)</s:script>",
        "<rect onload='alert(1)' onmadeupevent='x'/>",
        "<foreignObject><iframe src='javascript:alert(1)'/></foreignObject>",
        "<set attributeName='onload' to='alert(1)'/>",
        "<SET ATTRIBUTENAME='HREF' TO='javascript:alert(1)'/>",
        "<animate attributeName='xlink:href' values='javascript:alert(1)'/>",
        "<a href='javascript:alert(1)'><rect width='5' height='5'/></a>",
        "<image href='java&#9;script:alert(1)'/>",
        "<image href='http://127.0.0.1:1/x.png' width='5' height='5'/>",
        "<image href='file:///etc/passwd' width='5' height='5'/>",
        "<style>@import url(http://127.0.0.1:1/x.css)</style>",
        "<use href='http://127.0.0.1:1/x.svg#a'/>",
        // A drawing in a drawing, with a script: <svg …><script>alert(1)</script></svg>.
        "<image width='5' height='5' href='data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciPjxzY3JpcHQ+YWxlcnQoMSk8L3NjcmlwdD48L3N2Zz4='/>",
        "<text>&xss;</text>",
        "<text>&laugh9;</text>",
    ];
    let mut entities = String::from("<!ENTITY xss 'alert(1)'><!ENTITY laugh0 'ha'>");
    for level in 1..10 {
        let ten = format!("&laugh{};", level - 1).repeat(10);
        entities += &format!("<!ENTITY laugh{level} '{ten}'>");
    }
    let prologs = [
        String::new(),
        "<?xml-stylesheet href='javascript:alert(1)'?>".to_owned(),
        "<?foo ><script>alert(1)</script>?>".to_owned(),
        format!("<!DOCTYPE svg [{entities}]>"),
    ];
    let count = attacks.len() * prologs.len();
    let origin = Origin::start(move |head| {
        let number: usize = head.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
        let (prolog, attack) = (&prologs[number / attacks.len()], attacks[number % attacks.len()]);
        let svg = format!("{prolog}<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' width='8' height='4'>{attack}</svg>");
        Reply::status(200, &[("content-type", "image/svg+xml")], svg)
    })
    .await;
    let service = open(&origin, "").await;
    for number in 0..count {
        for options in ["", "&w=16", "&output=origin", "&encoding=base64"] {
            let answer = ask(&service, &origin, &format!("/{number}"), options).await;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(
                !text.contains("<svg") && !text.contains("alert"),
                "{number}{options}"
            );
            assert!(
                // 400 is what takes too long.
                matches!(answer.status, 200 | 400 | 404),
                "{number}{options}: {}",
                answer.status
            );
            assert!(!answer.header("content-type").contains("svg"));
        }
    }
}

#[tokio::test]
async fn types_are_what_bytes_say() {
    let gif = image(3, 3, ImageFormat::Gif);
    let origin = Origin::start(move |head| {
        let reply = |kind: &str, body: &[u8]| Reply::status(200, &[("content-type", kind)], body);
        match head.split(' ').nth(1).unwrap() {
            "/gif-as-html" => reply("text/html", &gif),
            "/smuggled" => reply("image/png, text/html", b"<html><script>1</script>"),
            "/polyglot" => reply(
                "image/gif",
                &[gif.as_slice(), b"<script>alert(1)</script>"].concat(),
            ),
            "/pdf" => reply("image/png", b"%PDF-1.7 /JavaScript"),
            "/text" => reply("image/svg+xml", b"hello"),
            _ => reply("image/png", b""),
        }
    })
    .await;
    let service = open(&origin, "").await;
    for path in ["/gif-as-html", "/polyglot"] {
        let answer = ask(&service, &origin, path, "").await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "image/gif")
        );
        check_headers(&answer);
    }
    refused(
        &ask(&service, &origin, "/smuggled", "").await,
        404,
        "Invalid or unsupported",
    );
    refused(
        &ask(&service, &origin, "/text", "").await,
        404,
        "Invalid or unsupported",
    );
    refused(
        &ask(&service, &origin, "/empty", "").await,
        404,
        "Invalid or unsupported",
    );
    refused(
        &ask(&service, &origin, "/pdf", "").await,
        400,
        "PDF documents are not supported",
    );
}

#[tokio::test]
async fn nobody_reaches_inside() {
    let inside = Origin::start(|_| Reply::ok("GIF89a")).await;
    let port = inside.address().port();
    let jump = Origin::start(move |head| match head.split(' ').nth(1).unwrap() {
        "/literal" => Reply::redirect(302, &format!("http://127.0.0.1:{port}/x.gif")),
        "/name" => Reply::redirect(302, &format!("http://localhost:{port}/x.gif")),
        "/mapped" => Reply::redirect(302, &format!("http://[::ffff:7f00:1]:{port}/x.gif")),
        _ => Reply::redirect(302, "http://169.254.169.254/latest/meta-data"),
    })
    .await;
    let service = open(&jump, "").await;
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "[::ffff:7f00:1]",
        "[::]",
        "[::1]",
        "%E2%91%A0%E2%91%A1%E2%91%A6.0.0.1",
        "localhost",
        "localhost.",
        "a.localhost",
        "localhost.localdomain",
        "a@127.0.0.1",
        "example.org@127.0.0.1",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "100.64.0.1",
    ] {
        let answer = get(
            service.addr,
            &format!("/image?url=http://{host}:{port}/x.gif"),
            &[],
        )
        .await;
        assert!(
            matches!(answer.status, 400 | 404),
            "{host}: {}",
            answer.status
        );
    }
    for path in ["/literal", "/name", "/mapped", "/metadata"] {
        let answer = ask(&service, &jump, path, "").await;
        assert!(
            matches!(answer.status, 400 | 404),
            "{path}: {}",
            answer.status
        );
    }
    let port = get(service.addr, "/image?url=http://1.1.1.1:22/x.gif", &[]).await;
    refused(&port, 400, "port 22");
    assert_eq!(inside.settled_accepts().await, 0, "something got through");
}

#[tokio::test]
async fn circles_are_seen() {
    let origin = Origin::start(|_| Reply::ok("GIF89a")).await;
    let service = open(&origin, "").await;
    ask(&service, &origin, "/x", "").await;
    let seen = origin.seen();
    let via = field(&seen[0], "via").unwrap();
    let path = format!("/image?url={}/y", origin.address());
    refused(
        &get(
            service.addr,
            &path,
            &[("via", &format!("1.1 other, {via}"))],
        )
        .await,
        404,
        "leads back here",
    );
    let own = &service.app.settings.server.public_url;
    refused(
        &get(service.addr, &format!("/image?url={own}/image?url=x"), &[]).await,
        404,
        "leads back here",
    );
    let signed = signed(&service, &format!("{own}/feeds/x"), "");
    refused(
        &get(service.addr, &signed, &[]).await,
        404,
        "leads back here",
    );
    assert_eq!(origin.accepts(), 1);
}

/// A PNG whose head claims this size.
fn claiming(width: u32, height: u32) -> Vec<u8> {
    let mut png = image(1, 1, ImageFormat::Png);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let mut checksum = flate2::Crc::new();
    checksum.update(&png[12..29]);
    let checksum = checksum.sum().to_be_bytes();
    png[29..33].copy_from_slice(&checksum);
    png
}

#[tokio::test]
async fn bombs_are_judged_by_their_heads() {
    let mut gif = Vec::new();
    let frame = image::Frame::new(image::RgbaImage::from_pixel(
        2,
        3,
        image::Rgba([9, 9, 9, 255]),
    ));
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    encoder.encode_frames(vec![frame; 1024]).unwrap();
    drop(encoder);
    let mut entities = "<!ENTITY l0 'ha'>".to_owned();
    for level in 1..10 {
        let ten = format!("&l{};", level - 1).repeat(10);
        entities += &format!("<!ENTITY l{level} '{ten}'>");
    }
    let laughs = format!(
        "<!DOCTYPE svg [{entities}]><svg xmlns='http://www.w3.org/2000/svg'><text>&l9;</text></svg>"
    );
    let origin = Origin::start(move |head| match head.split(' ').nth(1).unwrap() {
        "/wide.png" => Reply::ok(claiming(100_000, 100_000)),
        "/largest.png" => Reply::ok(claiming(u32::MAX >> 1, u32::MAX >> 1)),
        "/lying.png" => Reply::ok(claiming(8_000, 8_000)),
        "/frames.gif" => Reply::ok(&gif),
        "/giant.svg" => {
            Reply::ok("<svg xmlns='http://www.w3.org/2000/svg' width='9999999' height='9999999'/>")
        }
        "/laughs.svg" => Reply::ok(&laughs),
        _ => Reply::ok(b"GIF89a"),
    })
    .await;
    let service = open(&origin, "").await;
    let started = Instant::now();
    for (path, options, message) in [
        (
            "/wide.png",
            "&w=10",
            "Input image exceeds pixel limit. Width x height should be less than 71000000",
        ),
        ("/largest.png", "&w=10", ""),
        // It would take more than there is for all images.
        ("/lying.png", "&w=10", "takes more memory"),
        (
            "/frames.gif",
            "&n=-1",
            "maximum number of pages. Number of pages should be less than 256",
        ),
        ("/frames.gif", "&page=-1", "maximum number of pages"),
        ("/giant.svg", "", "Input image exceeds pixel limit"),
        ("/laughs.svg", "", "not readable"),
        ("/cut.gif", "&w=1", "not readable"),
    ] {
        refused(&ask(&service, &origin, path, options).await, 404, message);
    }
    assert!(
        started.elapsed() < Duration::from_secs(60),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        look(&ask(&service, &origin, "/frames.gif", "&w=4").await).0,
        4
    );
}

#[tokio::test]
async fn hosts_that_forbid_hotlinks_are_asked_again() {
    let gif = image(3, 3, ImageFormat::Gif);
    let origin = Origin::start(move |head| match field(head, "referer") {
        Some(referer) if referer.starts_with("http://127.0.0.1") => Reply::ok(&gif),
        _ => Reply::status(403, &[], "go away"),
    })
    .await;
    let service = closed(&origin, "unsigned_hosts = [\"127.0.0.1\"]").await;
    assert_eq!(ask(&service, &origin, "/a", "").await.status, 200);
    assert_eq!(origin.seen().len(), 2);
    assert_eq!(ask(&service, &origin, "/b", "").await.status, 200);
    assert_eq!(origin.seen().len(), 3, "what helped is remembered");
}

#[tokio::test]
async fn hosts_have_rules_that_are_read_again() {
    let gif = image(3, 3, ImageFormat::Gif);
    let origin = Origin::start(move |_| Reply::ok(&gif)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hosts.toml");
    std::fs::write(&file, "[host.\"127.0.0.1\"]\nreferer = \"https://own.example/\"\nuser_agent = \"Own/1\"\nheaders = { origin = \"https://own.example\" }\nformat = \"png\"\n").unwrap();
    let service = open(&origin, &format!("hosts = \"{}\"", file.display())).await;
    let answer = ask(&service, &origin, "/a", "&w=2").await;
    assert_eq!(look(&answer).2, ImageFormat::Png);
    let seen = origin.seen();
    assert_eq!(field(&seen[0], "referer"), Some("https://own.example/"));
    assert_eq!(field(&seen[0], "origin"), Some("https://own.example"));
    assert_eq!(field(&seen[0], "user-agent"), Some("Own/1"));
    std::fs::write(&file, "[host.\"127.0.0.1\"]\nbypass = true\n").unwrap();
    let moved = async {
        loop {
            let answer = ask(&service, &origin, "/a", "&w=2").await;
            if answer.status == 302 {
                break answer.header("location").to_owned();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let location = tokio::time::timeout(Duration::from_secs(30), moved)
        .await
        .unwrap();
    assert_eq!(location, origin.url("/a"));
}
