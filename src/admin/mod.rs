//! The HTTP server of the daemon: metrics, health, an API, and a status page for people.
//!
//! Every answer is made from the latest published snapshot; no request waits for the pipeline. Requests change nothing,
//! except `POST /-/reload`, which only sends the daemon a request to reload. What the daemon measures and when it reloads
//! is decided elsewhere: `metrics` names the metrics, `daemon` fills [`AdminState`].
//!
//! Only requests to a host name of this server are answered; probes of its health always are.
//!
//! Invariant: a text from a log reaches the page only through `maud`, which escapes it.
//!
//! Tests: `tests/it/admin.rs`.

mod accounting;
mod answer;
mod api;
mod host;
mod page;
mod reload;
mod route;
mod server;
mod state;

pub use server::{HttpLimits, run};
pub use state::{About, AdminState, Lifecycle, PatternView, Phase, ReloadRequest};
