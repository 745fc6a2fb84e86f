//! The tasks and threads of the daemon: every way in which one can end is noticed.

use crate::pipeline::Event;
use crate::source::SourceMessage;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};
use tracing::error;

/// How long draining may take: less than the 30 s that Kubernetes waits before it kills.
const DRAIN_GRACE: Duration = Duration::from_secs(20);

/// Why the daemon ended without being asked, or did not end in order.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A task ended although nothing ended it.
    #[error("{task} ended unexpectedly; this is a bug in llm-triage")]
    Ended {
        /// The task.
        task: &'static str,
    },
    /// A task panicked.
    #[error("{task} panicked; this is a bug in llm-triage")]
    Panicked {
        /// The task.
        task: &'static str,
    },
    /// Draining took longer than the grace time.
    #[error("could not end within {} s; unhandled lines will be read again", DRAIN_GRACE.as_secs())]
    Grace,
    /// A second signal came.
    #[error("ended immediately by a second signal; unhandled lines will be read again")]
    Aborted,
}

/// Everything that runs.
#[derive(Default)]
pub(super) struct Tasks {
    /// They end when the sources are stopped.
    pub(super) readers: JoinSet<()>,
    /// They end last. Each returns its name.
    pub(super) fixed: JoinSet<&'static str>,
}

impl Tasks {
    pub(super) fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.fixed.spawn(async move {
            task.await;
            name
        });
    }

    /// Starts a thread of the operating system. The receiver resolves when it ended well, and fails when it panicked.
    pub(super) fn pipeline_thread(&mut self, name: &'static str, run: impl FnOnce() + Send + 'static) -> oneshot::Receiver<()> {
        let (ended, end) = oneshot::channel();
        let (alive, gone) = oneshot::channel::<()>();
        let body = move || {
            // Dropped in every case, also by a panic.
            let _alive = alive;
            run();
            ended.send(()).ok();
        };
        if let Err(error) = std::thread::Builder::new().name("pipeline".into()).spawn(body) {
            error!(%error, name, "cannot start a thread");
        }
        self.fixed.spawn(async move {
            gone.await.ok();
            name
        });
        end
    }

    /// Waits for the first task that ends, which none should do by itself.
    pub(super) async fn first_end(&mut self) -> RunError {
        tokio::select! {
            Some(end) = self.readers.join_next() => match check_end("a source", end) {
                Ok(()) => RunError::Ended { task: "a source" },
                Err(error) => error,
            },
            Some(end) = self.fixed.join_next() => match end {
                Ok(task) => RunError::Ended { task },
                Err(_) => RunError::Panicked { task: "the HTTP server" },
            },
            else => RunError::Ended { task: "everything" },
        }
    }

    /// Waits for the sources to end, then sends the pipeline the last event and waits for it. `asked` says that the end was
    /// requested: if a fault caused it, running out of time is not worth reporting beside the fault.
    pub(super) async fn drain(
        &mut self,
        to: mpsc::Sender<SourceMessage>,
        handled: oneshot::Receiver<()>,
        asked: bool,
    ) -> Result<(), RunError> {
        let until = Instant::now() + DRAIN_GRACE;
        let all = async {
            while let Some(end) = self.readers.join_next().await {
                check_end("a source", end)?;
            }
            // The thread that reads stdin may hold a sender as well, so the channel does not close by itself.
            to.send(Event::Drain.into()).await.map_err(|_| RunError::Ended { task: "the pipeline" })?;
            handled.await.map_err(|_| RunError::Panicked { task: "the pipeline" })
        };
        match timeout_at(until, all).await {
            Ok(ended) => ended,
            Err(_) if asked => Err(RunError::Grace),
            Err(_) => Ok(()),
        }
    }
}

fn check_end(task: &'static str, end: Result<(), JoinError>) -> Result<(), RunError> {
    end.map_err(|error| if error.is_panic() { RunError::Panicked { task } } else { RunError::Ended { task } })
}
