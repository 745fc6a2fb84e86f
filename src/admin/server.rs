//! The listener: accepts connections, limits them, and stops.

use super::reload::Peer;
use super::route;
use super::state::AdminState;
use crate::source::{Connection, Connections, WriteTimeout};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// The limits on connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Connections at the same time. For a further one, the connection that is idle for the longest time closes.
    pub connections: usize,
    /// Connections of one peer at the same time; this machine has no limit of its own.
    pub per_peer: usize,
    /// How long the head of a request may take, and how long a connection may be idle.
    pub head_timeout: Duration,
    /// How long a write of an answer may make no progress.
    pub write_timeout: Duration,
    /// How long answers may take after the shutdown has started.
    pub grace: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 128,
            per_peer: 32,
            head_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(15),
            grace: Duration::from_secs(5),
        }
    }
}

/// The longest head of a request, in bytes; hyper answers 431 to a longer one.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Connections that are accepted beyond the limit, while others close for them; further ones wait in the queue of the kernel.
const CLOSING_CONNECTIONS: usize = 8;
/// Connections that only this machine gets beyond that.
const LOCAL_CONNECTIONS: usize = 8;
/// How long a connection that closes for another one may take to send its last answer.
const CLOSING_GRACE: Duration = Duration::from_secs(1);
/// The wait after a failed accept: without free file descriptors, other connections must close first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The time between two warnings about failed accepts.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// Serves `state` on `listener` until `shutdown`, then finishes the answers in progress.
///
/// # Panics
/// When the task of a connection panics.
pub async fn run(listener: TcpListener, state: Arc<AdminState>, limits: HttpLimits, shutdown: impl Future<Output = ()>) {
    let closing = CancellationToken::new();
    let (all, mut connections, mut refusals) = (Connections::default(), JoinSet::new(), Refusals::default());
    let most = limits.connections + CLOSING_CONNECTIONS;
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(result) = connections.join_next() => propagate_panic(result),
            // Cancel-safe: a connection that is not accepted stays in the queue of the kernel.
            accepted = listener.accept(), if connections.len() < most + LOCAL_CONNECTIONS => match accepted {
                Ok((stream, peer)) => {
                    if connections.len() >= most && !peer.ip().to_canonical().is_loopback() {
                        continue;
                    }
                    if connections.len() >= limits.connections {
                        all.close_oldest_idle();
                    }
                    let Some(connection) = all.open(peer.ip(), limits.per_peer).map(Arc::new) else { continue };
                    connections.spawn(serve(stream, peer, connection, Arc::clone(&state), limits, closing.clone()));
                }
                Err(error) => refusals.pause_after(&error).await,
            },
        }
    }
    drop(listener);
    closing.cancel();
    let finished = async {
        while let Some(result) = connections.join_next().await {
            propagate_panic(result);
        }
    };
    if timeout(limits.grace, finished).await.is_err() {
        debug!("closed connections that did not read their answers in time");
    }
}

/// Failed accepts since the last warning.
#[derive(Debug, Default)]
struct Refusals {
    since_warning: u64,
    warned_at: Option<Instant>,
}

impl Refusals {
    async fn pause_after(&mut self, error: &io::Error) {
        // The peer closed its connection before it was accepted: accept the next one at once.
        if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
            return;
        }
        self.since_warning += 1;
        if self.warned_at.is_none_or(|warned| warned.elapsed() >= WARNING_INTERVAL) {
            warn!(%error, failures = self.since_warning, "cannot accept HTTP connection");
            (self.since_warning, self.warned_at) = (0, Some(Instant::now()));
        }
        sleep(ACCEPT_PAUSE).await;
    }
}

fn propagate_panic(result: Result<(), JoinError>) {
    if let Err(error) = result
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    open: Arc<Connection>,
    state: Arc<AdminState>,
    limits: HttpLimits,
    closing: CancellationToken,
) {
    let HttpLimits { connections: _, per_peer: _, head_timeout, write_timeout, grace: _ } = limits;
    let close = open.close.clone();
    let service = service_fn(move |request| {
        let (state, open) = (Arc::clone(&state), Arc::clone(&open));
        async move {
            open.set_busy();
            let answer = route::answer(request, Peer(peer), state).await;
            open.set_idle();
            Ok::<_, Infallible>(answer)
        }
    });
    let io = TokioIo::new(WriteTimeout::new(stream, write_timeout));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_timeout)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(io, service)
    );
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = closing.cancelled() => {
            // An idle connection closes at once, a busy one after its answer.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = close.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(CLOSING_GRACE, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = result {
        debug!(%peer, %error, "HTTP connection failed");
    }
}
