//! Symptoms: signs of trouble other than failed calls. They are silence, lines without recognised calls, and faults of this
//! process.

use crate::alert::table::{Row, Trigger};

/// A symptom that is present now.
#[derive(Clone, Debug)]
pub(in crate::alert) struct Symptom {
    /// The second in which it began.
    pub(in crate::alert) since: i64,
    /// The time for which it is known to be present, in seconds.
    pub(in crate::alert) length: i64,
    /// A sentence for the alert text.
    pub(in crate::alert) detail: String,
}

/// How long a symptom must be present before its alert fires, and be absent before it resolves; in seconds.
#[derive(Clone, Copy, Debug)]
pub(in crate::alert) struct Timing {
    pub(super) sustained: i64,
    pub(super) keep_firing: i64,
}

impl Timing {
    /// Fires and resolves at once.
    pub(in crate::alert) const IMMEDIATE: Self = Self { sustained: 0, keep_firing: 0 };

    /// The times that the row sets.
    pub(in crate::alert) fn of(row: &Row) -> Self {
        let sustained = match row.trigger {
            Trigger::AtOnce => 0,
            Trigger::Sustained(length) | Trigger::Burst(length) => length.as_secs() as i64,
        };
        Self { sustained, keep_firing: row.keep_firing.as_secs() as i64 }
    }
}

/// Whether alerts may resolve in this second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::alert) enum Resolving {
    /// As their rows say.
    Allowed,
    /// A source is behind: the events that would continue an alert may not have been read yet.
    Blocked,
}
