//! From a request to its answer: who asks, for what, in which form.

use super::body::{CODINGS, Coding, receive, unpack};
use super::lanes::Lanes;
use super::lines::{Lines, Part};
use super::memory::Memory;
use super::otlp::Signal;
use super::refusal::Refusal;
use super::{json, loki, otlp};
use crate::source::Gauges;
use crate::source::accept::Settings;
use crate::source::budget::{MemoryBudget, ReservedBytes};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tracing::debug;

/// How long a request waits until those before it are handed over.
const TURN_TIMEOUT: Duration = Duration::from_secs(3);
/// How many requests are unpacked and converted at the same time.
const CONVERSIONS: usize = 2;

/// What a path takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Otlp(Signal),
    Metrics,
    Loki,
    Lines,
}

impl Endpoint {
    fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/v1/logs" => Self::Otlp(Signal::Logs),
            "/v1/traces" => Self::Otlp(Signal::Traces),
            "/v1/metrics" => Self::Metrics,
            "/loki/api/v1/push" => Self::Loki,
            "/" | "/ndjson" => Self::Lines,
            _ => return None,
        })
    }

    fn is_otlp(self) -> bool {
        matches!(self, Self::Otlp(_) | Self::Metrics)
    }
}

/// What all requests of a source share.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) settings: watch::Receiver<Settings>,
    pub(super) budget: Arc<MemoryBudget>,
    pub(super) gauges: Arc<Gauges>,
    pub(super) lanes: Arc<Mutex<Lanes>>,
    /// Requests that are being handed over. They go on when their peers close the connection.
    pub(super) handing: TaskTracker,
    conversions: Arc<Semaphore>,
}

/// A request that is understood.
#[derive(Clone, Copy, Debug)]
struct Form {
    endpoint: Endpoint,
    is_json: bool,
    coding: Coding,
}

impl Door {
    pub(super) fn new(
        settings: watch::Receiver<Settings>,
        budget: Arc<MemoryBudget>,
        gauges: Arc<Gauges>,
        lanes: Lanes,
    ) -> Self {
        let conversions = Arc::new(Semaphore::new(CONVERSIONS));
        Self { settings, budget, gauges, lanes: Arc::new(Mutex::new(lanes)), handing: TaskTracker::new(), conversions }
    }

    /// Answers one request.
    pub(super) async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Response<Full<Bytes>> {
        let endpoint = Endpoint::at(request.uri().path());
        let is_json = is_json(request.headers());
        let result = match self.form(&request, endpoint) {
            Ok(form) => self.take(request.into_body(), form, peer).await.map(|rejected| (form, rejected)),
            Err(refusal) => Err(refusal),
        };
        match result {
            Ok((form, rejected)) => accepted(form, rejected),
            Err(refusal) => {
                debug!(%peer, ?refusal, "request refused");
                refused(&refusal, endpoint.is_some_and(Endpoint::is_otlp), is_json)
            }
        }
    }

