//! Receiving and unpacking the body of a request, within its time and its memory.

use super::memory::Memory;
use super::refusal::Refusal;
use crate::source::ZstdReader;
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
/// The largest window of zstd: senders over HTTP may use no larger one (RFC 9659). A body that is unpacked holds at most this many
/// bytes beyond its own.
const ZSTD_WINDOW_BYTES: u64 = 8 * 1024 * 1024;

/// The compressions that every endpoint takes.
pub(super) const CODINGS: &str = "no compression, gzip or zstd";

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Zstd,
    Snappy,
}

impl Coding {
    /// Reads the header `Content-Encoding`.
    pub(super) fn of(header: Option<&[u8]>) -> Result<Self, Refusal> {
        match header.unwrap_or_default().trim_ascii().to_ascii_lowercase().as_slice() {
            b"" | b"identity" => Ok(Self::Identity),
            b"gzip" | b"x-gzip" => Ok(Self::Gzip),
            b"zstd" => Ok(Self::Zstd),
            b"snappy" => Ok(Self::Snappy),
            _ => Err(Refusal::Unsupported(CODINGS)),
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

/// Unpacks a body. A block of Snappy is unpacked by the endpoint that takes it.
pub(super) fn unpack(body: ReservedBytes, coding: Coding, memory: &Memory) -> Result<ReservedBytes, Refusal> {
    match coding {
        Coding::Identity | Coding::Snappy => Ok(body),
        Coding::Gzip => unpack_all(MultiGzDecoder::new(&*body.bytes), "gzip", memory),
        Coding::Zstd => unpack_all(
            ZstdReader::new(&*body.bytes).with_max_window(ZSTD_WINDOW_BYTES),
            "zstd with a window of 8 MiB or less",
            memory,
        ),
    }
}

/// Reads the unpacked bytes. It stops at the limit, however much more the body would become.
fn unpack_all(mut decoder: impl Read, what: &'static str, memory: &Memory) -> Result<ReservedBytes, Refusal> {
    let (mut unpacked, mut step) = (memory.bytes(), vec![0; STEP_BYTES]);
    loop {
        let len = decoder.read(&mut step).map_err(|_| Refusal::Malformed(what))?;
        let Some(bytes) = step.get(..len).filter(|bytes| !bytes.is_empty()) else { return Ok(unpacked) };
        memory.extend(&mut unpacked, bytes, memory.body)?;
    }
}
