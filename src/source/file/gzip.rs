//! A rotated file that was compressed before it was read to its end: reading continues in the decompressed bytes of the `.gz`.

use super::file_position::Position;
use super::identity::{HeadFingerprint, TailFingerprint};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::os::unix::fs::FileExt;

/// How many bytes are decompressed at a time on the way to an offset.
const SKIP_BYTES: usize = 16 * 1024;

/// The smallest possible gzip file, in bytes: a header of 10 and a trailer of 8.
const MIN_GZIP_BYTES: u64 = 18;

/// A compressed file, decompressed up to some offset. Offsets and sizes count decompressed bytes.
#[derive(Debug)]
pub(super) struct GzipReader {
    reader: MultiGzDecoder<BufReader<File>>,
    pub(super) head: HeadFingerprint,
    pub(super) last_bytes: TailFingerprint,
    offset: u64,
    /// The decompressed size, as far as it is known without decompressing all of it.
    pub(super) size: u64,
}

impl GzipReader {
    /// Reads from the first byte. The head fingerprint covers bytes that are not read yet.
    pub(super) fn from_start(file: &File) -> io::Result<Self> {
        let mut probe = Self::new(file)?;
        probe.read(&mut [0; HeadFingerprint::MAX_BYTES as usize])?;
        Ok(Self { head: probe.head, ..Self::new(file)? })
    }

    fn new(file: &File) -> io::Result<Self> {
        let mut file = file.try_clone()?;
        file.rewind()?;
        let size = decompressed_size(&file)?;
        let reader = MultiGzDecoder::new(BufReader::new(file));
        Ok(Self { reader, head: HeadFingerprint::default(), last_bytes: TailFingerprint::default(), offset: 0, size })
    }

    /// Reads from the offset of `position`; `None` if the content is not that of the file that `position` describes.
    pub(super) fn resume(file: &File, position: &Position) -> io::Result<Option<Self>> {
        let mut probe = Self::new(file)?;
        if !(probe.skip_to(u64::from(position.head.len))? && probe.head == position.head) {
            return Ok(None);
        }
        // The head may cover unread bytes and then ends behind the last bytes that were read. A reader cannot go back.
        let mut probe = if position.last_bytes.end < probe.offset { Self::new(file)? } else { probe };
        if !(probe.skip_to(position.last_bytes.end)? && probe.last_bytes.hashed() == position.last_bytes) {
            return Ok(None);
        }
        let mut reader = Self::from_start(file)?;
        Ok(reader.skip_to(position.offset)?.then_some(reader))
    }

    /// Whether the decompressed content begins with the bytes of `head`.
    pub(super) fn begins_with(file: &File, head: HeadFingerprint) -> io::Result<bool> {
        let mut reader = Self::new(file)?;
        Ok(reader.skip_to(u64::from(head.len))? && reader.head == head)
    }

    /// Reads the next bytes. `buffer` is filled completely except at the end of the file.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
            match self.reader.read(free) {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let fresh = buffer.get(..filled).unwrap_or_default();
        self.head.grow(self.offset, fresh);
        self.last_bytes.push(fresh);
        self.offset += filled as u64;
        self.size = self.size.max(self.offset);
        Ok(filled)
    }

    /// Decompresses up to `offset`; false if the content ends before it.
    fn skip_to(&mut self, offset: u64) -> io::Result<bool> {
        let mut buffer = [0; SKIP_BYTES];
        while self.offset < offset {
            let wanted = (offset - self.offset).min(buffer.len() as u64) as usize;
            if self.read(&mut buffer[..wanted])? < wanted {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Reads the size from the gzip trailer, its last four bytes. It is the size modulo 4 GiB, and arbitrary in a file that the
/// compressor has not finished.
fn decompressed_size(file: &File) -> io::Result<u64> {
    let len = file.metadata()?.len();
    let mut trailer = [0; 4];
    if len < MIN_GZIP_BYTES {
        return Ok(0);
    }
    file.read_exact_at(&mut trailer, len - 4)?;
    Ok(u64::from(u32::from_le_bytes(trailer)))
}
