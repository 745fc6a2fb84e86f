//! Newline-delimited bytes over TCP: one stream per connection.
//!
//! A slow pipeline stops the reading; the kernel's window then fills and the sender waits. What all peers have on the way or
//! unfinished is bounded by a [`MemoryBudget`]. A sender gets no acknowledgement, so from the kernel's buffer on it is at most once.

use super::budget::{Booked, MemoryBudget, Reservation};
use super::{CHUNK_BYTES, Gauges, SourceMessage, StreamIds, chunk_event, open_event};
use crate::framing::StreamId;
use crate::observation::SourceId;
use crate::pipeline::Event;
use crate::time::Timestamp;
use bytes::{BufMut, Bytes, BytesMut};
use std::fmt;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

/// How much one peer, or all of them, may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Further peers wait in the kernel's backlog.
    pub connections: usize,
    /// A peer that says nothing for this long is let go; its place may be needed.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 256, idle: Duration::from_mins(10) }
    }
}

/// What may change while peers are connected.
#[derive(Clone, Default)]
pub struct Settings {
    /// Caps: the number holds for new peers, the idle time for all.
    pub limits: Limits,
    /// What new peers must speak; plain text where there is none.
    pub tls: Option<TlsAcceptor>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("limits", &self.limits).field("tls", &self.tls.is_some()).finish()
    }
}

/// Once told to stop, a connection hands over what the kernel holds already, up to this many bytes.
const LAST_BYTES: usize = 4 * 1024 * 1024;

/// A peer that has not agreed on TLS after this long is let go.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// And for as long as this passes without more of them: the runtime learns of arrived bytes only when it looks.
const LAST_WAIT: Duration = Duration::from_millis(20);

/// No file descriptors are left: time for others to give some back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What goes on being wrong is said again after so long.
const SAY_AGAIN: Duration = Duration::from_mins(1);

/// An address that takes connections, and where their bytes go.
#[derive(Debug)]
pub struct TcpSource {
    /// The configured source.
    pub source: SourceId,
    /// Bound already, so that a taken port is a start error.
    pub listener: TcpListener,
    /// Caps, and TLS.
    pub settings: watch::Receiver<Settings>,
    /// The room that all peers of all such sources share.
    pub budget: Arc<MemoryBudget>,
    /// Numbers for the streams.
    pub ids: Arc<StreamIds>,
    /// What it tells of itself.
    pub gauges: Arc<Gauges>,
    /// The pipeline. Sends wait while it is busy.
    pub to: mpsc::Sender<SourceMessage>,
}

impl TcpSource {
    /// Takes connections until `stop`, then hands over what has arrived and returns.
    pub async fn run(self, stop: CancellationToken) {
        let Self { source, listener, mut settings, budget, ids, gauges, to } = self;
        warn_if_open(&listener);
        gauges.piped.store(true, Ordering::Relaxed);
        let places = Arc::new(ConnectionSlots::default());
        let tracker = TaskTracker::new();
        // Cancel-safe: a connection that is not accepted yet stays in the backlog.
        while let Some((socket, peer)) = stop.run_until_cancelled(accept(&listener, &places, &mut settings)).await {
            debug!(%peer, "connection opened");
            let tls = settings.borrow().tls.clone();
            let connection = Opening {
                socket,
                tls,
                source,
                stream: ids.next(),
                settings: settings.clone(),
                hold: budget.open(Arc::clone(&gauges)),
                gauges: Arc::clone(&gauges),
                to: to.clone(),
                _place: ConnectionSlot::new(&places),
            };
            let stop = stop.clone();
            tracker.spawn(async move {
                match connection.run(stop).await {
                    End::Failed(error) => info!(%peer, %error, "connection broke"),
                    End::Slow => warn!(%peer, "let go in the middle of a line: too slow while others waited for room"),
                    end => debug!(%peer, ?end, "connection closed"),
                }
            });
        }
        drop(listener);
        tracker.close();
        tracker.wait().await;
    }
}

/// How many peers are connected.
#[derive(Debug, Default)]
struct ConnectionSlots {
    taken: AtomicUsize,
    freed: Notify,
}

