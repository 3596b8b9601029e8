//! What the rules do to a feed: images, header and footer, envelope. Pure.
//!
//! Invariants: no I/O, no clock; `guid`, `id`, `link`, dates and titles are never touched; the same
//! source address becomes the same string wherever it stands.

mod additions;
mod address;
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
mod inlet;
mod inline;
mod json_piece;
mod landing;
mod link;
mod marks;
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
mod tree;
mod wrap;
mod xhtml;

pub use additions::{Additions, Paging};
pub use address::{GlobError, ImageRule, RULES_MAX as IMAGE_RULES_MAX, check_path};
pub use hints::Hints;
pub use rules::{RuleError, RuleOptions, Rules};
pub use stream::{FeedRewriter, Origin};
