//! Logs to read once: files, compressed files and standard input, as one stream by event time.

use super::zstd::Unzstd;
use crate::record::Reader;
use crate::time::{Timestamp, Zone};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Stdin,
    File(PathBuf),
}

impl Input {
    /// What was typed; nothing typed is standard input.
    pub(super) fn list(typed: &[PathBuf]) -> Vec<Self> {
        if typed.is_empty() {
            return vec![Self::Stdin];
        }
        typed.iter().map(|it| if it.as_os_str() == "-" { Self::Stdin } else { Self::File(it.clone()) }).collect()
    }

    /// The name that verdicts carry.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Stdin => "stdin".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// Who wrote it, where nothing in it tells: the file's name without its endings.
    pub(super) fn service(&self) -> String {
        match self {
            Self::Stdin => "stdin".to_owned(),
            Self::File(path) => {
                let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
                name.split('.').next().unwrap_or_default().to_owned()
            }
        }
    }

    /// Opens it; `.gz` and `.zst` are unpacked on the way.
    ///
    /// # Errors
    /// When it cannot be opened, is a directory, or does not hold what its name says.
    pub(super) fn open(&self) -> io::Result<Open> {
        let Self::File(path) = self else {
            let pipe = io::stdin().as_fd().try_clone_to_owned()?;
            return Ok(Open { bytes: Box::new(io::stdin()), pipe: Some(pipe) });
        };
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            let hint = format!("it is a directory; name the files in it, such as {}/*.log", path.display());
            return Err(io::Error::new(io::ErrorKind::IsADirectory, hint));
        }
        let bytes: Box<dyn Read + Send> = match extension(path) {
            "gz" => Box::new(Unpacked("gzip", flate2::read::MultiGzDecoder::new(BufReader::new(file)))),
            "zst" => Box::new(Unpacked("zstd", Unzstd::new(BufReader::new(file)))),
            _ => return Open::plain(file),
        };
        Ok(Open { bytes, pipe: None })
    }

    /// How many bytes there are to read, where that is known before.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Self::File(path) if !matches!(extension(path), "gz" | "zst") => {
                std::fs::metadata(path).ok().filter(|it| it.is_file()).map(|it| it.len())
            }
            _ => None,
        }
    }

    /// The time of the last stamped line, found by looking at the end of the file.
    pub(super) fn last_time(&self, reader: &Reader, zone: Zone) -> Option<Timestamp> {
        const END: u64 = 256 << 10;
        let Self::File(path) = self else { return None };
        let mut bytes = Vec::new();
        if matches!(extension(path), "gz" | "zst") {
            self.open().ok()?.take(1 << 30).read_to_end(&mut bytes).ok()?;
        } else {
            let mut file = File::open(path).ok()?;
            let size = file.metadata().ok()?.len();
            file.seek(SeekFrom::Start(size.saturating_sub(END))).ok()?;
            file.take(END).read_to_end(&mut bytes).ok()?;
        }
        bytes.split(|b| *b == b'\n').rev().take(10_000).find_map(|line| stamp_of(reader, line, zone))
    }
}

/// An input that is open.
pub(super) struct Open {
    bytes: Box<dyn Read + Send>,
    /// Where bytes may have to be waited for.
    pipe: Option<OwnedFd>,
}

impl Open {
    /// A file that is read as it is; it may be a pipe with a name.
    ///
    /// # Errors
    /// When the system does not say what it is.
    pub(super) fn plain(file: File) -> io::Result<Self> {
        let pipe = if file.metadata()?.is_file() { None } else { Some(file.as_fd().try_clone_to_owned()?) };
        Ok(Self { bytes: Box::new(file), pipe })
    }

    /// Whether reading gives something at once, or does after this time at most.
    fn is_ready(&self, patience: Duration) -> bool {
        let Some(pipe) = &self.pipe else { return true };
        let patience = Timespec::try_from(patience).unwrap_or_default();
        // What cannot be asked is read, which says what is wrong with it. A signal is no byte.
        !matches!(poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&patience)), Ok(0) | Err(Errno::INTR))
    }
}

impl Read for Open {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(to)
    }
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|it| it.to_str()).unwrap_or_default()
}

/// The time that a line itself tells, resolved in `zone`.
pub(super) fn stamp_of(reader: &Reader, line: &[u8], zone: Zone) -> Option<Timestamp> {
    let mut found = None;
    reader.read(line, &[], None, |record| found = found.or_else(|| record.stamp()));
    found.map(|it| it.resolve(zone, Timestamp::default()))
}

