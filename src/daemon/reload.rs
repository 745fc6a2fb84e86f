//! Applies a new configuration to the running daemon when a reload is requested, by a signal or over HTTP.

use super::peers::{PeerSource, Peers};
use super::sources::{SourceList, file_options};
use crate::admin::ReloadRequest;
use crate::config::Source;
use crate::pipeline::{Event, Replacement};
use crate::source::SourceMessage;
use crate::source::file::Hints;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// A new configuration, or the reason why nothing changes.
pub type Reloaded = Result<Reload, String>;

/// A new configuration that was read, checked and compiled.
#[derive(Debug)]
pub struct Reload {
    /// The part of the pipeline.
    pub replacement: Replacement,
    /// The sources, each at its number.
    pub sources: Vec<Source>,
    /// The TCP and HTTP sources among them; new ones are already bound.
    pub peers: Vec<PeerSource>,
    /// Memory for the bytes of all TCP and HTTP peers.
    pub tcp_buffer_bytes: usize,
    /// The answer to the request, for people.
    pub answer: String,
}

/// The parts of the daemon that a reload changes.
pub(super) struct Readers {
    pub(super) sources: SourceList,
    pub(super) hints: Arc<Hints>,
    pub(super) peers: Peers,
    pub(super) to: mpsc::Sender<SourceMessage>,
}

impl Readers {
    /// Applies a reload: first to the pipeline, which must know a source before bytes of it come. Returns false if the
    /// pipeline takes nothing any more.
    async fn apply(&mut self, reload: Reload) -> bool {
        let Reload { replacement, sources, peers, tcp_buffer_bytes, answer: _ } = reload;
        self.sources.extend(&sources);
        let taken = self.to.send(Event::Reload(Box::new(replacement)).into()).await.is_ok();
        self.hints.set_sources(file_options(&sources, &self.sources));
        self.peers.set(peers, &self.sources.gauges(), tcp_buffer_bytes).await;
        taken
    }
}

/// The two ways in which a reload is requested.
pub(super) struct ReloadRequests {
    pub(super) signal: Arc<Notify>,
    pub(super) http: mpsc::Receiver<ReloadRequest>,
}

impl ReloadRequests {
    /// The next request; `None` for a signal, which expects no answer.
    async fn next(&mut self) -> Option<ReloadRequest> {
        // Both are cancel-safe: a notification or a request that was not received stays pending.
        tokio::select! {
            () = self.signal.notified() => None,
            Some(request) = self.http.recv() => Some(request),
        }
    }
}

/// Reloads on request until `stop`. `read` reads and compiles the new configuration. It runs on a thread of its own, because
/// it takes up to a second and a file can block for as long as it likes; HTTP, TCP sources and ticks continue meanwhile.
/// New rules take effect between two chunks, so no chunk is judged by half of each.
pub(super) async fn reload_on_request<R>(
    mut read: R,
    mut requests: ReloadRequests,
    mut readers: Readers,
    stop: CancellationToken,
) where
    R: FnMut() -> Reloaded + Send + 'static,
{
    loop {
        let Some(request) = stop.run_until_cancelled(requests.next()).await else { return };
        let reading = spawn_blocking(move || {
            let reloaded = read();
            (read, reloaded)
        });
        // When the daemon ends, it does not wait for the thread: nothing of an unfinished reload was applied.
        let Some(read_result) = stop.run_until_cancelled(reading).await else { return };
        let reloaded;
        (read, reloaded) = match read_result {
            Ok(read_result) => read_result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Cancelled: the runtime ends.
                Err(_) => return,
            },
        };
        let answer = match reloaded {
            Ok(reload) => {
                let answer = reload.answer.clone();
                if !readers.apply(reload).await {
                    return;
                }
                info!(answer, "configuration reloaded");
                Ok(answer)
            }
            Err(errors) => {
                error!(errors, "reload failed, the old configuration stays in force");
                Err(errors)
            }
        };
        if let Some(request) = request {
            // The client may have closed its connection.
            request.reply.send(answer).ok();
        }
    }
}
