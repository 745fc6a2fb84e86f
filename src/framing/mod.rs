//! From chunks of bytes to lines and events.

/// A stream of bytes with its own framing: one file, one connection, stdin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u32);
