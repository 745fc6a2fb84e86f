//! The state directory: one checkpoint, which is always replaced as a whole, and a lock against a second daemon.
//!
//! If the directory cannot be written, the daemon runs without durability: it counts the failures and retries.

use super::Checkpoint;
use super::format::{self, DecodeError};
use rustix::fs::OFlags;
use serde::de::DeserializeOwned;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tracing::{error, warn};

const CHECKPOINT: &str = "checkpoint.json";
const TEMPORARY: &str = "checkpoint.json.tmp";
const CORRUPT: &str = "checkpoint.json.corrupt";
const LOCK: &str = "lock";

/// The permission bit of a directory in which every user may create and replace files.
const WRITABLE_BY_OTHERS: u32 = 0o002;

/// Why the daemon cannot start with this directory.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another daemon uses the directory. Two daemons would overwrite each other's positions.
    #[error("another llm-triage uses the state directory {}; give this one its own (--state-dir)", dir.display())]
    Taken {
        /// The directory.
        dir: PathBuf,
    },
    /// The checkpoint exists and cannot be read. A start without it would skip or repeat lines without notice.
    #[error("cannot read the checkpoint {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the read.
        source: io::Error,
    },
    /// A newer program wrote it.
    #[error("cannot use the checkpoint {}: version {version} is newer than this program, which reads up to {}; \
             run the newer program, or move the file away to start as if for the first time", path.display(), format::VERSION)]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of the checkpoint.
        version: u32,
    },
}

/// Why a checkpoint was not written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the checkpoint in {}", dir.display())]
pub struct SaveError {
    /// The directory.
    pub dir: PathBuf,
    /// The error of the write.
    pub source: io::Error,
}

/// The checkpoint that the last process left.
#[derive(Debug)]
pub enum Loaded<S> {
    /// None: this is the first start.
    Nothing,
    /// A valid checkpoint.
    Good(Box<Checkpoint<S>>),
    /// An invalid one. The file was renamed, and the daemon starts as if for the first time: each source at its `start_at`.
    Corrupt,
}

/// The state directory. The lock is held until this is dropped.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    /// The lock is held while this file is open. `None` if the directory cannot be written.
    lock: Option<File>,
}

impl Store {
    /// Locks the directory. Creates it if it does not exist.
    ///
    /// # Errors
    ///
    /// Another process has locked it.
    pub fn open(dir: &Path) -> Result<Self, StartError> {
        let lock = match lock(dir) {
            Ok(lock) => Some(lock),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(StartError::Taken { dir: dir.to_owned() }),
            Err(error) => {
                warn!(dir = %dir.display(), %error, "cannot write to the state directory: a restart will not know the current positions");
                None
            }
        };
        warn_if_open_to_all(dir);
        Ok(Self { dir: dir.to_owned(), lock })
    }

    /// Reads the checkpoint that the last process left.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or has a newer version. Neither may be ignored.
    pub fn load<S: DeserializeOwned>(&self) -> Result<Loaded<S>, StartError> {
        let path = self.dir.join(CHECKPOINT);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Loaded::Nothing),
            Err(source) => return Err(StartError::Unreadable { path, source }),
        };
        match format::decode(&bytes) {
            Ok(checkpoint) => Ok(Loaded::Good(Box::new(checkpoint))),
            Err(DecodeError::Newer(version)) => Err(StartError::Newer { path, version }),
            Err(DecodeError::Corrupt(why)) => {
                self.set_aside(&path, &why);
                Ok(Loaded::Corrupt)
            }
        }
    }

    fn set_aside(&self, path: &Path, why: &str) {
        let aside = self.dir.join(CORRUPT);
        let kept = fs::rename(path, &aside);
        error!(
            path = %path.display(), aside = %aside.display(), %why, kept = kept.is_ok(),
            "checkpoint is corrupt, starting as if for the first time: each source at its start_at",
        );
    }

    /// Replaces the checkpoint. After a power failure the file holds either the old or the new one, complete.
    ///
    /// # Errors
    ///
    /// The disk is full, read-only or gone. The old checkpoint is kept then.
    pub fn save(&mut self, bytes: &[u8]) -> Result<(), SaveError> {
        self.replace(bytes).map_err(|source| SaveError { dir: self.dir.clone(), source })
    }

    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.lock.is_none() {
            self.lock = Some(lock(&self.dir)?);
        }
        let temporary = self.dir.join(TEMPORARY);
        let mut file = create_private(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, self.dir.join(CHECKPOINT))?;
        // Without this, a power failure may undo the rename.
        File::open(&self.dir)?.sync_all()
    }
}

/// Creates a file that only its owner can read. Removes what had the name before: a file of a process that was killed, or a
/// symbolic link, whose target must not be written to.
fn create_private(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // `create_new` fails if the name exists again, and never follows a link.
    OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)
}

/// Warns if every user of the machine can write to the directory.
fn warn_if_open_to_all(dir: &Path) {
    let mode = fs::metadata(dir).map_or(0, |metadata| metadata.permissions().mode());
    if mode & WRITABLE_BY_OTHERS != 0 {
        warn!(
            dir = %dir.display(), mode = format_args!("{:o}", mode & 0o7777),
            "state directory is writable for every user, who can change positions and alerts: remove this permission (chmod o-w)",
        );
    }
}

/// Locks a directory. The error is `WouldBlock` if another process has locked it.
fn lock(dir: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let no_link = OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600).custom_flags(no_link);
    let file = options.open(dir.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
