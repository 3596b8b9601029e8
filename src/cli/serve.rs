//! `serve`, `demo` and `healthcheck`.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{logs, open_files};
use crate::app::{App, Live};
use crate::config::{self, Settings};
use crate::demo::{self, Publisher};
use crate::http::server::{self, Drained};
use crate::routes::LiveRoutes;
use crate::store::Store;
use crate::upstream;

/// The timeout of the health check.
const HEALTHCHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// Runs the service until it is told to end. `file` is read again when it is told to.
pub(super) fn serve(settings: Settings, file: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    logs::start(&settings.log);
    run_to_end(async move {
        let signals = TaskTracker::new();
        let listener = bind(settings.server.listen)?;
        let hangups = signal(SignalKind::hangup()).context("SIGHUP can't be handled")?;
        let shutdown = shutdown_signal(&signals)?;
        let live = start(settings).await?;
        let running = run(&live, listener, shutdown);
        tokio::select! {
            ended = running => ended,
            never = reload(&live, hangups, file) => match never {},
        }
    })
}

/// Reloads the file on each SIGHUP; an invalid configuration changes nothing.
async fn reload(live: &Live, mut hangups: Signal, file: Option<PathBuf>) -> Infallible {
    loop {
        if hangups.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        match config::load(file.as_deref(), config::variables()) {
            Ok(settings) => match live.reload(settings) {
                Ok(()) => {
                    let settings = &live.current().settings;
                    let (feeds, mirrors) = (settings.feeds.len(), settings.mirrors.len());
                    tracing::info!(feeds, mirrors, "configuration reloaded");
                }
                Err(error) => tracing::error!(%error, "configuration not reloaded"),
            },
            Err(problems) => {
                tracing::error!("configuration not reloaded: invalid");
                // A line of the log each: they show where in the file it is.
                for line in problems.to_string().lines() {
                    tracing::error!("{line}");
                }
            }
        }
    }
}

/// Runs a publisher of our own and the service in front of it.
pub(super) fn demo(listen: SocketAddr) -> anyhow::Result<ExitCode> {
    run_to_end(async move {
        let signals = TaskTracker::new();
        let listener = bind(listen)?;
        let public_url = format!("http://{}", listener.local_addr()?);
        let publisher = Publisher::start()
            .await
            .context("the demo's publisher can't listen")?;
        let toml = demo::configuration(publisher.addr(), &public_url);
        let mut settings = config::parse("demo.toml", &toml, std::iter::empty())?;
        let folder = std::env::temp_dir().join(format!("feedwright-demo-{}", std::process::id()));
        settings.archive.directory.clone_from(&folder);
        logs::start(&settings.log);
        super::print_error(&demo::greeting(publisher.addr(), &settings));
        let stop = CancellationToken::new();
        let shutdown = shutdown_signal(&signals)?;
        let serving = async {
            let ended = match start(settings).await {
                Ok(live) => run(&live, listener, shutdown).await,
                Err(error) => Err(error),
            };
            stop.cancel();
            ended
        };
        let ended = tokio::join!(serving, publisher.run(stop.clone())).0;
        std::fs::remove_dir_all(folder).ok();
        ended
    })
}

/// Builds the service, and restores the state of an earlier process.
async fn start(settings: Settings) -> anyhow::Result<Live> {
    for warning in settings.warnings() {
        tracing::warn!(warning, "a limit can't be met");
    }
    let store = open_store(&settings)?;
    let names = upstream::names(settings.resolver);
    let app = App::new(settings, names, store)?;
    app.recall().await;
    Ok(Live::new(Arc::new(app)))
}

async fn run(
    live: &Live,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<ExitCode> {
    let app = live.current();
    let server = open_files::fit(&app.settings.server, open_files::raise_limit());
    tracing::info!(
        listen = %listener.local_addr()?,
        public_url = app.settings.server.public_url,
        feeds = app.settings.feeds.len(),
        version = env!("CARGO_PKG_VERSION"),
        "serving"
    );
    let workers = app.workers.clone();
    app.refresher
        .tasks
        .spawn(async move { workers.probe().await });
    let shutdown = async {
        shutdown.await;
        app.stop();
    };
    let serving = server::run(
        listener,
        &server,
        LiveRoutes(live.clone()),
        &app.refresher.tasks,
        shutdown,
    );
    let drained = tokio::select! {
        drained = serving => drained,
        never = live.tidy() => match never {},
    };
    match drained {
        Drained::Complete => tracing::info!("drained"),
        Drained::TimedOut => {
            tracing::warn!("drain timeout passed: requests in flight were cut off")
        }
    }
    live.current().close().await;
    Ok(ExitCode::SUCCESS)
}

/// Opens the data directory. Where it can't be used, the service runs from memory, logs it, and keeps
/// trying.
fn open_store(settings: &Settings) -> anyhow::Result<Store> {
    match &settings.store {
        None => {
            let store = Store::memory();
            store.set_limits(settings.store_limits);
            Ok(store)
        }
        Some(options) => Store::open_or_retry(options.clone()).context("the store can't be opened"),
    }
}

fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    server::listen(listen).with_context(|| format!("can't listen on {listen} (server.listen)"))
}

/// Runs `work` on a runtime of its own. What still runs afterwards on threads that may block, a
/// name that is being looked up or a copy that is being compressed, is not waited for.
pub(super) fn run_to_end<T: Send + 'static>(
    work: impl Future<Output = anyhow::Result<T>> + Send + 'static,
) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the async runtime can't be started")?;
    // On a worker: a connection that this thread accepted would have to be handed over to one.
    let outcome = runtime.block_on(async { TaskTracker::new().spawn(work).await });
    runtime.shutdown_background();
    outcome.context("the service ended by an internal error")?
}

/// Resolves on the first SIGTERM or SIGINT; a second one ends the process at once.
fn shutdown_signal(tasks: &TaskTracker) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM can't be handled")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT can't be handled")?;
    let mut next = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let (first_came, first) = tokio::sync::oneshot::channel();
    tasks.spawn(async move {
        next().await;
        first_came.send(()).ok();
        next().await;
        tracing::warn!("second signal: ending at once");
        std::process::exit(1);
    });
    Ok(async move {
        first.await.ok();
    })
}

/// Asks the local service whether it is healthy.
pub(super) fn healthcheck(settings: &Settings) -> anyhow::Result<ExitCode> {
    let mut address = settings.server.listen;
    if address.ip().is_unspecified() {
        // The service listens on every address; loopback is one of them.
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    let asking = async move { tokio::time::timeout(HEALTHCHECK_TIMEOUT, ask(address)).await };
    run_to_end(async move { Ok(asking.await) })?
        .with_context(|| {
            format!(
                "{address} did not answer in {} s",
                HEALTHCHECK_TIMEOUT.as_secs()
            )
        })?
        .with_context(|| format!("{address} is not healthy"))?;
    Ok(ExitCode::SUCCESS)
}

async fn ask(address: SocketAddr) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut answer).await?;
    anyhow::ensure!(
        &answer == b"HTTP/1.1 200",
        "it answered {}",
        String::from_utf8_lossy(&answer)
    );
    Ok(())
}
