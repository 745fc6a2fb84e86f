//! What only many records together show: a key that was rotated, a limit that the load runs into, a model that fails alone,
//! an error that was never seen before; and errors that no pattern knows, grouped by what they have in common.
//!
//! Every detection is a pure function over the stream with memory of a fixed size. It says what it found as a [`Finding`]:
//! numbers, whose it is, and what to do. Whether anybody is called for it is left to alert, which quotes findings.

mod detections;
mod finding;
mod first;
mod length;
mod load;
mod minutes;
mod named;
mod parts;
mod recovery;
mod repeat;
mod rotation;
mod template;
mod unknown;
mod watch;

pub use detections::{Detections, DetectionsState, Growing};
pub use finding::{Blame, Finding, FindingKind};
pub use template::template;
pub use unknown::{UnknownGroups, UnknownState, UnknownView};
