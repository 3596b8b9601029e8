//! Requests for a value as their callers see them: single flight, stale values, failures.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use tokio::time::sleep;

use super::*;
use crate::cache::{self, CacheOptions, Interest, Shelf, Times};
use crate::shares::{Share, Shares};

#[derive(Debug, PartialEq, thiserror::Error)]
enum Error {
    #[error("internal")]
    Internal,
    #[error("abandoned")]
    Abandoned,
    #[error("upstream answered 503")]
    Upstream,
    #[error("upstream was not asked")]
    Unasked,
}

impl ProductionError for Error {
    fn internal() -> Self {
        Self::Internal
    }

    fn abandoned() -> Self {
        Self::Abandoned
    }

    fn is_abandoned(&self) -> bool {
        *self == Self::Abandoned
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Internal => "internal-error",
            Self::Abandoned => "abandoned",
            Self::Upstream => "status",
            Self::Unasked => "held",
        }
    }

    fn upstream_status(&self) -> Option<StatusCode> {
        (*self == Self::Upstream).then_some(StatusCode::SERVICE_UNAVAILABLE)
    }

    fn was_asked(&self) -> bool {
        *self != Self::Unasked
    }
}

#[derive(Debug)]
struct Value {
    text: &'static str,
    times: Times,
}

impl Kept for Value {
    fn weight_bytes(&self) -> usize {
        self.text.len()
    }

    fn share(_: &str) -> Share {
        Share::Images
    }
}

impl Timed for Value {
    fn times(&self) -> &Times {
        &self.times
    }
}

const FRESH_FOR: Duration = Duration::from_secs(60);
const STALE_IF_ERROR: Duration = Duration::from_secs(600);
const PATIENCE: Duration = Duration::from_secs(2);

fn value(text: &'static str) -> Arc<Value> {
    Arc::new(Value {
        text,
        times: Times {
            fetched_at: Instant::now(),
            fresh_for: FRESH_FOR,
            stale_if_error: STALE_IF_ERROR,
        },
    })
}

/// A cache whose values take a while, and how often one was begun.
struct Fixture {
    cache: Arc<Cache<Error, Value>>,
    begun: AtomicUsize,
}

type Begin = dyn Fn(Production<Error, Value>) + Send + Sync;

impl Fixture {
    fn new() -> Self {
        Self {
            cache: Arc::new(Cache::new(
                Shelf::new(1 << 20, Shares::default()),
                CacheOptions::default(),
            )),
            begun: AtomicUsize::new(0),
        }
    }

    /// Asks for the one key; the text or the error, and `Cache-Status`.
    async fn get(&self, begin: &Begin, stored: Option<&Arc<Value>>) -> (String, String) {
        let policy = Policy {
            serve_stale_after: Some(PATIENCE),
        };
        let produce = |production, _| {
            self.begun.fetch_add(1, Ordering::Relaxed);
            begin(production);
        };
        let answer = match self.cache.get(&"k".into(), policy, produce).await {
            Err((error, status)) => stale_or(error, stored.cloned(), status),
            answer => answer,
        };
        match answer {
            Ok((value, status)) => (value.text.to_owned(), status.to_string()),
            Err((error, status)) => (error.to_string(), status.to_string()),
        }
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }
}

