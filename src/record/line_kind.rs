//! The kinds of lines that clients and servers write in shapes of their own.

/// What kind of line it is, as its shape shows.
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
    /// A client's line about an answer, without the address: `Response 429 (318 bytes)`.
    Response {
        /// The answer's status.
        status: u16,
    },
    /// An SDK that is about to try again.
    Retry,
    /// A client that says only how long it waits before it tries again.
    RetryWait,
    /// An SDK's own line about a request: openai-node's `[log_…] post https://… failed with status 429 in 35ms`.
    Sdk {
        /// The answer's status; `None` if there was no answer.
        status: Option<u16>,
        /// How long it took, in seconds.
        took_s: Option<f64>,
        /// Another attempt follows.
        retrying: bool,
    },
}
