//! Clouds: Google's `textPayload`, CloudWatch Insights and single events, Azure's tables and diagnostic settings, Lambda's
//! telemetry, Loki's and Grafana's lines, Supabase, Vercel.
//!
//! Sources: the documentation of `LogEntry` (Google), of CloudWatch Logs, of the Azure Monitor tables `ContainerLog`,
//! `ContainerLogV2`, `ContainerAppConsoleLogs_CL` and `AppServiceConsoleLogs`, of Lambda's Telemetry API, of logcli.

use super::entry::Entry;
use super::object::{Object, Value};
use std::borrow::Cow;

/// Google Cloud Logging.
pub(super) fn google<'a>(object: &'a Object<'_>) -> Option<Entry<'a>> {
    let text = text_of(object, "textPayload")?;
    Some(Entry {
        text,
        stamp: object.stamp(&["timestamp", "receiveTimestamp"]),
        level: object.level(&["severity"]),
        namespace: object.text(&["resource/labels/namespace_name"]),
        service: object.text(&[
            "resource/labels/container_name",
            "resource/labels/service_name",
            "resource/labels/function_name",
            "resource/labels/job_name",
        ]),
        host: object.text(&["resource/labels/pod_name"]),
        lane: [object.text(&["logName"]), object.text(&["labels/instanceId"])],
        ..Entry::default()
    })
}

/// A row of CloudWatch Insights.
pub(super) fn insights<'a>(object: &'a Object<'_>) -> Option<Entry<'a>> {
    Some(Entry {
        text: text_of(object, "@message")?,
        stamp: object.stamp(&["@timestamp", "@ingestionTime"]),
        lane: [object.text(&["@log"]), object.text(&["@logStream"])],
        ..Entry::default()
    })
}

/// A row of Azure's tables of container logs.
pub(super) fn azure_table<'a>(object: &'a Object<'_>) -> Option<Entry<'a>> {
    const SIGNS: [&str; 8] =
        ["LogEntrySource", "ContainerID", "ContainerId", "Computer", "LogSource", "PodName", "ContainerAppName_s", "TenantId"];
    if !object.has_any(&SIGNS) {
        return None;
    }
    let text = ["LogEntry", "LogMessage", "Log_s"].into_iter().find_map(|key| text_of(object, key))?;
    Some(Entry {
        text,
        stamp: object.stamp(&["TimeGenerated", "time_t", "_timestamp_d"]),
        namespace: object.text(&["PodNamespace"]),
        service: object.text(&["ContainerName", "ContainerAppName_s", "ContainerName_s", "Name"]),
        host: object.text(&["PodName", "ContainerGroupName_s", "Computer"]),
        lane: [
            object.text(&["LogEntrySource", "LogSource", "Stream_s"]),
            object.text(&["ContainerID", "ContainerId", "ContainerId_s"]),
        ],
        ..Entry::default()
    })
}

/// What Azure's diagnostic settings write: the console of App Service and of Container Apps.
pub(super) fn azure_console<'a>(object: &'a Object<'_>) -> Option<Entry<'a>> {
    let category = object.text(&["category", "Category"]);
    if !category.ends_with("ConsoleLogs") {
        return None;
    }
    let properties = object.object("properties");
    let text = text_of(object, "resultDescription")
        .or_else(|| ["Log", "log", "resultDescription"].into_iter().find_map(|key| text_of(properties?, key)))?;
    Some(Entry {
        text,
        stamp: object.stamp(&["time"]),
        level: object.level(&["level", "Level"]),
        service: object.text(&["properties/ContainerAppName", "properties/ContainerName", "Host"]),
        host: object.text(&["properties/ContainerGroupName"]),
        lane: [object.text(&["properties/Stream"]), object.text(&["containerId", "properties/ContainerId"])],
        ..Entry::default()
    })
}

/// Lambda's Telemetry API, of which only the lines of the function are text.
pub(super) fn lambda<'a>(object: &'a Object<'_>) -> Option<Entry<'a>> {
    if !matches!(object.text(&["type"]), "function" | "extension") {
        return None;
    }
    Some(Entry { text: text_of(object, "record")?, stamp: object.stamp(&["time"]), ..Entry::default() })
}

/// A line that logcli or Grafana exports.
pub(super) fn loki_line<'a>(object: &'a Object<'_>) -> Option<Entry<'a>> {
    if !object.has_any(&["labels", "fields"]) || !object.has_any(&["timestamp", "tsNs"]) {
        return None;
    }
    let entry = Entry { text: text_of(object, "line")?, stamp: object.stamp(&["timestamp", "tsNs"]), ..Entry::default() };
    Some(match object.object("labels").or_else(|| object.object("fields")) {
        Some(labels) => with_labels(entry, labels),
        None => entry,
    })
}

/// Supabase.
pub(super) fn supabase<'a>(object: &'a Object<'_>) -> Option<Entry<'a>> {
    Some(Entry { text: text_of(object, "event_message")?, stamp: object.stamp(&["timestamp"]), ..Entry::default() })
}

/// Vercel's drains: what a function printed. The other fields are about the request that the function served, and its status is
/// not that of a call. A request without a text is an access record.
///
/// Source: <https://vercel.com/docs/drains/reference/logs>.
pub(super) fn vercel<'a>(object: &'a Object<'_>) -> Option<Entry<'a>> {
    if !object.has_any(&["deploymentId"]) || !object.has_any(&["projectId"]) {
        return None;
    }
    Some(Entry {
        text: text_of(object, "message").filter(|text| !text.is_empty())?,
        stamp: object.stamp(&["timestamp"]),
        level: object.level(&["level"]),
        service: object.text(&["projectName"]),
        host: object.text(&["host"]),
        lane: [object.text(&["type"]), object.text(&["requestId"])],
        ..Entry::default()
    })
}

/// Adds what the labels of a stream of Loki say.
pub(super) fn with_labels<'a>(entry: Entry<'a>, labels: &'a Object<'_>) -> Entry<'a> {
    Entry {
        namespace: labels.text(&["namespace"]),
        service: labels.text(&[
            "service_name",
            "service",
            "container",
            "compose_service",
            "container_name",
            "app",
            "job",
            "unit",
        ]),
        host: labels.text(&["pod", "instance", "host", "hostname"]),
        lane: [labels.text(&["stream", "filename"]), labels.text(&["container_id"])],
        ..entry
    }
}

fn text_of<'a>(object: &'a Object<'_>, key: &str) -> Option<Cow<'a, [u8]>> {
    match object.get(key)? {
        Value::Text(text) => Some(Cow::Borrowed(text.as_bytes())),
        _ => None,
    }
}
