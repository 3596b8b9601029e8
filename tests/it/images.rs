//! The built-in image proxy over HTTP: whose images it serves, what it answers, what it refuses.

mod abandoned;
mod avif;
mod cache;
mod delivery;
mod instead;
mod odd;
mod safety;

use feedwright::images::accept::Accepted;
use feedwright::images::options::UrlOptions;
use feedwright::images::processing::{
    EncodedImage, PixelLimits, ProcessingError, Quality, inspect, make,
};
use feedwright::images::signed_url::{UrlSigner, normal};
use feedwright::images::transform::ImageTransform;
use image::{ImageFormat, Rgb, RgbImage};

use crate::origin::{Origin, Reply};
use crate::reader::{Answer, get};
use crate::service::Service;

/// An image of this size with something in it.
fn image(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let pixel = |x: u32, y: u32| {
        Rgb([
            (x * 7 % 256) as u8,
            (y * 5 % 256) as u8,
            ((x + y) * 3 % 256) as u8,
        ])
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_fn(width, height, pixel)
        .write_to(&mut bytes, format)
        .unwrap();
    bytes.into_inner()
}

/// What is made of an image, without a service.
pub(crate) fn process(bytes: &[u8], query: &str) -> Result<EncodedImage, ProcessingError> {
    let (limits, ask) = (
        PixelLimits::default(),
        ImageTransform::of(UrlOptions::lenient(query).unwrap().pairs()),
    );
    let head = inspect(bytes)?;
    head.weight_bytes(&ask, &limits)?;
    make(
        bytes,
        &head,
        &ask,
        (Accepted::default(), &Quality::default()),
        (&limits, &|| false),
    )
}

/// A service for everybody that may fetch from the origin, with these keys of `[image]` besides.
async fn open(origin: &Origin, keys: &str) -> Service {
    let toml = format!(
        "[image]\nopen = true\nallow_private = [\"PUBLISHER\"]\nkey = \"a key of enough bytes\"\n{keys}\n"
    );
    Service::start(&toml, origin.address()).await
}

/// One that serves nobody without a signature.
async fn closed(origin: &Origin, keys: &str) -> Service {
    let toml = format!(
        "[image]\nallow_private = [\"PUBLISHER\"]\nkey = \"a key of enough bytes\"\n{keys}\n"
    );
    Service::start(&toml, origin.address()).await
}

/// What `/image?url=…` answers for a path of the origin.
async fn ask(service: &Service, origin: &Origin, path: &str, options: &str) -> Answer {
    let path = path.replace('&', "%26").replace('#', "%23");
    get(
        service.addr,
        &format!("/image?url={}{path}{options}", origin.address()),
        &[],
    )
    .await
}

/// The path of a signed address.
fn signed(service: &Service, url: &str, options: &str) -> String {
    let keys = &service.app.settings.image_keys;
    let options = UrlOptions::parse(options).unwrap();
    let signer = UrlSigner::new(keys, "", &options).unwrap();
    signer.sign(normal(url).unwrap().as_str())
}

/// Width, height and format of an answer.
fn look(answer: &Answer) -> (u32, u32, ImageFormat) {
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    let format = image::guess_format(&answer.body).unwrap();
    let image = image::load_from_memory(&answer.body).unwrap();
    (image.width(), image.height(), format)
}

/// An error in weserv's form.
#[track_caller]
fn refused(answer: &Answer, code: u16, message: &str) {
    let body = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, code, "{body}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(
        body.starts_with(&format!(
            "{{\"status\":\"error\",\"code\":{code},\"message\":\""
        )),
        "{body}"
    );
    assert!(body.contains(message), "{body}, not {message}");
}

