//! What the publisher answers: pure but for the texts it was filled with at the start.
//!
//! Images are protected as many publishers protect theirs: only pages of the publisher's own site may
//! show them. A feed reader gets 403; Feedwright's image proxy asks once more, as the site itself would.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use flate2::Crc;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, REFERER, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;

use super::{images, texts};

/// The edition of the feeds: 1 November 2026, 06:00 UTC.
const EDITION_S: u64 = 1_793_512_800;

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// SECURITY: the reader page shows what feeds hold; only its own program may run there.
const READER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' http: https: data:; connect-src http: https:; base-uri 'none'; form-action 'none'";
/// Article pages and texts. Not `sandbox`: images are asked for with the page's address as referer.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'";
/// Images: an SVG that is opened by itself is a page.
const IMAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// One thing that can be fetched.
#[derive(Debug, Clone)]
struct Document {
    path: String,
    content_type: &'static str,
    body: Bytes,
    /// Whether it carries validators.
    is_feed: bool,
}

/// Where the item of the feed of teasers leads.
fn path_of_founding_page() -> Option<&'static str> {
    let (_, rest) = texts::FOUNDING.split_once("<item rdf:about=\"http://{{publisher}}")?;
    rest.split('"').next()
}

/// The publisher's documents, with its address filled in.
#[derive(Debug)]
pub(super) struct Site {
    origin: String,
    documents: Vec<Document>,
    images: Vec<Document>,
}

impl Site {
    pub(super) fn new(publisher: SocketAddr) -> Self {
        let document = |path: &str, content_type, text: &str| Document {
            path: path.to_owned(),
            content_type,
            body: texts::fill(text, publisher).into(),
            is_feed: false,
        };
        let feed = |path, content_type, text| Document {
            is_feed: true,
            ..document(path, content_type, text)
        };
        let mut documents = vec![
            document("/reader", HTML, texts::READER),
            document("/reader.css", "text/css", texts::READER_CSS),
            document("/reader.js", "text/javascript", texts::READER_JS),
            feed("/feed.xml", "application/rss+xml", texts::RSS),
            feed("/atom.xml", "application/atom+xml", texts::ATOM),
            feed("/feed.json", "application/feed+json", texts::JSON),
        ];
        documents.push(feed(
            "/founding.xml",
            "application/rdf+xml",
            texts::FOUNDING,
        ));
        if let Some(path) = path_of_founding_page() {
            // Images of our own take the place of the publisher's, which are on the internet.
            let page = texts::FOUNDING_PAGE
                .replace(
                    "//static.dw.com/image/57152918_303.jpg",
                    "/images/harbour.svg",
                )
                .replace(
                    "//static.dw.com/image/57152938_303.jpg",
                    "/images/market.svg",
                );
            documents.push(document(path, HTML, &page));
        }
        let articles = texts::ARTICLES.iter().zip(1..);
        documents.extend(articles.map(|((headline, image, html), number)| {
            let page = texts::ARTICLE
                .replace("{{headline}}", headline)
                .replace("{{image}}", image)
                .replace("{{html}}", html);
            document(&format!("/articles/{number}"), HTML, &page)
        }));
        let drawings = texts::DRAWINGS.iter();
        let mut images: Vec<Document> = drawings
            .map(|(name, svg)| document(&format!("/images/{name}"), "image/svg+xml", svg))
            .collect();
        // Painting writes to memory, which does not fail; without it one image would be missing.
        if let Ok(png) = images::paint() {
            images.push(Document {
                path: "/images/weather.png".to_owned(),
                content_type: "image/png",
                body: png.into(),
                is_feed: false,
            });
        }
        Self {
            origin: format!("http://{publisher}"),
            documents,
            images,
        }
    }

    /// Answers one request.
    pub(super) fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
        }
        let (path, headers) = (request.uri().path(), request.headers());
        if path.starts_with("/images/") {
            let Some(image) = find(&self.images, path) else {
                return refuse(StatusCode::NOT_FOUND, "no such image");
            };
            return if self.is_own_page(headers) {
                show(image)
            } else {
                refuse(
                    StatusCode::FORBIDDEN,
                    "hot-link protection: this image shows on our own pages only",
                )
            };
        }
        match find(&self.documents, path) {
            Some(document) if document.is_feed => show_feed(document, headers),
            Some(document) => show(document),
            None => refuse(StatusCode::NOT_FOUND, "no such page"),
        }
    }

    /// Whether an article page asks, or somebody who names the site itself.
    fn is_own_page(&self, headers: &HeaderMap) -> bool {
        text(headers, REFERER)
            .and_then(|referer| referer.strip_prefix(&self.origin))
            .is_some_and(|path| path == "/" || path.starts_with("/articles/"))
    }
}

fn find<'a>(documents: &'a [Document], path: &str) -> Option<&'a Document> {
    documents.iter().find(|document| document.path == path)
}

fn show(document: &Document) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(document.body.clone()));
    let is_image = document.path.starts_with("/images/");
    let policy = match document.path.as_str() {
        "/reader" => READER_POLICY,
        _ if is_image => IMAGE_POLICY,
        _ => PAGE_POLICY,
    };
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(document.content_type),
    );
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    if is_image {
        // The protection depends on the page that asks; a browser must not mix the answers up.
        headers.insert(VARY, HeaderValue::from_static("referer"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    response
}

/// A feed with its validators, or 304 where the reader has it already.
fn show_feed(document: &Document, request: &HeaderMap) -> Response<Full<Bytes>> {
    let mut checksum = Crc::new();
    checksum.update(&document.body);
    let tag = format!("\"{:08x}\"", checksum.sum());
    let edition = SystemTime::UNIX_EPOCH + Duration::from_secs(EDITION_S);
    let is_known = match text(request, IF_NONE_MATCH) {
        Some(tags) => tags
            .split(',')
            .map(|one| one.trim().trim_start_matches("W/"))
            .any(|one| one == tag || one == "*"),
        None => text(request, IF_MODIFIED_SINCE)
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .is_some_and(|date| date >= edition),
    };
    let mut response = show(document);
    if is_known {
        *response.body_mut() = Full::default();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (ETAG, tag),
        (LAST_MODIFIED, httpdate::fmt_http_date(edition)),
        (CACHE_CONTROL, "max-age=60".to_owned()),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*".to_owned()),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    response
}

fn refuse(status: StatusCode, why: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(why));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
