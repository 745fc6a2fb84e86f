//! From a request to an answer.

use super::state::{AdminState, Lifecycle, Phase, ReloadRequest};
use super::{api, page};
use crate::metrics::Format;
use crate::time::Timestamp;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap,
    HeaderName, HeaderValue, ORIGIN, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A reload reads files and compiles patterns; on a busy machine that can take seconds.
const RELOAD_TIMEOUT: Duration = Duration::from_mins(1);
/// Shorter answers are not worth it.
const GZIP_FROM: usize = 1_024;

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
/// Shown by a browser, and not offered as a file.
const MARKDOWN: &str = "text/plain; charset=utf-8";

/// Nothing comes from elsewhere, nothing runs, nothing is framed.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PATHS: &str = "/                  status page
/metrics           for Prometheus
/-/healthy         the process lives
/-/ready           it reads as lines come
/-/reload          POST: read the configuration and patterns again
/runbooks/auth     what to do about an alert of this row; so for every row
/api/v1/windows    calls and failures per window
/api/v1/alerts     pending, firing, just resolved
/api/v1/unknown    errors that no pattern knows
/api/v1/patterns   the catalogue in force
/api/v1/status     version, sources, receivers
";

type Answer = Response<Full<Bytes>>;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// What is read off the state, away from the reactor.
enum View {
    Page,
    Metrics(Format),
    Windows,
    Alerts,
    Unknown,
    Patterns,
    Status,
    Runbook(Bytes),
}

pub(super) async fn answer(request: Request<Incoming>, peer: Peer, state: Arc<AdminState>) -> Answer {
    let (head, _body) = request.into_parts();
    let (path, headers) = (head.uri.path(), &head.headers);
    if path == "/-/reload" {
        return if head.method == Method::POST { reload(headers, peer, &state).await } else { not_allowed("POST") };
    }
    let view = match path {
        "/-/healthy" => None,
        "/-/ready" => None,
        "/" => Some(View::Page),
        "/metrics" => Some(View::Metrics(Format::negotiate(header(headers, &ACCEPT)))),
        "/api/v1/windows" => Some(View::Windows),
        "/api/v1/alerts" => Some(View::Alerts),
        "/api/v1/unknown" => Some(View::Unknown),
        "/api/v1/patterns" => Some(View::Patterns),
        "/api/v1/status" => Some(View::Status),
        _ if let Some(page) = path.strip_prefix("/runbooks/").and_then(|row| runbook(&state, row)) => Some(View::Runbook(page)),
        _ => return text(StatusCode::NOT_FOUND, format!("there is nothing at this path; there is\n\n{PATHS}")),
    };
    if head.method != Method::GET && head.method != Method::HEAD {
        return not_allowed("GET, HEAD");
    }
    match view {
        None if path == "/-/ready" => ready(state.phase()),
        None => text(StatusCode::OK, "healthy\n"),
        Some(view) => {
            let gzip = takes_gzip(headers);
            let drawn = tokio::task::spawn_blocking(move || draw(view, &state, gzip)).await;
            drawn.unwrap_or_else(|_| text(StatusCode::SERVICE_UNAVAILABLE, "the process ends\n"))
        }
    }
}

/// The page on a row; an alert of a row that is gone may still be read.
fn runbook(state: &AdminState, row: &str) -> Option<Bytes> {
    state.loaded().runbooks.get(row.trim_end_matches(".md")).cloned()
}

fn ready(phase: Phase) -> Answer {
    match phase {
        Phase::Ready => text(StatusCode::OK, "ready\n"),
        Phase::Starting => text(StatusCode::SERVICE_UNAVAILABLE, "starting: sources are opened and caught up with\n"),
        Phase::Draining => text(StatusCode::SERVICE_UNAVAILABLE, "draining: told to stop, finishing what is read\n"),
    }
}

fn draw(view: View, state: &AdminState, gzip: bool) -> Answer {
    let now = Timestamp::from_system(SystemTime::now());
    let (kind, body) = match view {
        View::Page => (HTML, page::render(state, now).into()),
        View::Metrics(format) => (format.content_type(), state.metrics.render(format, now).into()),
        View::Windows => (JSON, api::windows(state).into()),
        View::Alerts => (JSON, api::alerts(state).into()),
        View::Unknown => (JSON, api::unknown(state).into()),
        View::Patterns => (JSON, state.loaded().patterns.clone()),
        View::Status => (JSON, api::status(state, now).into()),
        View::Runbook(page) => (MARKDOWN, page),
    };
    let body: Bytes = body;
    let mut answer = if gzip && body.len() >= GZIP_FROM {
        let mut answer = with(StatusCode::OK, kind, compress(&body));
        answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        answer
    } else {
        with(StatusCode::OK, kind, body)
    };
    answer.headers_mut().insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    answer
}

