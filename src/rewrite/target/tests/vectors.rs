//! What presets and signatures write, by the proxies' own vectors.

use super::*;
use crate::rewrite::target::sign::{Coding, Hash};

fn preset(name: &str, told: &PresetOptions, url: &str) -> Option<String> {
    let target = Target::new(&Proxy::preset(name, told).unwrap()).unwrap();
    let url = Url::parse(url).unwrap();
    target.apply(&ImageUrl::of_url(&url).unwrap())
}

fn told(key: &str, salt: &str, options: &str) -> PresetOptions {
    PresetOptions {
        base: Some("https://p".into()),
        options: options.into(),
        format: None,
        key: Secret::parse(key).unwrap(),
        salt: Secret::parse(salt).unwrap(),
        signature_bytes: None,
    }
}

const DW: &str = "https://static.dw.com/image/57152918_303.jpg";
const GOPHER: &str = "http://golang.org/doc/gopher/frontpage.png";

#[test]
fn presets_by_the_vectors_of_the_proxies() {
    let webp = |told: PresetOptions| PresetOptions {
        format: Some("webp".into()),
        ..told
    };
    let check = |name: &str, told: &PresetOptions, url: &str, expected: &str| {
        let written = preset(name, told, url);
        assert_eq!(written.as_deref(), Some(expected), "{name}");
    };
    check(
        "imgproxy-plain",
        &webp(told("secret", "hello", "rs:fit:800:0")),
        DW,
        "https://p/oVmBVeLowEwTxg5poY19cIg2lCpAeNSvlwbU3V6ldOU/rs:fit:800:0/plain/https%3A%2F%2Fstatic.dw.com%2Fimage%2F57152918_303.jpg@webp",
    );
    check(
        "imgproxy",
        &webp(told("secret", "hello", "rs:fit:800:0")),
        DW,
        "https://p/MzzHF7S45D6AY-oCG2iylnwW271EVCNhorhYdn4AGEA/rs:fit:800:0/aHR0cHM6Ly9zdGF0aWMuZHcuY29tL2ltYWdlLzU3MTUyOTE4XzMwMy5qcGc.webp",
    );
    check(
        "imgproxy",
        &told("", "", ""),
        "http://x/",
        "https://p/unsafe/aHR0cDovL3gv",
    );
    check(
        "camo",
        &told("test", "", ""),
        GOPHER,
        "https://p/0f6def1cb147b0e84f39cbddc5ea10c80253a6f3/687474703a2f2f676f6c616e672e6f72672f646f632f676f706865722f66726f6e74706167652e706e67",
    );
    check(
        "camo-query",
        &told("test", "", ""),
        GOPHER,
        "https://p/0f6def1cb147b0e84f39cbddc5ea10c80253a6f3?url=http%3A%2F%2Fgolang.org%2Fdoc%2Fgopher%2Ffrontpage.png",
    );
    check(
        "camo",
        &told("test", "", ""),
        DW,
        "https://p/7536a840ddefd7bc027c95bd83c27602b93cbf78/68747470733a2f2f7374617469632e64772e636f6d2f696d6167652f35373135323931385f3330332e6a7067",
    );
    check(
        "camo-base64",
        &told("test", "", ""),
        GOPHER,
        "https://p/D23vHLFHsOhPOcvdxeoQyAJTpvM/aHR0cDovL2dvbGFuZy5vcmcvZG9jL2dvcGhlci9mcm9udHBhZ2UucG5n",
    );
    check(
        "camo-base64",
        &told("test", "", ""),
        DW,
        "https://p/dTaoQN3v17wCfJW9g8J2Ark8v3g/aHR0cHM6Ly9zdGF0aWMuZHcuY29tL2ltYWdlLzU3MTUyOTE4XzMwMy5qcGc",
    );
}

