//! Passing one request on: any method, the caller's header fields, no redirects, bodies as they are.
//!
//! Invariant: it leads to the configured origin and nowhere else, through the guard like every
//! other hop; what comes back is handed on byte for byte, its content coding untouched.

use super::body::check_end;
use super::chunks::Chunks;
use super::client::Route;
use super::fetch::check_head;
use super::guard::{self, Hop};
use super::{FetchError, Limit, Phase, Upstream, UpstreamClient};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::io;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// A request to be passed on.
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// Where it goes: scheme, host and port are the upstream's.
    pub url: Url,
    /// The header fields, end-to-end ones. The upstream's own are put in besides.
    pub headers: HeaderMap,
    /// The body, if there is one. Its length, where it is known, is in `headers`.
    pub body: Option<BoxStream<'static, io::Result<Bytes>>>,
    /// How long all of it may take, the response's body included.
    pub total_timeout: Duration,
    /// Bytes of the response's body.
    pub body_bytes_max: u64,
}

/// The response.
#[derive(Debug)]
pub struct Passed {
    /// The status code, whatever it is.
    pub status: StatusCode,
    /// The header fields as they came.
    pub headers: HeaderMap,
    /// The body.
    pub body: PassedBody,
}

/// A body that is being read, as it came.
#[derive(Debug)]
pub struct PassedBody {
    chunks: Chunks,
    idle_timeout: Duration,
    deadline: Instant,
    /// `None` also where a length is declared of a body that does not come, as for HEAD.
    declared_bytes: Option<u64>,
    bytes: u64,
    bytes_max: u64,
    /// Dropped with the body: its part of the budget of bytes in flight, its slot among fetches.
    held: Held,
}

/// Things that are only kept.
struct Held(Vec<Box<dyn Send + Sync>>);

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Held")
    }
}

impl UpstreamClient {
    /// Sends a request to `upstream` and waits for the response's head.
    ///
    /// # Errors
    /// When the address policy forbids it, or no response comes. Every status is a response.
    pub async fn pass(
        &self,
        upstream: &Upstream,
        mut request: Outgoing,
    ) -> Result<Passed, FetchError> {
        // SECURITY: a path must never have become a host; and this origin alone may get the
        // upstream's own header fields.
        if request.url.origin() != upstream.url.origin() {
            return Err(FetchError::protocol(
                "the address leads away from the origin",
            ));
        }
        let permit = guard::check_url(&request.url, Hop::Configured, &upstream.allow_private)?;
        let way = upstream.proxy.as_ref();
        self.options.proxies.check(&request.url, way, permit)?;
        let route = Route {
            proxy: upstream.proxy.clone(),
            permit,
        };
        let deadline = Instant::now() + request.total_timeout;
        self.put_own_fields(upstream, &mut request.headers)?;
        let bytes_max = request.body_bytes_max;
        let has_body = request.method != Method::HEAD;
        let response = self.exchange(&route, request, deadline).await?;
        check_head(&response, &route)?;
        let has_body = has_body && response.status() != StatusCode::NOT_MODIFIED;
        Ok(Passed {
            status: response.status(),
            headers: response.headers().clone(),
            body: PassedBody {
                declared_bytes: response.content_length().filter(|_| has_body),
                chunks: Chunks::of(response),
                idle_timeout: self.options.idle_timeout,
                deadline,
                bytes: 0,
                bytes_max,
                held: Held(Vec::new()),
            },
        })
    }

    fn put_own_fields(
        &self,
        upstream: &Upstream,
        headers: &mut HeaderMap,
    ) -> Result<(), FetchError> {
        if upstream.user_agent.is_some() || !headers.contains_key(header::USER_AGENT) {
            let name = upstream
                .user_agent
                .as_ref()
                .unwrap_or(&self.options.user_agent);
            let name = HeaderValue::from_str(name)
                .map_err(|error| FetchError::Settings(Box::new(error)))?;
            headers.insert(header::USER_AGENT, name);
        }
        for (name, _) in &upstream.headers {
            headers.remove(name);
        }
        for (name, value) in &upstream.headers {
            headers.append(name, value.clone());
        }
        Ok(())
    }

    /// Sends it; once more on a new connection when it has no body, may be repeated (RFC 9110
    /// §9.2.2), and the first may have gone out on a pooled connection that upstream had closed.
    async fn exchange(
        &self,
        route: &Route,
        request: Outgoing,
        deadline: Instant,
    ) -> Result<reqwest::Response, FetchError> {
        let Outgoing {
            method,
            url,
            headers,
            body,
            ..
        } = request;
        let may_repeat = body.is_none() && method.is_idempotent();
        let may_be_stale = self.may_have_pooled(route, &url);
        let has_body = body.is_some();
        let build = |client: &reqwest::Client, body: Option<BoxStream<'static, _>>| {
            let request = client.request(method.clone(), url.clone());
            let request = request.headers(headers.clone());
            match body {
                Some(body) => request.body(reqwest::Body::wrap_stream(body)),
                None => request,
            }
        };
        let first = build(&self.pool(route, &url)?, body);
        let mut outcome = self.head_of(first, has_body, deadline).await;
        if may_repeat && may_be_stale && matches!(outcome, Err(FetchError::Cut(_))) {
            let again = build(&self.fresh(route)?, None);
            outcome = self.head_of(again, false, deadline).await;
        }
        let response = outcome?;
        self.note_pooled(route, &url);
        Ok(response)
    }

    async fn head_of(
        &self,
        request: reqwest::RequestBuilder,
        has_body: bool,
        deadline: Instant,
    ) -> Result<reqwest::Response, FetchError> {
        let patience = self.options.connect_timeout + self.options.first_byte_timeout;
        // How long a body takes to send is the reader's affair, within the whole.
        let first_byte = match has_body {
            true => deadline,
            false => deadline.min(Instant::now() + patience),
        };
        let phase = match first_byte < deadline {
            true => Phase::FirstByte,
            false => Phase::Total,
        };
        match timeout_at(first_byte, request.send()).await {
            Ok(outcome) => outcome.map_err(FetchError::before_head),
            Err(_) => Err(FetchError::Timeout { phase }),
        }
    }
}

impl PassedBody {
    /// The next piece, never empty; `None` at the end. After an error the body is done for.
    ///
    /// # Errors
    /// When upstream is too slow or ends early, or sends more than it may.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let idle = Instant::now() + self.idle_timeout;
            let phase = match idle < self.deadline {
                true => Phase::Idle,
                false => Phase::Total,
            };
            let received = timeout_at(idle.min(self.deadline), self.chunks.next()).await;
            let received = received.map_err(|_| FetchError::Timeout { phase })?;
            let Some(piece) = received.map_err(FetchError::in_body)? else {
                check_end(self.declared_bytes, self.bytes)?;
                return Ok(None);
            };
            self.bytes += piece.len() as u64;
            if self.bytes > self.bytes_max {
                let limit = Limit::Wire(self.bytes_max);
                return Err(FetchError::TooLarge { limit });
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    /// Keeps something, such as a place among fetches or a part of a budget, until the body is read or
    /// dropped.
    pub fn hold(&mut self, what: impl Send + Sync + 'static) {
        self.held.0.push(Box::new(what));
    }

    /// The length that was declared.
    #[must_use]
    pub fn declared_bytes(&self) -> Option<u64> {
        self.declared_bytes
    }
}
