//! What is counted and remembered between two evaluations: per scope (provider and maybe service), and per rule (a row for
//! a scope).
//!
//! [`Calls`] counts the calls of a scope. A [`RuleState`] holds the storm of a row, its alert state machine and the
//! evidence for the alert text. Signs of trouble other than failed calls ([`Symptom`]) come from [`CallRhythm`], [`RecognitionMonitor`] and
//! [`SelfCheck`].

mod seconds;
mod lateness;
mod evidence;
mod silence;
mod calls;
mod machine;
mod symptom;
mod storm;
mod outage;
mod reopening;
mod share;
mod recognition;
mod cut_answers;
mod durations;
mod slow_answers;
mod self_check;
mod cooldown;
mod rule;

pub use self_check::SelfRow;

pub(super) use calls::{AllCalls, Calls, Scope};
pub(super) use cooldown::{Cooldowns, OriginState, is_cooldown};
pub(super) use cut_answers::{CutAnswers, Series};
pub(super) use evidence::AlertEvidence;
pub(super) use lateness::Lateness;
pub(super) use machine::Stage;
pub(super) use recognition::RecognitionMonitor;
pub(super) use rule::RuleState;
pub(super) use self_check::SelfChecks;
pub(super) use slow_answers::{SlowAnswers, SlowAnswersState};
pub(super) use symptom::{Resolving, Symptom, Timing};
