//! What is left of a line without its prefix, and what the prefix says about it.

use crate::framing::event::Lane;
use crate::time::{Stamp, Timestamp, Zone};
use std::borrow::Cow;

/// A line without its prefix.
pub(in crate::framing) struct Content<'a> {
    pub(in crate::framing) bytes: Cow<'a, [u8]>,
    pub(in crate::framing) lane: Lane,
    /// The line continues in the next line of the same lane.
    pub(in crate::framing) partial: bool,
    pub(in crate::framing) stamped: Option<Timestamp>,
}

/// The time in a prefix. Container runtimes write it with a zone.
pub(super) fn time_of(text: &[u8]) -> Option<Timestamp> {
    Some(Stamp::parse(text)?.resolve(Zone::default(), Timestamp::default()))
}
