//! Takes what the daemon needs before it reads a byte: ports, the state directory, the last checkpoint, the output file.

use super::listening::{Listening, SettingsError};
use super::peers::PeerSource;
use super::phase::Phases;
use super::sockets::ActivatedSockets;
use super::sources::{SourceList, file_options, numbered};
use super::verdicts::VerdictWriter;
use super::worker::PersistedState;
use crate::checkpoint::{self, Checkpoint, Health, Loaded, MAX_STARTS, Store, Writer};
use crate::config::{Config, Output};
use crate::framing::StreamId;
use crate::source::StreamIds;
use crate::source::file::{FileKey, Hints, OwnFiles, PatternError, Positions, ResumeState, Tailer};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::net::TcpListener;
use tracing::error;

/// What the HTTP server is for, in messages.
const HTTP: &str = "metrics and status";

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process uses the port, or the address is not one of this machine.
    #[error("cannot listen on {address} for {what}")]
    Bind {
        /// What would listen there: a source, or the HTTP server.
        what: String,
        /// The address.
        address: SocketAddr,
        /// The reason.
        source: io::Error,
    },
    /// Another process uses the state directory, or it holds a checkpoint that must not be ignored.
    #[error(transparent)]
    State(#[from] checkpoint::StartError),
    /// Invalid glob pattern. The check of the configuration reports it earlier.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// A certificate, a key or a token of a source cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The file of verdicts cannot be opened.
    #[error("cannot write verdicts to {}", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The thread that writes checkpoints did not start.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// What the pipeline and the edge are built from, once ports and state are taken.
#[derive(Debug)]
pub struct Bound {
    /// What the last process saved, if there was one.
    pub persisted: Option<PersistedState>,
    /// Names and gauges of the sources. A reload adds to them.
    pub sources: SourceList,
    /// Whether checkpoints are written.
    pub health: Arc<Health>,
    /// Number of verdicts that could not be written.
    pub lost_verdicts: Arc<AtomicU64>,
    /// Wake-ups of the file sources; it counts overflows.
    pub hints: Arc<Hints>,
}

/// A daemon that holds its ports and its state directory, and has not begun to read.
#[derive(Debug)]
pub struct Daemon {
    pub(super) config: Config,
    pub(super) http: TcpListener,
    pub(super) peers: Vec<PeerSource>,
    pub(super) tailer: Tailer,
    pub(super) positions: Positions,
    pub(super) writer: Writer,
    pub(super) output: Option<VerdictWriter>,
    pub(super) hints: Arc<Hints>,
    /// The checkpoint from which this start resumes, marked as tried once more. `None` without a saved state.
    pub(super) marked_checkpoint: Option<Vec<u8>>,
    pub(super) ids: Arc<StreamIds>,
    pub(super) phases: Phases,
    pub(super) sources: SourceList,
    pub(super) starts: u32,
    pub(super) bound: Bound,
}

impl Daemon {
    /// Takes ports and state directory, and loads the last checkpoint.
    ///
    /// # Errors
    ///
    /// If any of them is not available.
    #[expect(clippy::unused_async, reason = "binding needs the runtime that a caller of an async function has")]
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        let mut activated = ActivatedSockets::from_environment();
        // A source may have this name too: then the server finds its socket by the address only.
        let is_free = config.sources.iter().all(|source| source.name != "http");
        let http = bind(activated.take(if is_free { "http" } else { "" }, config.listen), config.listen, HTTP)?;
        let http = http.set_nonblocking(true).and_then(|()| TcpListener::from_std(http));
        let http = http.map_err(|source| StartError::Bind { what: HTTP.to_owned(), address: config.listen, source })?;
        let peers = bind_peers(&config, &mut activated)?;
        activated.warn_of_rest();
        let store = Store::open(&config.state_dir)?;
        let Resumed { starts, skip_backlog, marked_checkpoint, sources: known, positions, persisted } = resume(&store)?;
        let lost_verdicts = Arc::new(AtomicU64::new(0));
        let open_output = |output: &Output| VerdictWriter::open(output, Arc::clone(&lost_verdicts));
        let output = config.output.as_ref().map(open_output).transpose();
        let output = output.map_err(|error| StartError::Output { path: error.path, source: error.source })?;
        let sources = SourceList::default();
        sources.extend(&config.sources);
        let ids = Arc::new(StreamIds::above(positions.iter().map(|position| StreamId(position.stream))));
        let memory = ResumeState { positions: positions.clone(), sources: known, skip_backlog };
        let tailer = Tailer::new(file_options(&config.sources, &sources), memory, own_files(&config), Arc::clone(&ids))?;
        let health = Arc::new(Health::default());
        let writer = Writer::spawn(store, Arc::clone(&health)).map_err(StartError::Thread)?;
        let hints = Arc::new(Hints::default());
        let bound = Bound { persisted, sources: sources.clone(), health, lost_verdicts, hints: Arc::clone(&hints) };
        let (positions, phases) = (Positions::new(positions), Phases::default());
        Ok(Self {
            config,
            http,
            peers,
            tailer,
            positions,
            writer,
            output,
            hints,
            marked_checkpoint,
            ids,
            phases,
            sources,
            starts,
            bound,
        })
    }

    /// The address of the HTTP server; the system chose its port if the configuration says 0.
    ///
    /// # Errors
    ///
    /// If the system does not return it.
    pub fn http_address(&self) -> io::Result<SocketAddr> {
        self.http.local_addr()
    }

    /// The addresses of the TCP and HTTP sources.
    ///
    /// # Errors
    ///
    /// If the system does not return them.
    pub fn peer_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.peers.iter().filter_map(|peer| peer.socket.as_ref()).map(std::net::TcpListener::local_addr).collect()
    }

    /// The phase, to wait for.
    pub fn phases(&self) -> Phases {
        self.phases.clone()
    }
}

