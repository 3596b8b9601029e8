//! A small publisher on loopback, so that `feedwright demo` shows the main job without configuration
//! and without the internet: four feeds, article pages, images behind hot-link protection, and a page
//! that shows each feed before and after.
//!
//! Invariants: everything it serves is in the binary; it listens on loopback only, and fetches nothing.

mod images;
mod site;
mod texts;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Settings;
use site::Site;

/// Connections open at the same time; more are hung up on.
const CONNECTIONS_MAX: usize = 128;
/// How long a request's head may take, and a connection may stay idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long accepting pauses after it failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The publisher, listening.
#[derive(Debug)]
pub struct Publisher {
    listener: TcpListener,
    addr: SocketAddr,
}

impl Publisher {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When the system has no socket to give.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `shutdown`, then hangs up.
    pub async fn run(self, shutdown: CancellationToken) {
        let site = Arc::new(Site::new(self.addr));
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = shutdown.cancelled() => break,
            };
            match accepted {
                Ok((stream, _)) if connections.len() < CONNECTIONS_MAX => {
                    connections.spawn(serve(stream, Arc::clone(&site), shutdown.clone()));
                }
                Ok(_) => {}
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
        connections.close();
        connections.wait().await;
    }
}

/// Answers one connection's requests.
async fn serve(stream: TcpStream, site: Arc<Site>, shutdown: CancellationToken) {
    let answer = service_fn(move |request| {
        let answer = site.answer(&request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), answer);
    tokio::select! {
        // A browser that goes away is no news.
        _ = connection => {}
        () = shutdown.cancelled() => {}
    }
}

/// The configuration that puts Feedwright, reached at `public_url`, in front of the publisher.
#[must_use]
pub fn configuration(publisher: SocketAddr, public_url: &str) -> String {
    let listen = public_url
        .strip_prefix("http://")
        .and_then(|host| host.parse::<SocketAddr>().ok())
        .map(|addr| format!("listen = \"{addr}\"\n"))
        .unwrap_or_default();
    texts::fill(texts::CONFIGURATION, publisher)
        .replace("{{public_url}}", public_url)
        .replace("{{listen}}\n", &listen)
}

/// What the terminal says when the demo has started: where to look.
#[must_use]
pub fn greeting(publisher: SocketAddr, settings: &Settings) -> String {
    let public_url = &settings.server.public_url;
    let mut text = format!(
        "Feedwright's demo: a small newspaper whose images show on its own pages only.\n\n  \
         before and after   http://{publisher}/reader#{public_url}\n  \
         the publisher      http://{publisher}/feed.xml\n"
    );
    for feed in &settings.feeds {
        let line = format!("  through Feedwright {public_url}/feeds/{}\n", feed.name);
        text.push_str(&line);
    }
    let archive = settings.archive.directory.display();
    let line = format!("\n  the archive's files are in {archive} while the demo runs\n");
    text.push_str(&line);
    text.push_str("\nCtrl+C ends it.\n");
    text
}

#[cfg(test)]
mod tests;
