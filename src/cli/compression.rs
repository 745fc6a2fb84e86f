//! Compressed inputs: recognised by their first bytes or their names, and decompressed while they are read.

use crate::source::ZstdReader;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

/// A format of compression or of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
    /// A format that is not read: its name, and the command that decompresses it.
    Other(&'static str, &'static str),
}

/// The first bytes of a file, the extensions, and the format.
const FORMATS: [(&[u8], &[&str], Compression); 7] = [
    (b"\x1f\x8b", &["gz", "tgz"], Compression::Gzip),
    (b"\x28\xb5\x2f\xfd", &["zst"], Compression::Zstd),
    (b"\xfd7zXZ\0", &["xz", "txz"], Compression::Other("xz", "xz -dc")),
    (b"BZh", &["bz2", "tbz2"], Compression::Other("bzip2", "bzip2 -dc")),
    (b"\x04\x22\x4d\x18", &["lz4"], Compression::Other("lz4", "lz4 -dc")),
    (b"PK\x03\x04", &["zip"], Compression::Other("zip", "unzip -p")),
    (b"7z\xbc\xaf\x27\x1c", &["7z"], Compression::Other("7-Zip", "7z x -so")),
];

impl Compression {
    /// The format that the extension of a file names.
    pub(super) fn of_name(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        FORMATS.iter().find(|(_, extensions, _)| extensions.contains(&extension)).map(|(.., format)| *format)
    }

    fn of_bytes(start: &[u8]) -> Option<Self> {
        FORMATS.iter().find(|(first, ..)| start.starts_with(first)).map(|(.., format)| *format)
    }

    /// A reader of the decompressed bytes.
    ///
    /// # Errors
    /// When the format is not read.
    pub(super) fn reader(self, source: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::Gzip => {
                let bytes = flate2::read::MultiGzDecoder::new(BufReader::new(source));
                Ok(Box::new(NoArchive::new(Decompressed("gzip", bytes))))
            }
            Self::Zstd => Ok(Box::new(NoArchive::new(Decompressed("zstd", ZstdReader::new(BufReader::new(source)))))),
            Self::Other(name, command) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!("{name} is not read: decompress it first, such as `{command} FILE | llm-triage`"),
            )),
        }
    }
}

/// Whether a file that starts with these bytes is compressed.
pub(super) fn is_compressed(start: &[u8]) -> bool {
    Compression::of_bytes(start).is_some()
}

/// Whether these bytes, the first of a file, may become those of a compressed one.
fn may_be_compressed(start: &[u8]) -> bool {
    !start.is_empty() && FORMATS.iter().any(|(first, ..)| first.starts_with(start) && first.len() > start.len())
}

/// A reader that looks at the first bytes and decompresses the rest if they say so.
pub(super) enum Sniffed<R> {
    New(R),
    Plain(R),
    Compressed(Box<dyn Read + Send>),
    /// While the format changes, and after an error.
    Ended,
}

impl<R: Read + Send + 'static> Sniffed<R> {
    pub(super) const fn new(source: R) -> Self {
        Self::New(source)
    }

    /// Whether the first bytes were read, and are not compressed.
    pub(super) const fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_))
    }
}

impl<R: Read + Send + 'static> Read for Sniffed<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if let Self::New(source) = self {
            // All that one read gives, not byte by byte: a pipe must not seem empty while a buffer holds its bytes.
            let mut count = source.read(to)?;
            while may_be_compressed(&to[..count]) && count < to.len() {
                match source.read(&mut to[count..]) {
                    Ok(0) => break,
                    Ok(more) => count += more,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            let Self::New(source) = std::mem::replace(self, Self::Ended) else { return Ok(0) };
            let Some(format) = Compression::of_bytes(&to[..count]) else {
                refuse_archive(&to[..count])?;
                *self = Self::Plain(source);
                return Ok(count);
            };
            *self = Self::Compressed(format.reader(Cursor::new(to[..count].to_vec()).chain(source))?);
        }
        match self {
            Self::Plain(source) => source.read(to),
            Self::Compressed(bytes) => bytes.read(to),
            Self::New(_) | Self::Ended => Ok(0),
        }
    }
}

impl<R: Seek> Sniffed<R> {
    /// Continues at this offset of a source that is known not to be compressed.
    ///
    /// # Errors
    /// When the source cannot be positioned.
    pub(super) fn skip_to(&mut self, offset: u64) -> io::Result<()> {
        if let Self::New(mut source) = std::mem::replace(self, Self::Ended) {
            source.seek(SeekFrom::Start(offset))?;
            *self = Self::Plain(source);
        }
        Ok(())
    }
}

/// Replaces the errors of a decompressor by plain ones. Holds the name of the format.
struct Decompressed<R>(&'static str, R);

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.1.read(to).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind @ io::ErrorKind::UnexpectedEof => io::Error::new(kind, format!("the {} data is cut off", self.0)),
            kind if error.raw_os_error().is_none() => io::Error::new(kind, format!("not {} data, or corrupt", self.0)),
            _ => error,
        })
    }
}

/// Where a tar archive has its magic number.
const TAR_AT: std::ops::Range<usize> = 257..262;

/// Refuses what begins like a tar archive: its headers would be read as lines.
fn refuse_archive(start: &[u8]) -> io::Result<()> {
    let is_padded = |head: &[u8]| head.contains(&0);
    if start.get(TAR_AT) == Some(b"ustar") && start.get(..TAR_AT.start).is_some_and(is_padded) {
        let hint = "tar is not read: extract it first, such as `tar -xOf FILE | llm-triage`";
        return Err(io::Error::new(io::ErrorKind::Unsupported, hint));
    }
    Ok(())
}

/// Refuses a tar archive inside a compressed file.
struct NoArchive<R> {
    source: R,
    /// The first bytes, until they are known not to be those of an archive.
    start: Vec<u8>,
    given: usize,
    checked: bool,
    /// Comes after the first bytes.
    error: Option<io::Error>,
}

impl<R: Read> NoArchive<R> {
    const fn new(source: R) -> Self {
        Self { source, start: Vec::new(), given: 0, checked: false, error: None }
    }
}

impl<R: Read> Read for NoArchive<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if !self.checked {
            let mut start = Vec::new();
            self.error = self.source.by_ref().take(TAR_AT.end as u64).read_to_end(&mut start).err();
            self.checked = true;
            refuse_archive(&start)?;
            self.start = start;
        }
        let left = self.start.get(self.given..).unwrap_or_default();
        if left.is_empty() {
            return self.error.take().map_or_else(|| self.source.read(to), Err);
        }
        let count = left.len().min(to.len());
        to[..count].copy_from_slice(&left[..count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_needs_no_more_than_its_first_bytes() {
        for (start, wait) in
            [("", false), ("{", false), ("B", true), ("BZ", true), ("Ba", false), ("2026", false), ("PK", true)]
        {
            assert_eq!(may_be_compressed(start.as_bytes()), wait, "{start:?}");
        }
        assert!(FORMATS.iter().all(|(first, ..)| Compression::of_bytes(first).is_some()));
    }
}
