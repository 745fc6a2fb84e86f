//! Newline-delimited bytes over TCP, with or without TLS: one stream per connection.
//!
//! While the pipeline is busy, connections are not read; the kernel's receive window fills and the sender waits. A
//! [`MemoryBudget`](super::budget::MemoryBudget) bounds the bytes of all connections that are queued or unfinished. The protocol has no acknowledgement,
//! so delivery is at most once: bytes in the kernel's buffer are lost when the process ends without a shutdown.

use super::accept::{
    ConnectionSlot, ConnectionSlots, ListeningSource, Settings, TLS_HANDSHAKE_TIMEOUT, accept, changed, warn_if_public,
};
use super::budget::{Reservation, ReservedBytes};
use super::chunk::{CHUNK_BYTES, chunk_event, open_event};
use super::octets::OctetFrames;
use super::{Gauges, SourceMessage};
use crate::framing::StreamId;
use crate::observation::SourceId;
use crate::pipeline::Event;
use crate::time::Timestamp;
use bytes::{BufMut, Bytes, BytesMut};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

/// At shutdown a connection reads what the kernel has already received, up to this many bytes.
const MAX_SHUTDOWN_BYTES: usize = 4 * 1024 * 1024;

/// At shutdown, a connection that receives nothing for this long is done. The runtime notices received bytes with a delay.
const SHUTDOWN_QUIET: Duration = Duration::from_millis(20);

/// Accepts connections until `stop`, then reads what the kernel has received and returns.
pub async fn run(source: ListeningSource, stop: CancellationToken) {
    let ListeningSource { source, listener, mut settings, budget, ids, gauges, to } = source;
    warn_if_public(&listener, true, "TCP sources have no authentication");
    gauges.piped.store(true, Ordering::Relaxed);
    let slots = Arc::new(ConnectionSlots::default());
    let tracker = TaskTracker::new();
    // Cancel-safe: a connection that is not accepted yet stays in the backlog.
    while let Some((socket, peer)) = stop.run_until_cancelled(accept(&listener, &slots, &mut settings)).await {
        debug!(%peer, "connection opened");
        let tls = settings.borrow().tls.clone();
        let connection = AcceptedConnection {
            socket,
            tls,
            source,
            stream: ids.next(),
            settings: settings.clone(),
            reservation: budget.open(Arc::clone(&gauges)),
            gauges: Arc::clone(&gauges),
            to: to.clone(),
            _slot: ConnectionSlot::new(&slots),
        };
        let stop = stop.clone();
        tracker.spawn(async move {
            match connection.run(stop).await {
                CloseReason::Failed(error) => info!(%peer, %error, "connection failed"),
                CloseReason::Slow => warn!(%peer, "closed slow connection in the middle of a line: buffer limit reached"),
                reason => debug!(%peer, ?reason, "connection closed"),
            }
        });
    }
    drop(listener);
    tracker.close();
    tracker.wait().await;
}

/// Why a connection was closed.
#[derive(Debug)]
enum CloseReason {
    Eof,
    Idle,
    Slow,
    Stopped,
    Failed(io::Error),
}

/// A connection before its TLS handshake, if it needs one.
struct AcceptedConnection {
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    source: SourceId,
    stream: StreamId,
    settings: watch::Receiver<Settings>,
    reservation: Arc<Reservation>,
    gauges: Arc<Gauges>,
    to: mpsc::Sender<SourceMessage>,
    _slot: ConnectionSlot,
}

impl AcceptedConnection {
    async fn run(self, stop: CancellationToken) -> CloseReason {
        let Self { socket, tls, source, stream, settings, reservation, gauges, to, _slot } = self;
        let socket = match tls {
            None => Socket::Plain(socket),
            Some(tls) => match stop.run_until_cancelled(timeout(TLS_HANDSHAKE_TIMEOUT, tls.accept(socket))).await {
                None => return CloseReason::Stopped,
                Some(Err(_elapsed)) => return CloseReason::Idle,
                Some(Ok(Err(error))) => return CloseReason::Failed(error),
                Some(Ok(Ok(socket))) => Socket::Tls(Box::new(socket)),
            },
        };
        let octets = OctetFrames::default();
        Connection { socket, source, stream, settings, reservation, gauges, to, octets, offset: 0 }.run(&stop).await
    }
}

enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What a socket has received.
enum Received {
    /// The kernel holds bytes, or the end of the stream; they are read once memory is reserved for them.
    InKernel,
    /// Bytes that TLS has decrypted; empty at the end of the stream.
    Decrypted(BytesMut),
}

impl Socket {
    /// Waits for bytes. Cancel-safe: a cancelled call takes no bytes from the socket.
    async fn receive(&mut self) -> io::Result<Received> {
        match self {
            Self::Plain(socket) => socket.readable().await.map(|()| Received::InKernel),
            Self::Tls(socket) => {
                // A TLS record has at most this many bytes.
                let mut buffer = BytesMut::with_capacity(CHUNK_BYTES / 4);
                match socket.read_buf(&mut buffer).await {
                    // Many peers close without a TLS close_notify. Whether the last line is complete shows in the line itself.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Received::Decrypted(buffer)),
                    read => read.map(|_| Received::Decrypted(buffer)),
                }
            }
        }
    }

