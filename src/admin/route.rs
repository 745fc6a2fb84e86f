//! Maps the path of a request to its answer.

use super::answer::{Answer, TEXT, not_allowed, text, with};
use super::host::UNKNOWN_HOST;
use super::reload::{Peer, reload};
use super::state::{AdminState, Phase};
use super::{api, page};
use crate::metrics::Format;
use crate::time::Timestamp;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue, VARY};
use hyper::{Method, Request, StatusCode};
use std::io::Write;
use std::sync::Arc;
use std::time::SystemTime;

/// Shorter answers are not compressed, in bytes.
const MIN_GZIP_BYTES: usize = 1_024;

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// The body of a 404.
const PATHS: &str = "/                  status page
/metrics           metrics for Prometheus
/-/healthy         the process runs
/-/ready           the daemon reads lines as they are written
/-/reload          POST: read the configuration and patterns again
/runbooks/         what to do about an alert of each row
/runbooks/auth     the runbook of this row: a page for a browser, Markdown for other programs
/errors/           every error that a pattern knows
/errors/http-401   what this error means, and what to do: a page for a browser, Markdown for other programs
/api/v1/windows    calls and failures per window
/api/v1/alerts     pending, firing and recently resolved alerts
/api/v1/unknown    groups of unknown errors
/api/v1/patterns   the catalogue in effect
/api/v1/status     version, sources, receivers
";

/// The answers that take a while to render: they are rendered on a thread of their own.
enum View {
    Page,
    Metrics(Format),
    Windows,
    Alerts,
    Unknown,
    Patterns,
    Status,
    /// A runbook in Markdown.
    Runbook(Bytes),
    /// A runbook as a page: the row, and its Markdown.
    RunbookPage(String, Bytes),
    RunbookIndex,
    /// The page of an error in Markdown.
    Error(String),
    /// The page of an error: its id, and its Markdown.
    ErrorPage(String, String),
    ErrorIndex,
}

