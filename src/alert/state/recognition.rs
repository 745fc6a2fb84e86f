//! Whether the records that report trouble with LLM calls are still understood.

use super::seconds::PendingSeconds;
use super::symptom::Symptom;
use crate::window::Ring;
use serde::{Deserialize, Serialize};

/// With fewer records of trouble in five minutes than this, nothing is said.
const MIN_RECORDS: u64 = 20;
const FIVE_MINUTES: i64 = 300;

/// Counts the records that name an LLM call and report trouble, and those of them that are not understood.
///
/// Other lines say nothing: health checks continue when no call is made, and an application has errors of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::alert) struct RecognitionMonitor {
    #[serde(rename = "unrecognised")]
    pending_not_understood: PendingSeconds,
    pending_understood: PendingSeconds,
    /// Of the last five minutes.
    not_understood: Ring<30, 10>,
    understood: Ring<30, 10>,
}

impl RecognitionMonitor {
    /// Counts a record, `ahead` seconds after the next second to be evaluated.
    pub(in crate::alert) fn note(&mut self, ahead: usize, understood: bool) {
        let pending = if understood { &mut self.pending_understood } else { &mut self.pending_not_understood };
        pending.add(ahead, 1);
    }

    /// Advances to the next second. Returns a symptom if half of the records or more are not understood.
    pub(in crate::alert) fn step(&mut self, at: i64) -> Option<Symptom> {
        self.not_understood.add(at, self.pending_not_understood.take());
        self.understood.add(at, self.pending_understood.take());
        let (strange, known) = (self.not_understood.total(at), self.understood.total(at));
        (strange + known >= MIN_RECORDS && strange >= known).then(|| Symptom {
            since: at - FIVE_MINUTES,
            length: FIVE_MINUTES,
            detail: format!(
                "{strange} of {} records of the last five minutes that report trouble with an LLM call are not understood.",
                strange + known
            ),
        })
    }

    /// Whether nothing changes from `at` until the next line: too few records wait or are known, and they become fewer.
    pub(in crate::alert) fn is_idle(&self, at: i64) -> bool {
        let pending = self.pending_not_understood.is_empty() && self.pending_understood.is_empty();
        pending && self.not_understood.total(at) + self.understood.total(at) < MIN_RECORDS
    }
}
