//! What the rules do to a feed: images, header and footer, envelope. Pure.
//!
//! Invariants: no I/O, no clock; `guid`, `id`, `link`, dates and titles are never touched; the same
//! source URL becomes the same string wherever it stands.

mod additions;
pub mod article;
mod author;
mod base;
mod bearer;
mod budget;
mod compose;
mod domains;
pub mod entry;
mod envelope;
mod evidence;
pub mod explain;
mod extent;
mod facts;
mod field;
pub mod figure;
mod foreign;
mod full_text;
mod gate;
mod hints;
pub mod identity;
mod image_url;
mod image_urls;
mod inlet;
mod inline;
mod item_content;
mod json_piece;
mod link;
mod marks;
mod options;
pub mod passes;
pub mod pattern;
mod piece;
mod places;
pub mod reading;
mod rules;
pub mod selection;
mod splice;
mod stage;
mod stream;
mod subset;
pub mod target;
pub mod template;
mod texts;
mod tree;
mod wrap;
mod xhtml;

pub use additions::{Additions, Paging};
pub use hints::Hints;
pub use image_urls::rule::{ImageRule, RULES_MAX as IMAGE_RULES_MAX};
pub use options::{RuleError, RuleOptions};
pub use pattern::{GlobError, check_path};
pub use rules::Rules;
pub use stream::{FeedRewriter, Origin};
