//! One entry as framing gives it to a format.

use crate::line::Level;
use crate::time::Stamp;

#[derive(Clone, Copy, Debug)]
pub(in crate::record) struct Entry<'a> {
    /// The entry without the prefix of its line.
    pub(in crate::record) bytes: &'a [u8],
    /// The end of a line that was too long to keep whole; empty otherwise.
    pub(in crate::record) tail: &'a [u8],
    /// The time in the prefix.
    pub(in crate::record) stamped: Option<Stamp>,
    /// The level in the prefix.
    pub(in crate::record) level: Level,
}

impl<'a> Entry<'a> {
    pub(super) fn first_line(&self) -> &'a [u8] {
        self.bytes.split(|b| *b == b'\n').next().unwrap_or_default()
    }
}
