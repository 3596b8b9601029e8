//! The full text of an item, and where it is asked for.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The full text of an item and what its page says of it; texts are plain, and empty where the page
/// says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Article {
    /// The text as HTML: a sequence of blocks, sanitised, its URLs absolute, each image with
    /// its caption in a `figure`.
    pub html: String,
    /// Its title.
    pub title: String,
    /// Who wrote it.
    pub author: String,
    /// When it was published, as written.
    pub published: String,
    /// When it was last changed, as written.
    pub modified: String,
    /// What the site calls itself.
    pub site_name: String,
    /// The language, as written: `de`, `zh-CN`.
    pub language: String,
    /// The URL of the image that the page shows for itself.
    #[serde(rename = "picture")] // as it is stored
    pub image: String,
    /// Words of the text; each Chinese or Japanese character is one.
    pub words: u64,
    /// Minutes that reading it takes, rounded up.
    pub reading_minutes: u64,
}

/// What an item gets.
#[derive(Debug, Clone)]
pub enum Answer {
    /// This full text.
    Article(Arc<Article>),
    /// Nothing yet: it is still to come.
    Missing,
    /// Nothing yet, and the item is not to be seen before.
    Hold,
    /// Nothing.
    None,
}

/// Where the full texts of a feed's items are asked for, by the item's URL.
#[derive(Clone)]
pub struct Articles(Arc<dyn Fn(&str) -> Answer + Send + Sync>);

impl Articles {
    /// Asks `answer`.
    pub fn new(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }

    /// What the item at `link` gets.
    #[must_use]
    pub fn answer(&self, link: &str) -> Answer {
        (self.0)(link)
    }
}

impl std::fmt::Debug for Articles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Articles")
    }
}
