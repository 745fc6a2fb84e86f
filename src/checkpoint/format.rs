//! The file format of a checkpoint: a header line with version, length and checksum, followed by the content as JSON.

use super::Checkpoint;
use flate2::Crc;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The version that this program writes, and the highest that it reads.
pub const VERSION: u32 = 1;

/// Why a checkpoint cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A newer program wrote it. It may contain state that this program would drop.
    #[error("version {0} is newer than this program, which reads up to {VERSION}")]
    Newer(u32),
    /// The file is truncated, corrupt, or not a checkpoint. The text says what is wrong.
    #[error("{0}")]
    Corrupt(String),
}

/// The first line. A newer version may have more fields.
#[derive(Serialize, Deserialize)]
struct Header {
    llm_triage_checkpoint: u32,
    bytes: usize,
    crc32: u32,
}

/// Encodes a checkpoint.
///
/// # Errors
///
/// The state has a value that JSON cannot represent.
pub fn encode<S: Serialize>(checkpoint: &Checkpoint<S>) -> Result<Vec<u8>, serde_json::Error> {
    let body = serde_json::to_vec(checkpoint)?;
    let header = Header { llm_triage_checkpoint: VERSION, bytes: body.len(), crc32: checksum(&body) };
    let mut bytes = serde_json::to_vec(&header)?;
    bytes.push(b'\n');
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// Decodes a checkpoint.
///
/// # Errors
///
/// See [`DecodeError`].
pub fn decode<S: DeserializeOwned>(bytes: &[u8]) -> Result<Checkpoint<S>, DecodeError> {
    let corrupt = |what: &str| DecodeError::Corrupt(what.to_owned());
    let end = memchr::memchr(b'\n', bytes).ok_or_else(|| corrupt("incomplete header line"))?;
    let (header, body) = (&bytes[..end], &bytes[end + 1..]);
    let header: Header = serde_json::from_slice(header).map_err(|_| corrupt("invalid header line"))?;
    if header.llm_triage_checkpoint > VERSION {
        return Err(DecodeError::Newer(header.llm_triage_checkpoint));
    }
    if header.bytes != body.len() {
        return Err(DecodeError::Corrupt(format!("{} of {} bytes found", body.len(), header.bytes)));
    }
    if header.crc32 != checksum(body) {
        return Err(corrupt("wrong checksum"));
    }
    serde_json::from_slice(body).map_err(|error| DecodeError::Corrupt(format!("invalid content: {error}")))
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}
