//! llm-triage reads the logs that LLM clients and gateways write. For every failed call it reports the error, its owner,
//! whether a retry helps, the fix, and when to call whom.
//!
//! The binary only calls [`cli::main`]. The modules are in the order in which a log line travels, and each one imports only
//! from modules above it: `tests/it/tidy/` checks that. ARCHITECTURE.md describes the way of a line and every module.

#![warn(clippy::pedantic)]

pub mod time;
pub mod taxonomy;
pub mod observation;
pub mod line;
pub mod framing;
pub mod record;
pub mod redact;
pub mod classify;
pub mod correlate;
pub mod window;
pub mod detect;
pub mod alert;
pub mod pipeline;
pub mod metrics;
pub mod source;
pub mod checkpoint;
pub mod delivery;
pub mod admin;
pub mod config;
pub mod daemon;
pub mod cli;
