//! The pattern engine: a record in, a verdict out.

mod catalog;
mod observation;

pub use catalog::{Catalog, Pattern};
pub use observation::{Evidence, Name, Observation, PatternId, SourceId};
