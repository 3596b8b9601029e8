//! Bringing images: fetched once, whatever is then asked of them; made once, however many ask.
//!
//! Invariants. The order of checks is go-camo's: loop, signature, the guard at every hop, status,
//! size, type by its first bytes, and only then a byte goes out. Nothing upstream says but its
//! validators and times gets to a client. Nothing is decoded, drawn or encoded in this process: that
//! is done by workers, within a budget of memory and time.

mod error;
mod hosts;
mod keep;
mod original;
mod stored;
mod variant;

pub use error::ImageError;
pub use hosts::{HostRule, HostRules};
pub use original::{Original, OriginalBody};
pub use variant::Variant;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::cache::{self, Cache, Shelf};
use crate::images::accept::Accepted;
use crate::images::processing::{PixelLimits, Quality, fonts};
use crate::images::transform::{ImageTransform, OutputFormat, Pages};
use crate::inflight::{Holder, Inflight};
use crate::store::{Purge, Space, Store};
use crate::upstream::guard::{self, Hop};
use crate::upstream::hosts::Hosts;
use crate::upstream::{
    self, HostPort, Jitter, Lookup, Proxies, ProxyUser, RequestOptions, UpstreamClient,
    UpstreamClientError,
};
use crate::workers::{WorkerKind, Workers};

/// What we read; nothing that is no image.
const ACCEPT: HeaderValue =
    HeaderValue::from_static("image/avif,image/webp,image/*;q=0.8,*/*;q=0.1");
/// Images are compressed already, but for SVG.
const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("gzip, identity;q=0.9");
/// Hosts for which is remembered that they want a `Referer`.
const REMEMBERED_MAX: usize = 1024;
/// How long a fetch waits for a place.
const PLACE_TIMEOUT: Duration = Duration::from_secs(10);

/// Whose images are served, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageProxyOptions {
    /// Hosts, with what is below them, whose images may be asked for without a signature.
    pub unsigned_hosts: Vec<String>,
    /// Whether everybody's may.
    pub open: bool,
    /// Exceptions of the address policy.
    pub allow_private: Vec<HostPort>,
    /// Bytes of one image, as it comes.
    pub body_bytes_max: u64,
    /// The whole of a fetch.
    pub fetch_timeout: Duration,
    /// Fetches at the same time.
    pub fetches_max: usize,
    /// Fetches at the same time from one host.
    pub host_fetches_max: usize,
    /// Bytes of memory that images may take while they are worked on.
    pub work_bytes: u64,
    /// From waiting for that to the finished image.
    pub work_timeout: Duration,
    /// Pixels and frames.
    pub limits: PixelLimits,
    /// How well and with how much effort images are written.
    pub quality: Quality,
    /// Whether GIF and WebP keep moving where nothing is asked; weserv takes the first frame.
    pub animate: bool,
    /// Whether a URL without a scheme is `https`; in weserv it is `http`.
    pub https_first: bool,
    /// Whether every failure of a host is a 404, as in weserv.
    pub weserv_statuses: bool,
    /// How long an image is fresh whose server does not say.
    pub fresh_for: Duration,
    /// How long beyond that it is served stale when its server fails.
    pub stale_if_error: Duration,
}

impl Default for ImageProxyOptions {
    fn default() -> Self {
        Self {
            unsigned_hosts: Vec::new(),
            open: false,
            allow_private: Vec::new(),
            body_bytes_max: 32 << 20,
            fetch_timeout: Duration::from_secs(30),
            fetches_max: 128,
            host_fetches_max: 16,
            work_bytes: 192 << 20,
            work_timeout: Duration::from_secs(10),
            limits: PixelLimits::default(),
            quality: Quality::default(),
            animate: false,
            https_first: false,
            weserv_statuses: true,
            fresh_for: Duration::from_secs(86_400),
            stale_if_error: Duration::from_secs(30 * 86_400),
        }
    }
}

/// An image that is asked for.
#[derive(Debug, Clone)]
pub struct ImageRequest {
    /// Where it is.
    pub url: Url,
    /// Who asks for it.
    pub holder: Holder,
    /// What is to be made of it.
    pub transform: ImageTransform,
    /// The same as canonical text, for the keys of caches.
    pub text: String,
    /// What the client takes, where the answer hangs on it.
    pub accepted: Accepted,
}

/// Brings images.
#[derive(Debug)]
pub struct Imager {
    pub(crate) options: ImageProxyOptions,
    client: UpstreamClient,
    /// Places of fetches. There is no back-off per host here: image hosts are untrusted, and many.
    hosts: Arc<Hosts>,
    store: Store,
    originals: Arc<Cache<ImageError, Original>>,
    variants: Arc<Cache<ImageError, Variant>>,
    workers: Workers,
    rules: RwLock<Arc<HostRules>>,
    /// Hosts that refused a request without a `Referer`, with the one they took.
    referers: Mutex<HashMap<String, HeaderValue>>,
    proxies: Proxies,
    /// What stands for us in `Via`.
    name: String,
    public_url: String,
    tasks: TaskTracker,
}

/// What a worker of this kind is given when it starts.
#[must_use]
pub fn worker_data(kind: WorkerKind) -> Vec<u8> {
    match kind {
        WorkerKind::Svg => fonts::list(),
        WorkerKind::Image | WorkerKind::Page => Vec::new(),
    }
}