pub(super) async fn answer(request: Request<Incoming>, peer: Peer, state: Arc<AdminState>) -> Answer {
    let (head, _body) = request.into_parts();
    let (path, headers) = (head.uri.path(), &head.headers);
    // The answer to a probe of the health says nothing that a page could use.
    let is_probe = matches!(path, "/-/healthy" | "/-/ready");
    if !is_probe && !state.hosts().answer(&head.uri, headers) {
        return text(StatusCode::MISDIRECTED_REQUEST, UNKNOWN_HOST);
    }
    if path == "/-/reload" {
        return if head.method == Method::POST { reload(headers, peer, &state).await } else { not_allowed("POST") };
    }
    let view = match path {
        "/-/healthy" | "/-/ready" => None,
        "/" => Some(View::Page),
        "/metrics" => Some(View::Metrics(Format::negotiate(header(headers, &ACCEPT)))),
        "/api/v1/windows" => Some(View::Windows),
        "/api/v1/alerts" => Some(View::Alerts),
        "/api/v1/unknown" => Some(View::Unknown),
        "/api/v1/patterns" => Some(View::Patterns),
        "/api/v1/status" => Some(View::Status),
        "/runbooks" | "/runbooks/" => Some(View::RunbookIndex),
        _ if let Some((row, page)) = path.strip_prefix("/runbooks/").and_then(|row| runbook(&state, row)) => {
            Some(if wants_page(path, headers) { View::RunbookPage(row, page) } else { View::Runbook(page) })
        }
        "/errors" | "/errors/" => Some(View::ErrorIndex),
        _ if let Some((id, text)) = path.strip_prefix("/errors/").and_then(|id| error(&state, id)) => {
            Some(if wants_page(path, headers) { View::ErrorPage(id, text) } else { View::Error(text) })
        }
        _ => return text(StatusCode::NOT_FOUND, format!("unknown path; the paths are\n\n{PATHS}")),
    };
    if head.method != Method::GET && head.method != Method::HEAD {
        return not_allowed("GET, HEAD");
    }
    match view {
        None if path == "/-/ready" => ready(state.phase()),
        None => text(StatusCode::OK, "healthy\n"),
        Some(view) => {
            let gzip = accepts_gzip(headers);
            let rendered = tokio::task::spawn_blocking(move || render(view, &state, gzip)).await;
            rendered.unwrap_or_else(|_| text(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping\n"))
        }
    }
}

/// Whether the peer is a browser, and did not ask for the text.
fn wants_page(path: &str, headers: &HeaderMap) -> bool {
    path.strip_suffix(".md").is_none() && header(headers, &ACCEPT).is_some_and(|kinds| kinds.contains("text/html"))
}

/// The page of an error in the catalogue in effect, with or without the extension of a file.
fn error(state: &AdminState, path: &str) -> Option<(String, String)> {
    let id = path.trim_end_matches(".md");
    let text = state.loaded().rules.as_ref()?.error_page(id, "{row}.md")?;
    Some((id.to_owned(), text))
}

/// The runbook of a row, with or without the extension of the file in the repository.
fn runbook(state: &AdminState, path: &str) -> Option<(String, Bytes)> {
    let row = path.trim_end_matches(".md");
    state.loaded().runbooks.get(row).map(|page| (row.to_owned(), page.clone()))
}

fn ready(phase: Phase) -> Answer {
    match phase {
        Phase::Ready => text(StatusCode::OK, "ready\n"),
        Phase::Starting => text(StatusCode::SERVICE_UNAVAILABLE, "starting: catching up with the logs\n"),
        Phase::Draining => text(StatusCode::SERVICE_UNAVAILABLE, "draining: stopping, finishing the lines that are read\n"),
    }
}

fn render(view: View, state: &AdminState, gzip: bool) -> Answer {
    let now = Timestamp::from_system(SystemTime::now());
    let (kind, body) = match view {
        View::Page => (HTML, page::render(state, now).into()),
        View::Metrics(format) => (format.content_type(), state.metrics.render(format, now).into()),
        View::Windows => (JSON, api::windows(state).into()),
        View::Alerts => (JSON, api::alerts(state).into()),
        View::Unknown => (JSON, api::unknown(state).into()),
        View::Patterns => (JSON, state.loaded().patterns.clone()),
        View::Status => (JSON, api::status(state, now).into()),
        // A browser would offer `text/markdown` as a download.
        View::Runbook(page) => (TEXT, page),
        View::RunbookPage(row, text) => (HTML, page::runbook_page(state, &row, &text).into()),
        View::RunbookIndex => (HTML, page::runbook_index(state).into()),
        View::Error(text) => (TEXT, text.into()),
        View::ErrorPage(id, text) => (HTML, page::error_page(state, &id, &text).into()),
        View::ErrorIndex => (HTML, page::error_index(state).into()),
    };
    let body: Bytes = body;
    let mut answer = if gzip && body.len() >= MIN_GZIP_BYTES {
        let mut answer = with(StatusCode::OK, kind, compress(&body));
        answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        answer
    } else {
        with(StatusCode::OK, kind, body)
    };
    answer.headers_mut().insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    answer
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether the peer accepts gzip: `gzip` or `*`, with a weight above 0.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = header(headers, &ACCEPT_ENCODING).unwrap_or_default();
    accepted.split(',').any(|item| {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), |weight| weight.trim().parse::<f64>());
        matches!(coding.trim(), "gzip" | "*") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

fn compress(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::fast());
    encoder.write_all(body).expect("writing to a Vec cannot fail");
    encoder.finish().expect("writing to a Vec cannot fail").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_only_to_peers_that_accept_it() {
        let check = |accepted: &'static str, expected: bool| {
            let headers = [(ACCEPT_ENCODING, HeaderValue::from_static(accepted))].into_iter().collect();
            assert_eq!(accepts_gzip(&headers), expected, "{accepted}");
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
