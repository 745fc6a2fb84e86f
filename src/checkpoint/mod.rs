//! The checkpoint: one file with the positions in all files and the state of the pipeline at these positions.
//!
//! Positions and state are written together, so that windows and alerts are exact after a crash; counters of metrics may
//! repeat one interval. What the state contains is left to its owners (`pipeline`, `daemon`). A checkpoint is written as a
//! whole or not at all, by one process at a time, and every later version of the program reads it.
//!
//! Tests: `tests/it/checkpoint.rs` and `restart.rs`.

mod format;
mod store;
mod writer;

pub use format::{DecodeError, VERSION, decode, encode};
pub use store::{Loaded, SaveError, StartError, Store};
pub use writer::{Health, Writer};

use crate::source::file::Position;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// After this many starts from the same positions the daemon skips to the end of every file: reading the backlog ends the
/// process. A process that read something before it ended does not count.
pub const MAX_STARTS: u32 = 3;

/// The content of a checkpoint. `S` is the state of the pipeline and of the delivery.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint<S> {
    /// When it was written.
    pub written: Timestamp,
    /// How many processes started from these positions and ended before they made progress; 0 after a clean shutdown.
    pub starts: u32,
    /// The last of these processes ended while it restored the state.
    #[serde(default)]
    pub restoring: bool,
    /// The names of the file sources that are followed. `start_at` does not apply to them any more.
    pub sources: BTreeSet<String>,
    /// The position in each file: the start of its oldest open event.
    pub positions: Vec<Position>,
    /// The state after all bytes before these positions.
    pub state: Option<S>,
}
