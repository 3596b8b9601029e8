//! The service as it runs, on a free port of loopback, in front of a scripted upstream.

use std::net::SocketAddr;
use std::sync::Arc;

use feedwright::app::App;
use feedwright::config;
use feedwright::http::server::{self, Drained};
use feedwright::routes::Routes;
use feedwright::store::Store;
use feedwright::upstream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A running service. Dropped, it stops.
pub(crate) struct Service {
    pub(crate) addr: SocketAddr,
    pub(crate) app: Arc<App>,
    stop: CancellationToken,
    running: Option<JoinHandle<Drained>>,
}

impl Service {
    /// Starts a service with this configuration; `PUBLISHER` in it stands for the upstream's
    /// host and port.
    pub(crate) async fn start(toml: &str, publisher: SocketAddr) -> Self {
        Self::with_names(toml, publisher, None).await
    }

    /// The same with workers of this program.
    pub(crate) async fn with_program(toml: &str, publisher: SocketAddr, program: &str) -> Self {
        Self::with_parts(toml, publisher, (None, program)).await
    }

    /// The same with names that a test resolves.
    pub(crate) async fn with_names(
        toml: &str,
        publisher: SocketAddr,
        lookup: Option<upstream::Lookup>,
    ) -> Self {
        // The tests are another program.
        let program = env!("CARGO_BIN_EXE_feedwright");
        Self::with_parts(toml, publisher, (lookup, program)).await
    }

    async fn with_parts(
        toml: &str,
        publisher: SocketAddr,
        (lookup, program): (Option<upstream::Lookup>, &str),
    ) -> Self {
        let toml = toml.replace("PUBLISHER", &publisher.to_string());
        // Without a directory of its own a test leaves nothing behind.
        let memory = ("FEEDWRIGHT_STORE_PATH".to_owned(), String::new());
        let variables = (!toml.contains("[store]")).then_some(memory);
        let mut settings = match config::parse("test.toml", &toml, variables) {
            Ok(settings) => settings,
            Err(problems) => panic!("{problems}"),
        };
        settings.workers.program = program.into();
        let store = match &settings.store {
            None => Store::memory(),
            Some(options) => Store::open_or_retry(options.clone()).unwrap(),
        };
        let names = lookup.unwrap_or_else(|| upstream::names(settings.resolver));
        let app = Arc::new(App::new(settings, names, store).unwrap());
        app.recall().await;
        let listener = server::listen(([127, 0, 0, 1], 0).into()).unwrap();
        let addr = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let running = {
            let (app, stop) = (Arc::clone(&app), stop.clone());
            #[expect(
                clippy::disallowed_methods,
                reason = "the test waits for it in `drain`"
            )]
            tokio::spawn(async move {
                let routes = Routes(Arc::clone(&app));
                let (server, tasks) = (&app.settings.server, &app.refresher.tasks);
                let serving = server::run(listener, server, routes, tasks, stop.cancelled_owned());
                tokio::select! {
                    drained = serving => drained,
                    never = app.tidy() => match never {},
                }
            })
        };
        Self {
            addr,
            app,
            stop,
            running: Some(running),
        }
    }

    /// One feed called `news` that may be fetched from the scripted upstream.
    pub(crate) async fn with_feed(keys: &str, publisher: SocketAddr) -> Self {
        let toml = format!(
            "[[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/feed.xml\"\nallow_private = [\"PUBLISHER\"]\n{keys}\n"
        );
        Self::start(&toml, publisher).await
    }

    /// Begins the shutdown.
    pub(crate) fn begin_shutdown(&self) {
        self.app.stop();
        self.stop.cancel();
    }

    /// Shuts down and says how it went.
    pub(crate) async fn drain(mut self) -> Drained {
        self.begin_shutdown();
        self.running.take().unwrap().await.unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// An RSS feed of `items` items with an image each and about `bytes` bytes of text each.
pub(crate) fn feed_of(items: usize, bytes: usize) -> String {
    let mut feed = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"><channel><title>News</title>\
         <link>https://news.example.org/</link><description>Of the day</description>\n",
    );
    for item in 0..items {
        let text = format!("Sentence {item} of a believable article. ").repeat(bytes / 40 + 1);
        feed += &format!(
            "<item><title>Item {item}</title><link>https://news.example.org/{item}</link>\
             <guid>news-{item}</guid><description><![CDATA[<p><img src=\"https://img.example.org/{item}.jpg\" \
             alt=\"\">{text}</p>]]></description></item>\n"
        );
    }
    feed + "</channel></rss>\n"
}
