//! The pattern engine: a record in, a verdict out.

mod catalog;
mod engine;
mod observation;
mod shipped;
mod verdict;

pub use catalog::{Catalog, CatalogError, Pattern, Source};
pub use shipped::SHIPPED;
pub use observation::{Evidence, Name, Observation, PatternId, SourceId};
pub use verdict::{By, Classifier, Traffic, Verdict};
