//! Whether a JSON object may be one that a carrier wrote, by its first keys. Every JSON line is tested.

/// The most keys that are looked at.
const KEYS: usize = 6;

/// Whether the first keys are those of a carrier's object: the first one that loggers do not have too is the carrier's.
pub(super) fn may_be_carrier(object: &[u8]) -> bool {
    let mut rest = object.get(1..).unwrap_or_default();
    let mut before: &[u8] = b"";
    for _ in 0..KEYS {
        let Some((key, value)) = key(rest) else { return false };
        match kind_of(key) {
            Kind::Carrier => return true,
            _ if PAIRS.contains(&(before, key)) => return true,
            Kind::Common => {}
            Kind::Other => return false,
        }
        before = key;
        let Some(behind) = behind_value(value) else { return false };
        rest = behind;
    }
    false
}

/// The first keys of Lambda's telemetry, of Splunk's collector and of GELF.
const PAIRS: [(&[u8], &[u8]); 4] = [(b"time", b"type"), (b"time", b"host"), (b"event", b"time"), (b"version", b"host")];

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Carriers have it, and hardly anybody else.
    Carrier,
    /// Carriers have it among their first keys, and loggers too.
    Common,
    Other,
}

fn kind_of(key: &[u8]) -> Kind {
    match key {
        b"log" | b"stream" | b"_p" | b"logtag" | b"kubernetes" | b"docker" | b"container_id" | b"container_name" | b"tag"
        | b"insertId" | b"textPayload" | b"logName" | b"receiveTimestamp" | b"labels" | b"line" | b"streams"
        | b"messageType" | b"logEvents" | b"logGroup" | b"logStreamName" | b"eventId" | b"ingestionTime" | b"@message"
        | b"@metadata" | b"@ptr" | b"@logStream" | b"@log" | b"resourceId" | b"TenantId" | b"TimeGenerated"
        | b"LogEntry" | b"LogMessage" | b"Log_s" | b"ddsource" | b"ddtags" | b"source_type" | b"nodeName" | b"podName"
        | b"sourcetype" | b"fly" | b"container_created_at" | b"event_message" | b"MESSAGE" | b"PRIORITY" | b"app_name"
        | b"SYSLOG_IDENTIFIER" | b"resourceLogs" | b"record" | b"deploymentId" | b"projectId" | b"ecs_cluster" | b"agent" | b"searchNextToken"
        | b"ContainerID" | b"ContainerId" | b"ContainerName" | b"Computer" | b"PodName" | b"PodNamespace" | b"LogSource" | b"LogEntrySource"
        // journald's own fields.
        | [b'_', b'_' | b'A'..=b'Z', ..] => Kind::Carrier,
        b"time" | b"timestamp" | b"@timestamp" | b"date" | b"message" | b"host" | b"hostname" | b"id" | b"file" | b"version"
        | b"events" | b"event" | b"source" | b"type" | b"severity" | b"short_message" | b"category" | b"resource" => {
            Kind::Common
        }
        _ => Kind::Other,
    }
}

/// The key at the start of `text`, after blanks, and the text behind its colon.
fn key(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start().strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', text.get(..text.len().min(32))?)?;
    let (key, rest) = text.split_at(end);
    let rest = rest.get(1..)?.trim_ascii_start().strip_prefix(b":")?;
    Some((key, rest.trim_ascii_start()))
}

/// The text behind a value and its comma. Behind an object or array: what follows its opening, because the keys of its
/// members say enough (`{"resource":{"labels":…`).
fn behind_value(text: &[u8]) -> Option<&[u8]> {
    let end = match text.first()? {
        b'"' => {
            let mut at = 1;
            loop {
                let found = at + memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
                if text.get(found) == Some(&b'"') {
                    break found + 1;
                }
                at = found + 2;
            }
        }
        b'{' => return text.get(1..),
        b'[' => return text.get(1..)?.trim_ascii_start().strip_prefix(b"{"),
        _ => memchr::memchr(b',', text)?,
    };
    text.get(end..)?.trim_ascii_start().strip_prefix(b",")
}
