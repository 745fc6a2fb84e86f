//! Telling people and systems: Alertmanager, webhooks, Slack, PagerDuty, a command, standard output; and a dead man's switch.
//!
//! An [`Outbox`] decides what one receiver has to be told and when; it is told the time and does no I/O. [`Delivery`] has
//! one outbox and one task per receiver (per member of an Alertmanager cluster), so that none of them waits for another,
//! and nothing that reads logs waits for any.

mod command;
mod courier;
mod heartbeat;
mod message;
mod options;
mod outbox;
mod post;
mod secret;
mod way;

pub use courier::{Clock, Delivery, ReceiverHealth, notify_test, probe};
pub use message::Identity;
pub use options::{
    AlertmanagerOptions, CommandOptions, HeartbeatOptions, PagerDutyOptions, Receiver, ReceiverError, ReceiverOptions,
    SlackOptions, Span, StdoutOptions, WebhookOptions,
};
pub use outbox::{Dropped, Outbox, OutboxState, Post};
pub use post::{Failure, SendError};
