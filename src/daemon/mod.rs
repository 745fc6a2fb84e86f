//! Where everything meets: sources feed one bounded channel, one thread owns the pipeline at its other end, and the edge is
//! told what came of it.
//!
//! Ports and the state directory are taken before anything runs, so what cannot work is a start error. After that nothing
//! that input or the outside does ends the process; the end of a task that nobody asked for does.

mod assemble;
mod notify;
mod peers;
mod phase;
mod reload;
mod receivers;
mod signals;
mod sockets;
mod verdicts;
mod worker;

pub use assemble::{Plan, ServeError, identity, rules, runbook_url, serve};
pub use peers::PeerSource;
pub use phase::{Phase, Phases};
pub use receivers::receiver_place;
pub use reload::SourceList;
pub use signals::{Shutdown, watch_signals};
pub use worker::{Edge, PersistedState};

use crate::admin::ReloadRequest;
use crate::checkpoint::{self, Checkpoint, Health, Loaded, MAX_STARTS, Store, Writer};
use crate::config::{Config, Output, Source, SourceKind};
use crate::framing::StreamId;
use crate::observation::SourceId;
use crate::pipeline::{Event, Pipeline, Replacement};
use crate::source::budget::MemoryBudget;
use crate::source::file::{FileKey, Hints, Options, OwnFiles, PatternError, Positions, ResumeState, Tailer};
use crate::source::tcp::Settings;
use crate::source::tls::TlsError;
use crate::source::{self, ClockReading, Gauges, SourceMessage, StreamIds, stdin};
use peers::{Peers, Shared};
use sockets::Passed;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use verdicts::Verdicts;
use worker::Worker;

