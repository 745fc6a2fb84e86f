//! OTLP/HTTP: log records and spans become lines in the JSON of OTLP, which the core reads from files too.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/> and the definitions in opentelemetry-proto 1.x. What has no meaning for
//! us (links, counts of dropped attributes) is left out. Metrics are counted and dropped.

use super::json::{Many, parse};
use super::lines::{Frame, Lines, Sink};
use super::protobuf::{Kind, Message, write};
use super::refusal::Refusal;
use super::wire::Fields;
use crate::framing::OtlpLines;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A resource or a scope with more bytes is left out.
const FRAME_BYTES: usize = 16 * 1024;

/// The name of a service, a host or a container that is longer, in JSON, is left out.
const NAME_BYTES: usize = 256;

/// The most records of a line.
const LINE_RECORDS: usize = 1_000;

/// What a batch holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Logs,
    Traces,
}

impl Signal {
    /// The beginning, the middle and the end of a line, around its resource, its scope and its records.
    fn frame(self) -> [&'static [u8]; 3] {
        match self {
            Self::Logs => [br#"{"resourceLogs":[{"resource":"#, br#","scopeLogs":[{"scope":"#, br#","logRecords":["#],
            Self::Traces => [br#"{"resourceSpans":[{"resource":"#, br#","scopeSpans":[{"scope":"#, br#","spans":["#],
        }
    }
}

/// Adds the lines of a batch in Protocol Buffers.
pub(super) fn binary(signal: Signal, batch: &[u8], lines: &mut Lines<'_>) -> Result<(), Refusal> {
    let leaf = if signal == Signal::Logs { &LOG_RECORD } else { &SPAN };
    for resource in Fields::all(batch, 1) {
        let resource = resource?;
        let around = json_of(Fields::last(resource, 1)?, &RESOURCE)?;
        for scope in Fields::all(resource, 2) {
            let scope = scope?;
            let head = json_of(Fields::last(scope, 1)?, &SCOPE)?;
            lines.begin(frame(signal, &around, &head))?;
            for record in Fields::all(scope, 2) {
                let record = record?;
                lines.record(|out| write(record, leaf, out, 0))?;
            }
        }
    }
    Ok(())
}

fn json_of(message: Option<&[u8]>, kind: &Message) -> Result<String, Refusal> {
    let mut out = Sink::new(FRAME_BYTES);
    match message.map(|message| write(message, kind, &mut out, 0)) {
        Some(Ok(())) => Ok(String::from_utf8(out.into_bytes()).unwrap_or_default()),
        None | Some(Err(Refusal::TooLarge(_))) => Ok("{}".to_owned()),
        Some(Err(refusal)) => Err(refusal),
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Batch<'a> {
    #[serde(borrow)]
    resource_logs: Option<Many<'a>>,
    #[serde(borrow)]
    resource_spans: Option<Many<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OfResource<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    #[serde(borrow)]
    scope_logs: Option<Many<'a>>,
    #[serde(borrow)]
    scope_spans: Option<Many<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OfScope<'a> {
    #[serde(borrow)]
    scope: Option<&'a RawValue>,
    #[serde(borrow)]
    log_records: Option<Many<'a>>,
    #[serde(borrow)]
    spans: Option<Many<'a>>,
}

/// Adds the lines of a batch in JSON. Returns how many records are no objects.
pub(super) fn json(signal: Signal, batch: &[u8], lines: &mut Lines<'_>) -> Result<u64, Refusal> {
    let of = |logs, spans| if signal == Signal::Logs { logs } else { spans };
    let text = std::str::from_utf8(batch).map_err(|_| Refusal::Malformed("JSON in UTF-8"))?;
    let batch: Batch<'_> = parse(text)?;
    let mut rejected = 0;
    for resource in Many::items(of(batch.resource_logs, batch.resource_spans)) {
        let resource: OfResource<'_> = parse(resource)?;
        let around = object(resource.resource);
        for scope in Many::items(of(resource.scope_logs, resource.scope_spans)) {
            let scope: OfScope<'_> = parse(scope)?;
            lines.begin(frame(signal, &around, &object(scope.scope)))?;
            for record in Many::items(of(scope.log_records, scope.spans)) {
                if record.starts_with('{') { lines.record(|out| out.json(record))? } else { rejected += 1 }
            }
        }
    }
    Ok(rejected)
}

/// A resource or a scope on one line.
fn object(value: Option<&RawValue>) -> String {
    let json = value.map(RawValue::get).filter(|json| json.starts_with('{') && json.len() <= FRAME_BYTES);
    json.map_or_else(|| "{}".to_owned(), |json| json.replace(['\n', '\r'], " "))
}

fn frame(signal: Signal, resource: &str, scope: &str) -> Frame {
    let [begin, middle, end] = signal.frame();
    let head = |resource: &str, scope: &str| [begin, resource.as_bytes(), middle, scope.as_bytes(), end].concat();
    let apart = (signal == Signal::Logs).then(|| {
        let short = if scope.len() <= NAME_BYTES { scope } else { "{}" };
        (OtlpLines::of_scope(scope), head(&names_of(resource), short).into())
    });
    Frame { stream: stream_of(resource), head: head(resource, scope), tail: b"]}]}]}", records: LINE_RECORDS, apart }
}

/// A resource with the attributes that are read with a line of text: they are repeated with every line.
fn names_of(resource: &str) -> String {
    let attributes = serde_json::from_str(resource).map_or_else(|_| Vec::new(), |Resource { attributes }| attributes);
    let names = attributes.iter().filter_map(|Attribute { key, value }| {
        let value = value.map(RawValue::get).filter(|value| value.len() <= NAME_BYTES)?;
        OtlpLines::RESOURCE.contains(&&**key).then(|| format!("{{\"key\":\"{key}\",\"value\":{value}}}"))
    });
    format!("{{\"attributes\":[{}]}}", names.collect::<Vec<_>>().join(","))
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, default)]
    attributes: Vec<Attribute<'a>>,
}

#[derive(Deserialize)]
struct Attribute<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

/// Tells the processes of one peer apart, by the attributes that name a process.
fn stream_of(resource: &str) -> u64 {
    const NAMES: [&str; 6] = ["service.", "host.", "k8s.", "container.", "process.pid", "deployment."];
    let Ok(Resource { attributes }) = serde_json::from_str(resource) else { return 0 };
    let mut hasher = DefaultHasher::new();
    for Attribute { key, value } in &attributes {
        if NAMES.iter().any(|name| key.starts_with(name)) {
            (key, value.map(RawValue::get)).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// The answer to a batch: empty, or how many records were rejected.
pub(super) fn accepted(signal: Option<Signal>, rejected: u64, is_json: bool) -> Vec<u8> {
    const WHY: &str = "records that are no objects";
    let name = match signal {
        Some(Signal::Logs) => "rejectedLogRecords",
        Some(Signal::Traces) => "rejectedSpans",
        None => "rejectedDataPoints",
    };
    match (rejected, is_json) {
        (0, true) => b"{}".to_vec(),
        (0, false) => Vec::new(),
        // Only JSON can hold a record that is no object.
        _ => format!("{{\"partialSuccess\":{{\"{name}\":\"{rejected}\",\"errorMessage\":\"{WHY}\"}}}}").into_bytes(),
    }
}

/// The body of a refusal: a `google.rpc.Status`.
pub(super) fn refused(refusal: &Refusal, is_json: bool) -> Vec<u8> {
    let (code, message) = (refusal.rpc_code(), refusal.message());
    if is_json {
        return serde_json::json!({"code": code, "message": message}).to_string().into_bytes();
    }
    // The messages are shorter than 128 bytes, so that their length is one byte.
    let mut text = message.into_bytes();
    text.truncate(127);
    let len = u8::try_from(text.len()).unwrap_or(0);
    [&[0x08, code, 0x12, len][..], &text].concat()
}

static RESOURCE: Message = Message(&[(1, "attributes", Kind::Messages(&KEY_VALUE))]);
static SCOPE: Message =
    Message(&[(1, "name", Kind::Text), (2, "version", Kind::Text), (3, "attributes", Kind::Messages(&KEY_VALUE))]);
static KEY_VALUE: Message = Message(&[(1, "key", Kind::Text), (2, "value", Kind::Message(&ANY_VALUE))]);
static ANY_VALUE: Message = Message(&[
    (1, "stringValue", Kind::Text),
    (2, "boolValue", Kind::Bool),
    (3, "intValue", Kind::Signed),
    (4, "doubleValue", Kind::Double),
    (5, "arrayValue", Kind::Message(&ARRAY_VALUE)),
    (6, "kvlistValue", Kind::Message(&KEY_VALUE_LIST)),
    (7, "bytesValue", Kind::Base64),
]);
static ARRAY_VALUE: Message = Message(&[(1, "values", Kind::Messages(&ANY_VALUE))]);
static KEY_VALUE_LIST: Message = Message(&[(1, "values", Kind::Messages(&KEY_VALUE))]);
static LOG_RECORD: Message = Message(&[
    (1, "timeUnixNano", Kind::Unsigned),
    (11, "observedTimeUnixNano", Kind::Unsigned),
    (2, "severityNumber", Kind::Number),
    (3, "severityText", Kind::Text),
    (12, "eventName", Kind::Text),
    (5, "body", Kind::Message(&ANY_VALUE)),
    (6, "attributes", Kind::Messages(&KEY_VALUE)),
    (9, "traceId", Kind::Hex),
    (10, "spanId", Kind::Hex),
]);
static SPAN: Message = Message(&[
    (1, "traceId", Kind::Hex),
    (2, "spanId", Kind::Hex),
    (4, "parentSpanId", Kind::Hex),
    (5, "name", Kind::Text),
    (6, "kind", Kind::Number),
    (7, "startTimeUnixNano", Kind::Unsigned),
    (8, "endTimeUnixNano", Kind::Unsigned),
    (9, "attributes", Kind::Messages(&KEY_VALUE)),
    (11, "events", Kind::Messages(&SPAN_EVENT)),
    (15, "status", Kind::Message(&SPAN_STATUS)),
]);
static SPAN_EVENT: Message =
    Message(&[(1, "timeUnixNano", Kind::Unsigned), (2, "name", Kind::Text), (3, "attributes", Kind::Messages(&KEY_VALUE))]);
static SPAN_STATUS: Message = Message(&[(2, "message", Kind::Text), (3, "code", Kind::Number)]);
