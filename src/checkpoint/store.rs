//! The state directory: one checkpoint, replaced as a whole, and a lock that keeps a second daemon out.
//!
//! A directory that cannot be written costs durability, not service: the daemon runs, counts the failures and tries again.

use super::Checkpoint;
use super::format::{self, Fault};
use serde::de::DeserializeOwned;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tracing::{error, warn};

const CHECKPOINT: &str = "checkpoint.json";
const TEMPORARY: &str = "checkpoint.json.tmp";
const CORRUPT: &str = "checkpoint.json.corrupt";
const LOCK: &str = "lock";

/// Why the daemon does not start with this directory.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Two daemons would overwrite each other's places.
    #[error("another llm-triage uses the state directory {}; give this one its own (--state-dir)", dir.display())]
    Taken {
        /// The directory.
        dir: PathBuf,
    },
    /// Going on without it would skip or repeat lines in silence.
    #[error("cannot read the checkpoint {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A newer program wrote it.
    #[error("cannot use the checkpoint {}: version {version} is newer than this program, which reads up to {}; \
             run the newer program, or move the file away to begin as at a first start", path.display(), format::VERSION)]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

/// Why a checkpoint was not written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the checkpoint in {}", dir.display())]
pub struct SaveError {
    /// The directory.
    pub dir: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// What the directory held.
#[derive(Debug)]
pub enum Loaded<S> {
    /// Nothing: this is the first start.
    Nothing,
    /// A good checkpoint.
    Good(Box<Checkpoint<S>>),
    /// A bad one. It was put aside, and the daemon begins as at a first start: each source by its `start_at`.
    Corrupt,
}

/// The state directory, ours until this is dropped.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    /// Held by its being open; `None` where the directory cannot be written.
    lock: Option<File>,
}

impl Store {
    /// Takes the directory, and makes it where it is not there.
    ///
    /// # Errors
    ///
    /// Where another process has it.
    pub fn open(dir: &Path) -> Result<Self, StartError> {
        let lock = match take(dir) {
            Ok(lock) => Some(lock),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(StartError::Taken { dir: dir.to_owned() }),
            Err(error) => {
                warn!(dir = %dir.display(), %error, "cannot write to the state directory; a restart will not know where this one was");
                None
            }
        };
        Ok(Self { dir: dir.to_owned(), lock })
    }

    /// Reads what the last process left.
    ///
    /// # Errors
    ///
    /// Where there is something that must not be ignored: an unreadable file, or one of a newer version.
    pub fn load<S: DeserializeOwned>(&self) -> Result<Loaded<S>, StartError> {
        let path = self.dir.join(CHECKPOINT);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Loaded::Nothing),
            Err(source) => return Err(StartError::Unreadable { path, source }),
        };
        match format::decode(&bytes) {
            Ok(checkpoint) => Ok(Loaded::Good(Box::new(checkpoint))),
            Err(Fault::Newer(version)) => Err(StartError::Newer { path, version }),
            Err(Fault::Corrupt(why)) => {
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
            "the checkpoint is damaged; beginning as at a first start: each source by its start_at",
        );
    }

    /// Replaces the checkpoint. After a power cut there is the old one or the new one, whole.
    ///
    /// # Errors
    ///
    /// Where the disk is full, read-only or gone. The old checkpoint stays.
    pub fn save(&mut self, bytes: &[u8]) -> Result<(), SaveError> {
        self.replace(bytes).map_err(|source| SaveError { dir: self.dir.clone(), source })
    }

    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.lock.is_none() {
            self.lock = Some(take(&self.dir)?);
        }
        let temporary = self.dir.join(TEMPORARY);
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, self.dir.join(CHECKPOINT))?;
        // Without this the rename itself may be lost in a power cut.
        File::open(&self.dir)?.sync_all()
    }
}

/// The lock of a directory: `WouldBlock` where another process holds it.
fn take(dir: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(dir.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
