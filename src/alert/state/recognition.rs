//! Whether calls are still recognised in the lines that arrive.

use super::seconds::PendingSeconds;
use super::storm::{Second, Storm, Weights};
use super::symptom::Symptom;
use crate::alert::table::Row;
use crate::window::SlidingWindow;
use serde::{Deserialize, Serialize};

/// With fewer calls in five minutes than this, a drop is not significant.
const MIN_USUAL_CALLS: u64 = 10;
const FIVE_MINUTES: i64 = 300;
const HOUR: i64 = 3_600;

/// Compares the lines and calls of all sources, and counts errors in which no call was recognised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::alert) struct RecognitionMonitor {
    lines: SlidingWindow,
    calls: SlidingWindow,
    unrecognised: PendingSeconds,
    storm: Option<Storm>,
    last_call: Option<i64>,
    /// The second of the first line.
    #[serde(rename = "born")]
    first_line: Option<i64>,
}

impl RecognitionMonitor {
    /// Counts lines that arrived in a second.
    pub(in crate::alert) fn lines(&mut self, at: i64, lines: u32) {
        self.first_line.get_or_insert(at);
        self.lines.add(at, lines);
    }

    /// Counts errors in which no call was recognised, `ahead` seconds after the next second to be evaluated.
    pub(in crate::alert) fn unrecognised(&mut self, ahead: usize, errors: u32) {
        self.unrecognised.add(ahead, errors);
    }

    /// Advances to the next second, in which `calls` were recognised. Returns a symptom if the log does not seem to be
    /// understood.
    pub(in crate::alert) fn step(&mut self, at: i64, calls: u32, row: &Row) -> Option<Symptom> {
        self.calls.add(at, calls);
        self.lines.advance(at);
        self.last_call = if calls > 0 { Some(at) } else { self.last_call };
        let failures = self.unrecognised.take();
        let second = Second { at, failures, successes: calls, last_success: self.last_call, ..Second::default() };
        self.storm = Storm::step(self.storm.take(), second, Weights::of(row));
        self.fewer_calls(at).or_else(|| self.unrecognised_errors())
    }

    /// Whether nothing changes until the next line.
    pub(in crate::alert) fn is_idle(&self) -> bool {
        self.storm.is_none() && self.unrecognised.is_empty() && self.lines.is_empty()
    }

    /// Compares the last five minutes with the average of the hour before. Needs one hour of lines.
    fn fewer_calls(&self, at: i64) -> Option<Symptom> {
        if at - self.first_line? < HOUR {
            return None;
        }
        let [_, lines, _, lines_hour] = self.lines.totals(at);
        let [_, calls, _, calls_hour] = self.calls.totals(at);
        // An hour without its last five minutes is eleven times five minutes.
        let usual = |hour: u64, now: u64| hour.saturating_sub(now) / 11;
        let (usual_calls, usual_lines) = (usual(calls_hour, calls), usual(lines_hour, lines));
        let few_calls = usual_calls >= MIN_USUAL_CALLS && calls * 10 <= usual_calls;
        let usual_flow = lines > 0 && lines * 2 >= usual_lines;
        (few_calls && usual_flow).then(|| Symptom {
            since: at - FIVE_MINUTES,
            length: FIVE_MINUTES,
            detail: format!("{lines} lines in five minutes contained {calls} calls; about {usual_calls} calls are usual."),
        })
    }

    fn unrecognised_errors(&self) -> Option<Symptom> {
        let storm = self.storm.as_ref().filter(|storm| storm.length_once_enough().is_some())?;
        let detail = format!("No call was recognised in {} errors.", storm.failures);
        Some(Symptom { since: storm.first, length: storm.length(), detail })
    }
}
