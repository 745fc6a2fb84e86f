//! From chunks of bytes to counts, transitions and a picture of the present: everything between the sources and the edge.

mod event;
mod snapshot;
mod tally;

pub use event::{Chunk, Event, Output, Pipeline, State, StreamInfo};
pub use snapshot::{Snapshot, SourceView, UnknownView, WindowView};
pub use tally::{Books, ErrorKey, LossReason, Tally};
