//! Reloading the configuration of a running service.
//!
//! Invariants: a request is answered by the configuration it began with; feeds and mirrors that a new
//! one does not change keep their copies, schedules and fetches in flight; a configuration that can't be
//! applied completely changes nothing.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::watch;

use super::{App, AppError};
use crate::archive;
use crate::config::{FeedSettings, Settings};
use crate::mirror::Mirror;
use crate::refresh::Feed;
use crate::rewrite::RuleError;

/// Why a configuration can't be applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// More than feeds and mirrors differs.
    #[error("a change of {} takes a restart", .0.join(", "))]
    TakesRestart(Vec<&'static str>),
    /// What it asks for can't be built.
    #[error(transparent)]
    App(#[from] AppError),
}

/// The current [`App`], replaced on reload. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Live(Arc<watch::Sender<Arc<App>>>);

impl Live {
    /// Begins with this one.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self(Arc::new(watch::Sender::new(app)))
    }

    /// The current [`App`], for requests that begin now.
    #[must_use]
    pub fn current(&self) -> Arc<App> {
        Arc::clone(&self.0.borrow())
    }

    /// Applies other feeds and mirrors.
    ///
    /// # Errors
    /// When more than those differs, or they can't be built; nothing has changed then.
    pub fn reload(&self, settings: Settings) -> Result<(), ReloadError> {
        let before = self.current();
        let after = Arc::new(before.with_settings(settings)?);
        for feed in before.feeds() {
            let is_kept = after
                .feed(&feed.key)
                .is_some_and(|kept| Arc::ptr_eq(kept, feed));
            if !is_kept {
                after.refresher.retire(feed);
            }
        }
        after.shelf.set_shares(after.settings.store_limits.shares);
        after.store.set_limits(after.settings.store_limits);
        let archiver = &after.refresher.archiver;
        archiver.set_totals(after.settings.archive.totals);
        self.0.send_replace(after);
        Ok(())
    }

    /// Looks after what [`App::tidy`] does, for ever, for the configuration of the day.
    pub async fn tidy(&self) -> Infallible {
        let mut changes = self.0.subscribe();
        loop {
            let app = Arc::clone(&changes.borrow_and_update());
            tokio::select! {
                never = app.tidy() => match never {},
                // The sender is ours: it can't be gone while we are here.
                _ = changes.changed() => {}
            }
        }
    }
}

impl App {
    /// The same with the feeds and mirrors of other settings.
    fn with_settings(&self, mut settings: Settings) -> Result<Self, ReloadError> {
        let sections = self.takes_restart(&settings);
        if !sections.is_empty() {
            return Err(ReloadError::TakesRestart(sections));
        }
        settings.take_over_fetch(&self.settings);
        let written_keys = settings.image_keys.clone();
        if self.settings.image_keys.is_empty() {
            super::prepare_images(&mut settings).map_err(AppError::from)?;
        } else {
            settings.set_image_keys(self.settings.image_keys.clone());
        }
        let (feeds, order) = super::by_name(&settings.feeds, |feed| {
            match self.feeds.get(feed.name.as_str()) {
                Some(known) if known.settings == *feed => Ok(Arc::clone(known)),
                known => self.new_feed(feed, known),
            }
        })
        .map_err(AppError::from)?;
        let mirrors = settings.mirrors.iter().map(|mirror| {
            let mirror = match self.mirrors_by_name.get(&mirror.name) {
                Some(known) if known.settings == *mirror => Arc::clone(known),
                _ => Arc::new(Mirror::new(mirror.clone(), &settings.server.public_url)),
            };
            (mirror.settings.name.clone(), mirror)
        });
        // What is started is this program, whatever file says what.
        settings
            .workers
            .program
            .clone_from(&self.settings.workers.program);
        self.workers.set_options(&settings.workers);
        Ok(Self {
            workers: self.workers.clone(),
            refresher: Arc::clone(&self.refresher),
            imager: Arc::clone(&self.imager),
            store: self.store.clone(),
            inflight: self.inflight.clone(),
            mirrors: Arc::clone(&self.mirrors),
            mirrors_by_name: mirrors.collect(),
            feeds,
            order,
            shelf: self.shelf.clone(),
            written_keys,
            stopping: Arc::clone(&self.stopping),
            settings,
        })
    }

    /// A feed that is new, or other than the one of this name was.
    fn new_feed(
        &self,
        settings: &FeedSettings,
        known: Option<&Arc<Feed>>,
    ) -> Result<Arc<Feed>, RuleError> {
        let feed = Feed::new(settings.clone())?;
        if let Some(known) = known {
            self.refresher.succeed(&feed, known);
        }
        Ok(Arc::new(feed))
    }

    /// The sections of other settings that differ and are read at the start only.
    fn takes_restart(&self, settings: &Settings) -> Vec<&'static str> {
        let now = &self.settings;
        let is_same_image = now.image == settings.image
            && now.image_hosts == settings.image_hosts
            && self.written_keys == settings.image_keys;
        let is_same_fetch = now.fetch == settings.fetch
            && now.hosts == settings.hosts
            && now.background_fetches_max == settings.background_fetches_max
            && now.resolver == settings.resolver;
        let is_same_archive = now.archive
            == archive::ArchiveLimits {
                totals: now.archive.totals,
                ..settings.archive.clone()
            };
        let path = |settings: &Settings| settings.store.as_ref().map(|store| store.path.clone());
        let is_same_store =
            path(now) == path(settings) && now.memory_bytes == settings.memory_bytes;
        [
            ("[server]", now.server == settings.server),
            ("[log]", now.log == settings.log),
            ("[store] path or memory_bytes", is_same_store),
            ("[fetch]", is_same_fetch),
            ("[image]", is_same_image),
            ("[archive]", is_same_archive),
            ("[full_text]", now.full_text == settings.full_text),
        ]
        .into_iter()
        .filter_map(|(section, is_same)| (!is_same).then_some(section))
        .collect()
    }
}
