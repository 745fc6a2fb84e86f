//! Which file is this? Three answers that must agree: the inode, the first bytes, and the bytes before the offset.
//!
//! An inode number is used again soon after a file is deleted, equal first bytes are common among replicas, and a path
//! says nothing after a rotation. Only hashes are kept: what a log says must not reach the checkpoint.

use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

/// Device and inode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileKey {
    /// The device the file lies on.
    pub dev: u64,
    /// Its number there.
    pub ino: u64,
}

impl FileKey {
    /// The key of the file these attributes belong to.
    #[must_use]
    pub fn of(meta: &Metadata) -> Self {
        Self { dev: meta.dev(), ino: meta.ino() }
    }
}

/// FNV-1a with 64 bits: stable across versions and machines, and able to go on where it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Hash(u64);

impl Hash {
    const EMPTY: Self = Self(0xcbf2_9ce4_8422_2325);

    fn then(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)))
    }
}

/// The fingerprint of a file's first bytes; it grows with the file until it covers [`HeadFingerprint::MAX`] of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadFingerprint {
    /// How many bytes it covers.
    pub len: u16,
    hash: Hash,
}

impl Default for HeadFingerprint {
    fn default() -> Self {
        Self { len: 0, hash: Hash::EMPTY }
    }
}

impl HeadFingerprint {
    /// The most bytes it covers.
    pub const MAX: u16 = 1024;

    /// Takes in bytes that were read at `offset`, as far as they go on where the fingerprint stops.
    pub fn grow(&mut self, offset: u64, bytes: &[u8]) {
        let Some(known) = u64::from(self.len).checked_sub(offset) else { return };
        let Some(fresh) = bytes.get(known as usize..) else { return };
        let fresh = &fresh[..fresh.len().min(usize::from(Self::MAX - self.len))];
        self.hash = self.hash.then(fresh);
        self.len += fresh.len() as u16;
    }

    /// Of the first `len` bytes of `file`, or of as many as it has.
    pub(super) fn read(file: &File, len: u16) -> io::Result<Self> {
        let mut buffer = [0; Self::MAX as usize];
        let wanted = usize::from(len.min(Self::MAX));
        let got = read_full_at(file, &mut buffer[..wanted], 0)?;
        let mut head = Self::default();
        head.grow(0, &buffer[..got]);
        Ok(head)
    }

    /// Whether `file` still begins with the bytes this was made of.
    pub(super) fn matches(&self, file: &File) -> io::Result<bool> {
        Ok(Self::read(file, self.len)? == *self)
    }
}

/// The bytes just before an offset: a proof that the file still holds what was read of it.
///
/// There are 256 of them, for the last 32 bytes of a JSON line are often the same on every line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TailFingerprint {
    end: u64,
    bytes: Vec<u8>,
}

impl TailFingerprint {
    /// The most bytes it keeps.
    pub(super) const MAX: usize = 256;

    /// The bytes of `file` before `end`; fewer where the file is shorter.
    pub(super) fn read(file: &File, end: u64) -> io::Result<Self> {
        let len = end.min(Self::MAX as u64);
        let mut bytes = vec![0; len as usize];
        let got = read_full_at(file, &mut bytes, end - len)?;
        bytes.truncate(got);
        Ok(Self { end, bytes })
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes in bytes that follow.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.end += bytes.len() as u64;
        let kept = bytes.get(bytes.len().saturating_sub(Self::MAX)..).unwrap_or_default();
        let over = (self.bytes.len() + kept.len()).saturating_sub(Self::MAX);
        self.bytes.drain(..over);
        self.bytes.extend_from_slice(kept);
    }

    /// What is kept of it in a checkpoint.
    pub(super) fn mark(&self) -> OffsetFingerprint {
        OffsetFingerprint { end: self.end, len: self.bytes.len() as u16, hash: Hash::EMPTY.then(&self.bytes) }
    }
}

/// A proof in a checkpoint: a hash of the bytes just before an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetFingerprint {
    /// The offset behind the last byte.
    pub end: u64,
    /// How many bytes.
    pub len: u16,
    hash: Hash,
}

impl OffsetFingerprint {
    /// Whether `file` still holds these bytes at this place.
    pub(super) fn matches(&self, file: &File) -> io::Result<bool> {
        Ok(TailFingerprint::read(file, self.end)?.mark() == *self)
    }
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
    fn a_head_grows_with_the_file_and_matches_every_longer_one() {
        let mut head = HeadFingerprint::default();
        head.grow(0, b"one\n");
        assert!(head.matches(&file(b"one\ntwo\n")).expect("read"));
        head.grow(4, b"two\n");
        head.grow(100, b"a gap is not taken in");
        head.grow(2, b"e\ntwo");
        assert_eq!(head.len, 8);
        assert!(head.matches(&file(b"one\ntwo\nthree\n")).expect("read"));
        assert!(!head.matches(&file(b"one\n")).expect("read"));
        assert_eq!(head, HeadFingerprint::read(&file(b"one\ntwo\n"), HeadFingerprint::MAX).expect("read"));
        head.grow(8, &[b'x'; 5_000]);
        assert_eq!(head.len, HeadFingerprint::MAX);
    }

    #[test]
    fn a_trail_is_the_same_however_the_bytes_came() {
        let content: Vec<u8> = (0..1_000_u32).map(|it| it as u8).collect();
        let file = file(&content);
        for step in [1, 7, 255, 256, 257, 999] {
            let mut trail = TailFingerprint::default();
            content.chunks(step).for_each(|bytes| trail.push(bytes));
            assert_eq!(trail, TailFingerprint::read(&file, 1_000).expect("read"), "{step}");
            assert!(trail.mark().matches(&file).expect("read"));
        }
    }

    #[test]
    fn a_mark_does_not_match_a_shorter_or_another_file() {
        let mark = TailFingerprint::read(&file(b"one\ntwo\n"), 8).expect("read").mark();
        assert!(!mark.matches(&file(b"one\n")).expect("read"));
        assert!(!mark.matches(&file(b"one\ntwa\nthree\n")).expect("read"));
        assert!(mark.matches(&file(b"one\ntwo\nthree\n")).expect("read"));
    }
}
