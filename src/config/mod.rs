//! The configuration: what a file and flags say, checked and complete.
//!
//! Two steps: `file` holds what was typed, `resolve` fills in defaults and reports every error at once, each with its place.
//! Flags and `LLM_TRIAGE_*` take precedence over the file. Rows of the escalation table and receivers stay as typed; the
//! modules that own them check them (`alert`, `delivery`).
//!
//! Invariant: a [`Config`] has no errors that can be found without reading the files that it names. Only `daemon` and `cli`
//! import this module; every other module gets its options from them.
//!
//! Tests: `tests/it/config.rs`, `schema.rs`, `deploy/example.rs`.

mod quantity;
mod zone;
mod error;
mod read;
mod defaults;
mod flags;
mod resolved;
mod file;
mod schema;
mod sources;
mod resolve;
mod load;
mod patterns;

pub use defaults::{DEFAULT_FILE, DEFAULT_LISTEN};
pub use error::{ConfigError, EXIT_CODE, Position, sort_faults, with_causes};
pub use flags::Flags;
pub use patterns::{build_patterns, load_patterns, read_patterns};
pub use quantity::{ByteSize, SizeError};
pub use resolved::{Config, GroupBy, Output, Source, SourceKind};
pub use schema::json_schema;
pub use zone::zone;