/// One of them, given back when it is dropped.
struct ConnectionSlot(Arc<ConnectionSlots>);

impl ConnectionSlot {
    fn new(places: &Arc<ConnectionSlots>) -> Self {
        places.taken.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(places))
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
        // Only one waits; where none does, the permit stays for it.
        self.0.freed.notify_one();
    }
}

/// The next peer, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &ConnectionSlots,
    settings: &mut watch::Receiver<Settings>,
) -> (TcpStream, SocketAddr) {
    let mut said = false;
    while places.taken.load(Ordering::Relaxed) >= settings.borrow_and_update().limits.connections {
        if !std::mem::replace(&mut said, true) {
            info!("all connections are taken; new peers wait until one is closed");
        }
        tokio::select! {
            () = places.freed.notified() => {}
            () = changed(settings) => {}
        }
    }
    let mut said: Option<Instant> = None;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                // Out of file descriptors, or a peer that left at once: neither is a reason to stop listening.
                if said.is_none_or(|it| it.elapsed() > SAY_AGAIN) {
                    warn!(%error, "cannot accept a connection; trying again");
                    said = Some(Instant::now());
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Resolves when there are other settings.
async fn changed(settings: &mut watch::Receiver<Settings>) {
    // Without anyone to set them they stay as they are.
    if settings.changed().await.is_err() {
        pending::<()>().await;
    }
}

fn warn_if_open(listener: &TcpListener) {
    if let Ok(address) = listener.local_addr()
        && !address.ip().is_loopback()
    {
        warn!(%address, "anyone who reaches this address can write log lines; there is no authentication");
    }
}

/// Why a connection was closed.
#[derive(Debug)]
enum End {
    Eof,
    Idle,
    Slow,
    Stopped,
    Failed(io::Error),
}

/// A connection that may have to agree on TLS first.
struct Opening {
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    source: SourceId,
    stream: StreamId,
    settings: watch::Receiver<Settings>,
    hold: Arc<Reservation>,
    gauges: Arc<Gauges>,
    to: mpsc::Sender<SourceMessage>,
    _place: ConnectionSlot,
}

impl Opening {
    async fn run(self, stop: CancellationToken) -> End {
        let Self { socket, tls, source, stream, settings, hold, gauges, to, _place } = self;
        let socket = match tls {
            None => Socket::Plain(socket),
            Some(tls) => match stop.run_until_cancelled(timeout(HANDSHAKE, tls.accept(socket))).await {
                None => return End::Stopped,
                Some(Err(_elapsed)) => return End::Idle,
                Some(Ok(Err(error))) => return End::Failed(error),
                Some(Ok(Ok(socket))) => Socket::Tls(Box::new(socket)),
            },
        };
        Connection { socket, source, stream, settings, hold, gauges, to, offset: 0 }.run(&stop).await
    }
}

/// What bytes come from.
enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What one look at a socket gave.
enum Arrived {
    /// Bytes, which can be taken once there is room for them.
    Some,
    /// Bytes that TLS has unpacked already; nothing at the end.
    These(BytesMut),
}

impl Socket {
    /// Waits for bytes. May be called off at any time: nothing is taken then.
    async fn arrived(&mut self) -> io::Result<Arrived> {
        match self {
            Self::Plain(socket) => socket.readable().await.map(|()| Arrived::Some),
            Self::Tls(socket) => {
                // A record is no longer than this.
                let mut buffer = BytesMut::with_capacity(CHUNK_BYTES / 4);
                match socket.read_buf(&mut buffer).await {
                    // Many peers close without a word of TLS; the last line says itself whether it was cut.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Arrived::These(buffer)),
                    read => read.map(|_| Arrived::These(buffer)),
                }
            }
        }
    }

    /// What there is, up to `room` bytes; `None` where it was only a rumour.
    fn take(&self, room: usize) -> io::Result<Option<BytesMut>> {
        let Self::Plain(socket) = self else { return Ok(None) };
        let mut buffer = BytesMut::with_capacity(room).limit(room);
        match socket.try_read_buf(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            read => read.map(|_| Some(buffer.into_inner())),
        }
    }
}

struct Connection {
    socket: Socket,
    source: SourceId,
    stream: StreamId,
    settings: watch::Receiver<Settings>,
    hold: Arc<Reservation>,
    gauges: Arc<Gauges>,
    to: mpsc::Sender<SourceMessage>,
    offset: u64,
}

impl Connection {
    async fn run(mut self, stop: &CancellationToken) -> End {
        self.gauges.files.fetch_add(1, Ordering::Relaxed);
        let end = self.pump(stop).await;
        self.gauges.files.fetch_sub(1, Ordering::Relaxed);
        end
    }

    async fn pump(&mut self, stop: &CancellationToken) -> End {
        let open = SourceMessage { reservation: Some(Arc::clone(&self.hold)), ..open_event(self.stream, self.source).into() };
        if self.to.send(open).await.is_err() {
            return End::Stopped;
        }
        let end = loop {
            let idle = self.settings.borrow_and_update().limits.idle;
            let patience = self.hold.patience();
            let began = Instant::now();
            let arrived = tokio::select! {
                () = stop.cancelled() => break self.last_bytes(stop).await,
                () = changed(&mut self.settings) => continue,
                arrived = timeout(patience.map_or(idle, |it| it.min(idle)), self.socket.arrived()) => arrived,
            };
            if patience.is_some() {
                self.hold.waited_for(began);
            }
            let arrived = match arrived {
                Ok(arrived) => arrived,
                Err(_elapsed) if patience.is_some_and(|it| it < idle) => break End::Slow,
                Err(_elapsed) => break End::Idle,
            };
            if let Err(end) = self.fetch(arrived, stop).await {
                break end;
            }
        };
        match self.to.send(Event::Close(self.stream).into()).await {
            Ok(()) => end,
            Err(_) => End::Stopped,
        }
    }

    /// Hands over what has arrived, as far as there is room for it.
    async fn fetch(&mut self, arrived: io::Result<Arrived>, stop: &CancellationToken) -> Result<(), End> {
        match arrived.map_err(End::Failed)? {
            Arrived::Some => {
                let room = self.hold.room(CHUNK_BYTES, stop).await;
                let taken = self.socket.take(room);
                let len = taken.as_ref().map_or(0, |it| it.as_ref().map_or(0, BytesMut::len));
                self.hold.give_back(room - len);
                match taken.map_err(End::Failed)? {
                    None => Ok(()),
                    Some(bytes) if bytes.is_empty() => Err(End::Eof),
                    Some(bytes) => self.forward(bytes).await,
                }
            }
            Arrived::These(bytes) if bytes.is_empty() => Err(End::Eof),
            Arrived::These(mut bytes) => {
                while !bytes.is_empty() {
                    let room = self.hold.room(bytes.len(), stop).await;
                    self.forward(bytes.split_to(room)).await?;
                }
                Ok(())
            }
        }
    }

    async fn forward(&mut self, bytes: BytesMut) -> Result<(), End> {
        let now = Timestamp::from_system(SystemTime::now());
        self.gauges.read_at(now);
        let read = bytes.len() as u64;
        self.gauges.seen_bytes.fetch_add(read, Ordering::Relaxed);
        // A small read must not pin a large buffer while it waits in the queue.
        let bytes = if bytes.len() < CHUNK_BYTES / 4 { bytes.to_vec() } else { bytes.into() };
        let bytes = Bytes::from_owner(Booked { bytes, hold: Arc::clone(&self.hold) });
        let chunk = chunk_event(self.stream, self.offset, bytes, now);
        self.to.send(chunk.into()).await.map_err(|_| End::Stopped)?;
        self.offset += read;
        Ok(())
    }

    async fn last_bytes(&mut self, stop: &CancellationToken) -> End {
        let limit = self.offset + LAST_BYTES as u64;
        while self.offset < limit {
            let Ok(arrived) = timeout(LAST_WAIT, self.socket.arrived()).await else { return End::Stopped };
            if let Err(end) = self.fetch(arrived, stop).await {
                return end;
            }
        }
        info!(limit = LAST_BYTES, "a peer goes on writing while we end; what it writes now is not read");
        End::Stopped
    }
}