    /// Checks everything but the body.
    fn form(&self, request: &Request<Incoming>, endpoint: Option<Endpoint>) -> Result<Form, Refusal> {
        let headers = request.headers();
        let shown = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
        if self.settings.borrow().token.as_ref().is_some_and(|token| !token.is_shown_by(shown)) {
            return Err(Refusal::Unauthorized);
        }
        // A page in a browser on this machine must not write here.
        if headers.contains_key(ORIGIN) {
            return Err(Refusal::CrossOrigin);
        }
        let endpoint = endpoint.ok_or(Refusal::NotFound)?;
        if request.method() != Method::POST {
            return Err(Refusal::Method);
        }
        let coding = Coding::of(headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes))?;
        let is_json = is_json(headers);
        let is_binary =
            content_type(headers).is_some_and(|name| name == "application/x-protobuf" || name == "application/protobuf");
        if endpoint != Endpoint::Lines && !is_json && !is_binary {
            return Err(Refusal::Unsupported("application/json or application/x-protobuf"));
        }
        if coding == Coding::Snappy && (endpoint != Endpoint::Loki || is_json) {
            return Err(Refusal::Unsupported(CODINGS));
        }
        Ok(Form { endpoint, is_json, coding })
    }

    /// Takes the body. Returns how many records were rejected, once the pipeline has the others.
    async fn take(&self, body: Incoming, form: Form, peer: IpAddr) -> Result<u64, Refusal> {
        let memory = Memory::new(&self.budget, &self.gauges);
        let body = receive(body, &memory).await?;
        if form.endpoint == Endpoint::Metrics {
            let len = body.bytes.len() as u64;
            self.gauges.seen_bytes.fetch_add(len, Ordering::Relaxed);
            self.gauges.skipped_bytes.fetch_add(len, Ordering::Relaxed);
            return Ok(0);
        }
        let turn = Arc::clone(&self.conversions).acquire_owned().await.map_err(|_| Refusal::Busy)?;
        let converted = spawn_blocking(move || {
            let converted = convert(form, body, &memory);
            drop(turn);
            converted
        });
        let (parts, rejected) = converted.await.map_err(|_| Refusal::Busy)??;
        let lanes = Arc::clone(&self.lanes);
        let handed = self.handing.spawn(async move {
            let mut lanes = timeout(TURN_TIMEOUT, lanes.lock()).await.map_err(|_| Refusal::Busy)?;
            lanes.hand_over(peer, parts).await
        });
        handed.await.map_err(|_| Refusal::Busy)??;
        Ok(rejected)
    }
}

/// Makes lines of a body. Returns them, and how many records were rejected.
fn convert(form: Form, body: ReservedBytes, memory: &Memory) -> Result<(Vec<Part>, u64), Refusal> {
    let Form { endpoint, is_json, coding } = form;
    let mut body = unpack(body, coding, memory)?;
    if endpoint == Endpoint::Loki && !is_json {
        body = loki::unpack(&body.bytes, memory)?;
    }
    let mut lines = Lines::new(memory);
    let mut rejected = 0;
    match endpoint {
        Endpoint::Otlp(signal) if is_json => rejected = otlp::json(signal, &body.bytes, &mut lines)?,
        Endpoint::Otlp(signal) => otlp::binary(signal, &body.bytes, &mut lines)?,
        Endpoint::Loki if is_json => loki::json(&body.bytes, &mut lines)?,
        Endpoint::Loki => loki::binary(&body.bytes, &mut lines)?,
        Endpoint::Lines | Endpoint::Metrics => match json::array(&body.bytes) {
            Some(items) => items.into_iter().try_for_each(|item| lines.item(item))?,
            None => lines.text(&body.bytes)?,
        },
    }
    Ok((lines.finish()?, rejected))
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let name = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next()?;
    Some(name.trim().to_ascii_lowercase())
}

fn is_json(headers: &HeaderMap) -> bool {
    content_type(headers).is_some_and(|name| name == "application/json")
}

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";

fn accepted(form: Form, rejected: u64) -> Response<Full<Bytes>> {
    let signal = match form.endpoint {
        Endpoint::Otlp(signal) => Some(signal),
        Endpoint::Metrics => None,
        Endpoint::Loki | Endpoint::Lines => return with(StatusCode::NO_CONTENT, &[], Vec::new()),
    };
    let kind = if form.is_json { JSON } else { PROTOBUF };
    with(StatusCode::OK, &[(CONTENT_TYPE, kind)], otlp::accepted(signal, rejected, form.is_json))
}

fn refused(refusal: &Refusal, is_otlp: bool, is_json: bool) -> Response<Full<Bytes>> {
    let (kind, body) = match (is_otlp, is_json) {
        (true, true) => (JSON, otlp::refused(refusal, true)),
        (true, false) => (PROTOBUF, otlp::refused(refusal, false)),
        (false, _) => ("text/plain; charset=utf-8", (refusal.message() + "\n").into_bytes()),
    };
    let mut headers = vec![(CONTENT_TYPE, kind)];
    headers.extend(match refusal {
        Refusal::Busy => Some((RETRY_AFTER, "1")),
        Refusal::Unauthorized => Some((WWW_AUTHENTICATE, "Bearer")),
        Refusal::Method => Some((ALLOW, "POST")),
        _ => None,
    });
    with(refusal.status(), &headers, body)
}

fn with(status: StatusCode, headers: &[(HeaderName, &'static str)], body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
