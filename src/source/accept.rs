//! Accepting peers: where a source listens, how many peers it takes at a time, and what a reload may change while they are connected.

use super::budget::MemoryBudget;
use super::token::Token;
use super::{Gauges, SourceMessage, StreamIds};
use crate::observation::SourceId;
use std::fmt;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

/// A listening address, and where the bytes of its peers go.
#[derive(Debug)]
pub struct ListeningSource {
    /// The configured source.
    pub source: SourceId,
    /// Bound before the start, so that a port in use is a start error.
    pub listener: TcpListener,
    /// The current settings; updated by a reload.
    pub settings: watch::Receiver<Settings>,
    /// Shared by all TCP and HTTP sources of the process.
    pub budget: Arc<MemoryBudget>,
    /// Numbers the streams of all sources.
    pub ids: Arc<StreamIds>,
    /// The metrics of this source.
    pub gauges: Arc<Gauges>,
    /// The queue to the pipeline. Sends wait while it is full.
    pub to: mpsc::Sender<SourceMessage>,
}

/// Limits on connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most connections at a time. Further peers wait in the kernel's backlog.
    pub connections: usize,
    /// A connection that sends nothing for this long, or does not read an answer, is closed, so that its slot is free for another
    /// peer.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 256, idle: Duration::from_mins(10) }
    }
}

/// Settings that a reload may change while peers are connected.
#[derive(Clone, Default)]
pub struct Settings {
    /// The number of connections applies to new peers, the idle time to all.
    pub limits: Limits,
    /// Applies to new peers; `None` for plain text.
    pub tls: Option<TlsAcceptor>,
    /// What a request must show; only HTTP has requests. `None`: nothing.
    pub token: Option<Token>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("limits", &self.limits).field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

/// A connection without a finished TLS handshake after this long is closed.
pub(super) const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The pause after a failed `accept`: without free file descriptors, other connections need time to close.
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(100);

/// The time between two warnings about the same persistent failure.
const REPEAT_WARNING_AFTER: Duration = Duration::from_mins(1);

/// How many connections are open.
#[derive(Debug, Default)]
pub(super) struct ConnectionSlots {
    taken: AtomicUsize,
    freed: Notify,
}

impl ConnectionSlots {
    /// How many connections are open.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

/// The slot of one connection; free again on drop.
pub(super) struct ConnectionSlot(Arc<ConnectionSlots>);

impl ConnectionSlot {
    pub(super) fn new(slots: &Arc<ConnectionSlots>) -> Self {
        slots.taken.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(slots))
    }
}

impl ConnectionSlot {
    /// Whether all of `most` slots are taken.
    pub(super) fn is_last(&self, most: usize) -> bool {
        self.0.taken() >= most
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
        // Only the accept loop waits. If it does not wait now, the permit is stored for its next wait.
        self.0.freed.notify_one();
    }
}

/// Waits for a free slot and then for the next peer.
pub(super) async fn accept(
    listener: &TcpListener,
    slots: &ConnectionSlots,
    settings: &mut watch::Receiver<Settings>,
) -> (TcpStream, SocketAddr) {
    let mut logged = false;
    while slots.taken.load(Ordering::Relaxed) >= settings.borrow_and_update().limits.connections {
        if !std::mem::replace(&mut logged, true) {
            info!("connection limit reached: new peers wait until a connection closes");
        }
        tokio::select! {
            () = slots.freed.notified() => {}
            () = changed(settings) => {}
        }
    }
    let mut warned: Option<Instant> = None;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                // Out of file descriptors, or the peer closed at once. Neither is a reason to stop listening.
                if warned.is_none_or(|warned| warned.elapsed() > REPEAT_WARNING_AFTER) {
                    warn!(%error, "cannot accept a connection, retrying");
                    warned = Some(Instant::now());
                }
                sleep(ACCEPT_RETRY_PAUSE).await;
            }
        }
    }
}

/// Resolves when the settings change.
pub(super) async fn changed(settings: &mut watch::Receiver<Settings>) {
    // The sender is gone, so the settings cannot change any more.
    if settings.changed().await.is_err() {
        pending::<()>().await;
    }
}

/// Warns of an address that other hosts reach, if `is_open` to all of them.
pub(super) fn warn_if_public(listener: &TcpListener, is_open: bool, kind: &str) {
    if let Ok(address) = listener.local_addr()
        && is_open
        && !address.ip().is_loopback()
    {
        warn!(%address, "address accepts log lines from any host: {kind}");
    }
}
