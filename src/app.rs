//! The parts that requests are answered from, built once from the settings.

mod live;

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::archive;
use crate::cache::{self, Shelf};
use crate::causes::chain;
use crate::config::image_hosts;
use crate::config::{FeedSettings, Settings};
use crate::images::accept;
use crate::images::fetching::{self, HostRules, Imager, ImagerParts};
use crate::images::signed_url::SigningKeys;
use crate::inflight::Inflight;
use crate::mirror::{LeastRate, Mirror, Mirrors};
use crate::refresh::{self, Feed, Refresher};
use crate::rewrite::RuleError;
use crate::store::key::{self, KeyError};
use crate::store::{Purge, Store};
use crate::upstream::{Lookup, UpstreamClient, UpstreamClientError};
use crate::workers::Workers;

pub use live::{Live, ReloadError};

/// Why the service can't be built from valid settings.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The HTTP client.
    #[error("the HTTP client can't be built")]
    Client(#[from] UpstreamClientError),
    /// The key that signs image URLs.
    #[error("image URLs can't be signed")]
    Key(#[from] KeyError),
    /// A rule.
    #[error("a rule can't be built")]
    Rule(#[from] RuleError),
}

/// How long the signing key lasts.
#[derive(Debug)]
pub enum KeyLife {
    /// It is stored in the data directory.
    Kept,
    /// It ends with this process: there is no data directory, or it can't be written.
    Lost(Option<KeyError>),
}

/// Sets the key that signs image URLs: the stored one, created if need be, or one for this process.
///
/// # Errors
/// When the key that is there can't be read, or none can be made.
pub fn provide_image_key(settings: &mut Settings) -> Result<KeyLife, KeyError> {
    let kept = settings
        .store
        .as_ref()
        .map(|store| key::load_or_create(&store.path));
    let (key, life) = match kept {
        Some(Ok(key)) => (key, KeyLife::Kept),
        Some(Err(error @ KeyError::Write { .. })) => (key::make()?, KeyLife::Lost(Some(error))),
        Some(Err(error)) => return Err(error),
        None => (key::make()?, KeyLife::Lost(None)),
    };
    // A key that was made here is long enough.
    settings.set_image_keys(SigningKeys::new(vec![key]).unwrap_or_default());
    Ok(life)
}

/// Feeds by their names.
type Feeds = HashMap<String, Arc<Feed>>;

/// Builds feeds by `make`; returns them with their names in configured order.
fn by_name(
    settings: &[FeedSettings],
    mut make: impl FnMut(&FeedSettings) -> Result<Arc<Feed>, RuleError>,
) -> Result<(Feeds, Vec<String>), RuleError> {
    let mut feeds = Feeds::new();
    let mut order = Vec::new();
    for feed in settings {
        let name = feed.name.as_str().to_owned();
        feeds.insert(name.clone(), make(feed)?);
        order.push(name);
    }
    Ok((feeds, order))
}

/// Warns where the image proxy is open or slow, and provides the key for its URLs.
fn prepare_images(settings: &mut Settings) -> Result<(), KeyError> {
    for lack in accept::lacks() {
        if lack == accept::NO_SIMD {
            tracing::warn!("{lack}");
        } else {
            tracing::info!("{lack}");
        }
    }
    if settings.image.open {
        tracing::warn!("the image proxy is open: everybody may use it for every public image");
    }
    let signs = settings.lacks_image_key();
    if settings.image_keys.is_empty() {
        match provide_image_key(settings) {
            // A disk that fails is no reason not to serve.
            Ok(KeyLife::Lost(reason)) if signs => tracing::warn!(
                reason = reason.map(|reason| chain(&reason)),
                "image URLs are signed with a key that is lost when the service ends: set `[store] path` or `[image] key`"
            ),
            Ok(_) => {}
            Err(error) if signs => return Err(error),
            // Nothing is signed here, and nothing that another signed can be served.
            Err(error) => {
                tracing::warn!(%error, "there is no key for the image URLs")
            }
        }
    }
    Ok(())
}

fn mirrors_by_name(settings: &Settings) -> HashMap<String, Arc<Mirror>> {
    let public_url = &settings.server.public_url;
    let by_name = settings.mirrors.iter().map(|mirror| {
        let name = mirror.name.clone();
        (name, Arc::new(Mirror::new(mirror.clone(), public_url)))
    });
    by_name.collect()
}

/// The pool of workers; they start when there is work.
fn start_pool(settings: &Settings) -> Workers {
    Workers::new(
        &settings.workers,
        settings.image.work_bytes,
        fetching::worker_data,
    )
}

/// The settings of archives.
fn archive_setting(
    settings: &Settings,
    lookup: &Lookup,
    inflight: &Inflight,
) -> archive::ArchiverSettings {
    archive::ArchiverSettings {
        limits: settings.archive.clone(),
        fetch: settings.fetch.clone(),
        lookup: Arc::clone(lookup),
        inflight: inflight.clone(),
        own: archive::OwnImageUrls {
            keys: settings.image_keys.clone(),
            public_url: settings.server.public_url.clone(),
        },
    }
}

/// How often the file with the rules for image hosts is checked for changes.
const IMAGE_HOSTS_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// The rules for image hosts: those of the file, or the built-in ones where it is missing or invalid.
fn image_rules(path: &Option<PathBuf>) -> HostRules {
    match image_hosts::load(path.as_deref()) {
        Ok(rules) => {
            tracing::debug!(rules = rules.len(), "rules for image hosts read");
            rules
        }
        Err(reason) => {
            tracing::error!(
                reason,
                "rules for image hosts invalid: using the built-in ones"
            );
            image_hosts::built_in()
        }
    }
}

/// The parts that requests are answered from.
#[derive(Debug)]
pub struct App {
    /// The validated configuration.
    pub settings: Settings,
    /// Refreshes feeds, and has their copies.
    pub refresher: Arc<Refresher>,
    /// Fetches and processes images.
    pub imager: Arc<Imager>,
    /// The data directory.
    pub store: Store,
    /// The budget of bytes in flight.
    pub inflight: Inflight,
    /// The processes that work on untrusted content.
    pub workers: Workers,
    /// Answers for mirrored origins.
    pub mirrors: Arc<Mirrors>,
    mirrors_by_name: HashMap<String, Arc<Mirror>>,
    feeds: Feeds,
    /// The keys of `feeds` in the order of the configuration.
    order: Vec<String>,
    /// The memory budget of all caches.
    pub shelf: Shelf,
    /// The signing keys from the configuration.
    written_keys: SigningKeys,
    stopping: Arc<AtomicBool>,
}

impl App {
    /// Builds everything; opens no socket. Creates the key that signs image URLs where there is none.
    ///
    /// # Errors
    /// When the HTTP client or a rule can't be built, or a key for them can't be had.
    pub fn new(settings: Settings, lookup: Lookup, store: Store) -> Result<Self, AppError> {
        Self::with_clock(settings, lookup, store, SystemTime::now)
    }

    /// [`App::new`] with another wall clock.
    ///
    /// # Errors
    /// As [`App::new`].
    pub fn with_clock(
        mut settings: Settings,
        lookup: Lookup,
        store: Store,
        wall_clock: fn() -> SystemTime,
    ) -> Result<Self, AppError> {
        let written_keys = settings.image_keys.clone();
        prepare_images(&mut settings)?;
        let inflight = Inflight::new(settings.server.inflight_bytes);
        let client = UpstreamClient::new(settings.fetch.clone(), lookup.clone())?.within(&inflight);
        let workers = start_pool(&settings);
        let options = refresh::RefreshOptions {
            cache: cache::CacheOptions {
                memory_bytes: settings.memory_bytes,
                ..cache::CacheOptions::default()
            },
            hosts: settings.hosts,
            background_fetches_max: settings.background_fetches_max,
            wall_clock,
            full_text: settings.full_text.clone(),
            workers: workers.clone(),
        };
        let (feeds, order) = by_name(&settings.feeds, |feed| {
            Feed::new(feed.clone()).map(Arc::new)
        })?;
        let shelf = Shelf::new(options.cache.memory_bytes, settings.store_limits.shares);
        let archive = archive_setting(&settings, &lookup, &inflight);
        let refresher = Refresher::new(
            (client.clone(), archive),
            shelf.clone(),
            store.clone(),
            &options,
        )?;
        let least_rate = LeastRate {
            bytes_per_second: settings.server.write_bytes_per_second_min,
            over: settings.server.write_timeout,
        };
        let tasks = refresher.tasks.clone();
        let mirrors =
            Mirrors::new(client, shelf.clone(), store.clone(), tasks).with_least_rate(least_rate);
        let mirrors_by_name = mirrors_by_name(&settings);
        let shared = ImagerParts {
            shelf: shelf.clone(),
            inflight: inflight.clone(),
            store: store.clone(),
            tasks: refresher.tasks.clone(),
            public_url: settings.server.public_url.clone(),
            instance: getrandom::u64().unwrap_or_else(|_| std::process::id().into()),
            workers: workers.clone(),
        };
        let imager = Imager::new(settings.image.clone(), &settings.fetch, lookup, shared)?;
        imager.set_rules(image_rules(&settings.image_hosts));
        Ok(Self {
            mirrors: Arc::new(mirrors),
            mirrors_by_name,
            settings,
            refresher: Arc::new(refresher),
            imager: Arc::new(imager),
            store,
            inflight,
            workers,
            feeds,
            order,
            shelf,
            written_keys,
            stopping: Arc::default(),
        })
    }

    /// The feed of this name.
    #[must_use]
    pub fn feed(&self, name: &str) -> Option<&Arc<Feed>> {
        self.feeds.get(name)
    }

    /// The feeds, in the order of the configuration.
    pub fn feeds(&self) -> impl Iterator<Item = &Arc<Feed>> {
        self.order.iter().filter_map(|name| self.feeds.get(name))
    }

    /// The mirror of this name.
    #[must_use]
    pub fn mirror(&self, name: &str) -> Option<&Arc<Mirror>> {
        self.mirrors_by_name.get(name)
    }

    /// From now on `/readyz` says no.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the shutdown has begun.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Takes up what an earlier process remembered. To be called before requests are answered.
    pub async fn recall(&self) {
        let feeds: Vec<_> = self.feeds().map(Arc::clone).collect();
        self.refresher.recall(&feeds).await;
    }

    /// Remembers the last of what the next process needs. To be called when all is drained.
    pub async fn close(&self) {
        let feeds: Vec<_> = self.feeds().map(Arc::clone).collect();
        self.refresher.remember(&feeds, Instant::now());
        self.store.close().await;
    }

    /// Looks after the copies, their forms and their freshness, for ever.
    pub async fn tidy(&self) -> Infallible {
        let feeds: Vec<_> = self.feeds().map(Arc::clone).collect();
        let forms = async {
            let cache = &self.refresher.cache;
            loop {
                tokio::time::sleep(cache.options().tidy_every).await;
                cache.tidy(Instant::now()).await;
            }
        };
        let refreshing = self.refresher.keep_fresh(&feeds, &self.stopping);
        let archiving = self.refresher.look_after_archive(&feeds);
        let watching = self.watch_image_hosts();
        tokio::join!(forms, refreshing, archiving, watching, self.forget_purged()).0
    }

    /// Takes over the rules for image hosts whenever their file changes.
    async fn watch_image_hosts(&self) -> Infallible {
        let path = &self.settings.image_hosts;
        let mut seen = path.as_deref().and_then(image_hosts::stamp);
        loop {
            tokio::time::sleep(IMAGE_HOSTS_CHECK_INTERVAL).await;
            let now = path.as_deref().and_then(image_hosts::stamp);
            if now != seen {
                seen = now;
                self.imager.set_rules(image_rules(path));
            }
        }
    }

    /// Drops from memory what is purged from the store, for ever.
    async fn forget_purged(&self) {
        let mut purges = self.store.purges();
        loop {
            let purge = match purges.recv().await {
                Ok(purge) => purge,
                // It fell behind: anything may have been purged.
                Err(RecvError::Lagged(_)) => Purge::default(),
                Err(RecvError::Closed) => return,
            };
            self.refresher.forget_purged(&purge);
            for feed in self.feeds() {
                self.refresher.forget_purged_articles(feed, &purge);
            }
            self.mirrors.forget_purged(&purge);
            self.imager.forget_purged(&purge);
        }
    }
}
