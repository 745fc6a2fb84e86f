//! Receiving and unpacking the body of a request, within its time and its memory.

use super::memory::Memory;
use super::refusal::Refusal;
use crate::source::budget::ReservedBytes;
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use std::io::Read;
use std::time::Duration;
use tokio::time::timeout;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Bodies are unpacked in steps of this many bytes.
const STEP_BYTES: usize = 16 * 1024;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Snappy,
}

impl Coding {
    /// Reads the header `Content-Encoding`.
    pub(super) fn of(header: Option<&[u8]>) -> Result<Self, Refusal> {
        match header.unwrap_or_default().trim_ascii().to_ascii_lowercase().as_slice() {
            b"" | b"identity" => Ok(Self::Identity),
            b"gzip" | b"x-gzip" => Ok(Self::Gzip),
            b"snappy" => Ok(Self::Snappy),
            _ => Err(Refusal::Unsupported("no compression, or gzip")),
        }
    }
}

pub(super) async fn receive(body: Incoming, memory: &Memory) -> Result<ReservedBytes, Refusal> {
    if body.size_hint().lower() > memory.body as u64 {
        return Err(Refusal::TooLarge(memory.body));
    }
    timeout(BODY_TIMEOUT, receive_all(body, memory)).await.unwrap_or(Err(Refusal::Slow))
}

async fn receive_all(mut body: Incoming, memory: &Memory) -> Result<ReservedBytes, Refusal> {
    let mut received = memory.bytes();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::Cut)?;
        if let Some(bytes) = frame.data_ref() {
            memory.extend(&mut received, bytes, memory.body)?;
        }
    }
    Ok(received)
}

/// Unpacks a body in gzip. It stops at the limit, however much more the body would become.
pub(super) fn gunzip(packed: &[u8], memory: &Memory) -> Result<ReservedBytes, Refusal> {
    let mut decoder = MultiGzDecoder::new(packed);
    let (mut unpacked, mut step) = (memory.bytes(), vec![0; STEP_BYTES]);
    loop {
        let len = decoder.read(&mut step).map_err(|_| Refusal::Malformed("gzip"))?;
        let Some(bytes) = step.get(..len).filter(|bytes| !bytes.is_empty()) else { return Ok(unpacked) };
        memory.extend(&mut unpacked, bytes, memory.body)?;
    }
}