#[tokio::test]
async fn signed_addresses_are_served_and_no_others() {
    let jpeg = image(400, 300, ImageFormat::Jpeg);
    let bytes = jpeg.clone();
    let origin = Origin::start(move |_| Reply::ok(&bytes)).await;
    let service = closed(&origin, "").await;
    let url = origin.url("/a.jpg");
    let plain = get(service.addr, &signed(&service, &url, ""), &[]).await;
    assert_eq!(
        (plain.status, plain.body.as_slice()),
        (200, jpeg.as_slice())
    );
    assert_eq!(plain.header("content-type"), "image/jpeg");
    assert!(plain.header("cache-control").contains("immutable"));
    let small = get(service.addr, &signed(&service, &url, "w=100"), &[]).await;
    assert_eq!(look(&small), (100, 75, ImageFormat::Jpeg));
    // UrlOptions and address are signed together.
    let path = signed(&service, &url, "w=100");
    for (from, to) in [("w-100", "w-101"), ("/image/", "/image/A"), ("w-100", "-")] {
        let answer = get(service.addr, &path.replacen(from, to, 1), &[]).await;
        assert!(
            matches!(answer.status, 400 | 403),
            "{to}: {}",
            answer.status
        );
    }
    refused(
        &ask(&service, &origin, "/a.jpg", "").await,
        403,
        "need a signature",
    );
    refused(
        &get(service.addr, "/image/nonsense", &[]).await,
        400,
        "Unable to parse",
    );
    // weserv's words with a signature.
    let mut parts = path.split('/').skip(2);
    let signature = parts.next().unwrap();
    let asked = |s: &str| format!("&w=100&s={s}");
    assert_eq!(
        look(&ask(&service, &origin, "/a.jpg", &asked(signature)).await).0,
        100
    );
    refused(
        &ask(&service, &origin, "/a.jpg", &asked("AAAA")).await,
        403,
        "wrong",
    );
    refused(
        &ask(&service, &origin, "/b.jpg", &asked(signature)).await,
        403,
        "wrong",
    );
    assert_eq!(origin.accepts(), 1, "one fetch serves all variants");
}

#[tokio::test]
async fn hosts_may_go_without_a_signature() {
    let bytes = image(40, 30, ImageFormat::Png);
    let origin = Origin::start(move |_| Reply::ok(&bytes)).await;
    let service = closed(&origin, "unsigned_hosts = [\"127.0.0.1\"]").await;
    assert_eq!(
        look(&ask(&service, &origin, "/a.png", "&w=20").await),
        (20, 15, ImageFormat::Png)
    );
    let elsewhere = get(service.addr, "/image?url=example.org/a.png", &[]).await;
    refused(&elsewhere, 403, "need a signature");
}

#[tokio::test]
async fn what_is_asked_is_made() {
    let bytes = image(400, 300, ImageFormat::Jpeg);
    let origin = Origin::start(move |_| Reply::ok(&bytes)).await;
    let service = open(&origin, "").await;
    for (options, expected) in [
        ("&w=200", (200, 150, ImageFormat::Jpeg)),
        ("&w=200&output=png", (200, 150, ImageFormat::Png)),
        ("&h=50%25", (200, 150, ImageFormat::Jpeg)),
        (
            "&w=100&h=100&fit=cover&a=entropy",
            (100, 100, ImageFormat::Jpeg),
        ),
        ("&w=100&h=100&fit=contain", (100, 100, ImageFormat::Png)),
        (
            "&w=100&h=100&t=letterbox&cbg=white",
            (100, 100, ImageFormat::Jpeg),
        ),
        ("&output=gif&ro=90", (300, 400, ImageFormat::Gif)),
        ("&mask=circle&mtrim", (300, 300, ImageFormat::Png)),
        ("&v=123&w=40&w=50", (40, 30, ImageFormat::Jpeg)),
        ("&filename=flip&w=40", (40, 30, ImageFormat::Jpeg)),
    ] {
        assert_eq!(
            look(&ask(&service, &origin, "/a", options).await),
            expected,
            "{options}"
        );
    }
    let json = ask(&service, &origin, "/a", "&w=100&output=json").await;
    assert_eq!(json.header("content-type"), "application/json");
    assert!(json.text().contains("\"width\":100") && json.text().contains("\"format\":\"jpeg\""));
    refused(
        &ask(&service, &origin, "/a", "&output=jxl").await,
        400,
        "Saving to jxl is disabled. Supported savers: jpg",
    );
    refused(
        &ask(&service, &origin, "/a", "&w=10000000&h=10000000&fit=fill").await,
        404,
        "Output image exceeds pixel limit",
    );
    assert_eq!(origin.accepts(), 1);
}
