//! `[[mirror]]`: an origin that is served under a prefix.

use std::collections::HashMap;
use std::fmt::{self, Formatter};
use std::num::NonZeroUsize;
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE};
use http::{HeaderName, HeaderValue, Method};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use url::Url;

use super::bounds::{BODIES, DAY, HOUR, NOTHING, SECOND, YEAR};
use super::error::{SettingError, Spot};
use super::name::FeedName;
use super::raw::{Raw, text};
use super::reader::{Table, Written};
use super::shape::{ProxyUrl, ValueSchema};
use super::texts;
use crate::upstream::{HostPort, Upstream};

/// Mirrors that one configuration may have.
pub(super) const MIRRORS_MAX: usize = 1_000;
/// Methods that one mirror may pass on.
const METHODS_MAX: usize = 32;
/// Names of request headers that one mirror may pass on.
const REQUEST_HEADERS_MAX: usize = 64;
/// Parameters that one mirror may keep by name, and bytes of a name.
const QUERY_NAMES_MAX: usize = 64;
const QUERY_NAME_BYTES_MAX: usize = 256;
/// Distinct queries of one client in a minute: many for a page and its parts, few for somebody who
/// wants to fill the store.
const QUERIES_MAX: u32 = 600;
const QUERIES: std::ops::RangeInclusive<u32> = 0..=100_000;
/// Sizes of a body that is passed through.
const PASSED: std::ops::RangeInclusive<u64> = 1 << 10..=1 << 40;
/// Sizes of a body that is kept: no more than the store takes.
const OBJECTS: std::ops::RangeInclusive<u64> = 0..=256 << 20;

/// One mirror.
#[derive(Clone, PartialEq, Eq)]
pub struct MirrorSettings {
    /// Its name in our URLs, as a feed's.
    pub name: String,
    /// The origin, its path ending in a slash, and how it is reached. The cookies in it are never set.
    pub upstream: Upstream,
    /// The methods that are passed on.
    pub methods: Vec<Method>,
    /// Which of a reader's header fields are passed on.
    pub request_headers: RequestHeaders,
    /// Whether cookies are passed, in both directions.
    pub cookies: bool,
    /// Whether `Authorization` is passed on.
    pub authorization: bool,
    /// Whether the origin's documents may run scripts on our host.
    pub trusted: bool,
    /// Whether a reader's `Cache-Control` is heeded.
    pub honor_request_cache_control: bool,
    /// How long past its freshness something is served while the origin fails.
    pub stale_if_error: Duration,
    /// What becomes of a reader's query.
    pub query: QueryRule,
    /// Distinct queries that one client may have the origin asked for in a minute; `None` for any number.
    pub queries_max: Option<NonZeroUsize>,
    /// Bytes of a body that is kept; a larger one is passed through.
    pub object_bytes_max: usize,
    /// Bytes of a body that is passed through.
    pub body_bytes_max: u64,
    /// Bytes of a reader's body.
    pub request_bytes_max: u64,
    /// Exchanges with the origin at the same time.
    pub fetches_max: usize,
    /// How long one exchange with the origin may take, bodies included.
    pub total_timeout: Duration,
}

/// Which of a reader's header fields the origin gets. Conditions, ranges and what belongs to one
/// connection are looked after apart from this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestHeaders {
    /// All that go end to end, but for those that say where a request came from.
    All,
    /// These.
    Listed(Vec<HeaderName>),
}

/// What becomes of the query of a reader's URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryRule {
    /// It goes to the origin as it is written.
    Keep,
    /// It is dropped: the origin is asked for the URL without it.
    Ignore,
    /// A URL with one is refused.
    Refuse,
    /// The parameters of these names, decoded, go to the origin as they are written.
    Names(Vec<String>),
}

/// Without the headers and the proxy, which are secrets.
impl fmt::Debug for MirrorSettings {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("MirrorSettings")
            .field("name", &self.name)
            .field("origin", &self.upstream.url.as_str())
            .field("methods", &self.methods)
            .field("request_headers", &self.request_headers)
            .field("query", &self.query)
            .field("queries_max", &self.queries_max)
            .finish_non_exhaustive()
    }
}

