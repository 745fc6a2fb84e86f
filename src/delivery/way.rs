//! How a message leaves this process: over HTTP, into a command, or as a line on standard output.

use super::command::Program;
use super::post::{Endpoint, Failure, SendError};
use std::io::Write as _;
use std::time::Duration;

/// Where messages go.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// Posted to an address.
    Post(Endpoint),
    /// An address that is only asked for: that it was is the message.
    Ping(Endpoint),
    /// On the standard input of a command.
    Command(Program),
    /// On our own standard output.
    Stdout,
}

impl Way {
    /// Sends one message.
    ///
    /// # Errors
    /// When it was not taken, with what is to be done about it.
    pub(super) async fn send(&self, body: Vec<u8>) -> Result<(), Failure> {
        match self {
            Self::Post(endpoint) => endpoint.post(body).await,
            Self::Ping(endpoint) => endpoint.get().await,
            Self::Command(program) => program.run(body).await,
            Self::Stdout => print(body).await,
        }
    }

    /// Looks whether somebody is there, and says nothing to them.
    ///
    /// # Errors
    /// When nobody is.
    pub(super) async fn probe(&self, limit: Duration) -> Result<(), SendError> {
        match self {
            Self::Post(endpoint) | Self::Ping(endpoint) => endpoint.probe(limit).await,
            Self::Command(_) | Self::Stdout => Ok(()),
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
        Err(_) => Err(Failure::Rejected(SendError::Stdout { source: std::io::Error::other("the process ends") })),
    }
}
