//! Runs the daemon from start to end.

use super::peers::{Peers, Shared};
use super::phase::Phase;
use super::reload::{Readers, ReloadRequests, Reloaded, reload_on_request};
use super::signals::Shutdown;
use super::sources::numbered;
use super::start::{Bound, Daemon};
use super::tasks::{RunError, Tasks};
use super::ticker::tick;
use super::worker::{Edge, Worker};
use crate::admin::ReloadRequest;
use crate::config::{Config, SourceKind};
use crate::pipeline::Pipeline;
use crate::source::budget::MemoryBudget;
use crate::source::{self, Gauges, SourceMessage, StreamIds, stdin};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// How long the HTTP server may take to finish its answers.
const HTTP_GRACE: Duration = Duration::from_secs(1);

impl Daemon {
    /// Reads, classifies and notifies until `shutdown`. `build` makes the pipeline and the edge. `serve` serves HTTP until
    /// its token is cancelled, which happens last. `reload` reads the configuration again and returns what to apply, or why
    /// nothing changes; a signal or a request in `requests` starts it.
    ///
    /// # Errors
    ///
    /// If the end was not requested, or took too long.
    pub async fn run<E, S>(
        self,
        build: impl FnOnce(Bound) -> (Pipeline, E),
        serve: impl FnOnce(TcpListener, CancellationToken) -> S,
        reload: impl FnMut() -> Reloaded + Send + 'static,
        requests: mpsc::Receiver<ReloadRequest>,
        shutdown: Shutdown,
    ) -> Result<(), RunError>
    where
        E: Edge,
        S: Future<Output = ()> + Send + 'static,
    {
        let Self { config, http, peers: listening, tailer, positions, writer, output, hints, .. } = self;
        let Self { marked_checkpoint, ids, phases, sources, starts, bound, .. } = self;
        let (stop_sources, stop_http) = (CancellationToken::new(), CancellationToken::new());
        // Bounded by `QUEUE_MESSAGES` chunks of at most `CHUNK_BYTES`. Sources wait when it is full; apart from them only the
        // ticker, a reload and the end send into it.
        let (to, from) = mpsc::channel(source::QUEUE_MESSAGES);
        let mut tasks = Tasks::default();

        // The checkpoint, marked as tried, before anything of it is restored.
        if let Some(bytes) = marked_checkpoint {
            writer.write(bytes);
        }
        // The pipeline.
        let (pipeline, edge) = build(bound);
        let (file_sources, reservations) = (file_source_names(&config), HashMap::new());
        let worker = Worker { pipeline, positions, writer, edge, file_sources, starts, output, reservations };
        let handled = tasks.pipeline_thread("the pipeline", move || worker.run(from));
        // The HTTP server.
        tasks.spawn("the HTTP server", serve(http, stop_http.clone()));
        // The sources: files, TCP, HTTP, standard input.
        let (tailer_hints, tailer_to) = (Arc::clone(&hints), to.clone());
        tasks.readers.spawn_blocking(move || tailer.run(&tailer_hints, &tailer_to));
        let gauges = sources.gauges();
        let buffer_bytes = usize::try_from(config.tcp_buffer.0).unwrap_or(usize::MAX);
        let budget = MemoryBudget::new(buffer_bytes, 1);
        let shared = Shared { budget, ids: Arc::clone(&ids), to: to.clone(), stop: stop_sources.clone() };
        let (mut peers, run_peers) = Peers::new(shared);
        tasks.readers.spawn(run_peers);
        peers.set(listening, &gauges, buffer_bytes).await;
        let stdin = start_stdin(&config, &gauges, &ids, &to);
        // Time.
        tasks.readers.spawn(tick(to.clone(), phases.clone(), stop_sources.clone()));
        // Reloads.
        let requests = ReloadRequests { signal: Arc::clone(&shutdown.reload), http: requests };
        let readers = Readers { sources, hints: Arc::clone(&hints), peers, to: to.clone() };
        tasks.readers.spawn(reload_on_request(reload, requests, readers, stop_sources.clone()));

        // Ready after the first scan: a file that is created after that is new, and read from its beginning.
        let ready = async {
            hints.first_scan().await;
            phases.enter(Phase::Ready);
            info!(sources = config.sources.len(), "ready");
            std::future::pending().await
        };
        let only_stdin = config.sources.len() == 1;
        let asked = tokio::select! {
            // First, so that a short standard input does not end before the daemon was ready.
            biased;
            asked = ready => asked,
            () = shutdown.drain.cancelled() => Ok(()),
            () = stdin_end(stdin, only_stdin) => Ok(()),
            fault = tasks.first_end() => Err(fault),
        };

        phases.enter(Phase::Draining);
        stop_sources.cancel();
        hints.stop();
        let ended = tokio::select! {
            ended = tasks.drain(to, handled, asked.is_ok()) => ended,
            () = shutdown.abort.cancelled() => Err(RunError::Aborted),
        };
        stop_http.cancel();
        if asked.is_ok() && ended.is_ok() {
            timeout(HTTP_GRACE, tasks.fixed.join_next()).await.ok();
        }
        phases.enter(Phase::Stopped);
        asked.and(ended)
    }
}

fn file_source_names(config: &Config) -> BTreeSet<String> {
    let files = config.sources.iter().filter(|source| matches!(source.kind, SourceKind::File { .. }));
    files.map(|source| source.name.clone()).collect()
}

/// Starts to read standard input, if it is a source. The receiver resolves at its end.
fn start_stdin(
    config: &Config,
    gauges: &[Arc<Gauges>],
    ids: &StreamIds,
    to: &mpsc::Sender<SourceMessage>,
) -> Option<oneshot::Receiver<stdin::End>> {
    let (id, _) = numbered(&config.sources).find(|(_, source)| source.kind == SourceKind::Stdin)?;
    let gauges = Arc::clone(&gauges[usize::from(id.0)]);
    match stdin::spawn(io::stdin(), id, ids.next(), gauges, to.clone()) {
        Ok(ended) => Some(ended),
        Err(error) => {
            error!(%error, "cannot start the thread that reads standard input");
            None
        }
    }
}

/// Resolves when standard input ended and it is the only source.
async fn stdin_end(ended: Option<oneshot::Receiver<stdin::End>>, only_source: bool) {
    if let Some(ended) = ended {
        match ended.await {
            Ok(stdin::End::Failed(error)) => warn!(%error, "cannot read standard input any further"),
            Ok(stdin::End::Eof | stdin::End::Stopped) | Err(_) => info!("standard input ended"),
        }
        if only_source {
            return;
        }
    }
    std::future::pending::<()>().await;
}
