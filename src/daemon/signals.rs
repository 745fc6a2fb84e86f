//! What a process manager says: end well, end now, reload.

use std::io;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How a daemon is told to end; comes from outside, so that tests own it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// End well: handle what was read, write the checkpoint.
    pub drain: CancellationToken,
    /// End now.
    pub abort: CancellationToken,
    /// Read the configuration again.
    pub reload: Arc<Notify>,
}

/// Passes signals on: the first SIGTERM or SIGINT ends well, a second one at once, SIGHUP reloads. Never returns by itself.
///
/// # Errors
///
/// Where the system does not let us listen to them.
pub async fn watch_signals(shutdown: Shutdown) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        // All three are cancel-safe: a signal that was not taken is kept.
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            _ = hangup.recv() => {
                shutdown.reload.notify_one();
                continue;
            }
        };
        if shutdown.drain.is_cancelled() {
            warn!(signal = name, "the second signal: ending at once");
            shutdown.abort.cancel();
        } else {
            info!(signal = name, "ending: what was read is handled first; a second signal ends at once");
            shutdown.drain.cancel();
        }
    }
}