/// Asks for a reload and waits for what becomes of it.
async fn reload(headers: &HeaderMap, peer: Peer, state: &AdminState) -> Answer {
    if let Err(why) = may_reload(headers, peer, state.lifecycle()) {
        return text(StatusCode::FORBIDDEN, why);
    }
    let (reply, answer) = oneshot::channel();
    match state.reload.try_send(ReloadRequest { reply }) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => {
            let mut busy = text(StatusCode::SERVICE_UNAVAILABLE, "another reload is under way; try again when it is done\n");
            busy.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
            return busy;
        }
        Err(TrySendError::Closed(_)) => {
            return text(StatusCode::SERVICE_UNAVAILABLE, "the process ends; nothing was reloaded\n");
        }
    }
    match timeout(RELOAD_TIMEOUT, answer).await {
        Ok(Ok(Ok(done))) => text(StatusCode::OK, format!("{}\n", done.trim_end())),
        Ok(Ok(Err(why))) => {
            let kept = "nothing was changed; the configuration that was in force still is";
            text(StatusCode::INTERNAL_SERVER_ERROR, format!("{}\n{kept}\n", why.trim_end()))
        }
        Ok(Err(_)) => text(StatusCode::SERVICE_UNAVAILABLE, "the process ends; nothing was reloaded\n"),
        Err(_) => text(
            StatusCode::GATEWAY_TIMEOUT,
            "the reload takes longer than a minute; llm_triage_config_last_reload_successful will tell how it ended\n",
        ),
    }
}

/// A browser or a proxy on this machine speaks for others: its requests do not count as ours.
fn may_reload(headers: &HeaderMap, Peer(peer): Peer, lifecycle: Lifecycle) -> Result<(), &'static str> {
    if headers.contains_key(ORIGIN) {
        return Err("a reload is not for web pages to ask for; use curl -X POST, or SIGHUP\n");
    }
    let forwarded = ["forwarded", "x-forwarded-for"].iter().any(|it| headers.contains_key(*it));
    let local = peer.ip().to_canonical().is_loopback() && !forwarded;
    match lifecycle {
        Lifecycle::Anyone => Ok(()),
        Lifecycle::Loopback if local => Ok(()),
        Lifecycle::Loopback => Err(
            "only this machine may ask for a reload; send SIGHUP, or set http.lifecycle = true to open this to the network\n",
        ),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether the peer takes gzip: named, or any, and not with a weight of 0.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = header(headers, &ACCEPT_ENCODING).unwrap_or_default();
    accepted.split(',').any(|it| {
        let (coding, parameters) = it.split_once(';').unwrap_or((it, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), |it| it.trim().parse::<f64>());
        matches!(coding.trim(), "gzip" | "*") && weight.is_ok_and(|it| it > 0.0)
    })
}

fn compress(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::fast());
    encoder.write_all(body).expect("a Vec takes all bytes");
    encoder.finish().expect("a Vec takes all bytes").into()
}

fn not_allowed(methods: &'static str) -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, format!("this path takes {methods} only\n"));
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    answer
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    with(status, TEXT, body.into())
}

fn with(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_reloads_unless_it_is_opened() {
        let check = |peer: &str, header: Option<(&'static str, &'static str)>, lifecycle, expected: bool| {
            let headers = header.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect();
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

    #[test]
    fn gzip_is_given_to_those_who_take_it() {
        let check = |accepted: &'static str, expected: bool| {
            let headers = [(ACCEPT_ENCODING, HeaderValue::from_static(accepted))].into_iter().collect();
            assert_eq!(takes_gzip(&headers), expected, "{accepted}");
        };
        check("gzip", true);
        check("br;q=1.0, gzip;q=0.8, *;q=0.1", true);
        check("*", true);
        check("identity", false);
        check("gzip;q=0", false);
        check("gzip; q=0.0", false);
        check("", false);
    }
}
