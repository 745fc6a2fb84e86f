//! Where everything meets: sources feed one bounded channel, one thread at its other end owns the pipeline, and the edge
//! (metrics, delivery, pages) gets the results.
//!
//! [`serve`] is the way in: it takes a checked [`Plan`], starts everything and returns when the process should exit. The
//! modules that it joins do the work; here is only what needs several of them: start, reload, checkpoints, shutdown.
//!
//! Invariant: ports and the state directory are taken before anything runs, so what cannot work is a start error. After that,
//! neither input nor the outside world ends the process; a task that ends unexpectedly does.
//!
//! Tests: `tests/it/daemon.rs`, `running.rs`, `reload.rs`, `process.rs`, `e2e.rs`.

mod phase;
mod signals;
mod sockets;
mod service_manager;
mod identity;
mod receivers;
mod plan;
mod verdict_file;
mod verdicts;
mod worker;

mod peers;
mod listening;
mod sources;
mod ticker;
mod tasks;
mod start;
mod reload;
mod run;
mod edge;
mod reread;
mod serve;

pub use identity::runbook_url;
pub use peers::PeerSource;
pub use phase::{Phase, Phases};
pub use plan::{Plan, identity, rules};
pub use receivers::receiver_place;
pub use reload::{Reload, Reloaded};
pub use serve::{ServeError, serve};
pub use signals::{Shutdown, watch_signals};
pub use sources::SourceList;
pub use start::{Bound, Daemon, StartError};
pub use tasks::RunError;
pub use worker::{Edge, PersistedState};
