//! The listener: accepts, limits, and ends.

use super::patience::Patience;
use super::route::{self, Peer};
use super::state::AdminState;
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
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// What one peer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Connections at a time; further ones wait in the kernel's queue.
    pub connections: usize,
    /// For the head of a request to come, and for a connection to be idle.
    pub head_timeout: Duration,
    /// For an answer that makes no progress.
    pub write_timeout: Duration,
    /// For open answers to be finished at the end.
    pub grace: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 128,
            head_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(15),
            grace: Duration::from_secs(5),
        }
    }
}

/// The head of a request; hyper answers 431 beyond it.
const LONGEST_HEAD: usize = 16 * 1024;
/// No file descriptors are left: time for others to give some back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `state` on `listener` until `shutdown`, then finishes the answers that are under way.
///
/// # Panics
/// When the task of a connection did.
pub async fn run(listener: TcpListener, state: Arc<AdminState>, limits: HttpLimits, shutdown: impl Future<Output = ()>) {
    let closing = CancellationToken::new();
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(end) = connections.join_next() => check(end),
            // Cancel-safe: a connection that is not taken stays in the kernel's queue.
            accepted = listener.accept(), if connections.len() < limits.connections => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(serve(stream, peer, Arc::clone(&state), limits, closing.clone()));
                }
                Err(error) => pause_after(&error).await,
            },
        }
    }
    drop(listener);
    closing.cancel();
    let finished = async {
        while let Some(end) = connections.join_next().await {
            check(end);
        }
    };
    if timeout(limits.grace, finished).await.is_err() {
        debug!("cut off answers that were not read in time");
    }
}

async fn pause_after(error: &io::Error) {
    // A peer that went away between knocking and being let in is no reason to wait.
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    warn!(%error, "cannot accept an HTTP connection");
    sleep(ACCEPT_PAUSE).await;
}

fn check(end: Result<(), JoinError>) {
    if let Err(error) = end
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, state: Arc<AdminState>, limits: HttpLimits, closing: CancellationToken) {
    let HttpLimits { connections: _, head_timeout, write_timeout, grace: _ } = limits;
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(route::answer(request, Peer(peer), state).await) }
    });
    let io = TokioIo::new(Patience::new(stream, write_timeout));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_timeout)
            .max_buf_size(LONGEST_HEAD)
            .serve_connection(io, service)
    );
    let end = tokio::select! {
        end = connection.as_mut() => end,
        () = closing.cancelled() => {
            // An idle connection ends at once, a busy one after its answer.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = end {
        debug!(%peer, %error, "an HTTP connection ended badly");
    }
}
