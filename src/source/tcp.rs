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
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{sleep, timeout};
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

/// And for as long as this passes without more of them: the runtime learns of arrived bytes only when it looks.
const LAST_WAIT: Duration = Duration::from_millis(20);

/// An address that takes connections, and where their bytes go.
#[derive(Debug)]
pub struct TcpSource {
    /// The configured source.
    pub source: SourceId,
    /// Bound already, so that a taken port is a start error.
    pub listener: TcpListener,
    /// Caps.
    pub limits: Limits,
    /// Numbers for the streams.
    pub ids: Arc<StreamIds>,
    /// What it tells of itself.
    pub gauges: Arc<Gauges>,
    /// The pipeline. Sends wait while it is busy.
    pub to: mpsc::Sender<Parcel>,
}

impl TcpSource {
    /// Takes connections until `stop`, then hands over what has arrived and returns.
    pub async fn run(self, stop: CancellationToken) {
        let Self { source, listener, limits, ids, gauges, to } = self;
        warn_if_open(&listener);
        gauges.piped.store(true, Ordering::Relaxed);
        let places = Arc::new(Semaphore::new(limits.connections));
        let tracker = TaskTracker::new();
        // Both are cancel-safe: a connection that is not accepted yet stays in the backlog.
        while let Some(Some((socket, peer, permit))) = stop.run_until_cancelled(accept(&listener, &places)).await {
            debug!(%peer, "connection opened");
            let connection = Connection {
                socket,
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

struct Connection {
    socket: TcpStream,
    source: SourceId,
    stream: StreamId,
    idle: Duration,
    gauges: Arc<Gauges>,
    to: mpsc::Sender<Parcel>,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    async fn run(self, stop: CancellationToken) -> End {
        self.gauges.files.fetch_add(1, Ordering::Relaxed);
        let end = self.pump(stop).await;
        self.gauges.files.fetch_sub(1, Ordering::Relaxed);
        end
    }

    async fn pump(&self, stop: CancellationToken) -> End {
        let mut offset = 0;
        if self.to.send(open_event(self.stream, self.source).into()).await.is_err() {
            return End::Stopped;
        }
        let end = loop {
            // Waiting for readiness takes nothing out of the socket, so it may be called off at any time.
            let ready = timeout(self.idle, self.socket.readable());
            match stop.run_until_cancelled(ready).await {
                None => break self.last_bytes(&mut offset).await,
                Some(Err(_elapsed)) => break End::Idle,
                Some(Ok(Err(error))) => break End::Failed(error),
                Some(Ok(Ok(()))) => {}
            }
            if let Err(end) = self.forward(&mut offset).await {
                break end;
            }
        };
        match self.to.send(Event::Close(self.stream).into()).await {
            Ok(()) => end,
            Err(_) => End::Stopped,
        }
    }

    /// Hands over what one read gives, if anything has come.
    async fn forward(&self, offset: &mut u64) -> Result<(), End> {
        // Made only when there is something to read: an idle peer holds no buffer.
        let mut buffer = BytesMut::with_capacity(CHUNK);
        let read = match self.socket.try_read_buf(&mut buffer) {
            Ok(0) => return Err(End::Eof),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(End::Failed(error)),
        };
        let now = Timestamp::from_system(SystemTime::now());
        self.gauges.read_at(now);
        // A small read must not pin a large buffer while it waits in the queue.
        let bytes = if read < CHUNK / 4 { bytes::Bytes::copy_from_slice(&buffer) } else { buffer.freeze() };
        self.to.send(chunk_event(self.stream, *offset, bytes, now).into()).await.map_err(|_| End::Stopped)?;
        *offset += read as u64;
        Ok(())
    }

    async fn last_bytes(&self, offset: &mut u64) -> End {
        let limit = *offset + LAST_BYTES as u64;
        while *offset < limit && timeout(LAST_WAIT, self.socket.readable()).await.is_ok() {
            if let Err(end) = self.forward(offset).await {
                return end;
            }
        }
        End::Stopped
    }
}
