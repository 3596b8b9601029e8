//! Items kept as files, and read back from them.
//!
//! `render` is pure: it writes an item as text, and reads it.

pub mod render;
