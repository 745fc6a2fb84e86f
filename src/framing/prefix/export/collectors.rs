//! Collectors that put a line into an object of their own: Docker's `json-file` driver, Fluent Bit, Fluentd and `FireLens`
//! (`log`), Vector, Filebeat, Datadog, pm2, stern and others (`message`), Splunk (`event`), Docker's GELF driver.
//!
//! Sources: the documentation of each.

use super::entry::Entry;
use super::object::{Object, Value};
use std::borrow::Cow;

/// Docker's `json-file` driver and everything that names the line `log`.
pub(super) fn log<'a>(object: &'a Object<'_>) -> Option<Entry<'a>> {
    const DRIVER: [&str; 4] = ["log", "stream", "time", "attrs"];
    const OTHERS: [&str; 10] =
        ["stream", "kubernetes", "container_id", "container_name", "_p", "logtag", "docker", "date", "tag", "ecs_cluster"];
    let Some(Value::Text(text)) = object.get("log") else { return None };
    if !object.has_any(&OTHERS) {
        return None;
    }
    // The driver cuts lines at 16 KiB, and ends all others with a newline. CRI runtimes mark the parts.
    let by_driver = object.has_only(&DRIVER) && !text.ends_with('\n');
    let partial = by_driver || object.text(&["_p", "logtag"]) == "P";
    let name = object.text(&["container_name"]);
    let entry = Entry {
        text: Cow::Borrowed(text.as_bytes()),
        stamp: object.stamp(&["time", "@timestamp", "timestamp", "date"]),
        service: name.trim_start_matches('/'),
        lane: [object.text(&["stream", "source"]), object.text(&["container_id"])],
        partial,
        ..Entry::default()
    };
    Some(entry.with_kubernetes(object))
}

/// The collectors that name the line `message`. Loggers do so too, so the object must have a key of the collector, and
/// none that says what a logger says: then the collector has read the line already.
pub(super) fn message<'a>(object: &'a Object<'_>) -> Option<Entry<'a>> {
    const SIGNS: [&str; 13] = [
        "source_type",
        "kubernetes",
        "ddsource",
        "ddtags",
        "podName",
        "app_name",
        "fly",
        "deploymentId",
        "agent",
        "logtag",
        "ingestionTime",
        "logStreamName",
        "_p",
    ];
    const READ: [&str; 14] = [
        "level",
        "severity",
        "log.level",
        "lvl",
        "error",
        "err",
        "exception",
        "logger",
        "status_code",
        "statusCode",
        "model",
        "provider",
        "@level",
        "levelname",
    ];
    let Some(Value::Text(text)) = object.get("message") else { return None };
    let by_beat = !object.has_any(&["agent"]) || object.has_any(&["@metadata", "input", "ecs"]);
    if !object.has_any(&SIGNS) || object.has_any(&READ) || !by_beat || !object.text(&["log/level"]).is_empty() {
        return None;
    }
    let entry = Entry {
        text: Cow::Borrowed(text.as_bytes()),
        stamp: object.stamp(&["@timestamp", "timestamp", "time", "date"]),
        level: object.level(&["status"]),
        namespace: object.text(&["namespace"]),
        service: object.text(&["service", "containerName", "app_name", "container_name", "fly/app/name", "appname"]),
        host: object.text(&["podName", "host", "hostname", "host/name"]),
        lane: [
            object.text(&["stream", "type", "logStreamName"]),
            object.text(&["container_id", "fly/app/instance", "log/file/path"]),
        ],
        partial: object.text(&["_p", "logtag"]) == "P",
    };
    Some(if object.has_any(&["kubernetes"]) { entry.with_kubernetes(object) } else { entry })
}

/// Splunk's HTTP collector and Docker's driver for it.
pub(super) fn event<'a>(object: &'a Object<'_>) -> Option<Entry<'a>> {
    if !object.has_any(&["sourcetype"]) {
        return None;
    }
    Some(Entry {
        text: Cow::Borrowed(Some(object.text(&["event", "event/line"])).filter(|text| !text.is_empty())?.as_bytes()),
        stamp: object.stamp(&["time"]),
        host: object.text(&["host"]),
        service: object.text(&["event/tag"]),
        lane: [object.text(&["source"]), object.text(&["event/source"])],
        ..Entry::default()
    })
}

/// Docker's GELF driver.
pub(super) fn gelf<'a>(object: &'a Object<'_>) -> Option<Entry<'a>> {
    let Some(Value::Text(text)) = object.get("short_message") else { return None };
    object.has_any(&["_container_id"]).then(|| Entry {
        text: Cow::Borrowed(text.as_bytes()),
        stamp: object.stamp(&["timestamp"]),
        level: object.level(&["level"]),
        host: object.text(&["host"]),
        service: object.text(&["_container_name"]).trim_start_matches('/'),
        ..Entry::default()
    })
}
