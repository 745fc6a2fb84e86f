//! Whether lines still flow while calls are not recognised in them any more.

use super::seconds::Seconds;
use super::series::Held;
use super::storm::{Second, Storm, Weights};
use super::table::Row;
use crate::window::SlidingWindow;
use serde::{Deserialize, Serialize};

/// So many calls in five minutes are too few to say that they fell.
const LEAST_CALLS: u64 = 10;
const FIVE_MINUTES: i64 = 300;

/// Lines and calls of all sources together, and errors that are no recognised call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sight {
    lines: SlidingWindow,
    calls: SlidingWindow,
    unrecognised: Seconds,
    storm: Option<Storm>,
    last_call: Option<i64>,
    born: Option<i64>,
}

impl Sight {
    /// Takes in lines of a second.
    pub(super) fn lines(&mut self, at: i64, lines: u32) {
        self.born.get_or_insert(at);
        self.lines.add(at, lines);
    }

    /// Takes in errors in which no call was recognised, that many seconds ahead of the next evaluation.
    pub(super) fn unrecognised(&mut self, ahead: usize, errors: u32) {
        self.unrecognised.add(ahead, errors);
    }

    /// Takes in the calls of a second. Tells when the log does not seem to be understood.
    pub(super) fn step(&mut self, at: i64, calls: u32, row: &Row) -> Option<Held> {
        self.calls.add(at, calls);
        self.lines.advance(at);
        self.last_call = if calls > 0 { Some(at) } else { self.last_call };
        let failures = self.unrecognised.take();
        let second = Second { at, failures, successes: calls, last_success: self.last_call, ..Second::default() };
        self.storm = Storm::step(self.storm.take(), second, Weights::of(row));
        self.fallen(at).or_else(|| self.unrecognised_held())
    }

    /// Whether it can be left alone until something comes in.
    pub(super) fn is_idle(&self) -> bool {
        self.storm.is_none() && self.unrecognised.is_empty() && self.lines.is_empty()
    }

    /// Compares the last five minutes with the mean of those of the hour before. A young process has no hour yet.
    fn fallen(&self, at: i64) -> Option<Held> {
        if at - self.born? < 3_600 {
            return None;
        }
        let [_, lines, _, lines_hour] = self.lines.totals(at);
        let [_, calls, _, calls_hour] = self.calls.totals(at);
        let usual = |hour: u64, now: u64| hour.saturating_sub(now) / 11;
        let (usual_calls, usual_lines) = (usual(calls_hour, calls), usual(lines_hour, lines));
        let fell = usual_calls >= LEAST_CALLS && calls * 10 <= usual_calls && lines > 0 && lines * 2 >= usual_lines;
        let detail = || format!("In five minutes {lines} lines brought {calls} calls, where about {usual_calls} are usual.");
        fell.then(|| Held { since: at - FIVE_MINUTES, length: FIVE_MINUTES, detail: detail() })
    }

    fn unrecognised_held(&self) -> Option<Held> {
        let storm = self.storm.as_ref().filter(|it| it.length_once_enough().is_some())?;
        let detail = format!("{} errors came in which no call was recognised.", storm.failures);
        Some(Held { since: storm.first, length: storm.length(), detail })
    }
}
