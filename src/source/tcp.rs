//! Newline-delimited bytes over TCP: one stream per connection.
//!
//! A slow pipeline stops the reading; the kernel's window then fills and the sender waits. Nothing queues here beyond one
//! chunk per connection. A sender gets no acknowledgement, so from the kernel's buffer on it is at most once.

use super::{CHUNK, Gauges, Parcel, StreamIds, chunk_event, open_event};
use crate::classify::SourceId;
use crate::framing::StreamId;
use crate::pipeline::Event;
use crate::time::Timestamp;
use bytes::BytesMut;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
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
        Self { connections: 256, idle: Duration::from_secs(600) }
    }
}

/// Once told to stop, a connection hands over what the kernel holds already, up to this many bytes.
const LAST_BYTES: usize = 4 * 1024 * 1024;

/// A peer that has not agreed on TLS after this long is let go.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// And for as long as this passes without more of them: the runtime learns of arrived bytes only when it looks.
const LAST_WAIT: Duration = Duration::from_millis(20);

/// An address that takes connections, and where their bytes go.
pub struct TcpSource {
    /// The configured source.
    pub source: SourceId,
    /// Bound already, so that a taken port is a start error.
    pub listener: TcpListener,
    /// Caps.
    pub limits: Limits,
    /// What peers must speak; plain text where there is none.
    pub tls: Option<TlsAcceptor>,
    /// Numbers for the streams.
    pub ids: Arc<StreamIds>,
    /// What it tells of itself.
    pub gauges: Arc<Gauges>,
    /// The pipeline. Sends wait while it is busy.
    pub to: mpsc::Sender<Parcel>,
}

impl fmt::Debug for TcpSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpSource").field("source", &self.source).field("listener", &self.listener).finish_non_exhaustive()
    }
}

impl TcpSource {
    /// Takes connections until `stop`, then hands over what has arrived and returns.
    pub async fn run(self, stop: CancellationToken) {
        let Self { source, listener, limits, tls, ids, gauges, to } = self;
        warn_if_open(&listener);
        gauges.piped.store(true, Ordering::Relaxed);
        let places = Arc::new(Semaphore::new(limits.connections));
        let tracker = TaskTracker::new();
        // Both are cancel-safe: a connection that is not accepted yet stays in the backlog.
        while let Some(Some((socket, peer, permit))) = stop.run_until_cancelled(accept(&listener, &places)).await {
            debug!(%peer, "connection opened");
            let connection = Opening {
                socket,
                tls: tls.clone(),
                source,
                stream: ids.next(),
                idle: limits.idle,
                gauges: Arc::clone(&gauges),
                to: to.clone(),
                _permit: permit,
            };
            let stop = stop.clone();
            tracker.spawn(async move {
                match connection.run(stop).await {
                    End::Failed(error) => info!(%peer, %error, "connection broke"),
                    end => debug!(%peer, ?end, "connection closed"),
                }
            });
        }
        drop(listener);
        tracker.close();
        tracker.wait().await;
    }
}

/// `None` once the semaphore is closed, which nobody does.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    if places.available_permits() == 0 {
        info!("all connections are taken; new peers wait until one is closed");
    }
    let permit = Arc::clone(places).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => return Some((socket, peer, permit)),
            Err(error) => {
                // Out of file descriptors, or a peer that left at once: neither is a reason to stop listening.
                warn!(%error, "cannot accept a connection; trying again");
                sleep(Duration::from_millis(100)).await;
            }
        }
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
    Stopped,
    Failed(io::Error),
}

/// A connection that may have to agree on TLS first.
struct Opening {
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    source: SourceId,
    stream: StreamId,
    idle: Duration,
    gauges: Arc<Gauges>,
    to: mpsc::Sender<Parcel>,
    _permit: OwnedSemaphorePermit,
}

impl Opening {
    async fn run(self, stop: CancellationToken) -> End {
        let Self { socket, tls, source, stream, idle, gauges, to, _permit } = self;
        let socket = match tls {
            None => Socket::Plain(socket),
            Some(tls) => match stop.run_until_cancelled(timeout(HANDSHAKE, tls.accept(socket))).await {
                None => return End::Stopped,
                Some(Err(_elapsed)) => return End::Idle,
                Some(Ok(Err(error))) => return End::Failed(error),
                Some(Ok(Ok(socket))) => Socket::Tls(Box::new(socket)),
            },
        };
        Connection { socket, source, stream, idle, gauges, to }.run(stop).await
    }
}

/// What bytes come from.
enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    /// What one read gives, waiting for it; nothing at the end. May be called off at any time: nothing is taken then.
    async fn read(&mut self) -> io::Result<BytesMut> {
        match self {
            // Made only when there is something to read: an idle peer holds no buffer.
            Self::Plain(socket) => loop {
                socket.readable().await?;
                let mut buffer = BytesMut::with_capacity(CHUNK);
                match socket.try_read_buf(&mut buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return read.map(|_| buffer),
                }
            },
            Self::Tls(socket) => {
                // A record is no longer than this.
                let mut buffer = BytesMut::with_capacity(CHUNK / 4);
                match socket.read_buf(&mut buffer).await {
                    // Many peers close without a word of TLS; the last line says itself whether it was cut.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(buffer),
                    read => read.map(|_| buffer),
                }
            }
        }
    }
}

struct Connection {
    socket: Socket,
    source: SourceId,
    stream: StreamId,
    idle: Duration,
    gauges: Arc<Gauges>,
    to: mpsc::Sender<Parcel>,
}

impl Connection {
    async fn run(mut self, stop: CancellationToken) -> End {
        self.gauges.files.fetch_add(1, Ordering::Relaxed);
        let end = self.pump(stop).await;
        self.gauges.files.fetch_sub(1, Ordering::Relaxed);
        end
    }

    async fn pump(&mut self, stop: CancellationToken) -> End {
        let mut offset = 0;
        if self.to.send(open_event(self.stream, self.source).into()).await.is_err() {
            return End::Stopped;
        }
        let end = loop {
            let read = match stop.run_until_cancelled(timeout(self.idle, self.socket.read())).await {
                None => break self.last_bytes(&mut offset).await,
                Some(Err(_elapsed)) => break End::Idle,
                Some(Ok(read)) => read,
            };
            if let Err(end) = self.forward(read, &mut offset).await {
                break end;
            }
        };
        match self.to.send(Event::Close(self.stream).into()).await {
            Ok(()) => end,
            Err(_) => End::Stopped,
        }
    }

    /// Hands over what one read gave.
    async fn forward(&self, read: io::Result<BytesMut>, offset: &mut u64) -> Result<(), End> {
        let buffer = read.map_err(End::Failed)?;
        let read = buffer.len();
        if read == 0 {
            return Err(End::Eof);
        }
        let now = Timestamp::from_system(SystemTime::now());
        self.gauges.read_at(now);
        // A small read must not pin a large buffer while it waits in the queue.
        let bytes = if read < CHUNK / 4 { bytes::Bytes::copy_from_slice(&buffer) } else { buffer.freeze() };
        self.to.send(chunk_event(self.stream, *offset, bytes, now).into()).await.map_err(|_| End::Stopped)?;
        *offset += read as u64;
        Ok(())
    }

    async fn last_bytes(&mut self, offset: &mut u64) -> End {
        let limit = *offset + LAST_BYTES as u64;
        while *offset < limit {
            let Ok(read) = timeout(LAST_WAIT, self.socket.read()).await else { break };
            if let Err(end) = self.forward(read, offset).await {
                return end;
            }
        }
        End::Stopped
    }
}