/// What an [`Imager`] shares with the rest of the service.
#[derive(Debug)]
pub struct ImagerParts {
    /// Memory of what is kept.
    pub shelf: Shelf,
    /// The budget of what is under way.
    pub inflight: Inflight,
    /// What outlives the process.
    pub store: Store,
    /// Where work that nobody waits for any more goes on.
    pub tasks: TaskTracker,
    /// Where our own addresses start.
    pub public_url: String,
    /// Tells this process from others, in `Via`.
    pub instance: u64,
    /// What decodes, draws and encodes.
    pub workers: Workers,
}

impl Imager {
    /// One that fetches with these limits.
    ///
    /// # Errors
    /// When the HTTP client can't be built.
    pub fn new(
        options: ImageProxyOptions,
        fetch: &upstream::FetchOptions,
        lookup: Lookup,
        shared: ImagerParts,
    ) -> Result<Self, UpstreamClientError> {
        let name = format!("feedwright-{:016x}", shared.instance);
        let fetch = upstream::FetchOptions {
            total_timeout: options.fetch_timeout,
            body_bytes_max: options.body_bytes_max,
            decoded_bytes_max: options.body_bytes_max,
            // weserv's own number.
            redirects_max: 10,
            request: RequestOptions {
                accept: ACCEPT,
                accept_encoding: ACCEPT_ENCODING,
                via: HeaderValue::from_str(&format!("1.1 {name}")).ok(),
                sends_referer: true,
                trusts_urls: false,
            },
            ..fetch.clone()
        };
        let proxies = fetch.proxies.clone();
        let places = upstream::hosts::HostOptions {
            fetches_max: options.host_fetches_max,
            fetches_in_all_max: options.fetches_max,
            queue_timeout: PLACE_TIMEOUT,
            spacing: Duration::ZERO,
            ..upstream::hosts::HostOptions::default()
        };
        let limits = cache::CacheOptions {
            recording_bytes_max: usize::try_from(options.body_bytes_max).unwrap_or(usize::MAX),
            ..cache::CacheOptions::default()
        };
        Ok(Self {
            client: UpstreamClient::new(fetch, lookup)?.within(&shared.inflight),
            hosts: Arc::new(Hosts::new(places, Jitter::random())),
            originals: Arc::new(Cache::new(shared.shelf.clone(), limits)),
            variants: Arc::new(Cache::new(shared.shelf, limits)),
            workers: shared.workers,
            rules: RwLock::default(),
            referers: Mutex::default(),
            proxies,
            store: shared.store,
            tasks: shared.tasks,
            public_url: shared.public_url,
            name,
            options,
        })
    }

    /// Fetches that have a place at the moment.
    #[must_use]
    pub fn fetches_under_way(&self) -> usize {
        self.hosts.in_flight()
    }

    /// Drops from memory what was purged from the store; what is still there comes back from it.
    pub fn forget_purged(&self, purge: &Purge) {
        let is_meant = |key: &str| purge.holds(Space::Images, key, SystemTime::UNIX_EPOCH);
        self.originals.drop_where(is_meant);
        self.variants.drop_where(is_meant);
    }

    /// The limits and switches.
    #[must_use]
    pub fn options(&self) -> &ImageProxyOptions {
        &self.options
    }

    /// Goes by these rules from now on.
    pub fn set_rules(&self, rules: HostRules) {
        self.proxies.set(ProxyUser::Images, rules.proxies());
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    /// What is known of a host.
    #[must_use]
    pub fn rule(&self, url: &Url) -> Option<HostRule> {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        rules.of(url.host_str()?).cloned()
    }

    /// Whether the images of this host may be asked for without a signature.
    #[must_use]
    pub fn is_unsigned(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        self.options.open
            || self
                .options
                .unsigned_hosts
                .iter()
                .any(|suffix| hosts::is_below(host, suffix))
    }

    /// Whether a client may be sent to `url` in place of an answer: where the image that it asked
    /// for, under a signature or not, might have come from itself.
    #[must_use]
    pub fn may_lead_to(&self, url: &Url, is_signed: bool) -> bool {
        // SECURITY: whoever sends anybody anywhere from our host serves phishing, and from inside a
        // network a client reaches what we would not.
        (is_signed || self.is_unsigned(url))
            && !self.is_loop(std::iter::empty(), url)
            && guard::check_url(url, Hop::Untrusted, &self.options.allow_private).is_ok()
    }

    /// Whether a request with these values of `Via`, or for this address, has been here already.
    #[must_use]
    pub fn is_loop<'a>(&self, mut via: impl Iterator<Item = &'a str>, url: &Url) -> bool {
        let own = Url::parse(&self.public_url).ok();
        let is_own = own
            .is_some_and(|own| own.origin() == url.origin() && url.path().starts_with(own.path()));
        is_own || via.any(|via| via.contains(&self.name))
    }

    /// What is made where nothing is asked: by the rule of the host, and by the switch for what moves.
    pub fn settle(&self, transform: &mut ImageTransform, rule: Option<&HostRule>) {
        if let (OutputFormat::Origin, Some(format)) =
            (transform.output, rule.and_then(|rule| rule.format))
        {
            transform.output = format;
        }
        if self.options.animate && transform.n.is_none() && !transform.is_nothing() {
            transform.n = Some(Pages::All);
        }
    }
}
