//! Where `--output` writes. A disk that is full or a file that went costs verdicts, which are counted, and not the service;
//! once it can be written to again, it is.

use crate::config::Output;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing::{info, warn};

/// See the module.
#[derive(Debug)]
pub(super) struct Verdicts {
    file: File,
    /// Of a file that can be opened again.
    path: Option<PathBuf>,
    /// The last line that was written is not whole.
    cut: bool,
    failing: bool,
    /// Whoever read them has gone.
    closed: bool,
    lost: Arc<AtomicU64>,
}

/// Why there is nowhere to write.
#[derive(Debug)]
pub(super) struct OpenError {
    pub(super) path: PathBuf,
    pub(super) source: io::Error,
}

impl Verdicts {
    pub(super) fn open(output: &Output, lost: Arc<AtomicU64>) -> Result<Self, OpenError> {
        let (opened, path) = match output {
            Output::Stdout => (io::stdout().as_fd().try_clone_to_owned().map(File::from), None),
            Output::File(path) => (open(path), Some(path.clone())),
        };
        match opened {
            Ok(file) => Ok(Self { file, path, cut: false, failing: false, closed: false, lost }),
            Err(source) => Err(OpenError { path: path.unwrap_or_else(|| PathBuf::from("standard output")), source }),
        }
    }

    /// Opens the file again, which may have been rotated.
    pub(super) fn reopen(&mut self) {
        let Some(path) = &self.path else { return };
        match open(path) {
            Ok(file) => (self.file, self.cut) = (file, false),
            Err(error) => warn!(path = %path.display(), %error, "cannot open the file of verdicts again; the old one is kept"),
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
        let end_of_cut: &[u8] = if self.cut { b"\n" } else { b"" };
        let mut written = 0;
        let result = put(&mut self.file, end_of_cut, &mut 0).and_then(|()| {
            self.cut = false;
            put(&mut self.file, lines, &mut written)
        });
        let (done, rest) = lines.split_at(written);
        match result {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    info!(lost = self.lost.load(Ordering::Relaxed), "verdicts are written again");
                }
                return;
            }
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                info!("nobody reads the verdicts any more; none are written from now on");
                self.closed = true;
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    warn!(%error, "cannot write verdicts; they are counted, and writing is tried again");
                }
            }
        }
        self.cut |= done.last().is_some_and(|it| *it != b'\n');
        self.lose(rest);
    }

    fn lose(&self, lines: &[u8]) {
        self.lost.fetch_add(memchr::memchr_iter(b'\n', lines).count() as u64, Ordering::Relaxed);
    }
}

/// `write_all` that says how far it came.
fn put(file: &mut File, bytes: &[u8], written: &mut usize) -> io::Result<()> {
    while let Some(rest) = bytes.get(*written..).filter(|it| !it.is_empty()) {
        match file.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(more) => *written += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path).and_then(|file| on_a_new_line(file, path))
}

/// Ends the last line, which a kill may have cut, so that the next verdict has a line of its own.
fn on_a_new_line(mut file: File, path: &Path) -> io::Result<File> {
    let about = file.metadata()?;
    if about.is_file() && about.len() > 0 {
        let mut last = [0];
        File::open(path)?.read_exact_at(&mut last, about.len() - 1)?;
        if last != *b"\n" {
            // On a full disk the next line is lost anyway.
            file.write_all(b"\n").or_else(|error| if error.kind() == ErrorKind::StorageFull { Ok(()) } else { Err(error) })?;
        }
    }
    Ok(file)
}
