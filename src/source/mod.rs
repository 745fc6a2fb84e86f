//! The inputs: files, TCP connections, HTTP requests and stdin. A source reads bytes and hands them over as [`SourceMessage`]s; for a file,
//! each message carries the position from which a later process can resume.
//!
//! A source does not cut bytes into lines (module `framing` does) and does not decide what they mean. Every source blocks
//! while the queue to the pipeline is full, so memory stays bounded by [`QUEUE_MESSAGES`] and [`CHUNK_BYTES`]. No byte that
//! a source has seen is skipped uncounted.
//!
//! Tests: `tests/it/streams.rs` (stdin, TCP, threads), `tests/it/tcp.rs` (the TCP budget), `tests/it/push` (HTTP), and those of [`mod@file`].

mod accept;
mod chunk;
mod clock;
mod connections;
mod gauges;
mod message;
mod octets;
mod stream_ids;
mod token;
mod write_timeout;
mod zstd;

pub mod budget;
pub mod file;
pub mod push;
pub mod stdin;
pub mod tcp;
pub mod tls;

pub use accept::{Limits, ListeningSource, Settings};
pub use chunk::{CHUNK_BYTES, QUEUE_MESSAGES};
pub use clock::ClockReading;
pub use connections::{Connection, Connections};
pub use gauges::Gauges;
pub use message::SourceMessage;
pub use stream_ids::StreamIds;
pub use token::{Token, TokenError};
pub(crate) use write_timeout::WriteTimeout;
pub(crate) use zstd::ZstdReader;
