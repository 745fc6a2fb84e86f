//! The thread that writes checkpoints. A disk may take a second to sync, and the pipeline must not wait for it.

use super::store::Store;
use crate::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::time::SystemTime;
use std::{io, thread};
use tracing::{error, info};

/// The state of the writer, for the metrics.
#[derive(Debug, Default)]
pub struct Health {
    /// When the last checkpoint was synced to the disk, in microseconds since the epoch; 0 before the first.
    pub written_micros: AtomicI64,
    /// `checkpoint_failures_total`.
    pub failures: AtomicU64,
}

struct Job {
    bytes: Vec<u8>,
    /// Notified once the bytes are synced, or the write failed.
    done: Option<SyncSender<()>>,
}

/// Writes checkpoints on a thread of its own, one after the other.
#[derive(Debug)]
pub struct Writer {
    /// Holds one checkpoint while another is written. Further ones are refused.
    to: SyncSender<Job>,
    thread: thread::JoinHandle<()>,
}

impl Writer {
    /// Starts the thread, which writes into `store`.
    ///
    /// # Errors
    ///
    /// The system cannot start a thread.
    pub fn spawn(mut store: Store, health: Arc<Health>) -> io::Result<Self> {
        let (to, jobs) = mpsc::sync_channel::<Job>(1);
        let thread = thread::Builder::new().name("checkpoint".into()).spawn(move || {
            let mut failing = false;
            for Job { bytes, done } in jobs {
                failing = write(&mut store, &bytes, &health, failing);
                if let Some(done) = done {
                    // An error means that the caller does not wait any more.
                    done.send(()).ok();
                }
            }
        })?;
        Ok(Self { to, thread })
    }

    /// Queues a checkpoint. Returns false while earlier ones are still being written: the caller drops this one, because a
    /// later one replaces it anyway.
    #[must_use]
    pub fn offer(&self, bytes: Vec<u8>) -> bool {
        !matches!(self.to.try_send(Job { bytes, done: None }), Err(TrySendError::Full(_)))
    }

    /// Writes a checkpoint and waits until it is synced to the disk, or the write failed.
    pub fn write(&self, bytes: Vec<u8>) {
        let (done, wait) = mpsc::sync_channel(1);
        if self.to.send(Job { bytes, done: Some(done) }).is_ok() {
            // An error means that the thread ended, which `finish` reports.
            wait.recv().ok();
        }
    }

    /// Ends the thread and unlocks the directory.
    ///
    /// # Errors
    ///
    /// The thread panicked.
    pub fn finish(self) -> thread::Result<()> {
        drop(self.to);
        self.thread.join()
    }
}

/// Writes one checkpoint and returns whether that failed. Counts every failure; logs only the first one in a row.
fn write(store: &mut Store, bytes: &[u8], health: &Health, failing: bool) -> bool {
    match store.save(bytes) {
        Ok(()) => {
            let now = Timestamp::from_system(SystemTime::now());
            health.written_micros.store(now.as_micros(), Ordering::Relaxed);
            if failing {
                info!("checkpoint written again");
            }
            false
        }
        Err(failure) => {
            health.failures.fetch_add(1, Ordering::Relaxed);
            if !failing {
                error!(error = %failure, cause = %failure.source, "cannot write checkpoint, retrying; reading continues");
            }
            true
        }
    }
}
