//! Whether errors of calls are still recognised in the lines that arrive.

use super::seconds::PendingSeconds;
use super::symptom::Symptom;
use crate::window::Ring;
use serde::{Deserialize, Serialize};

/// With fewer errors in five minutes than this, nothing is said.
const MIN_ERRORS: u64 = 20;
const FIVE_MINUTES: i64 = 300;

/// Compares the errors that speak of LLM calls and are not understood with those that are.
///
/// Lines without an error say nothing: health checks continue when no call is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::alert) struct RecognitionMonitor {
    unrecognised: PendingSeconds,
    /// Errors of the last five minutes in which no call was recognised.
    not_understood: Ring<30, 10>,
    /// Failed calls of the last five minutes.
    understood: Ring<30, 10>,
}

impl RecognitionMonitor {
    /// Counts errors in which no call was recognised, `ahead` seconds after the next second to be evaluated.
    pub(in crate::alert) fn unrecognised(&mut self, ahead: usize, errors: u32) {
        self.unrecognised.add(ahead, errors);
    }

    /// Advances to the next second, in which `failed_calls` were recognised. Returns a symptom if the log does not seem to
    /// be understood.
    pub(in crate::alert) fn step(&mut self, at: i64, failed_calls: u32) -> Option<Symptom> {
        self.not_understood.add(at, self.unrecognised.take());
        self.understood.add(at, failed_calls);
        let (errors, calls) = (self.not_understood.total(at), self.understood.total(at));
        (errors >= MIN_ERRORS && errors >= calls).then(|| Symptom {
            since: at - FIVE_MINUTES,
            length: FIVE_MINUTES,
            detail: format!(
                "No call was recognised in {errors} errors of the last five minutes; {calls} failed calls were recognised."
            ),
        })
    }

    /// Whether nothing changes until the next line.
    pub(in crate::alert) fn is_idle(&self) -> bool {
        self.unrecognised.is_empty() && self.not_understood.is_empty() && self.understood.is_empty()
    }
}
