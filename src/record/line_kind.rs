//! The kinds of lines that clients and servers write in shapes of their own.

/// A line whose shape tells what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum LineKind<'a> {
    /// No special shape.
    #[default]
    None,
    /// An HTTP client's line about one answer: httpx, httpx2, an SDK's debug line.
    Transport {
        /// The address that was called.
        url: &'a [u8],
        /// The answer's status.
        status: u16,
    },
    /// A server's access line: uvicorn, nginx, gin.
    Access {
        /// The path that was asked for.
        path: &'a [u8],
        /// The status that was answered.
        status: u16,
        /// How long it took, in seconds.
        took_s: Option<f64>,
    },
    /// A client's line about a request it is about to send: `Request POST https://…`.
    Request {
        /// The address that is called.
        url: &'a [u8],
    },
    /// A client's line about an answer whose address another line gave: `Response 429 (318 bytes)`.
    Response {
        /// The answer's status.
        status: u16,
    },
    /// An SDK that is about to try again.
    Retry,
    /// An SDK's own line about a request: openai-node's `[log_…] post https://… failed with status 429 in 35ms`.
    Sdk {
        /// The answer's status; `None` where there was no answer.
        status: Option<u16>,
        /// How long it took, in seconds.
        took_s: Option<f64>,
        /// Another attempt follows.
        retrying: bool,
    },
}
