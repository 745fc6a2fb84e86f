//! The inputs of the commands that read logs once: files, compressed files and standard input.

use super::compression::{Compression, Sniffed};
use super::directory;
use super::exit::CliError;
use crate::record::Reader;
use crate::redact::clean;
use crate::time::{Stamp, Timestamp, Zone};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// The label of standard input.
pub(super) const STDIN: &str = "stdin";

/// An input is a source of the pipeline, which numbers its sources with 16 bits.
const MAX_INPUTS: usize = u16::MAX as usize;

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Stdin,
    File(PathBuf),
}

impl Input {
    /// The inputs as typed, with the files of directories in place of the directories; standard input if none is typed.
    ///
    /// # Errors
    /// When there are none in the directories, or too many.
    pub(super) fn list(typed: &[PathBuf]) -> Result<Vec<Self>, CliError> {
        if typed.is_empty() {
            return Ok(vec![Self::Stdin]);
        }
        let mut inputs = Vec::new();
        for path in typed {
            if path.as_os_str() == "-" {
                inputs.push(Self::Stdin);
            } else if path.is_dir() {
                inputs.extend(directory::log_files(path).into_iter().map(Self::File));
            } else {
                inputs.push(Self::File(path.clone()));
            }
        }
        match inputs.len() {
            0 => Err(CliError::Failed("no log file is in these directories".to_owned())),
            1..=MAX_INPUTS => Ok(inputs),
            many => Err(CliError::Usage(format!("too many files: {many}; at most {MAX_INPUTS}"))),
        }
    }

    /// The name that verdicts carry and people read: the path, cleaned.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Stdin => STDIN.to_owned(),
            Self::File(path) => clean(&path.display().to_string()).into_owned(),
        }
    }

    /// The service of records that name none: the file name without its extensions.
    pub(super) fn service(&self) -> String {
        match self {
            Self::Stdin => STDIN.to_owned(),
            Self::File(path) => {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                clean(name.split('.').next().unwrap_or_default()).into_owned()
            }
        }
    }

    /// Opens the input. It is decompressed while it is read, if its first bytes or its name say that it is compressed.
    ///
    /// # Errors
    /// When the file cannot be opened or is a directory.
    pub(super) fn open(&self) -> io::Result<OpenInput> {
        let Self::File(path) = self else {
            let pipe = io::stdin().as_fd().try_clone_to_owned()?;
            return Ok(OpenInput { bytes: Bytes::Other(Box::new(Sniffed::new(io::stdin()))), pipe: Some(pipe), file: None });
        };
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory"));
        }
        match Compression::of_name(path) {
            Some(compression) => {
                Ok(OpenInput { bytes: Bytes::Other(compression.reader(file)?), pipe: None, file: FileId::of(&metadata) })
            }
            None => OpenInput::plain(file),
        }
    }

    /// Opens the same file again, at an offset that is 0 if it is compressed.
    ///
    /// # Errors
    /// When it cannot be opened, or another file has its name now.
    pub(super) fn open_again(&self, id: FileId, offset: u64) -> io::Result<OpenInput> {
        let mut open = self.open()?;
        if open.file != Some(id) {
            return Err(io::Error::other("another file has its name now"));
        }
        if let Bytes::File(file) = &mut open.bytes
            && offset > 0
        {
            file.skip_to(offset)?;
        }
        Ok(open)
    }

    /// The number of bytes to read; `None` if unknown: a pipe or a compressed file.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Self::File(path) if Compression::of_name(path).is_none() => {
                std::fs::metadata(path).ok().filter(Metadata::is_file).map(|metadata| metadata.len())
            }
            _ => None,
        }
    }

    /// The time of the last line that has one, read from the end of the file; `None` for standard input.
    pub(super) fn last_time(&self, reader: &Reader, zone: Zone) -> Option<Timestamp> {
        const END_BYTES: u64 = 256 << 10;
        const DECOMPRESSED_BYTES: u64 = 1 << 30;
        const LINES: usize = 10_000;
        let Self::File(path) = self else { return None };
        let mut bytes = Vec::new();
        if Compression::of_name(path).is_some() {
            self.open().ok()?.take(DECOMPRESSED_BYTES).read_to_end(&mut bytes).ok()?;
        } else {
            let mut file = File::open(path).ok()?;
            let size = file.metadata().ok()?.len();
            file.seek(SeekFrom::Start(size.saturating_sub(END_BYTES))).ok()?;
            file.take(END_BYTES).read_to_end(&mut bytes).ok()?;
        }
        bytes.split(|byte| *byte == b'\n').rev().take(LINES).find_map(|line| stamp_of(reader, line, zone))
    }
}

/// An open input.
pub(super) struct OpenInput {
    bytes: Bytes,
    /// The file descriptor to poll, if a read may have to wait; `None` for a regular file.
    pipe: Option<OwnedFd>,
    /// `None` if it is no regular file.
    file: Option<FileId>,
}

enum Bytes {
    File(Sniffed<File>),
    Other(Box<dyn Read + Send>),
}

/// The device and inode of a regular file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

impl FileId {
    fn of(metadata: &Metadata) -> Option<Self> {
        metadata.is_file().then(|| Self(metadata.dev(), metadata.ino()))
    }
}

impl OpenInput {
    /// A file that is not compressed. It may be a named pipe.
    ///
    /// # Errors
    /// When its metadata cannot be read.
    pub(super) fn plain(file: File) -> io::Result<Self> {
        let id = FileId::of(&file.metadata()?);
        let pipe = if id.is_some() { None } else { Some(file.as_fd().try_clone_to_owned()?) };
        Ok(Self { bytes: Bytes::File(Sniffed::new(file)), pipe, file: id })
    }

    /// The file, if it is a regular one.
    pub(super) const fn file(&self) -> Option<FileId> {
        self.file
    }

    /// Whether it is known not to be compressed.
    pub(super) const fn is_plain(&self) -> bool {
        matches!(&self.bytes, Bytes::File(file) if file.is_plain())
    }

    /// Whether a read returns at once. Waits for that, up to `timeout`.
    pub(super) fn is_ready(&self, timeout: Duration) -> bool {
        let Some(pipe) = &self.pipe else { return true };
        let timeout = Timespec::try_from(timeout).unwrap_or_default();
        // After any other error of `poll`, the read itself reports what is wrong. A signal brings no bytes.
        !matches!(poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&timeout)), Ok(0) | Err(Errno::INTR))
    }
}

impl Read for OpenInput {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match &mut self.bytes {
            Bytes::File(file) => file.read(to),
            Bytes::Other(bytes) => bytes.read(to),
        }
    }
}

/// The timestamp in the line itself, resolved in `zone`.
pub(super) fn stamp_of(reader: &Reader, line: &[u8], zone: Zone) -> Option<Timestamp> {
    let mut found = None;
    reader.read(line, &[], None, |record| found = found.or_else(|| record.stamp()));
    found.map(|stamp| {
        let near =
            if let Stamp::Yearless(_) = stamp { Timestamp::from_system(SystemTime::now()) } else { Timestamp::default() };
        stamp.resolve(zone, near)
    })
}
