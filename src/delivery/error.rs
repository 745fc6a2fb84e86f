//! Why a message was not delivered, and whether to send it again.

use std::time::Duration;

/// Why a message was not delivered, and what follows from that.
#[derive(Debug)]
pub enum Failure {
    /// A later attempt may succeed.
    Retry {
        /// What happened.
        error: SendError,
        /// The wait that the receiver asked for.
        after: Option<Duration>,
    },
    /// The receiver will never accept this message.
    Rejected(SendError),
}

impl Failure {
    /// What happened.
    #[must_use]
    pub fn error(&self) -> &SendError {
        match self {
            Self::Retry { error, .. } | Self::Rejected(error) => error,
        }
    }

    /// Drops the distinction, for callers that send only once.
    #[must_use]
    pub fn into_error(self) -> SendError {
        match self {
            Self::Retry { error, .. } | Self::Rejected(error) => error,
        }
    }

    /// A failure after which the message is sent again, by the sender's own schedule.
    pub(super) const fn retry(error: SendError) -> Self {
        Self::Retry { error, after: None }
    }
}

/// What went wrong while sending a message or fetching a document.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The address itself is invalid. It is not shown: it may contain a secret.
    #[error("cannot use the address: {why}")]
    Address {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The host was not found, or refused the connection.
    #[error("cannot connect to {authority}")]
    Connect {
        /// Host and port.
        authority: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The proxy did not connect to the server.
    #[error("{proxy} answered {code} when asked to connect to {authority}")]
    Proxy {
        /// The proxy's host and port.
        proxy: String,
        /// Host and port of the server.
        authority: String,
        /// The status code.
        code: u16,
    },
    /// The TLS handshake failed: a certificate that is not trusted, or a server without TLS.
    #[error("the TLS handshake with {authority} failed")]
    Tls {
        /// Host and port.
        authority: String,
        /// The cause.
        source: std::io::Error,
    },
    /// No answer within the limit.
    #[error("{authority} did not answer within {limit:?}")]
    Timeout {
        /// Host and port; or the program.
        authority: String,
        /// The limit.
        limit: Duration,
    },
    /// The connection broke, or the answer is not HTTP.
    #[error("{authority} closed the connection or did not answer in HTTP")]
    Broken {
        /// Host and port.
        authority: String,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The body of the answer exceeds the limit.
    #[error("the answer of {authority} is longer than {limit} bytes")]
    TooLong {
        /// Host and port.
        authority: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The program could not be started.
    #[error("cannot run {program}")]
    Spawn {
        /// The program.
        program: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The program failed.
    #[error("{program} ended with {status}: {stderr}")]
    Exit {
        /// The program.
        program: String,
        /// The exit code or signal.
        status: String,
        /// The beginning of its standard error.
        stderr: String,
    },
    /// Standard output is closed or full.
    #[error("cannot write to standard output")]
    Stdout {
        /// The cause.
        source: std::io::Error,
    },
    /// The receiver answered with a status other than success.
    #[error("{authority} answered {code}: {body}")]
    Status {
        /// Host and port.
        authority: String,
        /// The status code.
        code: u16,
        /// The beginning of the answer's body.
        body: String,
    },
}