fn bind_peers(config: &Config, activated: &mut ActivatedSockets) -> Result<Vec<PeerSource>, StartError> {
    let mut peers = Vec::new();
    for (id, source) in numbered(&config.sources) {
        let Some(listening) = Listening::of(&source.kind) else { continue };
        let (address, protocol, name) = (listening.address, listening.protocol, source.name.clone());
        let settings = listening.settings(config.secrets().as_deref())?;
        let socket = Some(bind(activated.take(&source.name, address), address, &source.name)?);
        peers.push(PeerSource { source: id, name, protocol, address, socket, settings });
    }
    Ok(peers)
}

/// Uses the socket that systemd opened, or opens one.
fn bind(
    activated: Option<std::net::TcpListener>,
    address: SocketAddr,
    what: &str,
) -> Result<std::net::TcpListener, StartError> {
    let bound = activated.map_or_else(|| std::net::TcpListener::bind(address), Ok);
    bound.map_err(|source| StartError::Bind { what: what.to_owned(), address, source })
}

/// What the last checkpoint says, and what is made of it.
struct Resumed {
    /// How many processes started from the same checkpoint, this one included.
    starts: u32,
    skip_backlog: bool,
    marked_checkpoint: Option<Vec<u8>>,
    sources: std::collections::BTreeSet<String>,
    positions: Vec<crate::source::file::Position>,
    persisted: Option<PersistedState>,
}

/// Loads the last checkpoint. If every process that started from it ended badly, its backlog is skipped, and its state too if
/// the last of them ended while it restored the state.
fn resume(store: &Store) -> Result<Resumed, StartError> {
    let mut last = match store.load::<PersistedState>()? {
        Loaded::Good(checkpoint) => *checkpoint,
        Loaded::Nothing | Loaded::Corrupt => Checkpoint::default(),
    };
    let skip_backlog = last.starts >= MAX_STARTS;
    if skip_backlog {
        let starts = last.starts;
        error!(starts, "every start from this checkpoint ended badly, skipping the backlog; the skipped bytes are counted");
        if last.restoring && last.state.take().is_some() {
            error!("the last start ended while it restored the saved state; windows and alerts start empty");
        }
    }
    let starts = if skip_backlog { 0 } else { last.starts + 1 };
    // If the state itself ends the process, the next process must know that it was tried.
    (last.starts, last.restoring) = (starts, true);
    let marked_checkpoint = last.state.is_some().then(|| checkpoint::encode(&last).ok()).flatten();
    let Checkpoint { written: _, starts: _, restoring: _, sources, positions, state: persisted } = last;
    Ok(Resumed { starts, skip_backlog, marked_checkpoint, sources, positions, persisted })
}

/// Files that must never be read, because reading them makes them grow.
fn own_files(config: &Config) -> OwnFiles {
    let mut files = OwnFiles::streams();
    let mut dirs = vec![config.state_dir.clone()];
    if let Some(Output::File(path)) = &config.output {
        files.extend(std::fs::metadata(path).ok().map(|metadata| FileKey::of(&metadata)));
        // After a rotation, the new file at this path is ours as well.
        dirs.extend(std::path::absolute(path));
    }
    // Kubernetes sets the host name to the name of the pod, and the chart sets the namespace.
    let name = std::env::var("POD_NAME").or_else(|_| std::env::var("HOSTNAME"));
    let pod = match (name, std::env::var("POD_NAMESPACE")) {
        (Ok(name), Ok(namespace)) => Some([format!("{namespace}_{name}"), format!("{name}_{namespace}")]),
        _ => None,
    };
    OwnFiles { files, dirs, pod }
}
