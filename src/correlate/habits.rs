//! What a stream's loggers write again and again: a line that leaves open whether a call worked is the report of one, if its logger
//! reports failed calls too and has written the same form before.

use crate::classify::Habit;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The most loggers and forms that a stream remembers; the oldest is forgotten.
const MAX_WRITERS: usize = 16;
const MAX_FORMS: usize = 32;
/// From this time on, a form is a habit.
const AGAIN: u32 = 3;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Habits {
    /// The loggers that reported failed calls.
    failing: VecDeque<u64>,
    /// Who wrote which form, and how often.
    forms: VecDeque<(u64, u64, u32)>,
}

impl Habits {
    /// Notes that a logger reported a failed call. 0: the logger has no name.
    pub(super) fn note_failure(&mut self, writer: u64) {
        if writer == 0 || self.failing.contains(&writer) {
            return;
        }
        if self.failing.len() >= MAX_WRITERS {
            self.failing.pop_front();
        }
        self.failing.push_back(writer);
    }

    /// Notes a line of this form, and returns whether it reports a call that worked.
    pub(super) fn reports_success(&mut self, habit: Habit) -> bool {
        let Habit { writer, form } = habit;
        if let Some((.., times)) = self.forms.iter_mut().find(|known| (known.0, known.1) == (writer, form)) {
            *times = times.saturating_add(1);
            return *times >= AGAIN && self.failing.contains(&writer);
        }
        if self.forms.len() >= MAX_FORMS {
            self.forms.pop_front();
        }
        self.forms.push_back((writer, form, 1));
        false
    }
}
