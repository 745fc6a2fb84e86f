//! Reads an input, and continues to read a file as it grows or is replaced.

use super::super::input::{Input, OpenInput};
use crate::framing::StreamId;
use crate::pipeline::{Chunk, Event};
use crate::time::Timestamp;
use bytes::Bytes;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::{Duration, SystemTime};

/// How long to wait at the end of a file before reading again.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
const READ_BYTES: usize = 64 << 10;

/// Sends the bytes of the input to `events`. Returns at the end of standard input; never at the end of a file, unless the
/// receiver of the events ends.
///
/// # Errors
/// When the input cannot be opened or read.
pub(super) fn read(stream: StreamId, input: &Input, events: &SyncSender<Event>) -> io::Result<()> {
    let mut followed = match input {
        Input::Stdin => None,
        Input::File(path) => Some(FollowedFile::new(path)),
    };
    let mut open = input.open()?;
    let mut offset = 0;
    loop {
        let mut bytes = vec![0; READ_BYTES];
        let event = match open.read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
            Ok(0) => {
                let Some(file) = &mut followed else { break };
                thread::sleep(POLL_INTERVAL);
                let Some(replacement) = file.replacement(offset) else { continue };
                open = OpenInput::plain(replacement)?;
                offset = 0;
                Event::Truncated { stream }
            }
            Ok(count) => {
                bytes.truncate(count);
                let arrived = Timestamp::from_system(SystemTime::now());
                let chunk = Chunk { stream, offset, bytes: Bytes::from(bytes), arrived };
                offset += count as u64;
                Event::Chunk(chunk)
            }
        };
        if events.send(event).is_err() {
            return Ok(());
        }
    }
    let _receiver_ended = events.send(Event::Close(stream));
    Ok(())
}

/// A path whose file may be rotated or truncated.
struct FollowedFile {
    path: PathBuf,
    /// Device and inode.
    identity: Option<(u64, u64)>,
}

impl FollowedFile {
    fn new(path: &Path) -> Self {
        let identity = std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
        Self { path: path.to_owned(), identity }
    }

    /// The file at the path now, if it is another file, or shorter than the bytes read so far.
    fn replacement(&mut self, bytes_read: u64) -> Option<File> {
        let metadata = std::fs::metadata(&self.path).ok()?;
        let identity = Some((metadata.dev(), metadata.ino()));
        if identity == self.identity && metadata.len() >= bytes_read {
            return None;
        }
        let file = File::open(&self.path).ok()?;
        self.identity = identity;
        Some(file)
    }
}