    /// Reads at most `max_bytes` from the kernel, without waiting; `None` if the wake-up was spurious.
    fn read_available(&self, max_bytes: usize) -> io::Result<Option<BytesMut>> {
        let Self::Plain(socket) = self else { return Ok(None) };
        let mut buffer = BytesMut::with_capacity(max_bytes).limit(max_bytes);
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
    reservation: Arc<Reservation>,
    gauges: Arc<Gauges>,
    to: mpsc::Sender<SourceMessage>,
    octets: OctetFrames,
    /// Of the lines that were sent.
    offset: u64,
}

impl Connection {
    async fn run(mut self, stop: &CancellationToken) -> CloseReason {
        self.gauges.files.fetch_add(1, Ordering::Relaxed);
        let reason = self.pump(stop).await;
        self.gauges.files.fetch_sub(1, Ordering::Relaxed);
        reason
    }

    async fn pump(&mut self, stop: &CancellationToken) -> CloseReason {
        let open =
            SourceMessage { reservation: Some(Arc::clone(&self.reservation)), ..open_event(self.stream, self.source).into() };
        if self.to.send(open).await.is_err() {
            return CloseReason::Stopped;
        }
        let reason = loop {
            let idle = self.settings.borrow_and_update().limits.idle;
            let excess_time_left = self.reservation.excess_time_left();
            let began = Instant::now();
            let received = tokio::select! {
                () = stop.cancelled() => break self.read_last_bytes(stop).await,
                () = changed(&mut self.settings) => continue,
                received = timeout(excess_time_left.map_or(idle, |left| left.min(idle)), self.socket.receive()) => received,
            };
            if excess_time_left.is_some() {
                self.reservation.add_excess_time(began);
            }
            let received = match received {
                Ok(received) => received,
                Err(_elapsed) if excess_time_left.is_some_and(|left| left < idle) => break CloseReason::Slow,
                Err(_elapsed) => break CloseReason::Idle,
            };
            if let Err(reason) = self.forward_received(received, stop).await {
                break reason;
            }
        };
        let held = self.octets.finish();
        if self.send(held, Timestamp::from_system(SystemTime::now())).await.is_err() {
            return CloseReason::Stopped;
        }
        match self.to.send(Event::Close(self.stream).into()).await {
            Ok(()) => reason,
            Err(_) => CloseReason::Stopped,
        }
    }

    /// Sends what the socket has received to the pipeline, as fast as the budget allows.
    async fn forward_received(&mut self, received: io::Result<Received>, stop: &CancellationToken) -> Result<(), CloseReason> {
        match received.map_err(CloseReason::Failed)? {
            Received::InKernel => {
                let reserved = self.reservation.reserve(CHUNK_BYTES, stop).await;
                let read = self.socket.read_available(reserved);
                let len = read.as_ref().map_or(0, |bytes| bytes.as_ref().map_or(0, BytesMut::len));
                self.reservation.release(reserved - len);
                match read.map_err(CloseReason::Failed)? {
                    None => Ok(()),
                    Some(bytes) if bytes.is_empty() => Err(CloseReason::Eof),
                    Some(bytes) => self.forward(bytes).await,
                }
            }
            Received::Decrypted(bytes) if bytes.is_empty() => Err(CloseReason::Eof),
            Received::Decrypted(mut bytes) => {
                while !bytes.is_empty() {
                    let reserved = self.reservation.reserve(bytes.len(), stop).await;
                    self.forward(bytes.split_to(reserved)).await?;
                }
                Ok(())
            }
        }
    }

    async fn forward(&mut self, bytes: BytesMut) -> Result<(), CloseReason> {
        let now = Timestamp::from_system(SystemTime::now());
        self.gauges.read_at(now);
        let read = bytes.len() as u64;
        self.gauges.seen_bytes.fetch_add(read, Ordering::Relaxed);
        // A small read must not pin a large buffer while it waits in the queue.
        let bytes = if bytes.len() < CHUNK_BYTES / 4 { bytes.to_vec() } else { bytes.into() };
        let bytes = self.octets.lines(bytes);
        self.send(bytes, now).await
    }

    async fn send(&mut self, bytes: Vec<u8>, now: Timestamp) -> Result<(), CloseReason> {
        let sent = bytes.len() as u64;
        if sent == 0 {
            return Ok(());
        }
        let bytes = Bytes::from_owner(ReservedBytes { bytes, reservation: Arc::clone(&self.reservation) });
        let chunk = chunk_event(self.stream, self.offset, bytes, now);
        self.to.send(chunk.into()).await.map_err(|_| CloseReason::Stopped)?;
        self.offset += sent;
        Ok(())
    }

    async fn read_last_bytes(&mut self, stop: &CancellationToken) -> CloseReason {
        let limit = self.offset + MAX_SHUTDOWN_BYTES as u64;
        while self.offset < limit {
            let Ok(received) = timeout(SHUTDOWN_QUIET, self.socket.receive()).await else { return CloseReason::Stopped };
            if let Err(reason) = self.forward_received(received, stop).await {
                return reason;
            }
        }
        info!(limit = MAX_SHUTDOWN_BYTES, "peer still writes during shutdown, not reading further");
        CloseReason::Stopped
    }
}