/// As written. Texts that may be empty are `Some(None)` then.
#[derive(JsonSchema)]
pub(super) struct Mirror {
    /// Name of the mirror in its URL, `/mirror/NAME/`, as a feed's.
    #[schemars(required)]
    name: Option<Written<String>>,
    /// URL of the origin, with a slash at its end. Readers' paths are put after it.
    #[schemars(required)]
    origin: Option<Written<Url>>,
    /// Methods that are passed on.
    methods: Option<Written<Vec<Method>>>,
    /// Readers' header fields that are passed on; `*` for all but those that say where a request
    /// came from.
    request_headers: Option<Written<Vec<Passed>>>,
    /// Whether cookies are passed on, in both directions.
    cookies: Option<Written<bool>>,
    /// Whether `Authorization` is passed on.
    authorization: Option<Written<bool>>,
    /// Whether the origin's pages may run scripts on this host. They are sandboxed otherwise.
    trusted: Option<Written<bool>>,
    /// Whether a reader's `Cache-Control` can make the mirror ask the origin.
    honor_request_cache_control: Option<Written<bool>>,
    /// Time beyond its freshness that something is served while the origin fails.
    stale_if_error: Option<Written<Duration>>,
    /// What becomes of a reader's query: it is kept, ignored or refused, or only the listed
    /// parameters are kept.
    query: Option<Written<QueryRule>>,
    /// Distinct queries that one client may have the origin asked for in a minute. `0` for no
    /// limit.
    queries_max: Option<Written<u32>>,
    /// Size of a body that is kept. A larger one is passed through.
    object_bytes_max: Option<Written<u64>>,
    /// Size of a body that is passed through.
    body_bytes_max: Option<Written<u64>>,
    /// Size of a body that a reader may send.
    request_bytes_max: Option<Written<u64>>,
    /// Exchanges with the origin at the same time.
    fetches_max: Option<Written<u32>>,
    /// Time for one exchange with the origin, bodies included.
    total_timeout: Option<Written<Duration>>,
    /// The `User-Agent` for the origin. Without it, the reader's where that is passed on, or the
    /// one of `[fetch]`.
    user_agent: Option<Written<Option<String>>>,
    /// Request header fields for the origin.
    headers: Option<Written<Vec<(HeaderName, HeaderValue)>>>,
    /// URL of an outbound proxy: `socks5://`, or `http://`, `https://` or `socks5h://` with
    /// `proxy_resolves`.
    #[schemars(with = "Option<Written<ProxyUrl>>")]
    proxy: Option<Written<Option<Url>>>,
    /// Whether the outbound proxy may look names up, and so decide where they lead.
    proxy_resolves: Option<Written<bool>>,
    /// Private addresses that may be fetched from, as `host:port`.
    allow_private: Option<Written<Vec<HostPort>>>,
}

/// One entry of `request_headers`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Passed {
    All,
    Name(HeaderName),
}

impl ValueSchema for Passed {
    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl ValueSchema for QueryRule {
    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "enum": ["keep", "ignore", "refuse"] },
            { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        ]})
    }
}

/// Reads one mirror.
pub(super) fn read(table: &mut Table<'_, '_>) -> Mirror {
    table.mask_credentials("origin");
    Mirror {
        name: table.required("name", text(name)),
        origin: table.required("origin", text(origin)),
        methods: table.list_max("methods", METHODS_MAX, method),
        request_headers: table.list_max("request_headers", REQUEST_HEADERS_MAX, passed),
        cookies: table.switch("cookies"),
        authorization: table.switch("authorization"),
        trusted: table.switch("trusted"),
        honor_request_cache_control: table.switch("honor_request_cache_control"),
        stale_if_error: table.duration("stale_if_error", NOTHING..=YEAR),
        query: table.value("query", query),
        queries_max: table.count("queries_max", QUERIES),
        object_bytes_max: table.size("object_bytes_max", OBJECTS),
        body_bytes_max: table.size("body_bytes_max", PASSED),
        request_bytes_max: table.size("request_bytes_max", BODIES),
        fetches_max: table.count("fetches_max", 1..=512),
        total_timeout: table.duration("total_timeout", SECOND..=DAY),
        user_agent: table.optional_text("user_agent", texts::user_agent),
        headers: table.headers(),
        proxy: table.secret("proxy", texts::proxy_url),
        proxy_resolves: table.switch("proxy_resolves"),
        allow_private: table.list("allow_private", texts::host_port),
    }
}

/// The mirrors that have a name and an origin; notes names that come twice.
pub(super) fn resolve(
    mirrors: Vec<Mirror>,
    problems: &mut Vec<SettingError>,
) -> Vec<MirrorSettings> {
    let mut seen: HashMap<String, Spot> = HashMap::new();
    for name in mirrors.iter().filter_map(|mirror| mirror.name.as_ref()) {
        match seen.get(&name.value) {
            Some(first) => problems.push(
                SettingError::new(name.spot.clone(), "another mirror has this name")
                    .with_first(&first.place),
            ),
            None => {
                seen.insert(name.value.clone(), name.spot.clone());
            }
        }
    }
    for mirror in &mirrors {
        let resolves = mirror.proxy_resolves.as_ref();
        super::proxy::check(mirror.proxy.as_ref(), resolves, problems);
    }
    mirrors.into_iter().filter_map(settings).collect()
}

