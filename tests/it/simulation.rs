//! Hours of the service in seconds: the clock is the test's, the sockets to the upstream are real.
//!
//! The runtime's clock is paused and goes on only when no fetch has a place at a host, no worker a job
//! and nobody waits for the disk, so that real traffic takes no simulated time and no timeout fires
//! because the machine is busy. Readers ask
//! below the socket, at the routes.

use std::cell::Cell;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use feedwright::app::App;
use feedwright::config;
use feedwright::http::{Answer as _, RequestBody};
use feedwright::routes::Routes;
use feedwright::store::Store;
use feedwright::upstream::{self, Lookup};
use http::Request;
use http_body_util::BodyExt;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::reader::Answer;

/// How far the clock goes at once.
const STEP: Duration = Duration::from_secs(1);
/// Turns of the runtime after which whatever can go on has done so, unless it waits for a socket.
const TURNS: usize = 16;

/// A service whose time the test tells. To be made on a paused current-thread runtime.
pub(crate) struct Simulation {
    pub(crate) app: Arc<App>,
    started: Instant,
    tasks: JoinSet<()>,
}

impl Simulation {
    /// Starts a service; `PUBLISHER` stands for the upstream's host and port, and its feeds may be
    /// fetched from there.
    pub(crate) async fn start(toml: &str, publisher: SocketAddr) -> Self {
        Self::with_store(toml, publisher, Store::memory()).await
    }

    /// The same with a store that may hold something.
    pub(crate) async fn with_store(toml: &str, publisher: SocketAddr, store: Store) -> Self {
        Self::with(
            toml,
            publisher,
            store,
            upstream::names(upstream::ResolverKind::Dns),
        )
        .await
    }

    /// The same with names that a test resolves.
    pub(crate) async fn with(
        toml: &str,
        publisher: SocketAddr,
        store: Store,
        lookup: Lookup,
    ) -> Self {
        let toml = toml.replace("PUBLISHER", &publisher.to_string());
        let no_path = ("FEEDWRIGHT_STORE_PATH".to_owned(), String::new());
        let mut settings = match config::parse("test.toml", &toml, [no_path]) {
            Ok(settings) => settings,
            Err(problems) => panic!("{problems}"),
        };
        // The tests are another program.
        settings.workers.program = env!("CARGO_BIN_EXE_feedwright").into();
        let app = Arc::new(App::with_clock(settings, lookup, store, wall_clock).unwrap());
        app.recall().await;
        let mut tasks = JoinSet::new();
        let tended = Arc::clone(&app);
        tasks.spawn(async move {
            tended.tidy().await;
        });
        Self {
            app,
            started: Instant::now(),
            tasks,
        }
    }

    /// Lets time pass, and everything happen that falls due.
    pub(crate) async fn pass(&mut self, time: Duration) {
        self.pass_in(STEP, time).await;
    }

    /// The same in steps of another size, where days are to pass.
    pub(crate) async fn pass_in(&mut self, step: Duration, time: Duration) {
        let end = Instant::now() + time;
        loop {
            self.settle().await;
            let rest = end.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return;
            }
            tokio::time::advance(rest.min(step)).await;
        }
    }

    /// Lets time pass until so much has passed since the start.
    pub(crate) async fn pass_until(&mut self, since_start: Duration) {
        let rest = (self.started + since_start).saturating_duration_since(Instant::now());
        self.pass(rest).await;
    }

    /// One reader asks; time passes only as far as the answer needs it to.
    pub(crate) async fn read(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut answers = self.read_all(vec![(path.to_owned(), owned(headers))]).await;
        answers.pop().unwrap()
    }

    /// Readers ask all at once.
    pub(crate) async fn read_all(&mut self, asked: Vec<(String, Headers)>) -> Vec<Answer> {
        let mut readers = JoinSet::new();
        for (index, (path, headers)) in asked.into_iter().enumerate() {
            let app = Arc::clone(&self.app);
            readers.spawn(async move { (index, ask(app, path, headers).await) });
        }
        let mut answers = Vec::new();
        while !readers.is_empty() {
            self.settle().await;
            let before = answers.len();
            while let Some(answer) = readers.try_join_next() {
                answers.push(answer.unwrap());
            }
            if answers.len() == before {
                tokio::time::advance(Duration::from_millis(100)).await;
            }
        }
        answers.sort_by_key(|(index, _)| *index);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    /// Goes on until nothing can happen before time passes.
    pub(crate) async fn settle(&self) {
        loop {
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            let under_way = [
                self.app.refresher.hosts.in_flight(),
                self.app.workers.under_way(),
                self.app.store.under_way(),
            ];
            if under_way == [0; 3] {
                return;
            }
        }
    }

    /// Ends the service.
    pub(crate) async fn stop(mut self) {
        self.app.stop();
        self.settle().await;
        self.tasks.shutdown().await;
        self.app.close().await;
    }
}

thread_local! {
    /// When this test's time began, by both clocks.
    static BEGAN: (SystemTime, Instant) = (SystemTime::now(), Instant::now());
    /// By how many seconds the wall clock was set forward since.
    static SET_FORWARD: Cell<i64> = const { Cell::new(0) };
    /// How many more times it panics when it is looked at.
    static BROKEN: Cell<u32> = const { Cell::new(0) };
}

/// The wall clock goes as the runtime's does. A simulation runs on its test's own thread.
fn wall_clock() -> SystemTime {
    if BROKEN.get() > 0 {
        BROKEN.set(BROKEN.get() - 1);
        panic!("the test wants it so");
    }
    let now = BEGAN.with(|(wall, instant)| *wall + instant.elapsed());
    let by = Duration::from_secs(SET_FORWARD.get().unsigned_abs());
    match SET_FORWARD.get() < 0 {
        true => now - by,
        false => now + by,
    }
}

/// Sets the wall clock forward by so many seconds, or back.
pub(crate) fn set_clock_forward(seconds: i64) {
    SET_FORWARD.set(SET_FORWARD.get() + seconds);
}

/// The next so many looks at the wall clock panic: an internal error, where a test wants one.
pub(crate) fn break_clock(times: u32) {
    BROKEN.set(times);
}

type Headers = Vec<(String, String)>;

fn owned(headers: &[(&str, &str)]) -> Headers {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    headers.iter().map(own).collect()
}

fn ask(app: Arc<App>, path: String, headers: Headers) -> impl Future<Output = Answer> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    async move {
        let reply = Routes(app)
            .answer(Arc::new(head), RequestBody::default())
            .await;
        let (head, body) = reply.into_parts();
        let body = body.collect().await;
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            whole: body.is_ok(),
            body: body.map_or_else(|_| Vec::new(), |body| body.to_bytes().to_vec()),
        }
    }
}
