//! How a message leaves this process: over HTTP, into a program, or as text on standard output.

use super::error::{Failure, SendError};
use super::http::Endpoint;
use super::program::Program;
use std::io::Write as _;
use std::time::Duration;

/// Where messages go.
#[derive(Clone, Debug)]
pub(super) enum Transport {
    /// An HTTP POST of the message.
    Post(Endpoint),
    /// An HTTP GET without a message: the request itself is the signal.
    Ping(Endpoint),
    /// The standard input of a program.
    Program(Program),
    /// The standard output of this process.
    Stdout,
}

impl Transport {
    /// Sends one message.
    ///
    /// # Errors
    /// When the message was not accepted, with what to do next.
    pub(super) async fn send(&self, body: Vec<u8>) -> Result<(), Failure> {
        match self {
            Self::Post(endpoint) => endpoint.post(body).await,
            Self::Ping(endpoint) => endpoint.get().await,
            Self::Program(program) => program.run(body).await,
            Self::Stdout => print(body).await,
        }
    }

    /// Checks that the receiver can be reached, without sending anything.
    ///
    /// # Errors
    /// When the receiver cannot be reached.
    pub(super) async fn probe(&self, limit: Duration) -> Result<(), SendError> {
        match self {
            Self::Post(endpoint) | Self::Ping(endpoint) => endpoint.probe(limit).await,
            Self::Program(_) | Self::Stdout => Ok(()),
        }
    }
}

async fn print(body: Vec<u8>) -> Result<(), Failure> {
    let written = tokio::task::spawn_blocking(move || {
        let mut out = std::io::stdout().lock();
        out.write_all(&body).and_then(|()| out.flush())
    });
    match written.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(source)) => Err(Failure::Rejected(SendError::Stdout { source })),
        Err(_) => Err(Failure::Rejected(SendError::Stdout { source: std::io::Error::other("the process is ending") })),
    }
}
