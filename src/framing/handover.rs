//! The handover of an open event from a rotated file to the file that replaces it.

use super::continuation::Continuation;
use super::event::StreamId;

/// The stream in which an open event began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Origin {
    /// This stream.
    #[default]
    Here,
    /// The predecessor of this stream: the file was rotated in the middle of the event.
    Predecessor(StreamId),
    /// This stream, but the bytes were truncated away.
    Truncated,
}

/// What the predecessor must read again after a restart, so that this stream can continue the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handover {
    pub(super) predecessor: StreamId,
    pub(super) offset: u64,
    pub(super) line: u64,
    pub(super) cut_off: Option<Continuation>,
    /// See [`super::partial::PartialLine::begun`].
    pub(super) begun: bool,
}
