//! Objects with many lines: CloudWatch's subscriptions and `filter-log-events` (`logEvents`, `events`), Loki's push and query
//! bodies (`streams`, `data.result`).

use super::cloud::with_labels;
use super::entry::Entry;
use super::object::{Object, Value};
use std::borrow::Cow;

/// The most lines of one object.
const MAX_LINES: usize = 10_000;

/// Passes the lines of a batch to `out`. Returns false if the object is no batch.
pub(super) fn read(object: &Object<'_>, out: &mut dyn FnMut(&Entry<'_>)) -> bool {
    cloud_watch(object, out) || loki(object, out)
}

fn cloud_watch(object: &Object<'_>, out: &mut dyn FnMut(&Entry<'_>)) -> bool {
    const SIGNS: [&str; 5] = ["logGroup", "messageType", "searchedLogStreams", "nextForwardToken", "nextToken"];
    let Some(events) = object.array("logEvents").or_else(|| object.array("events")) else { return false };
    let of_stream = |event: &Value<'_>| matches!(event, Value::Object(event) if event.has_any(&["message"]) && event.has_any(&["timestamp"]));
    if !object.has_any(&SIGNS) && !events.first().is_some_and(of_stream) {
        return false;
    }
    let mut found = false;
    for event in events.iter().take(MAX_LINES) {
        let Value::Object(event) = event else { continue };
        let Some(Value::Text(text)) = event.get("message") else { continue };
        out(&Entry {
            text: Cow::Borrowed(text.as_bytes()),
            stamp: event.stamp(&["timestamp"]),
            lane: [object.text(&["logGroup"]), object.text(&["logStream"]).max(event.text(&["logStreamName"]))],
            ..Entry::default()
        });
        found = true;
    }
    found
}

fn loki(object: &Object<'_>, out: &mut dyn FnMut(&Entry<'_>)) -> bool {
    let result = || object.object("data")?.array("result");
    let Some(streams) = object.array("streams").or_else(result) else { return false };
    let mut left = MAX_LINES;
    let mut found = false;
    for stream in streams {
        let Value::Object(stream) = stream else { continue };
        let Some(lines) = stream.array("values") else { continue };
        for line in lines.iter().take(left) {
            let Value::Array(line) = line else { continue };
            let [time, Value::Text(text), ..] = line.as_slice() else { continue };
            found = true;
            let entry = Entry { text: Cow::Borrowed(text.as_bytes()), stamp: time.stamp(), ..Entry::default() };
            out(&match stream.object("stream") {
                Some(labels) => with_labels(entry, labels),
                None => entry,
            });
        }
        left = left.saturating_sub(lines.len());
    }
    found
}
