//! The pattern engine: a record in, a verdict out.

mod catalog;
mod engine;
mod kept;
mod memo;
mod observation;
mod proof;
mod shipped;
mod success;
mod verdict;

pub use catalog::{Catalog, CatalogError, Pattern, Source};
pub use kept::Kept;
pub use memo::Memo;
pub use observation::{Evidence, Name, Observation, PatternId, SourceId};
pub use proof::ProofError;
pub use shipped::SHIPPED;
pub use verdict::{By, Classifier, Traffic, Verdict};
