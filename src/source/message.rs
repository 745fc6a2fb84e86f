//! What a source sends to the pipeline thread.

use super::budget::Reservation;
use super::file::FilePosition;
use crate::pipeline::Event;
use std::sync::Arc;

/// An event, and for a file the position from which reading resumes after that event.
#[derive(Debug)]
pub struct SourceMessage {
    /// For the pipeline.
    pub event: Event,
    /// For the checkpoint. Only set with `Open`, `Chunk` and `Truncated` of a file.
    pub position: Option<FilePosition>,
    /// Receives how many bytes of the stream the pipeline still holds. Only set with the `Open` of a connection.
    pub reservation: Option<Arc<Reservation>>,
}

impl From<Event> for SourceMessage {
    fn from(event: Event) -> Self {
        Self { event, position: None, reservation: None }
    }
}
