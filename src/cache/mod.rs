//! Copies of feeds: looked up, recorded once while they are played, kept in the form they are
//! asked for.
//!
//! Invariants: however many readers ask, one flight fetches; a good copy is only ever replaced by
//! a whole one; what is kept is weighed in bytes.

mod coding;
mod copy;
mod flight;
mod forms;
mod keep;
pub mod policy;
mod recording;

pub use coding::Coding;
pub use copy::{FeedCopy, Head, Tag, Times};
pub use flight::{Flight, Landing};
pub use forms::{Encoders, Form, Forms};
pub use keep::{Cache, Lookup, Options};
pub use recording::{Body, Broken, Recorder, Recording, TooLarge};