#[test]
fn more_presets_by_the_vectors_of_the_proxies() {
    let check = |name: &str, told: &PresetOptions, url: &str, expected: &str| {
        let written = preset(name, told, url);
        assert_eq!(written.as_deref(), Some(expected), "{name}");
    };
    check(
        "thumbor",
        &told("my-security-key", "", "800x0"),
        DW,
        "https://p/t1R2gRYxw0aWtoGr7jYlDGJJG88=/800x0/static.dw.com/image/57152918_303.jpg",
    );
    check(
        "imagor",
        &told("", "", "800x0"),
        "http://x/",
        "https://p/unsafe/800x0/b64:aHR0cDovL3gv",
    );
    check(
        "willnorris",
        &told("c0ffee", "", "0x0,r90"),
        "http://test/image",
        "https://p/0x0,r90,sZGTzEm32o4iZ7qcChls3EVYaWyrDd9u0etySo0-WkF8=/http://test/image",
    );
    check(
        "cloudflare",
        &told("", "", "width=800,format=auto"),
        DW,
        "https://p/cdn-cgi/image/width=800,format=auto/https://static.dw.com/image/57152918_303.jpg",
    );
    check(
        "miniflux",
        &told("test", "", ""),
        "http://website/folder/image.png",
        "https://p/proxy/okK5PsdNY8F082UMQEAbLPeUFfbe2WnNfInNmR9T4WA=/aHR0cDovL3dlYnNpdGUvZm9sZGVyL2ltYWdlLnBuZw==",
    );
}

#[test]
fn presets_of_proxies_that_everybody_may_use() {
    let check = |name: &str, told: &PresetOptions, url: &str, expected: &str| {
        let written = preset(name, told, url);
        assert_eq!(written.as_deref(), Some(expected), "{name}");
    };
    let none = PresetOptions::default();
    check(
        "photon",
        &none,
        "http://example.com/image.png",
        "https://i0.wp.com/example.com/image.png",
    );
    check(
        "photon",
        &none,
        "https://example.com/image.png",
        "https://i0.wp.com/example.com/image.png?ssl=1",
    );
    assert_eq!(
        preset("photon", &none, "https://example.com/image.png?foo=bar"),
        None
    );
    check(
        "photon",
        &PresetOptions {
            options: "w=800".into(),
            ..none.clone()
        },
        "https://example.com/image.png",
        "https://i0.wp.com/example.com/image.png?w=800&ssl=1",
    );
    check(
        "photon",
        &PresetOptions {
            options: "w=800".into(),
            ..none.clone()
        },
        "http://example.com/image.png",
        "https://i0.wp.com/example.com/image.png?w=800",
    );
    check(
        "freshrss",
        &none,
        "http://x/",
        "https://wsrv.nl/?url=http%3A%2F%2Fx%2F",
    );
    let options = PresetOptions {
        options: "w=800&output=webp".into(),
        ..none.clone()
    };
    check(
        "wsrv",
        &options,
        "http://x/",
        "https://wsrv.nl/?url=http%3A%2F%2Fx%2F&w=800&output=webp",
    );
}

/// imgproxy's `IMGPROXY_SIGNATURE_SIZE`, nginx's `secure_link_md5` before weserv, and Miniflux's proxy
/// of one's own.
#[test]
fn signatures_of_other_kinds() {
    let imgproxy = Secret::parse("test-key").unwrap();
    let how = (Hash::Sha256, Coding::Base64);
    let short = sign::sign(how, &imgproxy, [b"test-salt", b"/asd"], Some(8));
    assert_eq!(short, "oWaL7QoW5Ts");
    let told = PresetOptions {
        signature_bytes: Some(8),
        ..told("secret", "hello", "rs:fit:800:0")
    };
    let written = preset("imgproxy", &told, DW).unwrap();
    let signature = written
        .strip_prefix("https://p/")
        .unwrap()
        .split('/')
        .next();
    assert_eq!(signature.map(str::len), Some(11), "{written}");

    let secret = Secret::parse("<SECRET>").unwrap();
    let args = b"url=https://wsrv.nl/lichtenstein.jpg&w=100 ";
    let link = sign::sign((Hash::Md5, Coding::Base64), &secret, [b"", args], None);
    assert_eq!(link, "T_Ey01pgkWgBoGcCjN2XWw");
    // The same from a template that puts the URL as weserv's example does.
    let target = Target::new(&Proxy {
        template: "https://p/s/{md5_b64}/?url={url}&w=100".into(),
        message: "url={url}&w=100 ".into(),
        key: secret,
        ..Proxy::default()
    });
    let url = Url::parse("https://wsrv.nl/lichtenstein.jpg").unwrap();
    let written = target.unwrap().apply(&ImageUrl::of_url(&url).unwrap());
    let expected = "https://p/s/T_Ey01pgkWgBoGcCjN2XWw/?url=https://wsrv.nl/lichtenstein.jpg&w=100";
    assert_eq!(written.as_deref(), Some(expected));

    check(
        "https://p/{url_b64_padded}",
        "http://website/folder/image.png",
        "https://p/aHR0cDovL3dlYnNpdGUvZm9sZGVyL2ltYWdlLnBuZw==",
    );
}

