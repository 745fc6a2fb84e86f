//! The TCP sources that run, and what a reload makes of them: settings change while peers are connected, sources come and go.

use crate::observation::SourceId;
use crate::source::budget::MemoryBudget;
use crate::source::tcp::{Settings, TcpSource};
use crate::source::{Gauges, SourceMessage, StreamIds};
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// A TCP source that is to run.
#[derive(Debug)]
pub struct PeerSource {
    /// The configured source.
    pub source: SourceId,
    /// Its name.
    pub name: String,
    /// Where it listens; of one that runs already, or takes the place of one that goes, nobody looks at it.
    pub address: SocketAddr,
    /// What is bound there, if it is new.
    pub socket: Option<TcpListener>,
    /// Caps, and TLS.
    pub settings: Settings,
}

/// What all of them share.
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
    /// Kept so that a source of another name can go on with it.
    socket: TcpListener,
    address: SocketAddr,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Peers {
    shared: Shared,
    running: BTreeMap<String, Running>,
    /// To the task that owns the sources; it takes them as they come.
    start: mpsc::Sender<(TcpSource, CancellationToken)>,
}

impl Peers {
    /// Nothing runs yet; what will is owned by the future.
    pub(super) fn new(shared: Shared) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (start, started) = mpsc::channel(1);
        let stop = shared.stop.clone();
        (Self { shared, running: BTreeMap::new(), start }, own(started, stop))
    }

    /// Lets these run and no others, in so many bytes of room.
    pub(super) async fn set(&mut self, wanted: Vec<PeerSource>, gauges: &[Arc<Gauges>], room: usize) {
        let peers = wanted.iter().map(|it| it.settings.limits.connections).sum();
        self.shared.budget.set(room, peers);
        let is_wanted = |name: &String| wanted.iter().any(|it| it.name == *name);
        let (kept, gone): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.running).into_iter().partition(|(name, _)| is_wanted(name));
        self.running = kept;
        for (name, it) in &gone {
            info!(name, address = %it.address, "no more lines are taken here");
            it.stop.cancel();
        }
        for it in wanted {
            if let Some(running) = self.running.get(&it.name) {
                running.settings.send_replace(it.settings);
                continue;
            }
            let name = it.name.clone();
            let left = gone.values().find(|old| old.address == it.address).map(|old| old.socket.try_clone());
            let socket = it.socket.map(Ok).or(left).unwrap_or_else(|| Err(io::ErrorKind::AddrNotAvailable.into()));
            let gauges = gauges.get(usize::from(it.source.0)).cloned().unwrap_or_default();
            if let Err(error) = self.start(it.source, &name, it.settings, socket, gauges).await {
                error!(name, %error, "cannot take lines");
            }
        }
    }

    async fn start(
        &mut self,
        source: SourceId,
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
        let (settings, seen) = watch::channel(settings);
        let (budget, ids, to, stop) = (Arc::clone(budget), Arc::clone(ids), to.clone(), stop.child_token());
        let peers = TcpSource { source, listener, settings: seen, budget, ids, gauges, to };
        // Where nobody takes it, everything ends anyway.
        self.start.send((peers, stop.clone())).await.ok();
        self.running.insert(name.to_owned(), Running { settings, stop, socket, address });
        Ok(())
    }
}

/// Runs the sources that come until it is told to stop, and then waits for their last bytes.
async fn own(mut started: mpsc::Receiver<(TcpSource, CancellationToken)>, stop: CancellationToken) {
    let mut sources = JoinSet::new();
    loop {
        // All are cancel-safe.
        tokio::select! {
            () = stop.cancelled() => break,
            Some((source, stop)) = started.recv() => drop(sources.spawn(source.run(stop))),
            Some(end) = sources.join_next() => pass_on_panic(end),
        }
    }
    while let Some(end) = sources.join_next().await {
        pass_on_panic(end);
    }
}

fn pass_on_panic(end: Result<(), JoinError>) {
    if let Err(error) = end
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}
