//! The alert state machine: inactive, pending, firing; and which changes were notified.

use crate::alert::view::{Reason, State};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The result of evaluating a rule for one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evaluation {
    /// The rule does not hold, or it is over but must stay so for a while before it clears.
    Idle,
    /// The rule has held since this second, but not yet for long enough.
    Holds(i64),
    /// The rule has held since this second for long enough to fire.
    Fires(i64),
    /// The rule has been over for long enough.
    Clears(Reason),
}

/// The stage of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::alert) enum Stage {
    /// The rule does not hold.
    #[default]
    Inactive,
    /// The rule has held since this second.
    Pending(i64),
    /// The rule fires; its storm or symptom began in this second.
    Firing(i64),
}

impl Stage {
    pub(in crate::alert) const fn state(self) -> State {
        match self {
            Self::Inactive => State::Inactive,
            Self::Pending(_) => State::Pending,
            Self::Firing(_) => State::Firing,
        }
    }

    /// The second in which the storm or symptom began.
    pub(in crate::alert) const fn since(self) -> Option<i64> {
        match self {
            Self::Inactive => None,
            Self::Pending(since) | Self::Firing(since) => Some(since),
        }
    }
}

/// The actual stage of a rule, and the stage that was last notified.
///
/// The two differ only while a backlog is read: rules change stage without a notification, and only what still holds at
/// the end of the backlog is notified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::alert) struct AlertStateMachine {
    #[serde(rename = "phase")]
    pub(in crate::alert) stage: Stage,
    #[serde(rename = "told")]
    pub(in crate::alert) last_notified: Stage,
    /// When the latest alert began to fire.
    pub(in crate::alert) fired_at: Option<Timestamp>,
    /// Why the rule stopped firing the last time.
    pub(in crate::alert) reason: Option<Reason>,
}

/// A change that must be notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::alert) struct StageChange {
    pub(in crate::alert) from: State,
    pub(in crate::alert) to: State,
    /// The stage that ended, or the one that began if none ended.
    pub(in crate::alert) stage: Stage,
}

impl AlertStateMachine {
    /// Applies the evaluation of one second.
    pub(super) fn step(&mut self, evaluation: Evaluation) {
        self.stage = match (self.stage, evaluation) {
            (Stage::Firing(_), Evaluation::Clears(reason)) => {
                self.reason = Some(reason);
                Stage::Inactive
            }
            (Stage::Firing(since), _) | (_, Evaluation::Fires(since)) => Stage::Firing(since),
            (_, Evaluation::Holds(since)) => Stage::Pending(since),
            (_, Evaluation::Idle | Evaluation::Clears(_)) => Stage::Inactive,
        };
    }

    /// Returns the next change to notify, and marks it as notified. An alert that stopped firing is resolved before
    /// anything new is notified.
    pub(super) fn next_change(&mut self) -> Option<StageChange> {
        let (from, to, before) = (self.last_notified.state(), self.stage.state(), self.last_notified);
        if from == to {
            return None;
        }
        if from == State::Firing {
            self.last_notified = Stage::Inactive;
            return Some(StageChange { from, to: State::Resolved, stage: before });
        }
        self.last_notified = self.stage;
        let stage = if to == State::Inactive { before } else { self.stage };
        Some(StageChange { from, to, stage })
    }

    /// Ends the alert, because its row is gone.
    pub(in crate::alert) fn end(&mut self) {
        (self.stage, self.reason) = (Stage::Inactive, Some(Reason::Config));
    }

    /// Whether there is nothing to remember.
    pub(super) fn is_idle(&self) -> bool {
        self.stage == Stage::Inactive && self.last_notified == Stage::Inactive
    }
}