/// How long the end may take: below the 30 s that Kubernetes gives.
const GRACE: Duration = Duration::from_secs(20);

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process has the port, or the address is not ours.
    #[error("cannot listen on {address} for {what}")]
    Bind {
        /// What it is for.
        what: String,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The state directory is taken, or holds what must not be ignored.
    #[error(transparent)]
    State(#[from] checkpoint::StartError),
    /// A pattern of files is none; the configuration's check finds it earlier.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// Peers cannot be talked to as they must.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Verdicts cannot be written.
    #[error("cannot write verdicts to {}", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// Why the daemon ended though nobody asked, or not as it should.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A task came to its end by itself: a fault of ours.
    #[error("{task} ended by itself; this is a fault of llm-triage")]
    Ended {
        /// Which.
        task: &'static str,
    },
    /// A task panicked.
    #[error("{task} panicked; this is a fault of llm-triage")]
    Panicked {
        /// Which.
        task: &'static str,
    },
    /// The end took longer than the grace time; what was not handled is read again at the next start.
    #[error("could not end within {} s; what was not handled will be read again", GRACE.as_secs())]
    Grace,
    /// A second signal.
    #[error("ended at once by a second signal; what was not handled will be read again")]
    Aborted,
}

/// What the edge is built from.
#[derive(Debug)]
pub struct Bound {
    /// What the last process left, if it did.
    pub persisted: Option<PersistedState>,
    /// Per source, in the order of their ids: name and gauges. A reload adds to them.
    pub sources: SourceList,
    /// How writing checkpoints goes.
    pub health: Arc<Health>,
    /// Verdicts that could not be written.
    pub lost_verdicts: Arc<AtomicU64>,
    /// What the kernel says of the files.
    pub hints: Arc<Hints>,
    /// Where the daemon stands.
    pub phases: Phases,
}

/// A daemon that holds its ports and its state directory, and has not begun to read.
#[derive(Debug)]
pub struct Daemon {
    config: Config,
    http: TcpListener,
    tcp: Vec<PeerSource>,
    tailer: Tailer,
    ledger: Positions,
    writer: Writer,
    output: Option<Verdicts>,
    hints: Arc<Hints>,
    /// The checkpoint that we begin with, as one that was begun with once more.
    begun: Option<Vec<u8>>,
    ids: Arc<StreamIds>,
    phases: Phases,
    sources: SourceList,
    starts: u32,
    parts: Bound,
}

impl Daemon {
    /// Takes ports and state directory, and reads what the last process left.
    ///
    /// # Errors
    ///
    /// Where one of them is not to be had.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        let mut passed = Passed::from_environment();
        let what = "metrics and status";
        let http = bind(passed.take("http", config.listen), config.listen, what)?;
        let in_runtime = http.set_nonblocking(true).and_then(|()| TcpListener::from_std(http));
        let http = in_runtime.map_err(|source| StartError::Bind { what: what.to_owned(), address: config.listen, source })?;
        let mut tcp = Vec::new();
        for (source, it) in sources(&config) {
            if let SourceKind::Tcp { listen: address, limits, tls } = &it.kind {
                let tls = tls.as_ref().map(|it| it.load(config.secrets().as_deref())).transpose()?;
                let socket = bind(passed.take(&it.name, *address), *address, &it.name)?;
                let settings = Settings { limits: *limits, tls };
                tcp.push(PeerSource { source, name: it.name.clone(), address: *address, socket: Some(socket), settings });
            }
        }
        passed.warn_of_rest();
        let store = Store::open(&config.state_dir)?;
        let mut before = match store.load::<PersistedState>()? {
            Loaded::Good(checkpoint) => *checkpoint,
            Loaded::Nothing | Loaded::Corrupt => Checkpoint::default(),
        };
        let skip_backlog = before.starts >= MAX_STARTS;
        if skip_backlog {
            let starts = before.starts;
            error!(starts, "the last starts from this checkpoint all ended badly; skipping the backlog and counting it");
            if before.restoring && before.state.take().is_some() {
                error!("the last of them ended while it took up the state; windows and alerts begin anew");
            }
        }
        let starts = if skip_backlog { 0 } else { before.starts + 1 };
        // If the state itself ends the process, the next one must know that it was tried.
        (before.starts, before.restoring) = (starts, true);
        let begun = before.state.is_some().then(|| checkpoint::encode(&before).ok()).flatten();
        let Checkpoint { written: _, starts: _, restoring: _, sources: known, positions, state } = before;
        let lost_verdicts = Arc::new(AtomicU64::new(0));
        let open_output = |it: &Output| Verdicts::open(it, Arc::clone(&lost_verdicts));
        let output = config.output.as_ref().map(open_output).transpose();
        let output = output.map_err(|it| StartError::Output { path: it.path, source: it.source })?;
        let sources = SourceList::default();
        sources.extend(&config.sources);
        let ids = Arc::new(StreamIds::above(positions.iter().map(|it| StreamId(it.stream))));
        let ledger = Positions::new(positions.clone());
        let memory = ResumeState { positions, sources: known, skip_backlog };
        let tailer = Tailer::new(file_options(&config.sources, &sources), memory, own(&config), Arc::clone(&ids))?;
        let health = Arc::new(Health::default());
        let writer = Writer::spawn(store, Arc::clone(&health)).map_err(StartError::Thread)?;
        let phases = Phases::default();
        let hints = Arc::new(Hints::default());
        let (told, list, phase) = (Arc::clone(&hints), sources.clone(), phases.clone());
        let parts = Bound { persisted: state, sources: list, health, lost_verdicts, hints: told, phases: phase };
        Ok(Self { config, http, tcp, tailer, ledger, writer, output, hints, begun, ids, phases, sources, starts, parts })
    }

    /// Where the HTTP server will listen; its port was chosen by the system where the configuration said 0.
    ///
    /// # Errors
    ///
    /// Where the system does not tell.
    pub fn http_address(&self) -> io::Result<SocketAddr> {
        self.http.local_addr()
    }

    /// Where it stands, to be asked or waited for.
    pub fn phases(&self) -> Phases {
        self.phases.clone()
    }

    /// The same of the TCP sources.
    ///
    /// # Errors
    ///
    /// Where the system does not tell.
    pub fn tcp_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.tcp.iter().filter_map(|it| it.socket.as_ref()).map(|it| it.local_addr()).collect()
    }

    /// Reads, classifies and tells until `shutdown`. `build` makes the pipeline and the edge; `serve` serves HTTP until its
    /// token is cancelled, which comes last; `reload` makes new rules and says what it took over, or why it took nothing; it
    /// is asked for by a signal or through `asked`.
    ///
    /// # Errors
    ///
    /// Where the end was not asked for, or took too long.
    pub async fn run<E, S>(
        self,
        build: impl FnOnce(Bound) -> (Pipeline, E),
        serve: impl FnOnce(TcpListener, CancellationToken) -> S,
        reload: impl FnMut() -> Reloaded + Send + 'static,
        asked: mpsc::Receiver<ReloadRequest>,
        shutdown: Shutdown,
    ) -> Result<(), RunError>
    where
        E: Edge,
        S: Future<Output = ()> + Send + 'static,
    {
        let Self { config, http, tcp, tailer, ledger, writer, output, hints, begun, ids, phases, sources, starts, parts } =
            self;
        if let Some(begun) = begun {
            writer.write(begun);
        }
        let (pipeline, edge) = build(parts);
        // Bounded by `QUEUE_MESSAGES` chunks of at most `CHUNK_BYTES` bytes. Sources wait when it is full; nothing else sends into it but the
        // tick and the end.
        let (to, from) = mpsc::channel(source::QUEUE_MESSAGES);
        let files = config.sources.iter().filter(|it| matches!(it.kind, SourceKind::File { .. }));
        let followed: BTreeSet<String> = files.map(|it| it.name.clone()).collect();
        let worker = Worker { pipeline, ledger, writer, edge, followed, starts, output, holds: HashMap::new() };
        let mut tasks = Tasks::default();
        let stop = CancellationToken::new();
        let last = CancellationToken::new();
        let serving = serve(http, last.clone());
        tasks.spawn("the HTTP server", serving);
        let handled = tasks.thread("the pipeline", move || worker.run(from));
        {
            let (hints, to) = (Arc::clone(&hints), to.clone());
            tasks.readers.spawn_blocking(move || tailer.run(&hints, &to));
        }
        let gauges: Vec<Arc<Gauges>> = sources.all().into_iter().map(|(_, it)| it).collect();
        let room = usize::try_from(config.tcp_buffer.0).unwrap_or(usize::MAX);
        let shared = Shared { budget: MemoryBudget::new(room, 1), ids: Arc::clone(&ids), to: to.clone(), stop: stop.clone() };
        let (mut peers, owner) = Peers::new(shared);
        tasks.readers.spawn(owner);
        peers.set(tcp, &gauges, room).await;
        let stdin = start_stdin(&config, &gauges, &ids, &to);
        tasks.readers.spawn(tick(to.clone(), phases.clone(), stop.clone()));
        let told = Told { signal: Arc::clone(&shutdown.reload), asked };
        let readers = Readers { sources, hints: Arc::clone(&hints), peers, to: to.clone() };
        tasks.readers.spawn(reload_when_told(reload, told, readers, stop.clone()));
        // Whoever waits for this and then writes a new file must not find it taken for one that was there before.
        let ready = async {
            hints.first_scan().await;
            phases.enter(Phase::Ready);
            info!(sources = config.sources.len(), "ready");
            std::future::pending().await
        };

        let only_stdin = config.sources.len() == 1;
        let asked = tokio::select! {
            // First, so that a short stdin does not end before it was ready.
            biased;
            asked = ready => asked,
            () = shutdown.drain.cancelled() => Ok(()),
            () = stdin_end(stdin, only_stdin) => Ok(()),
            fault = tasks.first_end() => Err(fault),
        };
        phases.enter(Phase::Draining);
        stop.cancel();
        hints.stop();
        let ended = tokio::select! {
            ended = drain(&mut tasks, to, handled, asked.is_ok()) => ended,
            () = shutdown.abort.cancelled() => Err(RunError::Aborted),
        };
        last.cancel();
        if asked.is_ok() && ended.is_ok() {
            timeout(Duration::from_secs(1), tasks.fixed.join_next()).await.ok();
        }
        phases.enter(Phase::Stopped);
        asked.and(ended)
    }
}

