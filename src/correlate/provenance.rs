//! When and where a record was written, as its stream knows it.

use crate::time::Timestamp;

/// When and where a record was written.
#[derive(Clone, Copy, Debug)]
pub struct Provenance<'a> {
    /// The time of the record.
    pub at: Timestamp,
    /// Whether the time is the record's own.
    pub timed: bool,
    /// The service in the prefix of its line: all outputs of a container share it, whatever their records call themselves. Empty: none.
    pub service: &'a str,
    /// The machine in the prefix of its line. Empty: none.
    pub host: &'a str,
}
