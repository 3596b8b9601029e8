//! A configured feed, and what is known of it while the service runs.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use url::Url;

use super::freshness::Bounds;
use super::full_text::FullText;
use super::persisted::Persisted;
use super::shell::Shell;
use super::track::Track;
use crate::archive::{ArchivedFeed, FeedSnapshot};
use crate::config::FeedSettings;
use crate::fulltext::FeedArticles;
use crate::rewrite::{RuleError, Rules};

/// A configured feed, ready to be fetched and rewritten.
#[derive(Debug)]
pub struct Feed {
    /// The key of its copies.
    pub key: Arc<str>,
    /// What was configured.
    pub settings: FeedSettings,
    /// Its past and its next fetch.
    pub track: Track,
    /// Whether another feed of its name, or none, has taken its place.
    pub(super) is_retired: AtomicBool,
    pub(super) persisted: Persisted,
    pub(super) rules: Arc<Rules>,
    pub(super) full_text: Option<FullText>,
    /// The last document without its items.
    shell: Mutex<Option<Arc<Shell>>>,
    pub(super) archived: Option<Arc<ArchivedFeed>>,
}

impl Feed {
    /// Parses the rules of a configured feed.
    ///
    /// # Errors
    /// When a rule can't be parsed; validated settings hold none of these.
    pub fn new(settings: FeedSettings) -> Result<Self, RuleError> {
        let rules = Arc::new(Rules::new(settings.rules.clone())?);
        Ok(Self {
            key: Arc::from(settings.name.as_str()),
            track: Track::default(),
            is_retired: AtomicBool::new(false),
            persisted: Persisted::default(),
            full_text: settings.full_text.clone().map(|options| {
                let name = Arc::from(settings.name.as_str());
                FullText::new(FeedArticles::new(name, options, settings.upstream.clone()))
            }),
            shell: Mutex::default(),
            archived: archived_feed(&settings),
            rules,
            settings,
        })
    }

    /// Whether its copies hold more than the documents they are made of: articles, or kept items.
    pub(super) fn adds_content(&self) -> bool {
        self.full_text.is_some() || self.keeps_items()
    }

    /// Whether items that fall out of it are kept, and there are pages of them.
    #[must_use]
    pub fn keeps_items(&self) -> bool {
        self.settings.keep_items > 0 || self.settings.archive.is_some()
    }

    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            refresh: self.settings.refresh,
            min: self.settings.refresh_min,
            max: self.settings.refresh_max,
        }
    }

    pub(super) fn set_shell(&self, shell: Option<Shell>) {
        let mut place = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        *place = shell.map(Arc::new);
    }

    /// Whether the feed's document is known, which pages take their envelope from.
    #[must_use]
    pub fn has_document(&self) -> bool {
        self.shell().is_some()
    }

    pub(super) fn shell(&self) -> Option<Arc<Shell>> {
        let place = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        place.clone()
    }

    /// What the archive gets of a document that came from `url` and became `body`; `None` where the
    /// feed is not archived.
    pub(super) fn document(
        &self,
        url: &Url,
        awaited: Vec<String>,
        body: &[Bytes],
    ) -> Option<FeedSnapshot> {
        self.archived.is_some().then(|| FeedSnapshot {
            url: Arc::new(url.clone()),
            body: body.to_vec(),
            awaited: awaited.into(),
        })
    }

    /// Whether it is fetched when it is due: a reader asked lately, or its items are archived.
    pub(super) fn is_kept_up(&self, now_ms: u64) -> bool {
        self.archived.is_some() || self.track.is_active(now_ms, self.settings.active_for)
    }
}

/// What the archive has of a feed; `None` where it is not archived.
fn archived_feed(settings: &FeedSettings) -> Option<Arc<ArchivedFeed>> {
    settings.archive.clone().map(|options| {
        let name = Arc::from(settings.name.as_str());
        Arc::new(ArchivedFeed::new(name, options, settings.upstream.clone()))
    })
}
