//! The indexes of feeds: opened for work on a thread that may wait, and told what went.

use std::io;
use std::sync::Arc;

use super::Archivist;
use crate::archive::drawer::Turn;
use crate::archive::render::Format;
use crate::archive::writing::Writer;
use crate::archive::{Drawer, Options};
use crate::rewrite::entry::Entry;

impl Archivist {
    /// Has the indexes of feeds learn which of their items went for those of others; they may be feeds that
    /// are not configured any more.
    pub(super) async fn note_gone(self: &Arc<Self>) {
        for feed in self.tally.unknowing() {
            let (archivist, feed) = (Arc::clone(self), Arc::<str>::from(feed));
            let noting = self.tasks.spawn(async move {
                let contents = archivist.contents(&feed);
                let mut turn = contents.turn.lock().await;
                let options = Options::usual(Format::default()).map_err(io::Error::other)?;
                let noting = archivist.with_writer((&feed, &options), &mut turn, |writer| {
                    writer.and_then(Writer::note_gone)
                });
                noting.await.and_then(|noted| noted)
            });
            if let Ok(Err(error)) = noting.await {
                tracing::debug!(target: "feedwright::archive", %error, "the index can't be written");
            }
        }
    }

    /// Takes out of the index what went and the feed doesn't have any more, now and then.
    pub(super) async fn compact(&self, drawer: &Drawer, turn: &mut Turn, entries: &[Entry]) {
        let Some(writer) = turn.writer.take() else {
            return;
        };
        let entries = entries.to_vec();
        let compacting = tokio::task::spawn_blocking(move || writer.compact(&entries));
        match compacting.await {
            Ok(Ok(writer)) => turn.writer = Some(writer),
            Ok(Err(error)) => {
                tracing::debug!(target: "feedwright::archive", %error, feed.name = &*drawer.feed, "the index can't be written anew");
            }
            Err(_) => {}
        }
    }

    /// Does `work` with a feed's writer, or with the reason why there is none, on a thread that may
    /// wait for the disk.
    pub(super) async fn with_writer<T: Send + 'static>(
        &self,
        (feed, options): (&str, &Options),
        turn: &mut Turn,
        work: impl FnOnce(io::Result<&mut Writer>) -> T + Send + 'static,
    ) -> io::Result<T> {
        let (folder, tally) = (Arc::clone(&self.folder), Arc::clone(&self.tally));
        let (feed, options, known) = (feed.to_owned(), options.clone(), turn.writer.take());
        let working = tokio::task::spawn_blocking(move || {
            let opened = match known {
                Some(writer) => Ok(writer.with_options(options)),
                None => Writer::open(folder, tally, &feed, options),
            };
            match opened {
                Ok(mut writer) => (work(Ok(&mut writer)), Some(writer)),
                Err(error) => (work(Err(error)), None),
            }
        });
        let (done, writer) = working.await.map_err(io::Error::other)?;
        turn.writer = writer;
        Ok(done)
    }
}
