//! The head of a text line, parsed by one piece of code for every reader of lines: time stamp, level, logger, and the marks
//! and terminal colours between them. Also the search in bytes that all readers share.
//!
//! `framing` asks whether a line begins an entry (`entry_level`); `record` asks what the head of an entry says
//! (`Head::parse`). Both use the same table of level words, the same reading of stamps and the same skipping of
//! colours. What a message means is not decided here. Nothing here allocates, except `strip_colours` on a text that has
//! colours.
//!
//! Tests: `tests/it/properties.rs` (any bytes), `tests/it/corpus.rs` with `tests/corpus/loggers.toml` (formats of loggers).

mod eclipse;
mod entry;
mod exception;
mod head;
mod level;
mod search;
mod stamp;
mod words;

pub(crate) use entry::{dotnet_level, entry_level, is_sdk_line, symbol_entry_level};
pub(crate) use exception::{begins_exception, reports_exception};
pub(crate) use head::Head;
pub use level::Level;
pub(crate) use search::{contains, contains_folded, find, skip_colours, split_once, strip_colours};
pub(crate) use words::WordList;
