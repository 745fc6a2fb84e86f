//! The alert state machine: inactive, pending, firing, and what of it was told.

use super::view::{Reason, State};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What an evaluation says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is nothing, or what there was may be over but has to stay so for a while.
    Idle,
    /// It holds since this second, not yet for long enough.
    Holds(i64),
    /// It holds since this second, and somebody must be told.
    Fires(i64),
    /// It has been over for long enough.
    Clears(Reason),
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// It does not hold.
    #[default]
    Inactive,
    /// It holds since this second.
    Pending(i64),
    /// It fires; what it stands for began in this second.
    Firing(i64),
}

impl Phase {
    pub(super) const fn state(self) -> State {
        match self {
            Self::Inactive => State::Inactive,
            Self::Pending(_) => State::Pending,
            Self::Firing(_) => State::Firing,
        }
    }

    pub(super) const fn since(self) -> Option<i64> {
        match self {
            Self::Inactive => None,
            Self::Pending(since) | Self::Firing(since) => Some(since),
        }
    }
}

/// Where a row stands, and where the world believes it to stand. The two differ only while a backlog is read: then rows
/// move without a word, and only what is still true at its end is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Machine {
    /// Where it stands.
    pub(super) phase: Phase,
    /// What was told last.
    pub(super) told: Phase,
    /// When it was told that it fires.
    pub(super) fired_at: Option<Timestamp>,
    /// Why it stopped firing, the last time that it did.
    pub(super) reason: Option<Reason>,
}

/// A change that has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: State,
    pub(super) to: State,
    /// What the change is about: the phase that ended, else the one that began.
    pub(super) about: Phase,
}

impl Machine {
    /// Moves on by one evaluation.
    pub(super) fn step(&mut self, verdict: Verdict) {
        self.phase = match (self.phase, verdict) {
            (Phase::Firing(_), Verdict::Clears(reason)) => {
                self.reason = Some(reason);
                Phase::Inactive
            }
            (Phase::Firing(since), _) => Phase::Firing(since),
            (_, Verdict::Fires(since)) => Phase::Firing(since),
            (_, Verdict::Holds(since)) => Phase::Pending(since),
            (_, Verdict::Idle | Verdict::Clears(_)) => Phase::Inactive,
        };
    }

    /// The next change to tell, if any; it counts as told from now on. An alert that stopped firing is told as resolved
    /// before anything new.
    pub(super) fn tell(&mut self, at: Timestamp) -> Option<Change> {
        let (from, to, before) = (self.told.state(), self.phase.state(), self.told);
        if from == to {
            return None;
        }
        if from == State::Firing {
            self.told = Phase::Inactive;
            return Some(Change { from, to: State::Resolved, about: before });
        }
        self.told = self.phase;
        if to == State::Firing {
            self.fired_at = Some(at);
        }
        let about = if to == State::Inactive { before } else { self.phase };
        Some(Change { from, to, about })
    }

    /// Ends whatever there is, because the row is no more.
    pub(super) fn end(&mut self) {
        (self.phase, self.reason) = (Phase::Inactive, Some(Reason::Config));
    }

    /// Whether nothing is left to remember.
    pub(super) fn is_idle(&self) -> bool {
        self.phase == Phase::Inactive && self.told == Phase::Inactive
    }
}
