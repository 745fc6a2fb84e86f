//! The push API of Loki: its entries become lines in the JSON of logcli, which the core reads with their labels. One entry is
//! one line, so that entries that are one event (a traceback) stay together over the limits of requests.
//!
//! Source: <https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs> and `pkg/push/push.proto` of Loki. In
//! Protocol Buffers, the body is always compressed as a block of Snappy.

use super::json::{Many, parse};
use super::lines::{Frame, Lines};
use super::memory::Memory;
use super::refusal::Refusal;
use super::wire::{Fields, Malformed, Value};
use crate::source::budget::ReservedBytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Labels with more bytes are left out, because they are repeated with every line.
const LABEL_BYTES: usize = 1024;

const NO_ENTRY: Refusal = Refusal::Malformed("a push of entries, each a time and a line");

#[derive(Deserialize)]
struct Push<'a> {
    #[serde(borrow)]
    streams: Many<'a>,
}

#[derive(Deserialize)]
struct Stream<'a> {
    #[serde(borrow, default)]
    stream: Option<&'a RawValue>,
    #[serde(borrow, default)]
    values: Option<Many<'a>>,
}

/// Adds the lines of a request in JSON.
pub(super) fn json(body: &[u8], lines: &mut Lines<'_>) -> Result<(), Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::Malformed("JSON in UTF-8"))?;
    let push: Push<'_> = parse(text)?;
    for stream in Many::items(Some(push.streams)) {
        let Stream { stream, values } = parse(stream)?;
        let labels = stream.map(RawValue::get).filter(|labels| labels.starts_with('{') && labels.len() <= LABEL_BYTES);
        lines.begin(frame(&labels.map_or_else(|| "{}".to_owned(), |labels| labels.replace(['\n', '\r'], " "))))?;
        for value in Many::items(values) {
            let value: Many<'_> = parse(value)?;
            let mut parts = Many::items(Some(value));
            let (Some(time), Some(text)) = (parts.next(), parts.next()) else { return Err(NO_ENTRY) };
            lines.record(|out| {
                out.json(text)?;
                out.put(b",\"timestamp\":")?;
                out.json(time)
            })?;
        }
    }
    Ok(())
}

/// Unpacks a block of Snappy.
pub(super) fn unpack(body: &[u8], memory: &Memory) -> Result<ReservedBytes, Refusal> {
    const WHAT: Refusal = Refusal::Malformed("a block of Snappy");
    if snap::raw::decompress_len(body).map_err(|_| WHAT)? > memory.body {
        return Err(Refusal::TooLarge(memory.body));
    }
    memory.hold(snap::raw::Decoder::new().decompress_vec(body).map_err(|_| WHAT)?)
}

/// Adds the lines of a request in Protocol Buffers.
pub(super) fn binary(body: &[u8], lines: &mut Lines<'_>) -> Result<(), Refusal> {
    for stream in Fields::all(body, 1) {
        let stream = stream?;
        let labels = Fields::last(stream, 1)?.filter(|labels| labels.len() <= LABEL_BYTES);
        lines.begin(frame(&labels_json(&String::from_utf8_lossy(labels.unwrap_or_default()))))?;
        for entry in Fields::all(stream, 2) {
            let entry = entry?;
            let nanos = nanoseconds(Fields::last(entry, 1)?.unwrap_or_default())?;
            let text = Fields::last(entry, 2)?.unwrap_or_default();
            lines.record(|out| {
                out.text(text)?;
                out.put(format!(",\"timestamp\":\"{nanos}\"").as_bytes())
            })?;
        }
    }
    Ok(())
}

fn frame(labels: &str) -> Frame {
    let mut hasher = DefaultHasher::new();
    labels.hash(&mut hasher);
    let head = [br#"{"labels":"#, labels.as_bytes(), br#","line":"#].concat();
    Frame { stream: hasher.finish(), head, tail: b"}", records: 1, apart: None }
}

/// A `google.protobuf.Timestamp`.
fn nanoseconds(timestamp: &[u8]) -> Result<i128, Malformed> {
    Fields::new(timestamp).try_fold(0, |sum, field| {
        Ok(match field? {
            (1, Value::Number(seconds)) => sum + i128::from(seconds.cast_signed()) * 1_000_000_000,
            (2, Value::Number(nanos)) => sum + i128::from(nanos.cast_signed()),
            _ => sum,
        })
    })
}

/// `{app="checkout", host="web-1"}` as an object.
fn labels_json(labels: &str) -> String {
    let mut object = serde_json::Map::new();
    let mut rest = labels.trim().trim_start_matches('{');
    while let Some((name, behind)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut letters = behind.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => break,
                '\\' => match letters.next() {
                    Some('n') => value.push('\n'),
                    Some('t') => value.push('\t'),
                    Some(escaped @ ('"' | '\\')) => value.push(escaped),
                    Some(other) => value.extend(['\\', other]),
                    None => {}
                },
                _ => value.push(letter),
            }
        }
        object.insert(name.trim_matches([',', ' ']).to_owned(), value.into());
        rest = letters.as_str();
    }
    serde_json::Value::from(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::labels_json;

    #[test]
    fn labels_become_an_object() {
        for (labels, object) in [
            ("{}", "{}"),
            ("", "{}"),
            ("{app=\"checkout\"}", r#"{"app":"checkout"}"#),
            (
                r#"{app="a, b=\"c\"", dir="C:\\logs", text="1\n2\u00e4"}"#,
                r#"{"app":"a, b=\"c\"","dir":"C:\\logs","text":"1\n2\\u00e4"}"#,
            ),
            ("{cut=\"of", r#"{"cut":"of"}"#),
        ] {
            assert_eq!(labels_json(labels), object, "{labels}");
        }
    }
}