/// Lets the sources come to their end, then tells the pipeline that nothing more comes, and waits for it.
async fn drain(
    tasks: &mut Tasks,
    to: mpsc::Sender<SourceMessage>,
    handled: oneshot::Receiver<()>,
    asked: bool,
) -> Result<(), RunError> {
    let until = Instant::now() + GRACE;
    let readers = async {
        while let Some(end) = tasks.readers.join_next().await {
            Tasks::judge("a source", end)?;
        }
        // A thread that sits in a read of stdin holds a sender as well, so the channel does not close by itself.
        match to.send(Event::Drain.into()).await {
            Ok(()) => Ok(()),
            Err(_) => Err(RunError::Ended { task: "the pipeline" }),
        }
    };
    let all = async {
        readers.await?;
        handled.await.map_err(|_| RunError::Panicked { task: "the pipeline" })
    };
    match timeout_at(until, all).await {
        Ok(ended) => ended,
        Err(_) if asked => Err(RunError::Grace),
        // The fault that brought us here is the one to tell.
        Err(_) => Ok(()),
    }
}

/// Everything that runs, so that no end goes unnoticed.
#[derive(Default)]
struct Tasks {
    /// End when they are told to.
    readers: JoinSet<()>,
    /// End last.
    fixed: JoinSet<&'static str>,
}

