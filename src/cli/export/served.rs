//! Kept items as the service would serve them.

use std::sync::Arc;

use url::Url;

use crate::cli::pages::Pages;
use crate::config::{FeedSettings, Settings};
use crate::feed::Format;
use crate::feed::raw_item::RawItem;
use crate::fulltext::{FullTextLimits, FullTextOptions, StoredArticles};
use crate::refresh;
use crate::rewrite::article::{Answer, Articles};
use crate::rewrite::entry::{self, Entry};
use crate::rewrite::{Additions, FeedRewriter, Origin, Paging, Rules, reading};
use crate::store::{Inspected, Inspection, KeptItem, Space};

/// A larger document without its items is not looked at for what it says of them.
const SHELL_BYTES_MAX: usize = 64 << 10;

/// What makes entries of kept items.
pub(super) struct Served {
    rules: Arc<Rules>,
    url: Url,
    /// The feed's last document without its items, which says what their templates and relative
    /// addresses need.
    shell: Option<(Format, String)>,
    articles: Option<Articles>,
}

impl Served {
    /// What makes entries of a feed's items.
    pub(super) fn new(
        inspection: &Arc<Inspection>,
        feed: &FeedSettings,
        settings: &Settings,
    ) -> anyhow::Result<Self> {
        let name = feed.name.as_str();
        let stored = match inspection.get(Space::Feeds, name)? {
            Inspected::Entry(entry) => {
                refresh::stored_origin(&entry).map(|origin| (origin, entry.body))
            }
            Inspected::Nothing | Inspected::Damaged => None,
        };
        let url = stored.as_ref().map(|(origin, _)| origin.url.clone());
        let shell = stored.and_then(|(origin, body)| {
            let pieces = body.iter().map(|piece| piece.as_ref());
            let reading = reading::read(pieces, &origin, feed.rules.repair);
            let format = reading.items.first()?.format;
            let shell = reading.shell?;
            (shell.len() <= SHELL_BYTES_MAX).then_some((format, shell))
        });
        let articles = feed.full_text.clone().map(|options| {
            let pages = Pages::new(&settings.workers)?;
            anyhow::Ok(articles(
                inspection,
                name,
                (options, &settings.full_text),
                pages,
            ))
        });
        Ok(Self {
            rules: Arc::new(Rules::new(feed.rules.clone())?),
            url: url.unwrap_or_else(|| feed.upstream.url.clone()),
            shell,
            articles: articles.transpose()?,
        })
    }

    /// The entry of a kept item; `None` where the rules leave it out, or it can't be read.
    pub(super) fn entry(&self, kept: &KeptItem) -> Option<Entry> {
        let item = RawItem::from_bytes(kept.guid.clone(), &kept.bytes)?;
        let shell = match &self.shell {
            Some((format, shell)) if *format == item.format => shell,
            _ => empty(item.format),
        };
        let additions = Additions {
            items: [item].into(),
            // On a page there is no limit.
            paging: Some(Paging {
                page: Some(self.rules.options().self_url.clone()),
                ..Paging::default()
            }),
        };
        let origin = Origin {
            url: self.url.clone(),
            charset: Some("utf-8".to_owned()),
        };
        let mut rewriter =
            FeedRewriter::new(Arc::clone(&self.rules), origin).with_additions(additions);
        if let Some(articles) = &self.articles {
            rewriter = rewriter.with_articles(articles.clone());
        }
        let mut document = String::new();
        rewriter.push(shell.as_bytes(), &mut document);
        rewriter.finish(&mut document);
        let entries = entry::entries(&document, self.url.clone());
        entries.into_iter().next()
    }
}

/// The stored articles of a feed.
fn articles(
    inspection: &Arc<Inspection>,
    name: &str,
    (options, limits): (FullTextOptions, &FullTextLimits),
    pages: Pages,
) -> Articles {
    let stored = StoredArticles::new(name, options, limits, pages.extractor());
    let inspection = Arc::clone(inspection);
    Articles::new(move |link| {
        let found = inspection.get(Space::Articles, &stored.key(link));
        match found {
            Ok(Inspected::Entry(entry)) => pages
                .article(&stored, &entry)
                .map_or(Answer::None, |article| Answer::Article(Arc::new(article))),
            _ => Answer::None,
        }
    })
}

/// A document without anything in it.
fn empty(format: Format) -> &'static str {
    match format {
        Format::Rss => "<rss version=\"2.0\"><channel></channel></rss>",
        Format::Rdf => {
            "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" \
             xmlns=\"http://purl.org/rss/1.0/\"></rdf:RDF>"
        }
        Format::Atom => "<feed xmlns=\"http://www.w3.org/2005/Atom\"></feed>",
        Format::Json => "{\"version\":\"https://jsonfeed.org/version/1.1\",\"items\":[]}",
    }
}
