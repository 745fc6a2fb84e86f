//! What only many records together show. So far: errors that no pattern knows, grouped by what they have in common.

mod template;
mod unknown;

pub use template::template;
pub use unknown::{UnknownGroups, UnknownState, UnknownView};
