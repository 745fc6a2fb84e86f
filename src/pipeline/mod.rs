//! From chunks of bytes to counts, alert transitions and a snapshot: everything between the sources and the edge.
//!
//! [`Pipeline::handle`] takes one [`Event`] at a time and appends what changed to an [`Output`]. The pipeline frames, reads,
//! classifies, correlates, counts and alerts. It leaves to others: where bytes come from (`source`), where metrics and alerts
//! go (`metrics`, `delivery`), and when a checkpoint is written (`daemon`).
//!
//! Invariant: the same events give the same output. The pipeline never reads a clock, a file or the environment; every time
//! comes in with an event.
//!
//! Tests: `tests/it/replay.rs`, `properties.rs`, `restart.rs`, `catchup.rs`, `streams.rs`, `timeline.rs`; `fuzz/main.rs`.

mod open_bytes;
mod options;
mod rules;
mod event;
mod pod;
mod clock;
mod context;
mod verdict_line;
mod tally;
mod snapshot;
mod state;
mod last_failures;
mod backlog;
mod counting;
mod stream;
mod handle;
mod batch;
mod persist;

pub use crate::detect::{Finding, UnknownView, UnreadView};
pub use crate::window::{TrendView, WindowView};
pub use batch::Batch;
pub use clock::Clock;
pub use event::{Chunk, Event, Output, Replacement, StreamInfo, Wanted};
pub use handle::Pipeline;
pub use options::{Options, SourceOptions};
pub use rules::{RecordCache, Rules};
pub use snapshot::{Snapshot, SourceStats, SourceView};
pub use state::State;
pub use tally::{ErrorKey, SourceCounters, Tally};
pub use verdict_line::{NO_PATTERN, VERSION, verdict_schema};
