//! llm-triage reads what LLM clients and gateways already log and says, for every failed call: what it is, whose problem
//! it is, whether a retry helps, what to do, and when to call whom.
//!
//! Modules stand in the order a log line travels; a module imports only from those above it. ARCHITECTURE.md tells the
//! way of a line; `tests/it/tidy.rs` holds the walls.

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
