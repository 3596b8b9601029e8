//! Items with images: written one by one, in a task that may take hours.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Archivist, Work};
use crate::archive::Drawer;
use crate::archive::images::Beside;
use crate::archive::writing::{Outcome, Place, Written};
use crate::rewrite::entry::Entry;

impl Archivist {
    /// Writes what is left of a feed with images, item by item, in a task.
    pub(super) fn serve_images(self: &Arc<Self>, drawer: &Arc<Drawer>) {
        let contents = self.contents(&drawer.feed);
        let is_wanted = drawer.options.images && contents.has_left.load(Ordering::Relaxed);
        if !is_wanted || contents.is_served.swap(true, Ordering::AcqRel) {
            return;
        }
        let (archivist, drawer) = (Arc::clone(self), Arc::clone(drawer));
        #[expect(
            clippy::disallowed_methods,
            reason = "it may take hours, and what it has not done yet waits in the store"
        )]
        tokio::spawn(async move {
            while archivist.keep_next((&drawer, &contents)).await {}
            contents.is_served.store(false, Ordering::Release);
        });
    }

    /// Writes the next item with its images. Whether there may be more.
    async fn keep_next(&self, work: Work<'_>) -> bool {
        let (drawer, contents) = work;
        let mut turn = contents.turn.lock().await;
        let Some(entry) = turn.left.first().cloned() else {
            return false;
        };
        let (now_ms, wanted) = (self.now_ms(), entry.clone());
        let by = (&*drawer.feed, &drawer.options);
        let placing = self.with_writer(by, &mut turn, move |writer| {
            let writer = writer?;
            let Some(entry) = writer.fresh(vec![wanted]).pop() else {
                return Ok(None);
            };
            let place = writer.place(&entry, now_ms)?;
            let has_room = writer.has_room(&place, &entry)?;
            Ok(Some((place, has_room)))
        });
        let place = placing.await.and_then(|place| place);
        drop(turn);
        let written = match place {
            Ok(Some((_, false))) => Ok(Some(Written::Refused)),
            Ok(Some((place, true))) => self.keep_with_images(work, &entry, place).await,
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        let mut turn = contents.turn.lock().await;
        let mut outcome = Outcome::default();
        turn.left.retain(|left| *left != entry);
        match written {
            Ok(None) => {}
            Ok(Some(written)) => {
                // The next document brings it again.
                if written == Written::Refused {
                    turn.last = None;
                }
                outcome.count(Ok(written), entry);
            }
            // It waits behind the others.
            Err(error) => outcome.count(Err(error), entry),
        }
        let goes_on = outcome.error.is_none();
        if turn.left.is_empty() || !goes_on {
            self.conclude(work, &mut turn, outcome).await;
        } else {
            self.count(&outcome);
        }
        goes_on
    }

    async fn keep_with_images(
        &self,
        (drawer, contents): Work<'_>,
        entry: &Entry,
        place: Place,
    ) -> io::Result<Option<Written>> {
        let at = Beside {
            folder: &self.folder,
            tally: &self.tally,
            path: &place.path,
            id: place.id,
        };
        let brought = self.porter.bring(drawer, at, entry).await?;
        let (images, missing) = (&self.health.images, &self.health.images_missing);
        images.fetch_add(brought.images, Ordering::Relaxed);
        missing.fetch_add(brought.missing, Ordering::Relaxed);
        let mut turn = contents.turn.lock().await;
        let entry = entry.clone();
        let by = (&*drawer.feed, &drawer.options);
        let writing = self.with_writer(by, &mut turn, move |writer| {
            let writer = writer?;
            let written = writer.write(&place, &entry, Some(brought.html))?;
            writer.sync()?;
            if written == Written::Refused {
                writer.drop_files(&brought.files)?;
            }
            Ok(Some(written))
        });
        writing.await.and_then(|written| written)
    }
}