impl Tasks {
    fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.fixed.spawn(async move {
            task.await;
            name
        });
    }

    /// A thread of the operating system; what is returned resolves when it ended well.
    fn thread(&mut self, name: &'static str, run: impl FnOnce() + Send + 'static) -> oneshot::Receiver<()> {
        let (ended, end) = oneshot::channel();
        let (lost, loss) = oneshot::channel::<()>();
        let body = move || {
            // Dropped in any case, also by a panic.
            let _lost = lost;
            run();
            ended.send(()).ok();
        };
        if let Err(error) = std::thread::Builder::new().name("pipeline".into()).spawn(body) {
            error!(%error, name, "cannot start a thread");
        }
        self.fixed.spawn(async move {
            loss.await.ok();
            name
        });
        end
    }

    /// The first task to end, which none should.
    async fn first_end(&mut self) -> RunError {
        tokio::select! {
            Some(end) = self.readers.join_next() => match Self::judge("a source", end) {
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

    fn judge(task: &'static str, end: Result<(), JoinError>) -> Result<(), RunError> {
        end.map_err(|error| if error.is_panic() { RunError::Panicked { task } } else { RunError::Ended { task } })
    }
}

/// Listens, on a socket that was passed to us where there is one.
fn bind(passed: Option<std::net::TcpListener>, address: SocketAddr, what: &str) -> Result<std::net::TcpListener, StartError> {
    let bound = passed.map_or_else(|| std::net::TcpListener::bind(address), Ok);
    bound.map_err(|source| StartError::Bind { what: what.to_owned(), address, source })
}

fn sources(config: &Config) -> impl Iterator<Item = (SourceId, &crate::config::Source)> {
    (0..).map(SourceId).zip(&config.sources)
}

/// The sources of files, each with its number.
fn file_options(config: &[Source], list: &SourceList) -> Vec<Options> {
    let mut all = Vec::new();
    for ((source, it), (_, gauges)) in (0..).map(SourceId).zip(config).zip(list.all()) {
        if let SourceKind::File { paths, exclude, start_at } = &it.kind {
            let (name, paths, exclude) = (it.name.clone(), paths.clone(), exclude.clone());
            all.push(Options { source, name, paths, exclude, start_at: *start_at, gauges });
        }
    }
    all
}

/// What must never be read: it would grow by being read.
fn own(config: &Config) -> OwnFiles {
    let mut files = OwnFiles::streams();
    let mut dirs = vec![config.state_dir.clone()];
    if let Some(Output::File(path)) = &config.output {
        files.extend(std::fs::metadata(path).ok().map(|it| FileKey::of(&it)));
        // What stands there after a rotation is ours as well.
        dirs.extend(std::path::absolute(path));
    }
    // Kubernetes gives a pod its own name as host name, and the chart gives the namespace.
    let name = std::env::var("POD_NAME").or_else(|_| std::env::var("HOSTNAME"));
    let pod = match (name, std::env::var("POD_NAMESPACE")) {
        (Ok(name), Ok(namespace)) => Some([format!("{namespace}_{name}"), format!("{name}_{namespace}")]),
        _ => None,
    };
    OwnFiles { files, dirs, pod }
}

fn start_stdin(
    config: &Config,
    gauges: &[Arc<Gauges>],
    ids: &StreamIds,
    to: &mpsc::Sender<SourceMessage>,
) -> Option<oneshot::Receiver<stdin::End>> {
    let (source, _) = sources(config).find(|(_, it)| it.kind == SourceKind::Stdin)?;
    let gauges = Arc::clone(&gauges[usize::from(source.0)]);
    match stdin::spawn(io::stdin(), source, ids.next(), gauges, to.clone()) {
        Ok(ended) => Some(ended),
        Err(error) => {
            error!(%error, "cannot read standard input: no thread");
            None
        }
    }
}

/// Resolves when stdin ended and there is nothing else to read.
async fn stdin_end(ended: Option<oneshot::Receiver<stdin::End>>, only: bool) {
    if let Some(ended) = ended {
        match ended.await {
            Ok(stdin::End::Failed(error)) => warn!(%error, "cannot read standard input any further"),
            Ok(stdin::End::Eof | stdin::End::Stopped) | Err(_) => info!("standard input ended"),
        }
        if only {
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// What is in force from now on, or why nothing is taken over.
pub type Reloaded = Result<Reload, String>;

/// A configuration that was read again.
#[derive(Debug)]
pub struct Reload {
    /// What the pipeline puts in force.
    pub replacement: Replacement,
    /// The sources, each in its place, as the configuration says them.
    pub sources: Vec<Source>,
    /// Those of them that listen; what is new among them is bound already.
    pub peers: Vec<PeerSource>,
    /// Room for the bytes of all peers.
    pub room: usize,
    /// What to say of it.
    pub answer: String,
}

/// Whoever a reload concerns.
struct Readers {
    sources: SourceList,
    hints: Arc<Hints>,
    peers: Peers,
    to: mpsc::Sender<SourceMessage>,
}

impl Readers {
    /// The pipeline first: it must know a source before bytes of it come. False when it takes nothing any more.
    async fn take_over(&mut self, reload: Reload) -> bool {
        let Reload { replacement, sources, peers, room, answer: _ } = reload;
        self.sources.extend(&sources);
        let taken = self.to.send(Event::Reload(Box::new(replacement)).into()).await.is_ok();
        self.hints.set_sources(file_options(&sources, &self.sources));
        let gauges: Vec<Arc<Gauges>> = self.sources.all().into_iter().map(|(_, it)| it).collect();
        self.peers.set(peers, &gauges, room).await;
        taken
    }
}

/// By what ways a reload is asked for.
struct Told {
    signal: Arc<Notify>,
    asked: mpsc::Receiver<ReloadRequest>,
}

/// New rules take their place between two chunks, so that none is judged by half of each.
async fn reload_when_told(mut reload: impl FnMut() -> Reloaded, mut told: Told, mut readers: Readers, stop: CancellationToken) {
    loop {
        // All are cancel-safe: a notification or a request that was not taken is kept.
        let request = tokio::select! {
            () = stop.cancelled() => return,
            () = told.signal.notified() => None,
            Some(request) = told.asked.recv() => Some(request),
        };
        let answer = match reload() {
            Ok(reload) => {
                let answer = reload.answer.clone();
                if !readers.take_over(reload).await {
                    return;
                }
                info!(answer, "reload");
                Ok(answer)
            }
            Err(fault) => {
                error!(fault, "nothing was reloaded; the old configuration stays");
                Err(fault)
            }
        };
        if let Some(request) = request {
            // Whoever asked may have gone.
            request.reply.send(answer).ok();
        }
    }
}

/// A second goes by. A tick waits behind the chunks that came before it, so the pipeline sees time and bytes in order.
///
/// The first waits until the files have been looked at: whether there is a backlog must be known before time goes on.
async fn tick(to: mpsc::Sender<SourceMessage>, phases: Phases, stop: CancellationToken) {
    if stop.run_until_cancelled(phases.reached(Phase::Ready)).await.is_none() {
        return;
    }
    let mut last: Option<ClockReading> = None;
    let mut seconds = interval(Duration::from_secs(1));
    // After a stall one tick says as much as many.
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(seconds.tick()).await.is_some() {
        let now = ClockReading::now();
        // Nobody listened before the first, so it is a leap too.
        let event = match last.replace(now) {
            Some(last) if !now.leaps_from(last) => Event::Tick(now.wall),
            Some(_) => {
                warn!("somebody has set the clock, or this machine slept; windows go on from now");
                Event::ClockStep(now.wall)
            }
            None => Event::ClockStep(now.wall),
        };
        if to.send(event.into()).await.is_err() {
            return;
        }
    }
}
