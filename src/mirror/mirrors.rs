//! What all mirrors share, and the first checks of a request.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::request::Parts;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::cache::{self, Cache, Clock, Shelf};
use crate::inflight::{Grant, Holder};
use crate::store::{Purge, Space, Store};
use crate::upstream::{PassedBody, UpstreamClient};

use super::queries::Queries;
use super::question::Question;
use super::resource::Resource;
use super::upload::LeastRate;
use super::{Error, Mirror, Reply, Upload, fields, safety};

/// Exchanges with origins at the same time.
const EXCHANGES_AT_ONCE_MAX: usize = 512;
/// Bytes that buffers hold of a body that is handed on, or of an upload.
const PASSED_BYTES_MAX: u64 = 128 << 10;
/// How long a request waits for a place among them.
const PLACE_TIMEOUT: Duration = Duration::from_secs(10);

/// A response that is being fetched.
pub(super) type Production = cache::Production<Error, Resource>;

/// What all mirrors share.
#[derive(Debug)]
pub struct Mirrors {
    pub(super) cache: Arc<Cache<Error, Resource>>,
    pub(super) client: UpstreamClient,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) tasks: TaskTracker,
    pub(super) places: Arc<Semaphore>,
    pub(super) queries: Queries,
    /// How fast readers' bodies have to come.
    pub(super) least_rate: LeastRate,
    /// What this process calls itself in `Via`, so that it knows its own requests again.
    pub(super) pseudonym: String,
}

impl Mirrors {
    /// Mirrors with nothing in memory; `tasks` carries fetches.
    #[must_use]
    pub fn new(client: UpstreamClient, shelf: Shelf, store: Store, tasks: TaskTracker) -> Self {
        let mut token = [0; 4];
        // Without randomness two processes in a row would take each other for a loop: an error
        // that says so.
        let _ = getrandom::fill(&mut token);
        Self {
            cache: Arc::new(Cache::new(shelf, cache::CacheOptions::default())),
            client,
            store,
            clock: Clock::start(),
            tasks,
            places: Arc::new(Semaphore::new(EXCHANGES_AT_ONCE_MAX)),
            queries: Queries::default(),
            least_rate: LeastRate::default(),
            pseudonym: format!("feedwright-{:08x}", u32::from_be_bytes(token)),
        }
    }

    /// The same, whose readers' bodies have to come at least so fast.
    #[must_use]
    pub fn with_least_rate(mut self, rate: LeastRate) -> Self {
        self.least_rate = rate;
        self
    }

    /// Exchanges that have a place at the moment.
    #[must_use]
    pub fn exchanges_under_way(&self) -> usize {
        EXCHANGES_AT_ONCE_MAX - self.places.available_permits()
    }

    /// Drops from memory what was purged from the store; what is still there comes back from it.
    pub fn forget_purged(&self, purge: &Purge) {
        let is_meant = |key: &str| purge.holds(Space::Mirror, key, SystemTime::UNIX_EPOCH);
        self.cache.drop_where(is_meant);
    }

    /// Answers a request for `rest`, the path behind the mirror's name.
    ///
    /// # Errors
    /// When the request is not for this mirror, or there is nothing to answer it with.
    pub async fn answer(
        self: &Arc<Self>,
        mirror: &Arc<Mirror>,
        rest: &str,
        head: Arc<Parts>,
        body: Upload,
    ) -> Result<Reply, Error> {
        let settings = &mirror.settings;
        if !settings.methods.contains(&head.method) {
            return Err(Error::Method(fields::allow(&settings.methods)));
        }
        // SECURITY: no page of an origin that isn't trusted runs here, but another one may.
        if !settings.trusted && safety::registers_worker(&head.headers) {
            return Err(Error::ServiceWorker);
        }
        if fields::is_loop(&head.headers, &self.pseudonym) {
            return Err(Error::Loop);
        }
        let question = Question::new(Arc::clone(mirror), rest, head, &self.pseudonym)?;
        match question.head.method {
            http::Method::GET => self.get(&Arc::new(question)).await,
            http::Method::HEAD => self.head(&Arc::new(question)).await,
            _ => self.pass(&question, body).await,
        }
    }

    /// Room for a body that is handed on as it comes.
    pub(super) async fn room_to_pass(
        &self,
        body: &PassedBody,
        holder: Holder,
    ) -> Result<Grant, Error> {
        let bytes = body.declared_bytes().unwrap_or(PASSED_BYTES_MAX);
        let budget = self.client.budget();
        let most = PASSED_BYTES_MAX.min(budget.body_bytes_max());
        let granted = budget.reserve(bytes.min(most), holder).await;
        granted.map_err(|_| Error::Busy)
    }

    /// Room for a body that a reader sends.
    pub(super) async fn room_to_upload(
        &self,
        declared: Option<u64>,
        holder: Holder,
    ) -> Result<Grant, Error> {
        let budget = self.client.budget();
        let most = PASSED_BYTES_MAX.min(budget.body_bytes_max());
        let bytes = declared.unwrap_or(most).min(most);
        let granted = budget.reserve(bytes, holder).await;
        granted.map_err(|_| Error::Busy)
    }

    /// A place among the exchanges under way, with this origin and with all, for a client that may
    /// ask for more.
    pub(super) async fn place(
        &self,
        question: &Question,
    ) -> Result<[OwnedSemaphorePermit; 2], Error> {
        if !self.queries.may_ask(question) {
            return Err(Error::Queries);
        }
        let mirror = &question.mirror;
        self.client.prepare(&mirror.settings.upstream).await?;
        let (here, in_all) = (Arc::clone(&mirror.places), Arc::clone(&self.places));
        let waiting = async {
            Ok::<_, AcquireError>([here.acquire_owned().await?, in_all.acquire_owned().await?])
        };
        match timeout(PLACE_TIMEOUT, waiting).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(Error::Busy),
        }
    }
}
