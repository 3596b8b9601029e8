//! What is kept of upstream's answers: looked up, recorded once while they are played, kept in one
//! budget of memory. Feeds and mirrored resources use it alike.
//!
//! Invariants: however many readers ask, one flight fetches; a good copy is only ever replaced by
//! a whole one; what is kept is weighed in bytes.

mod body;
mod clock;
mod coding;
mod copy;
mod flight;
mod forms;
mod interest;
mod keep;
mod outcomes;
mod playback;
pub mod policy;
mod recording;
mod shelf;

pub use body::{Body, StoredAt};
pub use clock::Clock;
pub use coding::Coding;
pub use copy::{FeedCopy, Head, Tag, Times};
pub use flight::{Flight, Landing};
pub use forms::{Encoders, Form, Forms};
pub use interest::Interest;
pub use keep::{Cache, Lookup, Options, Standing};
pub use playback::{Next, Playback};
pub use recording::{Abandoned, Broken, Player, Recorder, Recording, TooLarge};
pub use shelf::{Kept, Shelf};
