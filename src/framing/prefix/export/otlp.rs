//! OTLP in JSON: the log records of a collector that reads files, or that passes on the lines of others. The body is a line, and
//! the attributes say only where the line is from, so a traceback is many records.
//!
//! Other records are entries of a logger, which `record` reads: those with an attribute of the application, a trace, the name
//! of an event, or a level beside the name of a scope. A batch with such a record is left to `record` as a whole.
//!
//! Sources: opentelemetry-proto 1.x; the semantic conventions of resources and of logs; the documentation of the collector's
//! filelog receiver and container parser, of its Loki and Splunk receivers, and of Alloy's `otelcol.receiver.loki`.

use super::entry::{Entry, Share};
use crate::line::Level;
use crate::time::Stamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The attributes of a record that say where its line is from begin so.
const ORIGINS: [&str; 11] = [
    "log.file.",
    "log.iostream",
    "log.record.",
    "k8s.",
    "container.",
    "host.",
    "service.",
    "cloud.",
    "com.docker.",
    "com.splunk.",
    "loki.",
];

/// The same, for labels that Loki's clients and CRI's lines have.
const LABELS: [&str; 12] = [
    "logtag",
    "time",
    "stream",
    "filename",
    "job",
    "app",
    "namespace",
    "pod",
    "container",
    "instance",
    "service_name",
    "node_name",
];

/// What a batch calls itself.
const BEGIN: &[u8] = br#"{"resourceLogs""#;

pub(super) fn is_batch(object: &[u8]) -> bool {
    object.starts_with(BEGIN)
}

/// Passes the lines of a batch to `out`. Returns false if it has a record that is no line, or none at all.
pub(super) fn read(batch: &[u8], out: &mut dyn FnMut(&Entry<'_>, Share)) -> bool {
    let Ok(batch) = serde_json::from_slice::<Batch<'_>>(batch) else { return false };
    let scopes =
        || batch.resource_logs.iter().flat_map(|logs| logs.scope_logs.iter().map(move |scope| (&logs.resource, scope)));
    let lines = scopes().map(|(_, scope)| scope.log_records.len()).sum::<usize>();
    if lines == 0 || !scopes().all(|(_, scope)| scope.has_lines()) {
        return false;
    }
    let share = if lines == 1 { Share::Whole } else { Share::Part };
    for (resource, scope) in scopes() {
        for record in &scope.log_records {
            out(&record.entry(&resource.attributes, &scope.scope.name), share);
        }
    }
    true
}

/// Tells the log records of one scope that are lines from those that are entries.
#[derive(Clone, Copy, Debug)]
pub struct OtlpLines {
    is_named: bool,
}

impl OtlpLines {
    /// The attributes of a resource that are read with a line. The others may be left out.
    pub const RESOURCE: [&str; 7] = [
        "service.name",
        "k8s.namespace.name",
        "k8s.container.name",
        "container.name",
        "host.name",
        "k8s.pod.name",
        "container.id",
    ];

    /// For the records of a scope, given in JSON.
    #[must_use]
    pub fn of_scope(scope: &str) -> Self {
        let scope: Option<Scope<'_>> = serde_json::from_str(scope).ok();
        Self { is_named: scope.is_some_and(|scope| !scope.name.is_empty()) }
    }

    /// Whether a record in JSON is a line.
    #[must_use]
    pub fn is_line(self, record: &[u8]) -> bool {
        let record: Option<LogRecord<'_>> = serde_json::from_slice(record).ok();
        record.is_some_and(|record| !self.is_named || record.level() == Level::Unknown)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Batch<'a> {
    #[serde(borrow)]
    resource_logs: Vec<ResourceLogs<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs<'a> {
    #[serde(borrow, default)]
    resource: Resource<'a>,
    #[serde(borrow, default)]
    scope_logs: Vec<ScopeLogs<'a>>,
}

#[derive(Default, Deserialize)]
struct Resource<'a> {
    #[serde(borrow, default)]
    attributes: Vec<Attribute<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs<'a> {
    #[serde(borrow, default)]
    scope: Scope<'a>,
    #[serde(borrow, default)]
    log_records: Vec<LogRecord<'a>>,
}

impl ScopeLogs<'_> {
    fn has_lines(&self) -> bool {
        self.scope.name.is_empty() || self.log_records.iter().all(|record| record.level() == Level::Unknown)
    }
}

#[derive(Default, Deserialize)]
struct Scope<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
}

