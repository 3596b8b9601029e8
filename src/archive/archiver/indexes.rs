//! Work on the indexes of feeds, on threads that may block.

use std::io;
use std::sync::Arc;

use super::Archiver;
use crate::archive::feed::FeedQueue;
use crate::archive::render::Format;
use crate::archive::writing::ItemWriter;
use crate::archive::{ArchiveOptions, ArchivedFeed};
use crate::rewrite::entry::Entry;

impl Archiver {
    /// Writes to the indexes which items were removed for items of other feeds; their feeds may not be configured
    /// any more.
    pub(super) async fn note_gone(self: &Arc<Self>) {
        for feed in self.usage.feeds_with_unnoted() {
            let (archiver, feed) = (Arc::clone(self), Arc::<str>::from(feed));
            let noting = self.tasks.spawn(async move {
                let state = archiver.state(&feed);
                let mut queue = state.queue.lock().await;
                let options = ArchiveOptions::usual(Format::default()).map_err(io::Error::other)?;
                let noting = archiver.with_writer((&feed, &options), &mut queue, |writer| {
                    writer.and_then(ItemWriter::note_gone)
                });
                noting.await.and_then(|noted| noted)
            });
            if let Ok(Err(error)) = noting.await {
                tracing::debug!(target: "feedwright::archive", %error, "the index can't be written");
            }
        }
    }

    /// Compacts the index of a feed, now and then.
    pub(super) async fn compact(
        &self,
        feed: &ArchivedFeed,
        queue: &mut FeedQueue,
        entries: &[Entry],
    ) {
        let Some(writer) = queue.writer.take() else {
            return;
        };
        let entries = entries.to_vec();
        let compacting = tokio::task::spawn_blocking(move || writer.compact(&entries));
        match compacting.await {
            Ok(Ok(writer)) => queue.writer = Some(writer),
            Ok(Err(error)) => {
                tracing::debug!(target: "feedwright::archive", %error, feed.name = &*feed.name, "the index can't be written anew");
            }
            Err(_) => {}
        }
    }

    /// Runs `work` with a feed's writer, or with the reason why there is none, on a thread that may block.
    pub(super) async fn with_writer<T: Send + 'static>(
        &self,
        (feed, options): (&str, &ArchiveOptions),
        queue: &mut FeedQueue,
        work: impl FnOnce(io::Result<&mut ItemWriter>) -> T + Send + 'static,
    ) -> io::Result<T> {
        let (folder, usage) = (Arc::clone(&self.folder), Arc::clone(&self.usage));
        let (feed, options, known) = (feed.to_owned(), options.clone(), queue.writer.take());
        let working = tokio::task::spawn_blocking(move || {
            let opened = match known {
                Some(writer) => Ok(writer.with_options(options)),
                None => ItemWriter::open(folder, usage, &feed, options),
            };
            match opened {
                Ok(mut writer) => (work(Ok(&mut writer)), Some(writer)),
                Err(error) => (work(Err(error)), None),
            }
        });
        let (done, writer) = working.await.map_err(io::Error::other)?;
        queue.writer = writer;
        Ok(done)
    }
}
