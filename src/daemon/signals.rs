//! Signals of the process manager: drain, abort, reload.

use std::io;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How a daemon is asked to end or to reload. It comes from outside, so that tests own it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// End in order: handle the bytes that were read, write the checkpoint.
    pub drain: CancellationToken,
    /// End immediately.
    pub abort: CancellationToken,
    /// Read the configuration again.
    pub reload: Arc<Notify>,
}

/// Translates signals: the first SIGTERM or SIGINT drains, a second one aborts, SIGHUP reloads. Returns only on an error.
///
/// # Errors
///
/// If the system refuses a signal handler.
pub async fn watch_signals(shutdown: Shutdown) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        // All three are cancel-safe: a signal that was not received stays pending.
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            _ = hangup.recv() => {
                shutdown.reload.notify_one();
                continue;
            }
        };
        if shutdown.drain.is_cancelled() {
            warn!(signal = name, "second signal received, ending immediately");
            shutdown.abort.cancel();
        } else {
            info!(signal = name, "signal received, draining; a second signal ends immediately");
            shutdown.drain.cancel();
        }
    }
}
