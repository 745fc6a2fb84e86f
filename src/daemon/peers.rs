//! The running TCP and HTTP sources. A reload starts and stops sources, and changes settings while peers stay connected.

use crate::observation::SourceId;
use crate::source::budget::MemoryBudget;
use crate::source::{Gauges, ListeningSource, Settings, SourceMessage, StreamIds, push, tcp};
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// What peers say to a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Lines, each ended by a newline.
    Lines,
    /// Requests over HTTP.
    Http,
}

/// A TCP or HTTP source that should run.
#[derive(Debug)]
pub struct PeerSource {
    /// Its number.
    pub source: SourceId,
    /// Its name.
    pub name: String,
    /// What its peers say.
    pub protocol: Protocol,
    /// Where it listens. A source that is already running keeps its address, whatever this says.
    pub address: SocketAddr,
    /// The bound socket, if the source is new.
    pub socket: Option<TcpListener>,
    /// Limits, TLS, and the token.
    pub settings: Settings,
}

/// A source that runs until its token is cancelled.
type RunningSource = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What all TCP and HTTP sources share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) budget: Arc<MemoryBudget>,
    pub(super) ids: Arc<StreamIds>,
    pub(super) to: mpsc::Sender<SourceMessage>,
    pub(super) stop: CancellationToken,
}

#[derive(Debug)]
struct Running {
    settings: watch::Sender<Settings>,
    stop: CancellationToken,
    /// Kept so that a new source with the same address can use it.
    socket: TcpListener,
    address: SocketAddr,
}

/// The running sources, by name.
#[derive(Debug)]
pub(super) struct Peers {
    shared: Shared,
    running: BTreeMap<String, Running>,
    /// To the task that runs the sources.
    start: mpsc::Sender<RunningSource>,
}

impl Peers {
    /// Nothing runs yet. The returned future runs the sources that [`Self::set`] starts.
    pub(super) fn new(shared: Shared) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (start, started) = mpsc::channel(1);
        let stop = shared.stop.clone();
        (Self { shared, running: BTreeMap::new(), start }, run_sources(started, stop))
    }

    /// Runs these sources and stops all others. Together they may buffer `buffer_bytes`.
    pub(super) async fn set(&mut self, wanted: Vec<PeerSource>, gauges: &[Arc<Gauges>], buffer_bytes: usize) {
        let peers = wanted.iter().map(|peer| peer.settings.limits.connections).sum();
        self.shared.budget.set(buffer_bytes, peers);
        let is_wanted = |name: &String| wanted.iter().any(|peer| peer.name == *name);
        let (kept, gone): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.running).into_iter().partition(|(name, _)| is_wanted(name));
        self.running = kept;
        for (name, running) in &gone {
            info!(name, address = %running.address, "source removed, no longer listening");
            running.stop.cancel();
        }
        for peer in wanted {
            let PeerSource { source, name, protocol, address, socket, settings } = peer;
            if let Some(running) = self.running.get(&name) {
                running.settings.send_replace(settings);
                continue;
            }
            let left = gone.values().find(|old| old.address == address).map(|old| old.socket.try_clone());
            let socket = socket.map(Ok).or(left).unwrap_or_else(|| Err(io::ErrorKind::AddrNotAvailable.into()));
            let gauges = gauges.get(usize::from(source.0)).cloned().unwrap_or_default();
            if let Err(error) = self.start((source, protocol), &name, settings, socket, gauges).await {
                error!(name, %address, %error, "cannot start the source");
            }
        }
    }

    async fn start(
        &mut self,
        (source, protocol): (SourceId, Protocol),
        name: &str,
        settings: Settings,
        socket: io::Result<TcpListener>,
        gauges: Arc<Gauges>,
    ) -> io::Result<()> {
        let socket = socket?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let listener = tokio::net::TcpListener::from_std(socket.try_clone()?)?;
        let Shared { budget, ids, to, stop } = &self.shared;
        let (sender, settings) = watch::channel(settings);
        let (budget, ids, to, stop) = (Arc::clone(budget), Arc::clone(ids), to.clone(), stop.child_token());
        let until = stop.clone();
        let source = ListeningSource { source, listener, settings, budget, ids, gauges, to };
        let running: RunningSource = match protocol {
            Protocol::Lines => Box::pin(tcp::run(source, until)),
            Protocol::Http => Box::pin(push::run(source, until)),
        };
        // It fails only when the daemon ends.
        self.start.send(running).await.ok();
        self.running.insert(name.to_owned(), Running { settings: sender, stop, socket, address });
        Ok(())
    }
}

/// Runs the sources that are sent to it. After `stop`, waits until they handed over their last bytes.
async fn run_sources(mut started: mpsc::Receiver<RunningSource>, stop: CancellationToken) {
    let mut sources = JoinSet::new();
    loop {
        // All are cancel-safe.
        tokio::select! {
            () = stop.cancelled() => break,
            Some(source) = started.recv() => drop(sources.spawn(source)),
            Some(end) = sources.join_next() => propagate_panic(end),
        }
    }
    while let Some(end) = sources.join_next().await {
        propagate_panic(end);
    }
}

fn propagate_panic(end: Result<(), JoinError>) {
    if let Err(error) = end
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}
