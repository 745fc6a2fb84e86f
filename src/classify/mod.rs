//! A record in, a verdict out: outcome, provider, grain, and the pattern of the catalogue that explains the failure.
//!
//! Looks at one record only; what neighbouring records add is for [`crate::correlate`]. Judging is `&self` and keeps no state except a
//! [`VerdictCache`] that the caller owns, so it runs on any thread. The same record and catalogue always give the same verdict, and a
//! cached verdict is equal to a fresh one.
//!
//! Tests: `tests/it/corpus.rs`, `tests/it/sdk_logs.rs`, `tests/it/error_pages.rs`, `tests/it/memo.rs`, `tests/it/catalog.rs`.

mod alike;
mod automaton;
mod cache;
mod catalog;
mod classifier;
mod cohort;
mod ending;
mod engine;
mod entry_facts;
mod events;
mod examples;
mod grain;
mod habit;
mod guess;
mod index;
mod kept_verdict;
mod known_entries;
mod known_lines;
mod layer;
mod literals;
mod llm_path;
mod message;
mod outcome;
mod owned;
mod pattern;
mod provider;
mod relevance;
mod retirement;
mod rule;
mod shipped;
mod signal_lists;
mod span;
mod status;
mod success;
mod tables;
mod verdict;
mod wait;

pub use cache::VerdictCache;
pub use catalog::{Catalog, CatalogError, Source};
pub use classifier::Classifier;
pub use events::{Event, Example};
pub use examples::{ExampleError, Wording};
pub use known_entries::{KnownEntries, RawEntry};
pub use known_lines::KnownLines;
pub use layer::{Habit, Layer, Standing};
pub use owned::OwnedVerdict;
pub use pattern::{Lines, Pattern};
pub use retirement::Retirement;
pub use span::{SpanIds, SpanKind};
pub use verdict::{Attribution, Judgement, Role, Texts, Traffic, Verdict};
