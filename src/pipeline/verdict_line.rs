//! A verdict as one line of JSON. Scripts rely on the format: every key is always present, in this order.

use crate::classify::{Attribution, Catalog, Verdict};
use crate::framing::RawEvent;
use crate::taxonomy::{Category, Confidence, Ending, Grain, Outcome, Owner, Retry, Status};
use crate::time::Timestamp;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Serialize, Serializer};

/// The version of the format: the key `v` of every line.
pub const VERSION: u8 = 1;

/// The JSON Schema of a line: every key is required, and no other key is valid.
#[must_use]
pub fn verdict_schema() -> serde_json::Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    generator.into_root_schema_for::<Line<'_>>().to_value()
}

/// One line per record. Every key is always present; null if the value is unknown.
// The doc comments of the fields are the descriptions of the schema.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "llm-triage verdict", deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the names of the fields are the keys of the format")]
struct Line<'a> {
    #[schemars(extend("const" = VERSION))]
    v: u8,
    /// The file, or the name of the source.
    source: &'a str,
    /// The first line of the event.
    #[schemars(range(min = 1))]
    line: u64,
    #[schemars(range(min = 1))]
    lines: u64,
    /// The byte offset of the first line.
    offset: u64,
    #[schemars(extend("format" = "date-time"))]
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
    #[schemars(range(min = 0.0))]
    #[serde(serialize_with = "without_zero_fraction")]
    retry_after_s: Option<f64>,
    #[schemars(extend("format" = "date-time"))]
    resets_at: Option<String>,
    confidence: Option<Confidence>,
    request_id: Option<&'a str>,
    /// Redacted; at most 512 bytes.
    message: Option<&'a str>,
    fix: Option<&'a str>,
    /// The row of the escalation table.
    row: Option<&'a str>,
    #[schemars(range(min = 0.0))]
    latency_s: Option<f64>,
    /// How the answer ended.
    ending: Option<Ending>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

/// Writes `10` and not `10.0`, as the servers that ask for the wait do.
#[expect(clippy::cast_possible_truncation, reason = "whole and below 1e15, as checked before the cast")]
#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn without_zero_fraction<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match *number {
        Some(number) if number.fract() == 0.0 && number.abs() < 1e15 => serializer.serialize_i64(number as i64),
        number => number.serialize(serializer),
    }
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
    let error = verdict.judgement.outcome == Outcome::Error;
    let pattern = verdict.judgement.pattern.filter(|_| error).and_then(|id| catalog.pattern(id));
    let line = Line {
        v: VERSION,
        source: location.source,
        line: location.event.line,
        lines: location.event.lines,
        offset: location.event.offset,
        ts: location.at.map(|at| at.to_string()),
        outcome: verdict.judgement.outcome,
        grain: (verdict.judgement.outcome != Outcome::Other).then_some(verdict.judgement.grain),
        provider: providers.id(verdict.judgement.provider),
        provider_by: verdict.judgement.provider_by,
        gateway: verdict.judgement.gateway.map(|gateway| providers.id(gateway)),
        service: location.service,
        host: location.host,
        model: verdict.texts.model.as_deref(),
        status: verdict.judgement.status,
        upstream_status: verdict.judgement.upstream_status,
        pattern: pattern.map(|pattern| pattern.id.as_str()),
        category: error.then_some(verdict.judgement.category),
        owner: error.then_some(verdict.judgement.owner),
        retry: error.then_some(verdict.judgement.retry),
        retry_after_s: verdict.judgement.retry_after_s.filter(|_| error),
        resets_at: verdict.judgement.resets_at.filter(|_| error).map(|at| at.to_string()),
        confidence: error.then_some(verdict.judgement.confidence),
        request_id: verdict.texts.request_id.as_deref(),
        message: verdict.judgement.message.as_deref().filter(|_| error),
        fix: pattern.map(|pattern| pattern.fix.as_str()).or(if error { Some(NO_PATTERN) } else { None }),
        row: location.row,
        // Whole microseconds: 9 ms is 0.009, not 0.009000000000000001.
        latency_s: verdict.judgement.latency_s.map(|latency| (latency * 1e6).round() / 1e6),
        ending: verdict.judgement.ending,
        input_tokens: verdict.judgement.input_tokens,
        output_tokens: verdict.judgement.output_tokens,
    };
    if serde_json::to_writer(&mut *out, &line).is_ok() {
        out.push(b'\n');
    }
}

/// The `fix` of an error that matches no pattern.
pub const NO_PATTERN: &str = "No pattern matches this error. Read the message; if the error occurs again, `llm-triage suggest` prints a pattern to fill in.";