/// Spawns a production that ends after `after` with what `make` says.
fn after(
    after: Duration,
    make: impl Fn() -> Result<Arc<Value>, Error> + Copy + Send + Sync + 'static,
) -> Box<Begin> {
    Box::new(move |production| {
        spawn(async move {
            let work = async {
                sleep(after).await;
                make()
            };
            let made = cache::run(work).await;
            match made {
                Ok(value) => drop(production.complete(value)),
                Err(error) => {
                    let until = Instant::now() + Duration::from_secs(5);
                    production.fail(Arc::new(error), until);
                }
            }
        });
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the runtime of a test ends with it"
)]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

fn pair(text: &str, status: &str) -> (String, String) {
    (text.to_owned(), format!("Feedwright; {status}"))
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn one_production_serves_all_who_ask() {
    let cache = Fixture::new();
    let begin = after(SECOND, || Ok(value("a")));
    let (first, second) = tokio::join!(cache.get(&*begin, None), cache.get(&*begin, None));
    assert_eq!(first, pair("a", "fwd=uri-miss; stored"));
    assert_eq!(second, pair("a", "fwd=uri-miss; stored; collapsed"));
    assert_eq!(cache.get(&*begin, None).await, pair("a", "hit"));
    assert_eq!(cache.begun(), 1);
}

#[tokio::test(start_paused = true)]
async fn stale_is_served_when_it_takes_long_and_when_it_fails() {
    let cache = Fixture::new();
    cache.get(&*after(SECOND, || Ok(value("a"))), None).await;
    sleep(FRESH_FOR).await;
    let slow = after(10 * SECOND, || Ok(value("b")));
    assert_eq!(cache.get(&*slow, None).await, pair("a", "hit; detail=slow"));
    sleep(10 * SECOND).await;
    assert_eq!(cache.get(&*slow, None).await, pair("b", "hit"));
    sleep(FRESH_FOR).await;
    let failing = after(SECOND, || Err(Error::Upstream));
    let served = pair("b", "fwd=stale; fwd-status=503; detail=status");
    assert_eq!(cache.get(&*failing, None).await, served);
    // The failure is remembered: upstream is not asked again at once.
    assert_eq!(
        cache.get(&*failing, None).await,
        pair("b", "hit; detail=status")
    );
    assert_eq!(cache.begun(), 3);
    sleep(STALE_IF_ERROR).await;
    let unasked = after(SECOND, || Err(Error::Unasked));
    let failed = pair("upstream was not asked", "hit; detail=held");
    assert_eq!(cache.get(&*unasked, None).await, failed);
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_is_served_where_memory_has_nothing() {
    let cache = Fixture::new();
    let stored = value("stored");
    sleep(FRESH_FOR).await;
    let failing = after(SECOND, || Err(Error::Upstream));
    for status in [
        "fwd=uri-miss; fwd-status=503; detail=status",
        "hit; detail=status",
    ] {
        assert_eq!(
            cache.get(&*failing, Some(&stored)).await,
            pair("stored", status)
        );
    }
    // The producing task may find it, too: then nobody waits longer than for a value in memory.
    let cache = Fixture::new();
    let found = Arc::clone(&stored);
    let begin: Box<Begin> = Box::new(move |production| {
        production.offer_stale(Arc::clone(&found));
        spawn(async move {
            sleep(10 * SECOND).await;
            production.complete(value("new"));
        });
    });
    let begun = Instant::now();
    assert_eq!(
        cache.get(&*begin, None).await,
        pair("stored", "hit; detail=slow")
    );
    assert_eq!(begun.elapsed(), PATIENCE);
    let cache = Fixture::new();
    let found = Arc::clone(&stored);
    let begin: Box<Begin> = Box::new(move |production| {
        let found = Arc::clone(&found);
        spawn(async move {
            let in_store = async { Some(Value { ..*found }) };
            let (production, known) = production.restore(None, in_store).await.unwrap();
            assert_eq!(known.unwrap().text, "stored");
            let until = Instant::now() + SECOND;
            production.fail(Arc::new(Error::Upstream), until);
        });
    });
    let status = "fwd=stale; fwd-status=503; detail=status";
    assert_eq!(cache.get(&*begin, None).await, pair("stored", status));
    // It is in memory now, for requests that come before the next try.
    let status = "hit; detail=status";
    assert_eq!(cache.get(&*begin, None).await, pair("stored", status));
    assert_eq!(cache.begun(), 1);
    let cache = Fixture::new();
    let begin: Box<Begin> = Box::new(|production| {
        spawn(async move {
            let in_store = async { Arc::into_inner(value("fresh")) };
            assert!(production.restore(None, in_store).await.is_none());
        });
    });
    assert_eq!(cache.get(&*begin, None).await, pair("fresh", "hit"));
    assert_eq!(cache.get(&*begin, None).await, pair("fresh", "hit"));
    assert_eq!(cache.begun(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_production_that_panics_or_is_dropped_fails() {
    let cache = Fixture::new();
    let panicking = after(SECOND, || panic!("on purpose"));
    let expected = pair("internal", "fwd=uri-miss; detail=internal-error");
    assert_eq!(cache.get(&*panicking, None).await, expected);
    sleep(5 * SECOND).await;
    let dropping: Box<Begin> = Box::new(drop);
    assert_eq!(cache.get(&*dropping, None).await, expected);
    // The next request begins anew.
    let begin = after(SECOND, || Ok(value("a")));
    assert_eq!(
        cache.get(&*begin, None).await,
        pair("a", "fwd=uri-miss; stored")
    );
}

#[tokio::test(start_paused = true)]
async fn who_comes_when_it_was_given_up_begins_anew() {
    let cache = Fixture::new();
    let begin: Box<Begin> = Box::new(|production| {
        spawn(async move {
            let interest = Interest::default();
            let work = async {
                sleep(5 * SECOND).await;
                Ok(value("a"))
            };
            match production.run_while_wanted(&interest, work).await {
                Ok(value) => drop(production.complete(value)),
                Err(error) => production.complete_unkept(Err(Arc::new(error))),
            }
        });
    });
    let leaving = tokio::time::timeout(SECOND / 2, cache.get(&*begin, None));
    assert!(leaving.await.is_err());
    sleep(SECOND / 2).await;
    // A second without anybody ends it, just as the next one comes.
    let (text, _) = cache.get(&*begin, None).await;
    assert_eq!(text, "a");
}

#[tokio::test(start_paused = true)]
async fn what_was_purged_meanwhile_is_served_and_not_kept() {
    let cache = Fixture::new();
    let begin = after(2 * SECOND, || Ok(value("a")));
    let purging = async {
        sleep(SECOND).await;
        cache.cache.drop_key(&"k".into());
    };
    let (answer, ()) = tokio::join!(cache.get(&*begin, None), purging);
    assert_eq!(answer.0, "a");
    assert_eq!(
        cache.get(&*begin, None).await.1,
        "Feedwright; fwd=uri-miss; stored"
    );
    assert_eq!(cache.begun(), 2);
}
