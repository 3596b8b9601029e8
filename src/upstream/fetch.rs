//! One fetch: the request, our own redirects, the check of the response.
//!
//! Invariant: every hop, the first and each redirect, goes through the guard from the start, and the
//! body of a public hop is not read before the address that answered was judged again.

use super::client::{HEADER_BYTES_MAX, Route, UpstreamClient};
use super::guard::{self, Hop, Permit, Refusal};
use super::hosts::FetchSlot;
use super::reply::retry_after;
use super::request::{self, Origin};
use super::{
    Body, FetchError, Fetched, Found, NotModified, Phase, RedirectProblem, Upstream, Validators,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::time::SystemTime;
use tokio::time::{Instant, timeout_at};
use url::Url;

impl UpstreamClient {
    /// Fetches `upstream`, conditionally when `validators` holds any. Returns when the response's
    /// head is there; the body is read from [`Found::body`].
    ///
    /// # Errors
    /// Everything but 200, and 304 to validators that were sent, is an error.
    pub async fn fetch(
        &self,
        upstream: &Upstream,
        validators: &Validators,
    ) -> Result<Fetched, FetchError> {
        self.fetch_through(upstream, validators, &mut FetchSlot::none())
            .await
    }

    /// Fetches `upstream` as [`Self::fetch`] does, with a slot of each host on the way.
    ///
    /// # Errors
    /// As [`Self::fetch`], and when a host is backed off from or has no free slot.
    pub async fn fetch_through(
        &self,
        upstream: &Upstream,
        validators: &Validators,
        slot: &mut FetchSlot,
    ) -> Result<Fetched, FetchError> {
        let deadline = Instant::now() + self.options.total_timeout;
        let (start, credentials) = request::split_credentials(&upstream.url);
        let request_options = &self.options.request;
        // SECURITY: judged with its user name, before that is taken out.
        let mut permit = match request_options.trusts_urls {
            true => guard::check_url(&start, Hop::Configured, &upstream.allow_private),
            false => guard::check_url(&upstream.url, Hop::Untrusted, &upstream.allow_private),
        }?;
        let mut trail = Trail::new(start.clone());
        loop {
            let url = trail.here().clone();
            let way = upstream.proxy.as_ref();
            self.options.proxies.check(&url, way, permit)?;
            let origin = if url.origin() == start.origin() {
                Origin::Configured {
                    credentials: credentials.as_ref(),
                }
            } else {
                Origin::Other
            };
            let mut headers = request::headers(&self.options, upstream, validators, origin)?;
            let referer = trail.previous().filter(|_| request_options.sends_referer);
            if let Some(referer) = referer.and_then(|url| url.as_str().parse().ok()) {
                headers.entry(header::REFERER).or_insert(referer);
            }
            let route = Route {
                proxy: upstream.proxy.clone(),
                permit,
            };
            timeout_at(deadline, slot.enter(&url))
                .await
                .map_err(|_| FetchError::Crowded)??;
            let response = self.send(&route, &url, headers, deadline).await?;
            if !is_redirect(response.status()) {
                return self.conclude(response, &trail, validators, deadline);
            }
            let next = trail.follow(&response, self.options.redirects_max)?;
            permit = guard::check_url(next, Hop::Redirect(&start), &upstream.allow_private)?;
        }
    }

    /// Sends one request; once more on a new connection when the first may have gone out on a pooled
    /// one that upstream had closed.
    async fn send(
        &self,
        route: &Route,
        url: &Url,
        headers: HeaderMap,
        deadline: Instant,
    ) -> Result<reqwest::Response, FetchError> {
        let may_be_stale = self.may_have_pooled(route, url);
        let pool = self.pool(route, url)?;
        let mut outcome = self.send_once(&pool, url, headers.clone(), deadline).await;
        if may_be_stale && matches!(outcome, Err(FetchError::Cut(_))) {
            let fresh = self.fresh(route)?;
            outcome = self.send_once(&fresh, url, headers, deadline).await;
        }
        let response = outcome?;
        check_head(&response, route)?;
        self.note_pooled(route, url);
        Ok(response)
    }

    async fn send_once(
        &self,
        client: &reqwest::Client,
        url: &Url,
        headers: HeaderMap,
        deadline: Instant,
    ) -> Result<reqwest::Response, FetchError> {
        let patience = self.options.connect_timeout + self.options.first_byte_timeout;
        let first_byte = Instant::now() + patience;
        let phase = if first_byte < deadline {
            Phase::FirstByte
        } else {
            Phase::Total
        };
        let request = client.get(url.clone()).headers(headers);
        match timeout_at(first_byte.min(deadline), request.send()).await {
            Ok(outcome) => outcome.map_err(FetchError::before_head),
            Err(_) => Err(FetchError::Timeout { phase }),
        }
    }

    fn conclude(
        &self,
        response: reqwest::Response,
        trail: &Trail,
        sent: &Validators,
        deadline: Instant,
    ) -> Result<Fetched, FetchError> {
        let headers = response.headers().clone();
        let validators = Validators::of(&headers);
        let url = trail.here().clone();
        let moved_to = trail.moved_to();
        match response.status() {
            status if is_challenge(&headers) => Err(FetchError::Challenge { status }),
            StatusCode::OK => Ok(Fetched::Found(Box::new(Found {
                url,
                validators,
                moved_to,
                body: Body::new(response, &self.options, deadline, self.inflight.clone())?,
                headers,
            }))),
            StatusCode::NOT_MODIFIED if sent.is_empty() => Err(FetchError::Unasked),
            StatusCode::NOT_MODIFIED => Ok(Fetched::NotModified(Box::new(NotModified {
                url,
                validators: validators.or(sent),
                headers,
                moved_to,
            }))),
            status => Err(FetchError::Status {
                status,
                retry_after: retry_after(&headers, SystemTime::now()),
            }),
        }
    }
}

/// Judges a response's head before anything of its body is read.
pub(super) fn check_head(response: &reqwest::Response, route: &Route) -> Result<(), FetchError> {
    // SECURITY: the last check, of the socket itself. Behind an outbound proxy it would judge the
    // proxy's address.
    if route.permit == Permit::Public && route.proxy.is_none() {
        let peer = response.remote_addr().ok_or(Refusal::Unknown)?;
        guard::check_address(peer.ip())?;
    }
    let header_bytes: usize = response
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if header_bytes > HEADER_BYTES_MAX as usize {
        return Err(FetchError::protocol("the header section is too large"));
    }
    Ok(())
}

/// Whether the answer's head says that it is a challenge, as Cloudflare's do.
fn is_challenge(headers: &HeaderMap) -> bool {
    let mark = headers.get("cf-mitigated");
    mark.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"challenge"))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The addresses of one fetch, in order.
