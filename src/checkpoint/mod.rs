//! What outlives the process: one file with the places in all files and the state that belongs to them, so that both move
//! together. Windows and alerts are then exact over a crash; what was only counted may repeat one interval.

mod format;
mod store;
mod writer;

pub use format::{Fault, VERSION, decode, encode};
pub use store::{Loaded, SaveError, StartError, Store};
pub use writer::{Health, Writer};

use crate::source::file::Position;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// After this many starts from one and the same checkpoint the daemon goes to the end of every file: something in the
/// backlog ends the process.
pub const MAX_STARTS: u32 = 3;

/// Everything that is kept. `S` is the state of the pipeline and of the delivery.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint<S> {
    /// When.
    pub written: Timestamp,
    /// How many processes began with it and did not get as far as the next one; 0 after a clean end.
    pub starts: u32,
    /// The latest of them has not come further than to take up the state.
    #[serde(default)]
    pub restoring: bool,
    /// Names of the file sources that are followed; `start_at` concerns only others.
    pub sources: BTreeSet<String>,
    /// Where reading stands in each file, at the start of its oldest open event.
    pub positions: Vec<Position>,
    /// What the bytes before those places came to.
    pub state: Option<S>,
}
