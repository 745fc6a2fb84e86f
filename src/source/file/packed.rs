//! A rotated file that was compressed before it was read to its end: its bytes go on in the `.gz`.

use super::identity::{HeadFingerprint, TailFingerprint};
use super::place::Position;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::os::unix::fs::FileExt;

/// A compressed file, unpacked up to some offset.
#[derive(Debug)]
pub(super) struct Packed {
    reader: MultiGzDecoder<BufReader<File>>,
    pub(super) head: HeadFingerprint,
    pub(super) trail: TailFingerprint,
    offset: u64,
    /// Of what is in it, as far as it is known without unpacking all.
    pub(super) size: u64,
}

impl Packed {
    /// From its first byte.
    pub(super) fn whole(file: &File) -> io::Result<Self> {
        let mut first = Self::start(file)?;
        first.read(&mut [0; HeadFingerprint::MAX as usize])?;
        Ok(Self { head: first.head, ..Self::start(file)? })
    }

    fn start(file: &File) -> io::Result<Self> {
        let mut file = file.try_clone()?;
        file.rewind()?;
        let size = unpacked_size(&file)?;
        let reader = MultiGzDecoder::new(BufReader::new(file));
        Ok(Self { reader, head: HeadFingerprint::default(), trail: TailFingerprint::default(), offset: 0, size })
    }

    /// From where reading stands, if this is the file that `position` speaks of.
    pub(super) fn resume(file: &File, position: &Position) -> io::Result<Option<Self>> {
        let mut witness = Self::start(file)?;
        if !(witness.skip_to(u64::from(position.head.len))? && witness.head == position.head) {
            return Ok(None);
        }
        // What was not read has a head all the same, and no mark.
        let mark = if position.mark.end < witness.offset { Self::start(file)? } else { witness };
        let mut mark = mark;
        if !(mark.skip_to(position.mark.end)? && mark.trail.mark() == position.mark) {
            return Ok(None);
        }
        let mut this = Self::whole(file)?;
        Ok(this.skip_to(position.offset)?.then_some(this))
    }

    /// Whether it begins with what `head` was made of.
    pub(super) fn begins_with(file: &File, head: HeadFingerprint) -> io::Result<bool> {
        let mut this = Self::start(file)?;
        Ok(this.skip_to(u64::from(head.len))? && this.head == head)
    }

    /// The next bytes; fewer than there is room for only at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut got = 0;
        while let Some(room) = buffer.get_mut(got..).filter(|it| !it.is_empty()) {
            match self.reader.read(room) {
                Ok(0) => break,
                Ok(more) => got += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let fresh = buffer.get(..got).unwrap_or_default();
        self.head.grow(self.offset, fresh);
        self.trail.push(fresh);
        self.offset += got as u64;
        self.size = self.size.max(self.offset);
        Ok(got)
    }

    /// Unpacks up to `offset`; false where it ends before.
    fn skip_to(&mut self, offset: u64) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        while self.offset < offset {
            let wanted = (offset - self.offset).min(buffer.len() as u64) as usize;
            if self.read(&mut buffer[..wanted])? < wanted {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The last four bytes say it, up to 4 GiB; a file whose compression was not finished says nothing of use.
fn unpacked_size(file: &File) -> io::Result<u64> {
    let len = file.metadata()?.len();
    let mut last = [0; 4];
    if len < 18 {
        return Ok(0);
    }
    file.read_exact_at(&mut last, len - 4)?;
    Ok(u64::from(u32::from_le_bytes(last)))
}
