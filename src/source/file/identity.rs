//! The identity of a file: its inode, a fingerprint of its first bytes, and a fingerprint of the bytes before the offset.
//!
//! None of them is enough alone: an inode number is reused soon after a file is deleted, replicas often write equal first
//! bytes, and a rotation changes the path. The checkpoint stores only hashes, because it must not contain log text.

use fnv::FnvHasher;
use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata};
use std::hash::Hasher;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

/// Device and inode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileKey {
    /// The number of the device.
    pub dev: u64,
    /// The inode number on that device.
    pub ino: u64,
}

impl FileKey {
    /// The key of the file with these attributes.
    #[must_use]
    pub fn of(meta: &Metadata) -> Self {
        Self { dev: meta.dev(), ino: meta.ino() }
    }
}

/// A hash that is the same in every version and on every machine, and that can be extended by further bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(FnvHasher::default().finish())
    }
}

impl Hash {
    fn extend(self, bytes: &[u8]) -> Self {
        let mut hasher = FnvHasher::with_key(self.0);
        hasher.write(bytes);
        Self(hasher.finish())
    }
}

/// The fingerprint of a file's first bytes. It grows with the file until it covers [`HeadFingerprint::MAX_BYTES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadFingerprint {
    /// The number of bytes it covers.
    pub len: u16,
    hash: Hash,
}

impl HeadFingerprint {
    /// The most bytes a fingerprint covers.
    pub const MAX_BYTES: u16 = 1024;

    /// Extends the fingerprint with bytes that were read at `offset`. Ignores bytes that it covers already, and all of them
    /// if there is a gap before them.
    pub fn grow(&mut self, offset: u64, bytes: &[u8]) {
        let Some(known) = u64::from(self.len).checked_sub(offset) else { return };
        let Some(fresh) = usize::try_from(known).ok().and_then(|known| bytes.get(known..)) else { return };
        let fresh = &fresh[..fresh.len().min(usize::from(Self::MAX_BYTES - self.len))];
        self.hash = self.hash.extend(fresh);
        self.len += saturating_u16(fresh.len());
    }

    /// The fingerprint of the first `len` bytes of `file`, or of all its bytes if it has fewer.
    pub(super) fn read(file: &File, len: u16) -> io::Result<Self> {
        let mut buffer = [0; Self::MAX_BYTES as usize];
        let wanted = usize::from(len.min(Self::MAX_BYTES));
        let got = read_full_at(file, &mut buffer[..wanted], 0)?;
        let mut head = Self::default();
        head.grow(0, &buffer[..got]);
        Ok(head)
    }

    /// Whether `file` begins with the bytes that this fingerprint covers.
    pub(super) fn matches(&self, file: &File) -> io::Result<bool> {
        Ok(Self::read(file, self.len)? == *self)
    }
}

/// The bytes just before an offset: they prove that the file still holds what was read of it.
///
/// 256 bytes, because the last 32 bytes of a JSON line are often the same on every line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TailFingerprint {
    end: u64,
    bytes: Vec<u8>,
}

impl TailFingerprint {
    /// The most bytes it keeps.
    pub(super) const MAX_BYTES: usize = 256;

    /// Reads the bytes of `file` before `end`; fewer if the file is shorter.
    pub(super) fn read(file: &File, end: u64) -> io::Result<Self> {
        let len = usize::try_from(end).map_or(Self::MAX_BYTES, |end| end.min(Self::MAX_BYTES));
        let mut bytes = vec![0; len];
        let got = read_full_at(file, &mut bytes, end - len as u64)?;
        bytes.truncate(got);
        Ok(Self { end, bytes })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends bytes that were read at the end.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.end += bytes.len() as u64;
        let kept = bytes.get(bytes.len().saturating_sub(Self::MAX_BYTES)..).unwrap_or_default();
        let over = (self.bytes.len() + kept.len()).saturating_sub(Self::MAX_BYTES);
        self.bytes.drain(..over);
        self.bytes.extend_from_slice(kept);
    }

    /// The hash that a checkpoint stores instead of the bytes.
    pub(super) fn hashed(&self) -> OffsetFingerprint {
        OffsetFingerprint { end: self.end, len: saturating_u16(self.bytes.len()), hash: Hash::default().extend(&self.bytes) }
    }
}

/// A hash of the bytes just before an offset, for the checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetFingerprint {
    /// The offset after the last byte.
    pub end: u64,
    /// The number of bytes.
    pub len: u16,
    hash: Hash,
}

impl OffsetFingerprint {
    /// Whether `file` still holds these bytes before this offset.
    pub(super) fn matches(&self, file: &File) -> io::Result<bool> {
        Ok(TailFingerprint::read(file, self.end)?.hashed() == *self)
    }
}

/// Fingerprints cover fewer bytes than this saturates at.
fn saturating_u16(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

/// Reads until `buffer` is full or the file ends.
pub(super) fn read_full_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut got = 0;
    while let Some(rest) = buffer.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + got as u64) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(content).expect("written");
        file
    }

    #[test]
    fn a_head_fingerprint_grows_with_the_file_and_matches_longer_files() {
        let mut head = HeadFingerprint::default();
        head.grow(0, b"one\n");
        assert!(head.matches(&file(b"one\ntwo\n")).expect("read"));
        head.grow(4, b"two\n");
        head.grow(100, b"ignored, after a gap");
        head.grow(2, b"e\ntwo");
        assert_eq!(head.len, 8);
        assert!(head.matches(&file(b"one\ntwo\nthree\n")).expect("read"));
        assert!(!head.matches(&file(b"one\n")).expect("read"));
        assert_eq!(head, HeadFingerprint::read(&file(b"one\ntwo\n"), HeadFingerprint::MAX_BYTES).expect("read"));
        head.grow(8, &[b'x'; 5_000]);
        assert_eq!(head.len, HeadFingerprint::MAX_BYTES);
    }

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "the content repeats every 256 bytes")]
    fn a_tail_fingerprint_does_not_depend_on_the_chunks() {
        let content: Vec<u8> = (0..1_000_u32).map(|number| number as u8).collect();
        let file = file(&content);
        for step in [1, 7, 255, 256, 257, 999] {
            let mut tail = TailFingerprint::default();
            content.chunks(step).for_each(|bytes| tail.push(bytes));
            assert_eq!(tail, TailFingerprint::read(&file, 1_000).expect("read"), "{step}");
            assert!(tail.hashed().matches(&file).expect("read"));
        }
    }

    #[test]
    fn an_offset_fingerprint_does_not_match_a_shorter_or_different_file() {
        let before_end = TailFingerprint::read(&file(b"one\ntwo\n"), 8).expect("read").hashed();
        assert!(!before_end.matches(&file(b"one\n")).expect("read"));
        assert!(!before_end.matches(&file(b"one\ntwa\nthree\n")).expect("read"));
        assert!(before_end.matches(&file(b"one\ntwo\nthree\n")).expect("read"));
    }
}