struct Trail {
    visited: Vec<Url>,
    is_permanent: bool,
}

impl Trail {
    fn new(start: Url) -> Self {
        Self {
            visited: vec![start],
            is_permanent: true,
        }
    }

    fn here(&self) -> &Url {
        // A trail starts with one address and only grows.
        &self.visited[self.visited.len() - 1]
    }

    fn previous(&self) -> Option<&Url> {
        self.visited.iter().rev().nth(1)
    }

    fn moved_to(&self) -> Option<Url> {
        (self.is_permanent && self.visited.len() > 1).then(|| self.here().clone())
    }

    /// Takes the next step; the caller judges where it leads.
    fn follow(
        &mut self,
        response: &reqwest::Response,
        redirects_max: u32,
    ) -> Result<&Url, RedirectProblem> {
        if self.visited.len() as u64 > u64::from(redirects_max) {
            return Err(RedirectProblem::TooMany(redirects_max));
        }
        let location = response
            .headers()
            .get(header::LOCATION)
            .ok_or(RedirectProblem::NoLocation)?;
        let next = join(self.here(), location).ok_or(RedirectProblem::BadLocation)?;
        if next == *self.here() {
            return Err(RedirectProblem::Itself);
        }
        if self.visited.contains(&next) {
            return Err(RedirectProblem::Loop);
        }
        self.is_permanent &= matches!(response.status().as_u16(), 301 | 308);
        self.visited.push(next);
        Ok(self.here())
    }
}

/// `Location` against where it was found. Raw UTF-8 in it is common, and the URL parser encodes it;
/// leading and trailing space it drops.
fn join(base: &Url, location: &HeaderValue) -> Option<Url> {
    let text = std::str::from_utf8(location.as_bytes()).ok()?;
    if text.trim().is_empty() {
        return None;
    }
    let mut next = base.join(text).ok()?;
    next.set_fragment(None);
    Some(next)
}
