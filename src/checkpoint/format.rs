//! The bytes of a checkpoint: a line that says version, length and checksum, and JSON behind it.

use super::Checkpoint;
use flate2::Crc;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The version that this program writes, and the highest it reads.
pub const VERSION: u32 = 1;

/// Why bytes are no checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A newer program wrote it; reading it halfway would forget the rest.
    #[error("version {0} is newer than this program, which reads up to {VERSION}")]
    Newer(u32),
    /// Cut, damaged, or something else.
    #[error("{0}")]
    Corrupt(String),
}

/// The first line. A newer version may have more in it.
#[derive(Serialize, Deserialize)]
struct Header {
    llm_triage_checkpoint: u32,
    bytes: usize,
    crc32: u32,
}

/// The checkpoint as bytes.
///
/// # Errors
///
/// Where the state has something that JSON cannot hold.
pub fn encode<S: Serialize>(checkpoint: &Checkpoint<S>) -> Result<Vec<u8>, serde_json::Error> {
    let body = serde_json::to_vec(checkpoint)?;
    let header = Header { llm_triage_checkpoint: VERSION, bytes: body.len(), crc32: checksum(&body) };
    let mut bytes = serde_json::to_vec(&header)?;
    bytes.push(b'\n');
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// The checkpoint in these bytes.
///
/// # Errors
///
/// Where they are none, or one of a newer version.
pub fn decode<S: DeserializeOwned>(bytes: &[u8]) -> Result<Checkpoint<S>, Fault> {
    let corrupt = |what: &str| Fault::Corrupt(what.to_owned());
    let end = memchr::memchr(b'\n', bytes).ok_or_else(|| corrupt("its first line does not end"))?;
    let (header, body) = (&bytes[..end], &bytes[end + 1..]);
    let header: Header = serde_json::from_slice(header).map_err(|_| corrupt("its first line is none of ours"))?;
    if header.llm_triage_checkpoint > VERSION {
        return Err(Fault::Newer(header.llm_triage_checkpoint));
    }
    if header.bytes != body.len() {
        return Err(Fault::Corrupt(format!("it has {} bytes of {}", body.len(), header.bytes)));
    }
    if header.crc32 != checksum(body) {
        return Err(corrupt("its checksum is wrong"));
    }
    serde_json::from_slice(body).map_err(|error| Fault::Corrupt(format!("its content is not understood: {error}")))
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}
