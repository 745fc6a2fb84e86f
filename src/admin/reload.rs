//! `POST /-/reload`: who may request a reload, and its answer.

use super::answer::{Answer, text};
use super::state::{AdminState, Lifecycle, ReloadRequest};
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue, ORIGIN, RETRY_AFTER};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A reload reads files and compiles patterns; on a busy machine that can take seconds.
const RELOAD_TIMEOUT: Duration = Duration::from_mins(1);

/// The peer that sent the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Requests a reload and waits for its result.
pub(super) async fn reload(headers: &HeaderMap, peer: Peer, state: &AdminState) -> Answer {
    if let Err(reason) = may_reload(headers, peer, state.lifecycle()) {
        return text(StatusCode::FORBIDDEN, reason);
    }
    let (reply, answer) = oneshot::channel();
    match state.reload.try_send(ReloadRequest { reply }) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => {
            let mut busy = text(StatusCode::SERVICE_UNAVAILABLE, "another reload is in progress; try again when it is done\n");
            busy.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
            return busy;
        }
        Err(TrySendError::Closed(_)) => {
            return text(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping; nothing was reloaded\n");
        }
    }
    match timeout(RELOAD_TIMEOUT, answer).await {
        Ok(Ok(Ok(done))) => text(StatusCode::OK, format!("{}\n", done.trim_end())),
        Ok(Ok(Err(error))) => {
            let kept = "nothing was changed; the configuration from before stays in effect";
            text(StatusCode::INTERNAL_SERVER_ERROR, format!("{}\n{kept}\n", error.trim_end()))
        }
        Ok(Err(_)) => text(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping; nothing was reloaded\n"),
        Err(_) => text(
            StatusCode::GATEWAY_TIMEOUT,
            "the reload takes longer than a minute; llm_triage_config_last_reload_successful will show its result\n",
        ),
    }
}

/// Whether the peer may request a reload. A request from a web page or through a proxy counts as one from another machine.
fn may_reload(headers: &HeaderMap, Peer(peer): Peer, lifecycle: Lifecycle) -> Result<(), &'static str> {
    if headers.contains_key(ORIGIN) {
        return Err("a web page must not request a reload; use curl -X POST, or SIGHUP\n");
    }
    let forwarded = ["forwarded", "x-forwarded-for"].iter().any(|name| headers.contains_key(*name));
    let local = peer.ip().to_canonical().is_loopback() && !forwarded;
    match lifecycle {
        Lifecycle::Anyone => Ok(()),
        Lifecycle::Loopback if local => Ok(()),
        Lifecycle::Loopback => {
            Err("only this machine may request a reload; send SIGHUP, or set http.lifecycle = true to allow all peers\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderName;

    #[test]
    fn only_this_machine_may_reload_unless_lifecycle_allows_all() {
        let check = |peer: &str, header: Option<(&'static str, &'static str)>, lifecycle, expected: bool| {
            let headers =
                header.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
            let peer = Peer(peer.parse().expect("an address"));
            assert_eq!(may_reload(&headers, peer, lifecycle).is_ok(), expected, "{peer:?} {header:?} {lifecycle:?}");
        };
        let proxied = Some(("x-forwarded-for", "10.0.0.9"));
        let page = Some(("origin", "http://evil.example"));
        check("127.0.0.1:4000", None, Lifecycle::Loopback, true);
        check("[::1]:4000", None, Lifecycle::Loopback, true);
        check("[::ffff:127.0.0.1]:4000", None, Lifecycle::Loopback, true);
        check("10.0.0.9:4000", None, Lifecycle::Loopback, false);
        check("127.0.0.1:4000", proxied, Lifecycle::Loopback, false);
        check("127.0.0.1:4000", page, Lifecycle::Loopback, false);
        check("10.0.0.9:4000", None, Lifecycle::Anyone, true);
        check("10.0.0.9:4000", page, Lifecycle::Anyone, false);
    }
}
