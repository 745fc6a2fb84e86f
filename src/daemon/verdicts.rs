//! Writes verdicts to the file of `--output` or to standard output. A full disk or a missing file costs verdicts, which are
//! counted, but not the service; writing resumes when it is possible again.

use super::verdict_file::{end_partial_line, open};
use crate::config::Output;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing::{info, warn};

/// Writes verdicts, and counts those that it cannot write.
#[derive(Debug)]
pub(super) struct VerdictWriter {
    file: File,
    /// `None` for standard output, which cannot be opened again.
    path: Option<PathBuf>,
    /// Whether only a part of the last line was written.
    partial_line: bool,
    failing: bool,
    /// Whether the reader of the pipe has closed it.
    closed: bool,
    lost: Arc<AtomicU64>,
}

/// Why the output cannot be opened.
#[derive(Debug)]
pub(super) struct OpenError {
    pub(super) path: PathBuf,
    pub(super) source: io::Error,
}

impl VerdictWriter {
    pub(super) fn open(output: &Output, lost: Arc<AtomicU64>) -> Result<Self, OpenError> {
        let (opened, path) = match output {
            Output::Stdout => (io::stdout().as_fd().try_clone_to_owned().map(File::from), None),
            Output::File(path) => (open(path), Some(path.clone())),
        };
        match opened {
            Ok(file) => Ok(Self { file, path, partial_line: false, failing: false, closed: false, lost }),
            Err(source) => Err(OpenError { path: path.unwrap_or_else(|| PathBuf::from("standard output")), source }),
        }
    }

    /// Opens the file again, because it may have been rotated.
    pub(super) fn reopen(&mut self) {
        let Some(path) = &self.path else { return };
        match open(path) {
            Ok(file) => (self.file, self.partial_line) = (file, false),
            Err(error) => warn!(path = %path.display(), %error, "cannot reopen the file of verdicts, writing to the old one"),
        }
    }

    /// Writes whole lines.
    pub(super) fn write(&mut self, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        if self.closed {
            return self.lose(lines);
        }
        let on_a_new_line = if self.partial_line { end_partial_line(&mut self.file, self.path.as_deref()) } else { Ok(()) };
        let mut written = 0;
        let result = on_a_new_line.and_then(|()| {
            self.partial_line = false;
            put(&mut self.file, lines, &mut written)
        });
        let (done, rest) = lines.split_at(written);
        match result {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    info!(lost = self.lost.load(Ordering::Relaxed), "writing verdicts works again");
                }
                return;
            }
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                info!("the reader of the verdicts closed the pipe; no more verdicts are written");
                self.closed = true;
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    warn!(%error, "cannot write verdicts; counting them as lost until writing works again");
                }
            }
        }
        self.partial_line |= done.last().is_some_and(|byte| *byte != b'\n');
        self.lose(rest);
    }

    fn lose(&self, lines: &[u8]) {
        self.lost.fetch_add(memchr::memchr_iter(b'\n', lines).count() as u64, Ordering::Relaxed);
    }
}

/// Like `write_all`, and counts in `written` how many bytes were written before an error.
fn put(file: &mut File, bytes: &[u8], written: &mut usize) -> io::Result<()> {
    while let Some(rest) = bytes.get(*written..).filter(|rest| !rest.is_empty()) {
        match file.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(more) => *written += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
