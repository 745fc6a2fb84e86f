//! Sends alerts to people and systems: Alertmanager, webhooks, Slack, PagerDuty, a program, standard output; and pings a dead
//! man's switch.
//!
//! An [`Outbox`] decides what one receiver is notified of, and when; it takes the time as input and does no I/O. [`Delivery`]
//! has one outbox and one task per receiver (per member of an Alertmanager cluster). What fires and what it says is decided in
//! [`crate::alert`].
//!
//! Invariant: receivers do not wait for each other, and the pipeline waits for none of them. A notification is delivered,
//! kept for the next start, or dropped and counted.
//!
//! Tests: `tests/it/delivery.rs` (the peer of its tests in `tests/it/peer.rs`), `tests/it/cluster.rs` for a real cluster, `tests/it/proxies.rs` for proxies
//! and passwords.

mod credentials;
mod dispatcher;
mod entry;
mod error;
mod filter;
mod heartbeat;
mod http;
mod message;
mod outbox;
mod pace;
mod program;
mod proxy;
pub mod receiver;
mod secret;
mod span;
mod task;
mod timing;
mod transport;
mod trial;

pub use dispatcher::Delivery;
pub use entry::OutboxState;
pub use error::{Failure, SendError};
pub use http::fetch;
pub use message::{Identity, Message};
pub use outbox::{Dropped, Outbox};
pub use proxy::Proxies;
pub use receiver::{Receiver, ReceiverError, ReceiverOptions, receivers_schema};
pub use span::PositiveSpan;
pub use task::{Clock, ReceiverHealth};
pub use trial::{notify_test, probe};
