//! A verdict as one line of JSON. Scripts rely on the format: every key is always present, in this order.

use crate::classify::{Attribution, Catalog, Verdict};
use crate::framing::RawEvent;
use crate::taxonomy::{Category, Confidence, Grain, Outcome, Owner, Retry, Status};
use crate::time::Timestamp;
use serde::Serialize;

/// The version of the format: the key `v` of every line.
pub const VERSION: u8 = 1;

/// One verdict and where its record came from.
#[derive(Debug, Serialize)]
struct Line<'a> {
    v: u8,
    source: &'a str,
    line: u64,
    lines: u64,
    offset: u64,
    ts: Option<String>,
    outcome: Outcome,
    grain: Option<Grain>,
    provider: &'a str,
    provider_by: Option<Attribution>,
    gateway: Option<&'a str>,
    service: Option<&'a str>,
    host: Option<&'a str>,
    model: Option<&'a str>,
    status: Option<Status>,
    upstream_status: Option<Status>,
    pattern: Option<&'a str>,
    category: Option<Category>,
    owner: Option<Owner>,
    retry: Option<Retry>,
    retry_after_s: Option<f64>,
    resets_at: Option<String>,
    confidence: Option<Confidence>,
    request_id: Option<&'a str>,
    message: Option<&'a str>,
    fix: Option<&'a str>,
    row: Option<&'a str>,
    latency_s: Option<f64>,
}

/// Where a record came from, and what the pipeline adds to its verdict.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordLocation<'a> {
    pub(super) source: &'a str,
    pub(super) event: &'a RawEvent<'a>,
    /// The record's own time; `None` if it has none, or an implausible one.
    pub(super) at: Option<Timestamp>,
    pub(super) service: Option<&'a str>,
    pub(super) host: Option<&'a str>,
    pub(super) row: Option<&'a str>,
}

/// Appends one line.
pub(super) fn write(out: &mut Vec<u8>, verdict: &Verdict<'_>, location: &RecordLocation<'_>, catalog: &Catalog) {
    let providers = catalog.providers();
    let error = verdict.outcome == Outcome::Error;
    let pattern = verdict.pattern.filter(|_| error).and_then(|id| catalog.pattern(id));
    let line = Line {
        v: VERSION,
        source: location.source,
        line: location.event.line,
        lines: location.event.lines,
        offset: location.event.offset,
        ts: location.at.map(|at| at.to_string()),
        outcome: verdict.outcome,
        grain: (verdict.outcome != Outcome::Other).then_some(verdict.grain),
        provider: providers.id(verdict.provider),
        provider_by: verdict.provider_by,
        gateway: verdict.gateway.map(|gateway| providers.id(gateway)),
        service: location.service,
        host: location.host,
        model: verdict.model.as_deref(),
        status: verdict.status,
        upstream_status: verdict.upstream_status,
        pattern: pattern.map(|pattern| pattern.id.as_str()),
        category: error.then_some(verdict.category),
        owner: error.then_some(verdict.owner),
        retry: error.then_some(verdict.retry),
        retry_after_s: verdict.retry_after_s.filter(|_| error),
        resets_at: verdict.resets_at.filter(|_| error).map(|at| at.to_string()),
        confidence: error.then_some(verdict.confidence),
        request_id: verdict.request_id.as_deref(),
        message: verdict.message.as_deref().filter(|_| error),
        fix: pattern.map(|pattern| pattern.fix.as_str()).or(if error { Some(NO_PATTERN) } else { None }),
        row: location.row,
        // Whole microseconds: 9 ms is 0.009, not 0.009000000000000001.
        latency_s: verdict.latency_s.map(|latency| (latency * 1e6).round() / 1e6),
    };
    if serde_json::to_writer(&mut *out, &line).is_ok() {
        out.push(b'\n');
    }
}

/// The `fix` of an error that matches no pattern.
pub const NO_PATTERN: &str = "No pattern matches this error. Read the message; if the error occurs again, `llm-triage suggest` prints a pattern to fill in.";
