//! How an article is found on its page: by selectors that the operator gives, by a file of rules
//! for its site, or by itself. Pure.

mod finder;
mod site;
mod xpath;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use finder::{Finder, FinderError};
pub use site::{FILE_BYTES_MAX, Site, file_names};
pub use xpath::XPathError;

/// Finders of one kind.
pub const FINDERS_MAX: usize = 256;

/// How an article is found on its page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recipe {
    /// What the article is; the first that finds something counts.
    pub content: Vec<Finder>,
    /// What goes before.
    pub remove: Vec<Finder>,
    /// Its title.
    pub title: Vec<Finder>,
    /// Who wrote it.
    pub author: Vec<Finder>,
    /// When it was published.
    pub date: Vec<Finder>,
    /// The link to the page that shows it whole.
    pub single_page: Vec<Link>,
    /// The link to its next page.
    pub next_page: Vec<Link>,
    /// What is found and replaced in the page's text.
    pub replace: Vec<(String, String)>,
    /// Images whose address has this in it go.
    pub remove_images: Vec<String>,
    /// Request header fields for its pages. SECURITY: they may hold secrets, and go nowhere else.
    #[serde(skip)]
    pub headers: Vec<(String, String)>,
    /// Whether boilerplate is taken out of what `content` finds.
    pub prune: bool,
    /// Whether an article is looked for where `content` finds nothing.
    pub autodetect: bool,
}

/// A link that is followed, if something is on the page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Link {
    /// Where it leads.
    pub to: Finder,
    /// What must be there.
    pub when: Option<Finder>,
}

/// Nobody said anything: the article is looked for.
impl Default for Recipe {
    fn default() -> Self {
        Self {
            content: Vec::new(),
            remove: Vec::new(),
            title: Vec::new(),
            author: Vec::new(),
            date: Vec::new(),
            single_page: Vec::new(),
            next_page: Vec::new(),
            replace: Vec::new(),
            remove_images: Vec::new(),
            headers: Vec::new(),
            prune: true,
            autodetect: true,
        }
    }
}
