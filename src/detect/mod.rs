//! Causes that only many records together show: a rotated key, a limit that follows the load, a model that fails alone, an
//! error that was never seen before. Also groups errors that no pattern matches by what they have in common.
//!
//! Every detection is a pure function of the stream with memory of a fixed size, and reports a [`Finding`]: what was found
//! with its numbers, who owns the cause, and what to do. This module does not decide whether to alert: `alert` does, and
//! quotes findings.
//!
//! Invariant: the same calls and ticks give the same findings, before and after a restart.
//!
//! Tests: `tests/it/detect.rs`; `template.rs`.

mod wording;
mod finding;
mod template;
mod bounded_map;
mod minutes;
mod rotation;
mod load;
mod input_length;
mod outlier;
mod repeat;
mod owners;
mod recovery;
mod seen_errors;
mod provider;
mod diagnose;
mod retiring;
mod detections;
mod unknown;
mod unread;

pub use detections::{Detections, DetectionsState, GrowingGroup};
pub use finding::{Blame, Finding, FindingKind};
pub use provider::HOLLOW_ROW;
pub use template::template;
pub use unknown::{UnknownGroups, UnknownState, UnknownView};
pub use unread::{Unread, UnreadView};
pub use wording::plural;
