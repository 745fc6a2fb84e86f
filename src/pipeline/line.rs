//! A verdict as one line of JSON: the contract that scripts rely on. Keys are always there, in this order.

use crate::classify::{Attribution, Catalog, Verdict};
use crate::framing::RawEvent;
use crate::taxonomy::{Category, Confidence, Grain, Outcome, Owner, Retry, Status};
use crate::time::Timestamp;
use serde::Serialize;

/// The version of the format.
pub const VERSION: u8 = 1;

/// One verdict, with where it came from.
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

/// Where a record came from and what was added to its verdict.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) source: &'a str,
    pub(super) event: &'a RawEvent<'a>,
    /// The record's own time, resolved; `None` where it had none.
    pub(super) at: Option<Timestamp>,
    pub(super) service: Option<&'a str>,
    pub(super) host: Option<&'a str>,
    pub(super) row: Option<&'a str>,
}

/// Appends the line.
pub(super) fn write(out: &mut Vec<u8>, verdict: &Verdict<'_>, place: &Place<'_>, catalog: &Catalog) {
    let providers = catalog.providers();
    let error = verdict.judgement.outcome == Outcome::Error;
    let pattern = verdict.judgement.pattern.filter(|_| error).and_then(|it| catalog.pattern(it));
    let line = Line {
        v: VERSION,
        source: place.source,
        line: place.event.line,
        lines: place.event.lines,
        offset: place.event.offset,
        ts: place.at.map(|it| it.to_string()),
        outcome: verdict.judgement.outcome,
        grain: (verdict.judgement.outcome != Outcome::Other).then_some(verdict.judgement.grain),
        provider: providers.id(verdict.judgement.provider),
        provider_by: verdict.judgement.provider_by,
        gateway: verdict.judgement.gateway.map(|it| providers.id(it)),
        service: place.service,
        host: place.host,
        model: verdict.texts.model.as_deref(),
        status: verdict.judgement.status,
        upstream_status: verdict.judgement.upstream_status,
        pattern: pattern.map(|it| it.id.as_str()),
        category: error.then_some(verdict.judgement.category),
        owner: error.then_some(verdict.judgement.owner),
        retry: error.then_some(verdict.judgement.retry),
        retry_after_s: verdict.judgement.retry_after_s.filter(|_| error),
        resets_at: verdict.judgement.resets_at.filter(|_| error).map(|it| it.to_string()),
        confidence: error.then_some(verdict.judgement.confidence),
        request_id: verdict.texts.request_id.as_deref(),
        message: verdict.judgement.message.as_deref().filter(|_| error),
        fix: pattern.map(|it| it.fix.as_str()).or(if error { Some(NO_PATTERN) } else { None }),
        row: place.row,
        // Whole microseconds: 9 ms is 0.009, not 0.009000000000000001.
        latency_s: verdict.judgement.latency_s.map(|it| (it * 1e6).round() / 1e6),
    };
    if serde_json::to_writer(&mut *out, &line).is_ok() {
        out.push(b'\n');
    }
}

/// What to do about an error that no pattern knows.
pub const NO_PATTERN: &str =
    "No pattern knows this error. Read the message; if it comes back, `llm-triage suggest` prints a pattern to fill in.";
