//! From one log entry to records: what the entry says about an LLM call, borrowed from its bytes.
//!
//! [`Reader::read`] walks the entry once and fills the slots of a [`Record`]. [`Record::facts`] decodes them into one plain
//! value for `classify`; a line without an error costs no more than that. [`Facts::signals`] looks into errors: bodies
//! inside bodies, Python literals, tracebacks. What the facts mean is decided in `classify`.
//!
//! Which key says what is data: `patterns/fields.toml`. A new format is one file in `format/` and one line in its list; a
//! new shape of a line is the same in `shape/`.
//!
//! Invariant: prompts and completions are never read, and input of any bytes gives records or nothing, never a panic.
//!
//! Tests: `tests/it/corpus.rs` with `tests/corpus/loggers.toml` and `shapes.toml`, `tests/it/sdk_logs.rs`,
//! `tests/it/properties.rs`, `tests/it/memo.rs`.

mod access;
mod address;
mod answer;
mod cache_key;
mod duration;
mod error_field;
mod facts;
mod field;
mod format;
mod forms;
mod json;
mod level;
mod likeness;
mod line_kind;
mod miss_gate;
mod own;
mod pairs;
mod reader;
// The directory has the name of its main type.
#[expect(clippy::module_inception, reason = "the main type of the directory")]
mod record;
mod shape;
mod signals;
mod slots;
mod status;
mod template;

pub use crate::line::Level;
pub use answer::{Answer, AnswerWords, Reason};
pub use facts::Facts;
pub use forms::{Forms, OwnPlaces, Walk};
pub use likeness::Likeness;
pub use line_kind::LineKind;
pub use miss_gate::MissGate;
pub use reader::{Reader, UnknownField, host_of};
pub use record::{Format, Record};
pub use signals::Signals;
pub use template::{Own, Template};
