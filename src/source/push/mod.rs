//! Requests over HTTP, with or without TLS: OTLP, the push API of Loki, and lines as they are.
//!
//! An answer of 2xx means that the pipeline has everything: the request was read, understood and put into the queue as a
//! whole. While the queue or the memory of all peers is full, the answer is 503 with `Retry-After`, and nothing of the request
//! was handed over. What the pipeline has is in memory: a process that is killed loses what it had not counted yet, as with TCP.
//!
//! Every request becomes lines that the core knows from files (see `lines`), so a record that is pushed is judged like the same
//! record in a file.

mod body;
mod json;
mod lanes;
mod lines;
mod loki;
mod memory;
mod otlp;
mod protobuf;
mod refusal;
mod route;
mod wire;

use self::lanes::Lanes;
use self::route::Door;
use super::accept::{ConnectionSlot, ConnectionSlots, Limits, ListeningSource, TLS_HANDSHAKE_TIMEOUT, accept, warn_if_public};
use super::{Connection, Connections, WriteTimeout};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

/// The limits on connections by default. Senders keep a connection for their next batch, which comes within seconds.
pub const LIMITS: Limits = Limits { connections: 256, idle: Duration::from_mins(1) };
/// The longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// How long a connection that closes for another one may take to send its last answer.
const CLOSING_GRACE: Duration = Duration::from_secs(1);
/// How long a request may take after the shutdown has started.
const GRACE: Duration = Duration::from_secs(5);

/// Answers requests until `stop`, then finishes those that have begun and returns.
pub async fn run(source: ListeningSource, stop: CancellationToken) {
    let ListeningSource { source, listener, mut settings, budget, ids, gauges, to } = source;
    warn_if_public(&listener, settings.borrow().token.is_none(), "this HTTP source has no `token_file`");
    gauges.piped.store(true, Ordering::Relaxed);
    let lanes = Lanes::new(source, Arc::clone(&budget), ids, Arc::clone(&gauges), to);
    let (slots, all) = (Arc::new(ConnectionSlots::default()), Connections::default());
    let door = Arc::new(Door::new(settings.clone(), budget, Arc::clone(&gauges), lanes));
    let tracker = TaskTracker::new();
    // Cancel-safe: a connection that is not accepted yet stays in the backlog.
    while let Some((socket, peer)) = stop.run_until_cancelled(accept(&listener, &slots, &mut settings)).await {
        let slot = ConnectionSlot::new(&slots);
        let most = settings.borrow().limits.connections;
        // The last slot is kept free: the connection that is idle for the longest time closes for the next peer.
        if slots.taken() >= most {
            all.close_oldest_idle();
        }
        // One peer may have all connections: a collector sends for many.
        let Some(open) = all.open(peer.ip(), most).map(Arc::new) else { continue };
        tracker.spawn(connection(socket, peer, Arc::clone(&door), (slot, open), stop.clone()));
    }
    drop(listener);
    tracker.close();
    tracker.wait().await;
    door.handing.close();
    door.handing.wait().await;
    door.lanes.lock().await.close().await;
}

async fn connection(
    socket: TcpStream,
    peer: SocketAddr,
    door: Arc<Door>,
    (slot, open): (ConnectionSlot, Arc<Connection>),
    stop: CancellationToken,
) {
    let gauges = Arc::clone(&door.gauges);
    gauges.files.fetch_add(1, Ordering::Relaxed);
    let tls = door.settings.borrow().tls.clone();
    match tls {
        None => serve(socket, peer, door, (&slot, open), stop).await,
        Some(tls) => match stop.run_until_cancelled(timeout(TLS_HANDSHAKE_TIMEOUT, tls.accept(socket))).await {
            Some(Ok(Ok(socket))) => serve(socket, peer, door, (&slot, open), stop).await,
            Some(Ok(Err(error))) => debug!(%peer, %error, "no TLS handshake"),
            Some(Err(_)) | None => debug!(%peer, "no TLS handshake in time"),
        },
    }
    gauges.files.fetch_sub(1, Ordering::Relaxed);
}

async fn serve(
    socket: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    door: Arc<Door>,
    (slot, open): (&ConnectionSlot, Arc<Connection>),
    stop: CancellationToken,
) {
    let close = open.close.clone();
    let idle = door.settings.borrow().limits.idle;
    let service = service_fn(|request| {
        let (door, open) = (Arc::clone(&door), Arc::clone(&open));
        async move {
            open.set_busy();
            let mut answer = door.answer(request, peer.ip()).await;
            // Peers wait for a slot.
            if slot.is_last(door.settings.borrow().limits.connections) {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            open.set_idle();
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(idle)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(WriteTimeout::new(socket, idle)), service)
    );
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stop.cancelled() => {
            // An idle connection closes at once, a busy one after its answer.
            connection.as_mut().graceful_shutdown();
            timeout(GRACE, connection).await.unwrap_or(Ok(()))
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
