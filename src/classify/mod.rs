//! The pattern engine: a record in, a verdict out.

mod catalog;
mod engine;
mod kept;
mod memo;
mod proof;
mod shipped;
mod success;
mod verdict;

pub use catalog::{Catalog, CatalogError, Pattern, Source};
pub use kept::OwnedVerdict;
pub use memo::VerdictCache;
pub use proof::ProofError;
pub use shipped::SHIPPED;
pub use verdict::{Attribution, Classifier, Traffic, Verdict};