#[test]
fn signatures_by_the_vectors_of_imgproxy() {
    let check = |how, key: &str, salt: &str, message: &str, expected: &str| {
        let salt = Secret::parse(salt).unwrap();
        let key = Secret::parse(key).unwrap();
        let signature = sign::sign(how, &key, [salt.bytes(), message.as_bytes()], None);
        assert_eq!(signature, expected);
    };
    let imgproxy = (Hash::Sha256, Coding::Base64);
    let curiosity =
        "/rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png";
    check(
        imgproxy,
        "secret",
        "hello",
        curiosity,
        "oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8",
    );
    check(
        imgproxy,
        "test-key",
        "test-salt",
        "/asd",
        "oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a20",
    );
    check(
        imgproxy,
        "test-key2",
        "test-salt2",
        "/asd",
        "jYz1UZ7j1BCdSzH3pZhaYf0iuz0vusoOTdqJsUT6WXI",
    );
    check(
        imgproxy,
        "hex:943b421c9eb07c830af81030552c86009268de4e532ba2ee2eab8247c6da0881",
        "hex:520f986b998545b4785e0defbc4f3c1203f22de2374a3d53cb7a7fe9fea309c5",
        "/rs:fit:300:300/plain/http://img.example.com/pretty/image.jpg",
        "m3k5QADfcKPDj-SDI2AIogZbC3FlAXszuwhtWXYqavc",
    );
}

#[test]
fn signatures_by_the_vectors_of_the_others() {
    let check = |how, key: &str, message: &str, expected: &str| {
        let key = Secret::parse(key).unwrap();
        assert_eq!(
            sign::sign(how, &key, [b"", message.as_bytes()], None),
            expected
        );
    };
    let thumbor = (Hash::Sha1, Coding::Base64Padded);
    check(
        thumbor,
        "my-security-key",
        "300x200/my.server.com/some/path/to/image.jpg",
        "8ammJH8D-7tXy6kU3lTvoXlhu4o=",
    );
    check(
        thumbor,
        "my-security-key",
        "300x200/smart/my.server.com/some/path/to/image.jpg",
        "a6-Wlrgfl_jW4YvfKIuVnmjEPhc=",
    );
    check(
        thumbor,
        "1234",
        "meta/10x11:12x13/fit-in/-300x-200/5x6/left/top/smart/filters:some_filter()/img",
        "VTAq7YIRbEXgtwAcsTMhAjvBuT8=",
    );
    let willnorris = (Hash::Sha256, Coding::Base64Padded);
    check(
        willnorris,
        "c0ffee",
        "http://test/image",
        "NDx5zZHx7QfE8E-ijowRreq6CJJBZjwiRfOVk_mkfQQ=",
    );
    check(
        willnorris,
        "beer",
        "http://test/image",
        "FWIawYV4SEyI4zKJMeGugM-eJM1eI_jXPEQ20ZgRe4A=",
    );
    let camo = (Hash::Sha1, Coding::Base64);
    check(
        camo,
        "test",
        "http://golang.org:80/doc/gopher/frontpage.png",
        "8_b8SZkMlTYfsGFtkZS7SyJn37k",
    );
}

#[test]
fn what_presets_lack_is_said() {
    let none = PresetOptions::default();
    assert_eq!(Proxy::preset("nobody", &none), Err(PresetError::Unknown));
    assert_eq!(Proxy::preset("imgproxy", &none), Err(PresetError::NoBase));
    let based = told("", "", "");
    assert_eq!(Proxy::preset("camo", &based), Err(PresetError::NoKey));
    let signed = Proxy::from("https://p/{hmac_sha1_hex}/{url_hex}");
    assert_eq!(Target::new(&signed).unwrap_err(), TargetError::NoKey);
    let asked = |name: &str, told: &PresetOptions| Proxy::preset(name, told).map(drop);
    let options = told("key", "", "w=800");
    for name in ["camo", "camo-query", "camo-base64", "freshrss", "miniflux"] {
        assert_eq!(asked(name, &options), Err(PresetError::NoOptions), "{name}");
    }
    let format = PresetOptions {
        format: Some("webp".into()),
        ..based
    };
    assert_eq!(asked("weserv", &format), Err(PresetError::NoFormat));
    for name in presets::names() {
        assert_ne!(
            Proxy::preset(name, &none),
            Err(PresetError::Unknown),
            "{name}"
        );
    }
    let shown = format!("{:?}", told("secret", "hello", ""));
    assert!(!shown.contains("secret") && !shown.contains("hello") && !shown.contains("115"));
}
