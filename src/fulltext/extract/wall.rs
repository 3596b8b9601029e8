//! Pages that are in front of an article: to log in, to agree to something, to prove oneself
//! human.
//!
//! Invariant: a long article is never taken for one.

use std::fmt::{self, Display, Formatter};

use dom_query::Document;
use serde::{Deserialize, Serialize};

use super::page::Page;
use super::tree;

/// What is in front of an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wall {
    /// It wants a name and a password.
    Login,
    /// It wants a reader to agree to something.
    Consent,
    /// It wants to be shown that there is a person.
    Challenge,
    /// It wants to be paid.
    Payment,
}

impl Wall {
    /// One stable word for logs.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Login => "login-wall",
            Self::Consent => "consent-wall",
            Self::Challenge => "challenge",
            Self::Payment => "paywall",
        }
    }
}

impl Display for Wall {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Login => "a login page: cookies of a subscription may open it",
            Self::Consent => "a consent page: the cookie that it sets may open it",
            Self::Challenge => "a challenge for browsers",
            Self::Payment => "a teaser before a paywall: cookies of a subscription may open it",
        })
    }
}

/// Letters of an article that is one, whatever else the page says.
const ARTICLE_CHARS: usize = 1_500;
/// How far into a page its marks are looked for.
const MARKS_BYTES: usize = 512 << 10;

/// What challenges have in their pages.
const CHALLENGES: &[&str] = &[
    "_cf_chl_opt",
    "cf-browser-verification",
    "/cdn-cgi/challenge-platform/h/",
    "captcha-delivery.com",
    "px-captcha",
    "_incapsula_resource",
    "incapsula incident id",
    "ddos-guard",
    "please enable js and disable any ad blocker",
    "sucuri_cloudproxy_js",
    "awswafintegration",
    "perfdrive.com",
    "/_sec/cp_challenge",
    "validate.perfdrive",
    "anubis_challenge",
];
/// What challenges call themselves.
const CHALLENGE_TITLES: &[&str] = &[
    "just a moment",
    "attention required!",
    "access denied",
    "are you a robot",
    "robot check",
    "verify you are human",
    "checking your browser",
    "pardon our interruption",
    "bot verification",
    "请稍候",
];
/// Parts of addresses to which a reader is sent to log in.
const LOGIN_PATHS: &[&str] = &[
    "/login",
    "/log-in",
    "/signin",
    "/sign-in",
    "/sso/",
    "/oauth",
    "/account/auth",
    "/anmelden",
    "/users/sign_in",
];
/// Parts of addresses to which a reader is sent to agree.
const CONSENT_PLACES: &[&str] = &[
    "://consent.",
    "://guce.",
    "/consent",
    "/collectconsent",
    "/privacy-gate",
    "/cookie-wall",
    "/cookiewall",
    "myprivacy.",
    "/privacywall",
    "/gdpr",
];

/// Whether a page has a field for a password.
pub(super) fn asks_for_password(document: &Document) -> bool {
    document.select("input[type=password]").exists()
}

/// What stands before the article, if this page is no article.
pub(super) fn find(page: &Page, asks_for_password: bool, article: &str) -> Option<Wall> {
    if tree::text_chars(article) >= ARTICLE_CHARS {
        return None;
    }
    let end = page.text.floor_char_boundary(MARKS_BYTES);
    let small = page.text[..end].to_ascii_lowercase();
    let title = small
        .split_once("<title")
        .and_then(|(_, rest)| rest.split_once("</title"))
        .map_or("", |(title, _)| title);
    let chars = tree::text_chars(article);
    let is_named = CHALLENGE_TITLES.iter().any(|name| title.contains(name));
    if is_named || chars < 400 && CHALLENGES.iter().any(|mark| small.contains(mark)) {
        return Some(Wall::Challenge);
    }
    let was_sent =
        page.asked.host_str() != page.url.host_str() || page.asked.path() != page.url.path();
    let place = page.url.as_str().to_ascii_lowercase();
    let path = page.url.path().to_ascii_lowercase();
    if was_sent && CONSENT_PLACES.iter().any(|part| place.contains(part)) {
        return Some(Wall::Consent);
    }
    let is_login_path = LOGIN_PATHS.iter().any(|part| path.contains(part));
    if was_sent && is_login_path || asks_for_password && chars < 400 {
        return Some(Wall::Login);
    }
    let is_paid = small.contains("\"isaccessibleforfree\":false")
        || small.contains("\"isaccessibleforfree\":\"false\"")
        || small.contains("\"isaccessibleforfree\": false");
    (is_paid && chars < 600).then_some(Wall::Payment)
}