/// A log record that may be a line. What does not fit in is an entry.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LogRecord<'a> {
    #[serde(borrow)]
    body: Body<'a>,
    #[serde(borrow, default)]
    time_unix_nano: Time<'a>,
    #[serde(borrow, default)]
    observed_time_unix_nano: Time<'a>,
    #[serde(default)]
    severity_number: i64,
    #[serde(borrow, default)]
    severity_text: Cow<'a, str>,
    #[serde(borrow, default)]
    attributes: Origin<'a>,
    #[serde(rename = "traceId", default)]
    _trace: Nothing,
    #[serde(rename = "spanId", default)]
    _span: Nothing,
    #[serde(rename = "eventName", default)]
    _event: Nothing,
    #[serde(rename = "flags", default)]
    _flags: IgnoredAny,
    #[serde(rename = "droppedAttributesCount", default)]
    _dropped: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body<'a> {
    #[serde(borrow)]
    string_value: Cow<'a, str>,
}

impl LogRecord<'_> {
    fn level(&self) -> Level {
        match Level::from_word(self.severity_text.as_bytes()) {
            Level::Unknown => Level::of_opentelemetry(self.severity_number),
            level => level,
        }
    }

    fn entry<'a>(&'a self, resource: &'a [Attribute<'_>], scope: &'a str) -> Entry<'a> {
        let of_record = |keys: &[&str]| text(&self.attributes.0, keys);
        let of_resource = |keys: &[&str]| text(resource, keys);
        let [service_name, namespace, containers @ .., host, pod, container] = &OtlpLines::RESOURCE;
        let service = of_resource(&[service_name]);
        let in_namespace = service.is_empty();
        let file = of_record(&["log.file.path", "log.file.name", "filename", "com.splunk.source"]);
        let place = [file, of_resource(&[container]), scope];
        Entry {
            text: Cow::Borrowed(self.body.string_value.as_bytes()),
            stamp: self.time_unix_nano.stamp().or_else(|| self.observed_time_unix_nano.stamp()),
            level: self.level(),
            namespace: if in_namespace { of_resource(&[namespace]) } else { "" },
            service: if in_namespace { of_resource(containers) } else { service },
            host: of_resource(&[host, pod]),
            lane: [first(place), of_record(&["log.iostream", "stream"])],
            partial: of_record(&["logtag"]) == "P",
        }
    }
}

/// A time in nanoseconds, as a text or a number.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Time<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Number(f64),
    #[default]
    Missing,
}

impl Time<'_> {
    fn stamp(&self) -> Option<Stamp> {
        match self {
            Self::Text(text) => Stamp::parse(text.as_bytes()),
            Self::Number(number) => Stamp::from_epoch(*number),
            Self::Missing => None,
        }
    }
}

#[derive(Deserialize)]
struct Attribute<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Text<'a>,
}

/// The value of an attribute, if it is a text.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text<'a> {
    #[serde(borrow, default)]
    string_value: Cow<'a, str>,
}

/// The first text that the attributes have under one of these keys; empty if they have none.
fn text<'a>(attributes: &'a [Attribute<'_>], keys: &[&str]) -> &'a str {
    let at = |key: &&str| attributes.iter().find(|attribute| attribute.key == **key);
    let mut texts = keys.iter().filter_map(at).map(|attribute| &*attribute.value.string_value);
    texts.find(|text| !text.is_empty()).unwrap_or_default()
}

fn first(texts: [&str; 3]) -> &str {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

/// Attributes that say only where a line is from. Reading them fails at the first other one.
#[derive(Default)]
struct Origin<'a>(Vec<Attribute<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Origin<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Attributes;

        impl<'de> Visitor<'de> for Attributes {
            type Value = Origin<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("attributes that say where a line is from")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(attribute) = list.next_element::<Attribute<'de>>()? {
                    let key = &*attribute.key;
                    if !LABELS.contains(&key) && !ORIGINS.iter().any(|begin| key.starts_with(begin)) {
                        return Err(A::Error::custom("an attribute of an application"));
                    }
                    all.push(attribute);
                }
                Ok(Origin(all))
            }
        }

        from.deserialize_seq(Attributes)
    }
}

/// An id or a name that is missing.
#[derive(Default)]
struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Option::<Cow<'de, str>>::deserialize(from)?.as_deref() {
            None | Some("") => Ok(Self),
            Some(_) => Err(D::Error::custom("an id")),
        }
    }
}
