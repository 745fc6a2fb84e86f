//! The thread that writes checkpoints: a disk that takes a second to sync must not hold up the pipeline for it.

use super::store::Store;
use crate::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::time::SystemTime;
use std::{io, thread};
use tracing::{error, info};

/// How the writing goes; read by the metrics.
#[derive(Debug, Default)]
pub struct Health {
    /// When the last checkpoint was safe on the disk, in microseconds since the epoch; 0 before the first.
    pub written_micros: AtomicI64,
    /// `checkpoint_failures_total`.
    pub failures: AtomicU64,
}

struct Job {
    bytes: Vec<u8>,
    /// Told once the bytes are safe, or cannot be.
    done: Option<SyncSender<()>>,
}

/// Writes checkpoints one after the other.
#[derive(Debug)]
pub struct Writer {
    /// One waits while one is written; a third is not made.
    to: SyncSender<Job>,
    thread: thread::JoinHandle<()>,
}

impl Writer {
    /// Begins to write into `store`.
    ///
    /// # Errors
    ///
    /// Where the system gives no thread.
    pub fn spawn(mut store: Store, health: Arc<Health>) -> io::Result<Self> {
        let (to, jobs) = mpsc::sync_channel::<Job>(1);
        let thread = thread::Builder::new().name("checkpoint".into()).spawn(move || {
            let mut failing = false;
            for Job { bytes, done } in jobs {
                failing = write(&mut store, &bytes, &health, failing);
                if let Some(done) = done {
                    // Nobody may wait any more.
                    done.send(()).ok();
                }
            }
        })?;
        Ok(Self { to, thread })
    }

    /// Hands over a checkpoint to be written soon. False when the disk is not done with earlier ones: then there is no need
    /// for this one, and a later one will do.
    #[must_use]
    pub fn offer(&self, bytes: Vec<u8>) -> bool {
        !matches!(self.to.try_send(Job { bytes, done: None }), Err(TrySendError::Full(_)))
    }

    /// Writes a checkpoint and waits until it is safe on the disk, or cannot be.
    pub fn write(&self, bytes: Vec<u8>) {
        let (done, wait) = mpsc::sync_channel(1);
        if self.to.send(Job { bytes, done: Some(done) }).is_ok() {
            // An error means that the thread ended, which `finish` reports.
            wait.recv().ok();
        }
    }

    /// Ends the thread and gives the directory back.
    ///
    /// # Errors
    ///
    /// Where the thread panicked.
    pub fn finish(self) -> thread::Result<()> {
        drop(self.to);
        self.thread.join()
    }
}

/// Returns whether it failed. Said when that changes, counted always.
fn write(store: &mut Store, bytes: &[u8], health: &Health, failing: bool) -> bool {
    match store.save(bytes) {
        Ok(()) => {
            let now = Timestamp::from_system(SystemTime::now());
            health.written_micros.store(now.as_micros(), Ordering::Relaxed);
            if failing {
                info!("checkpoints can be written again");
            }
            false
        }
        Err(failure) => {
            health.failures.fetch_add(1, Ordering::Relaxed);
            if !failing {
                error!(error = %failure, cause = %failure.source, "no checkpoint; reading goes on, and writing is tried again");
            }
            true
        }
    }
}
