//! What is kept of upstream's answers: looked up, recorded once while they are played, kept in one
//! budget of memory. Feeds and mirrored resources use it alike.
//!
//! Invariants: however many readers ask, one task fetches; a good copy is only ever replaced by
//! a whole one; what is kept is weighed in bytes.

mod body;
mod clock;
mod coding;
mod copy;
mod entries;
mod error;
mod forms;
mod in_flight;
mod interest;
mod outcomes;
mod playback;
pub mod policy;
mod production;
mod recording;
mod request;
mod shelf;
mod times;

pub use body::{Body, StoredAt};
pub use clock::Clock;
pub use coding::Coding;
pub use copy::{FeedCopy, Head, Tag};
pub use entries::{Cache, CacheOptions, Lookup};
pub use error::{Broken, ProductionError};
pub use forms::{Encoders, Form, Forms};
pub use in_flight::{InFlight, Outcome};
pub use interest::Interest;
pub use playback::{Next, Playback};
pub use production::{Production, run, run_unless_lost};
pub use recording::{Abandoned, Player, Recorder, Recording, TooLarge};
pub use request::{Answer, Begun, Policy, stale_or};
pub use shelf::{Kept, Shelf};
pub use times::{Freshness, Timed, Times};