/// Says in plain words what is wrong with packed bytes.
struct Unpacked<R>(&'static str, R);

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.1.read(to).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind @ io::ErrorKind::UnexpectedEof => io::Error::new(kind, format!("its {} data is cut off", self.0)),
            kind if error.raw_os_error().is_none() => io::Error::new(kind, format!("it is no {} data, or damaged", self.0)),
            _ => error,
        })
    }
}

/// One input while it is read: what was read of it and not yet handed on.
pub(super) struct Feed {
    input: Open,
    buffer: Vec<u8>,
    start: usize,
    /// Where `buffer[start]` lies in the unpacked stream.
    pub(super) offset: u64,
    ended: bool,
    /// The time of the next line that has one.
    next_at: Option<Timestamp>,
    /// How far the lines before that one reach.
    ready: usize,
}

/// What a pipe holds.
const READ: usize = 64 << 10;
/// Bytes before the first line with a time that are looked at, at most.
const AHEAD: usize = 1 << 20;

impl Feed {
    pub(super) fn new(input: Open) -> Self {
        Self { input, buffer: Vec::new(), start: 0, offset: 0, ended: false, next_at: None, ready: 0 }
    }

    /// Whether the next bytes are there, or come within this time.
    pub(super) fn is_ready(&self, patience: Duration) -> bool {
        self.next_at.is_some() || self.ended || self.input.is_ready(patience)
    }

    /// The next bytes, whatever lines they hold; empty at the end.
    ///
    /// # Errors
    /// When reading fails.
    pub(super) fn rest(&mut self) -> io::Result<(u64, Vec<u8>)> {
        if self.start < self.buffer.len() {
            let held = self.buffer.split_off(self.start);
            let offset = self.offset;
            self.offset += held.len() as u64;
            (self.start, self.ready, self.next_at) = (0, 0, None);
            self.buffer.clear();
            return Ok((offset, held));
        }
        let mut bytes = vec![0; READ];
        let count = loop {
            match self.input.read(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        bytes.truncate(count);
        let offset = self.offset;
        self.offset += count as u64;
        Ok((offset, bytes))
    }

    /// The time of the next stamped line, reading on until there is one. `None` at the end.
    ///
    /// # Errors
    /// When reading fails.
    pub(super) fn peek(&mut self, reader: &Reader, zone: Zone) -> io::Result<Option<Timestamp>> {
        while self.next_at.is_none() {
            let rest = &self.buffer[self.start + self.ready..];
            match memchr::memchr(b'\n', rest) {
                Some(end) => {
                    self.next_at = stamp_of(reader, &rest[..end], zone);
                    if self.next_at.is_none() {
                        self.ready += end + 1;
                    }
                }
                None if self.ended => {
                    self.next_at = stamp_of(reader, rest, zone);
                    return Ok(self.next_at.or((self.start < self.buffer.len()).then_some(Timestamp::MAX)));
                }
                None => self.fill()?,
            }
            // A file without any stamps must not be held in memory whole.
            if self.ready > AHEAD {
                return Ok(Some(Timestamp::MIN));
            }
        }
        Ok(self.next_at)
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let held = self.buffer.len();
        self.buffer.resize(held + READ, 0);
        let count = loop {
            match self.input.read(&mut self.buffer[held..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.buffer.truncate(held + count);
        self.ended = count == 0;
        Ok(())
    }

    /// The next lines, up to and with those that are not later than `until`.
    ///
    /// # Errors
    /// When reading fails.
    pub(super) fn lines_until(&mut self, until: Timestamp, reader: &Reader, zone: Zone) -> io::Result<(u64, Vec<u8>)> {
        const AT_ONCE: usize = 128 << 10;
        let offset = self.offset;
        let mut out = Vec::new();
        loop {
            let at = self.peek(reader, zone)?;
            if at.is_none_or(|at| at > until) && !(out.is_empty() && at.is_some()) || out.len() > AT_ONCE {
                break;
            }
            let from = self.start;
            let rest = &self.buffer[from + self.ready..];
            let line = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            self.start = from + self.ready + line;
            out.extend_from_slice(&self.buffer[from..self.start]);
            (self.ready, self.next_at) = (0, None);
        }
        self.offset += out.len() as u64;
        Ok((offset, out))
    }
}
