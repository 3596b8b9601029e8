//! Writes items with their images, one by one, in a task that may take hours.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Archiver, Work};
use crate::archive::ArchivedFeed;
use crate::archive::images::ImageTarget;
use crate::archive::writing::{FilePlace, ItemWritten, WriteOutcome};
use crate::rewrite::entry::Entry;

impl Archiver {
    /// Starts a task that writes the waiting items of a feed with their images, unless one runs.
    pub(super) fn start_images(self: &Arc<Self>, feed: &Arc<ArchivedFeed>) {
        let state = self.state(&feed.name);
        let is_wanted = feed.options.images && state.has_waiting.load(Ordering::Relaxed);
        if !is_wanted || state.is_fetching_images.swap(true, Ordering::AcqRel) {
            return;
        }
        let (archiver, feed) = (Arc::clone(self), Arc::clone(feed));
        #[expect(
            clippy::disallowed_methods,
            reason = "it may take hours, and what it has not done yet waits in the store"
        )]
        tokio::spawn(async move {
            while archiver.keep_next((&feed, &state)).await {}
            state.is_fetching_images.store(false, Ordering::Release);
        });
    }

    /// Writes the next item with its images. Returns whether there may be more.
    async fn keep_next(&self, work: Work<'_>) -> bool {
        let (feed, state) = work;
        let mut queue = state.queue.lock().await;
        let Some(entry) = queue.waiting.first().cloned() else {
            return false;
        };
        let (now_ms, wanted) = (self.now_ms(), entry.clone());
        let by = (&*feed.name, &feed.options);
        let placing = self.with_writer(by, &mut queue, move |writer| {
            let writer = writer?;
            let Some(entry) = writer.fresh(vec![wanted]).pop() else {
                return Ok(None);
            };
            let place = writer.place(&entry, now_ms)?;
            let has_room = writer.has_room(&place, &entry)?;
            Ok(Some((place, has_room)))
        });
        let place = placing.await.and_then(|place| place);
        drop(queue);
        let written = match place {
            Ok(Some((_, false))) => Ok(Some(ItemWritten::Refused)),
            Ok(Some((place, true))) => self.keep_with_images(work, &entry, place).await,
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        let mut queue = state.queue.lock().await;
        let mut outcome = WriteOutcome::default();
        queue.waiting.retain(|left| *left != entry);
        match written {
            Ok(None) => {}
            Ok(Some(written)) => {
                // The next snapshot has it again.
                if written == ItemWritten::Refused {
                    queue.last_digest = None;
                }
                outcome.count(Ok(written), entry);
            }
            // It goes behind the others.
            Err(error) => outcome.count(Err(error), entry),
        }
        let goes_on = outcome.error.is_none();
        if queue.waiting.is_empty() || !goes_on {
            self.conclude(work, &mut queue, outcome).await;
        } else {
            self.count(&outcome);
        }
        goes_on
    }

    async fn keep_with_images(
        &self,
        (feed, state): Work<'_>,
        entry: &Entry,
        place: FilePlace,
    ) -> io::Result<Option<ItemWritten>> {
        let at = ImageTarget {
            folder: &self.folder,
            usage: &self.usage,
            path: &place.path,
            id: place.id,
        };
        let saved = self.images.save_beside(feed, at, entry).await?;
        let (images, missing) = (&self.health.images, &self.health.images_missing);
        images.fetch_add(saved.images, Ordering::Relaxed);
        missing.fetch_add(saved.missing, Ordering::Relaxed);
        let mut queue = state.queue.lock().await;
        let entry = entry.clone();
        let by = (&*feed.name, &feed.options);
        let writing = self.with_writer(by, &mut queue, move |writer| {
            let writer = writer?;
            let written = writer.write(&place, &entry, Some(saved.html))?;
            writer.sync()?;
            if written == ItemWritten::Refused {
                writer.drop_files(&saved.files)?;
            }
            Ok(Some(written))
        });
        writing.await.and_then(|written| written)
    }
}
