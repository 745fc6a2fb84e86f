//! What needs neighbouring records: which records are one call, which line counts it, and what earlier lines say about its provider.
//!
//! Works on one stream in order; only [`Duplicates`] spans streams. Judging a single record is for [`crate::classify`]. The same records
//! in the same order always give the same counts, also with a restart in between ([`InstancesState`]).
//!
//! Tests: `tests/it/corpus.rs`, `tests/it/timeline.rs`, `tests/it/restart.rs`, `tests/it/properties.rs`.

mod attempts;
mod context;
mod duplicates;
mod failures;
mod habits;
mod instances;
mod provenance;
mod saved;
mod saved_failure;
mod state;
mod stream;
mod told;
mod told_twice;
mod traces;

pub use duplicates::Duplicates;
pub use failures::{Placement, Try};
pub use instances::{Instances, InstancesState};
pub use provenance::Provenance;
pub use stream::{GrainRule, StreamCalls};

use std::time::Duration;

/// How long a stream remembers: that it calls LLMs, which hosts it calls, and that it writes records of calls.
const STREAM_MEMORY: Duration = Duration::from_hours(1);