fn settings(mirror: Mirror) -> Option<MirrorSettings> {
    let methods = || vec![Method::GET, Method::HEAD];
    let is_on = |written: Option<Written<bool>>| value(written).unwrap_or(false);
    let object_bytes_max = value(mirror.object_bytes_max).unwrap_or(32 << 20);
    Some(MirrorSettings {
        name: value(mirror.name)?,
        upstream: Upstream {
            url: value(mirror.origin)?,
            user_agent: value(mirror.user_agent).flatten(),
            headers: value(mirror.headers).unwrap_or_default(),
            cookies: None,
            proxy: value(mirror.proxy).flatten(),
            allow_private: value(mirror.allow_private).unwrap_or_default(),
        },
        methods: value(mirror.methods).unwrap_or_else(methods),
        request_headers: request_headers(value(mirror.request_headers)),
        cookies: is_on(mirror.cookies),
        authorization: is_on(mirror.authorization),
        trusted: is_on(mirror.trusted),
        honor_request_cache_control: is_on(mirror.honor_request_cache_control),
        stale_if_error: value(mirror.stale_if_error).unwrap_or(7 * DAY),
        query: value(mirror.query).unwrap_or(QueryRule::Keep),
        queries_max: NonZeroUsize::new(value(mirror.queries_max).unwrap_or(QUERIES_MAX) as usize),
        object_bytes_max: usize::try_from(object_bytes_max).unwrap_or(usize::MAX),
        body_bytes_max: value(mirror.body_bytes_max).unwrap_or(4 << 30),
        request_bytes_max: value(mirror.request_bytes_max).unwrap_or(16 << 20),
        fetches_max: value(mirror.fetches_max).map_or(64, |count| count as usize),
        total_timeout: value(mirror.total_timeout).unwrap_or(HOUR),
    })
}

fn request_headers(written: Option<Vec<Passed>>) -> RequestHeaders {
    let Some(passed) = written else {
        return RequestHeaders::Listed(vec![ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE]);
    };
    let mut names = Vec::new();
    for passed in passed {
        match passed {
            Passed::All => return RequestHeaders::All,
            Passed::Name(name) => names.push(name),
        }
    }
    RequestHeaders::Listed(names)
}

fn name(text: &str) -> Result<String, String> {
    match FeedName::parse(text) {
        Ok(name) => Ok(name.to_string()),
        Err(error) => Err(error.to_string().replace("a feed's", "a mirror's")),
    }
}

/// `origin`: a URL whose path ends in a slash.
fn origin(text: &str) -> Result<Url, String> {
    let url = texts::feed_url(text)?;
    if url.query().is_some() || text.contains('#') {
        return Err("must have no `?` and no `#`: readers' paths are put after it".into());
    }
    if !url.path().ends_with('/') {
        return Err("must end with a slash: readers' paths are put after it".into());
    }
    Ok(url)
}

fn method(text: &str) -> Result<Method, String> {
    let method: Method = text.parse().map_err(|_| "this is no name of a method")?;
    // SECURITY: CONNECT asks for a tunnel to anywhere; TRACE sends back what was secret on the way.
    if method == Method::CONNECT || method == Method::TRACE {
        return Err("this method is never passed on".into());
    }
    Ok(method)
}

/// `query`: a word, or the names of the parameters that are kept.
fn query(raw: &Raw<'_>) -> Result<QueryRule, String> {
    const FORM: &str = "`\"keep\"`, `\"ignore\"`, `\"refuse\"` or a list of the parameters that are kept, `[\"page\"]`";
    let Some(list) = raw.array() else {
        return match &*raw.text(FORM)? {
            "keep" => Ok(QueryRule::Keep),
            "ignore" => Ok(QueryRule::Ignore),
            "refuse" => Ok(QueryRule::Refuse),
            other => Err(format!("expected {FORM}, found `{other}`")),
        };
    };
    if list.is_empty() {
        return Err("the list is empty; `\"ignore\"` keeps no parameter".to_owned());
    }
    if list.len() > QUERY_NAMES_MAX {
        return Err(format!("there can be no more than {QUERY_NAMES_MAX}"));
    }
    let names = list.iter().map(|name| {
        let raw = Raw::Value(name);
        let name = raw.text("the name of a parameter in quotes")?;
        match name.len() {
            0 => Err("a parameter's name is empty".to_owned()),
            1..=QUERY_NAME_BYTES_MAX => Ok(name.into_owned()),
            _ => Err(format!(
                "a parameter's name has no more than {QUERY_NAME_BYTES_MAX} bytes"
            )),
        }
    });
    names.collect::<Result<_, _>>().map(QueryRule::Names)
}

fn passed(text: &str) -> Result<Passed, String> {
    let of_its_own = |key: &str| Err(format!("there is a key of its own for it: `{key}`"));
    match text.to_ascii_lowercase().as_str() {
        "*" => Ok(Passed::All),
        "cookie" => of_its_own("cookies"),
        "authorization" => of_its_own("authorization"),
        "host" => Err("it follows from the origin".into()),
        name => match name.parse() {
            Ok(name) => Ok(Passed::Name(name)),
            Err(_) => Err("this is no name of a header".into()),
        },
    }
}

fn value<T>(written: Option<Written<T>>) -> Option<T> {
    written.map(|written| written.value)
}
