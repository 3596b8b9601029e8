//! Pages of a feed's archive, made when they are asked for.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_128;

use super::page::{ITEMS, Page, address, first_of};
use super::refresher::Production;
use super::shell::Shell;
use super::{Error, Feed, Refresher, ending, full_text, media_type, remake, tag};
use crate::cache::{self, FeedCopy, Forms, Head, Policy, Recorder, Times};
use crate::feed::raw_item::RawItem;
use crate::fulltext::FeedArticles;
use crate::rewrite::article::{Answer, Articles};
use crate::rewrite::{Additions, Paging};
use crate::store::{ItemWindow, KeptItem};
use crate::upstream::Validators;

/// Bytes of a page's items, before the rules come to them; older ones of that page are left out.
const BYTES_MAX: usize = 16 << 20;
/// How long a page that was made is taken as it is.
const FRESH_FOR: Duration = Duration::from_secs(600);

impl Refresher {
    /// The page of this place, or the newest one; `None` when there is none.
    pub async fn find_page(&self, feed: &Feed, place: Option<u64>) -> Option<Page> {
        if !feed.keeps_items() {
            return None;
        }
        let (first, last) = self.store.places(&feed.key).await?;
        Page::find(place.unwrap_or(last), (first, last))
    }

    /// A page's copy: cached, or made now.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn get_page(
        self: &Arc<Self>,
        feed: &Arc<Feed>,
        page: Page,
    ) -> cache::Answer<Error, FeedCopy> {
        let produce = |production, _| self.start_page(feed, page, production);
        let key = page.key(feed);
        self.cache.get(&key, Policy::default(), produce).await
    }

    fn start_page(self: &Arc<Self>, feed: &Arc<Feed>, page: Page, production: Production) {
        let (refresher, feed) = (Arc::clone(self), Arc::clone(feed));
        self.tasks.spawn(async move {
            let made = cache::run(refresher.make_page(&feed, page)).await;
            let is_kept = page.is_linked && !feed.is_retired.load(Ordering::Acquire);
            match made {
                // Each place makes a page: not all of them are worth keeping.
                Ok(copy) if is_kept => {
                    production.complete(Arc::new(copy));
                }
                made => production.complete_unkept(made.map(Arc::new).map_err(Arc::new)),
            }
        });
    }

    async fn make_page(&self, feed: &Arc<Feed>, page: Page) -> Result<FeedCopy, Error> {
        let _place = self.pages.acquire().await;
        let shell = feed.shell().ok_or(Error::NoDocument)?;
        let window = ItemWindow {
            from: first_of(page.place),
            to: page.place,
            newest_first: true,
            count: ITEMS as usize,
            bytes_max: BYTES_MAX,
        };
        let items = self.store.items(&feed.key, window).await;
        let additions = Additions {
            items: items.iter().filter_map(raw).collect(),
            paging: Some(Paging {
                page: Some(page.address(feed)),
                older: page.older.map(|older| address(feed, older)),
                newer: page.newer.map(|newer| address(feed, newer)),
            }),
        };
        let articles = self.articles_of(feed, &shell, &additions).await;
        let known = self.cache.peek(&page.key(feed));
        let recording_bytes_max = self.cache.options().recording_bytes_max;
        // Bounded by how many are made at once: it counts, and waits for nobody.
        let bytes: usize = items.iter().map(|item| item.bytes.len()).sum();
        let mut charge = self.client.budget().force(2 * bytes as u64);
        let (feed, now) = (Arc::clone(feed), (self.wall_clock)());
        let making = tokio::task::spawn_blocking(move || {
            let origin = shell.arrived.origin();
            let mut rewriter = remake::rewriter(&feed, origin, additions, articles);
            let mut out = String::new();
            rewriter.push(&shell.text, &mut out);
            let ending = rewriter.finish(&mut out);
            ending::judge(&ending, rewriter.is_outgrown())?;
            let format = rewriter.format().ok_or(Error::NoDocument)?;
            let content_type = media_type::content_type(shell.arrived.content_type(), format);
            let digest = xxh3_128(out.as_bytes());
            let opaque = tag::make(&[&digest.to_be_bytes()], &feed.rules);
            let head = Head::new(&content_type, Some(opaque), now);
            let head = match &known {
                Some(known) if known.digest == Some(digest) => known.head.clone(),
                _ => head,
            };
            let mut recorder = Recorder::new(recording_bytes_max);
            let forms = Forms::growing(recorder.recording(), charge.budget());
            recorder.append(out.into())?;
            let body = recorder.finish();
            charge.settle(body.len() as u64);
            body.hold(&Arc::new(charge));
            forms.complete(body);
            Ok(FeedCopy {
                head,
                forms: Arc::new(forms),
                validators: Validators::default(),
                digest: Some(digest),
                items: items.len(),
                missing_articles: 0,
                times: Times {
                    fetched_at: Instant::now(),
                    fresh_for: FRESH_FOR,
                    stale_if_error: Duration::ZERO,
                },
            })
        });
        making.await.unwrap_or(Err(Error::Panicked))
    }

    /// The articles of a page's items, as far as they are stored: those of old items are not fetched.
    async fn articles_of(
        &self,
        feed: &Feed,
        shell: &Shell,
        additions: &Additions,
    ) -> Option<Articles> {
        let options = feed.settings.full_text.clone()?;
        let upstream = feed.settings.upstream.clone();
        let shelf = Arc::new(FeedArticles::new(Arc::clone(&feed.key), options, upstream));
        let document = (std::slice::from_ref(&shell.text), additions);
        let links = full_text::links_of(feed, &shell.arrived, document);
        self.library.load(&shelf, &links, full_text::LOAD_FOR).await;
        Some(Articles::new(move |link| match shelf.answer(link) {
            Answer::Article(article) => Answer::Article(article),
            _ => Answer::None,
        }))
    }
}

fn raw(kept: &KeptItem) -> Option<RawItem> {
    RawItem::from_bytes(kept.guid.clone(), &kept.bytes)
}
