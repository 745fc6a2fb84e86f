//! Faults of this process itself, as other modules report them.

use super::symptom::Symptom;
use crate::alert::table::Row;
use crate::taxonomy::string_enum;
use serde::{Deserialize, Serialize};

string_enum! {
    /// A kind of fault of this process; the text is the id of its row.
    SelfRow {
        /// A source is read more slowly than it is written.
        Behind = "self-behind",
        /// A source cannot be read.
        Unreadable = "self-unreadable",
        /// Data was lost before it was read.
        Losing = "self-losing",
        /// A receiver does not accept alerts.
        Receiver = "self-receiver",
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct SelfCheck {
    since: Option<i64>,
    detail: String,
}

/// The current state of each fault, in the order of [`SelfRow::ALL`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::alert) struct SelfChecks([SelfCheck; SelfRow::ALL.len()]);

impl SelfChecks {
    /// Sets whether the fault is present; its start does not change while it stays present.
    pub(in crate::alert) fn set(&mut self, row: SelfRow, present: bool, detail: &str, at: i64) {
        let check = &mut self.0[row as usize];
        check.since = present.then(|| check.since.unwrap_or(at));
        check.detail.clear();
        check.detail.push_str(detail);
    }

    /// The fault that the row watches, if it is present.
    pub(in crate::alert) fn symptom(&self, row: &Row, at: i64) -> Option<Symptom> {
        let check = &self.0[SelfRow::from_text(&row.id)? as usize];
        let since = check.since.filter(|since| *since <= at)?;
        Some(Symptom { since, length: at - since, detail: check.detail.clone() })
    }

    /// Whether no fault is present.
    pub(in crate::alert) fn is_clear(&self) -> bool {
        self.0.iter().all(|check| check.since.is_none())
    }
}
