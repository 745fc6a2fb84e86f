//! Why a request is refused, and what its sender should do.

use super::wire::Malformed;
use hyper::StatusCode;

/// Nothing of a refused request was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Too many bytes, as sent, unpacked, or as lines.
    TooLarge(usize),
    /// The pipeline or the memory is full. The sender should try again.
    Busy,
    /// The body did not arrive in time.
    Slow,
    /// The peer closed its connection in the middle of the body.
    Cut,
    /// The body is not what its headers say.
    Malformed(&'static str),
    /// A type or an encoding that is not known.
    Unsupported(&'static str),
    /// No token, or another one.
    Unauthorized,
    /// A browser sent it on behalf of a page.
    CrossOrigin,
    /// There is nothing at this path.
    NotFound,
    /// The method is not POST.
    Method,
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Cut | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unsupported(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// For people.
    pub(super) fn message(&self) -> String {
        match self {
            Self::TooLarge(most) => format!("the request takes more than {most} bytes; send smaller batches"),
            Self::Busy => "the pipeline is full; send the request again".to_owned(),
            Self::Slow => "the body did not arrive in time".to_owned(),
            Self::Cut => "the body is not complete".to_owned(),
            Self::Malformed(what) => format!("the body is not {what}"),
            Self::Unsupported(known) => format!("use {known}"),
            Self::Unauthorized => "a bearer token is needed".to_owned(),
            Self::CrossOrigin => "requests of web pages are refused".to_owned(),
            Self::NotFound => {
                "use /v1/logs, /v1/traces or /v1/metrics (OTLP), /loki/api/v1/push (Loki), / or /ndjson (lines)".to_owned()
            }
            Self::Method => "use POST".to_owned(),
        }
    }

    /// The code of gRPC that OTLP uses in the body of a refusal.
    pub(super) fn rpc_code(&self) -> u8 {
        match self {
            Self::TooLarge(_) => 8,
            Self::Busy | Self::Slow => 14,
            Self::Cut | Self::Malformed(_) | Self::Unsupported(_) => 3,
            Self::Unauthorized => 16,
            Self::CrossOrigin => 7,
            Self::NotFound | Self::Method => 12,
        }
    }
}

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Self {
        Self::Malformed("a message in Protocol Buffers")
    }
}
