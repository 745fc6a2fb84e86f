//! The closed vocabulary of verdicts, metrics and alerts: outcome, grain, status, category, owner, retry, severity, and the providers.
//!
//! Every enum has one spelling per value, which is a contract: it is used in logs, labels, files and configurations.
//!
//! Tests: `provider.rs`, and `tests/it/schema.rs` for the spellings.

mod macros;
mod provider;
pub mod provider_id;
mod status;
mod vocabulary;

pub(crate) use macros::string_enum;
pub use provider::{Provider, ProviderError, ProviderSpec, Providers, Unlisted};
pub use status::{Status, StatusLabel};
pub use vocabulary::{Category, Confidence, EMPTY_CHOICES, Ending, Grain, Outcome, Owner, Retry, Severity};
