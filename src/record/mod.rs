//! From one log entry to records: what it says of an LLM call, borrowed from the entry's bytes.
//!
//! Reading is done in two steps. [`Reader::read`] walks the entry once and fills a [`Record`]'s slots; that is all that a
//! line without trouble costs. [`Record::signals`] then looks into errors: bodies inside bodies, Python literals, tracebacks.
//! Prompts and completions are never looked into.

mod body;
mod fields;
mod json;
mod keys;
mod likeness;
mod otlp;
mod python;
mod text;
mod trace;
mod words;

pub use crate::line::Level;
pub use body::Signals;
pub use text::LineKind;

use crate::line::Head;
use crate::taxonomy::Status;
use crate::time::{Stamp, Timestamp};
use fields::{Field, FieldMap};
use json::{Members, Raw, Value};
use std::borrow::Cow;

/// How the entry was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON object.
    Json,
    /// `key=value` pairs.
    Logfmt,
    /// Anything else.
    Text,
}

/// Reads entries. Built once; reading is `&self`.
#[derive(Debug)]
pub struct Reader {
    map: FieldMap,
}

/// Why own field names were refused.
#[derive(Debug, thiserror::Error)]
#[error("[record.fields] does not know {0:?}; it knows {known}", known = Field::NAMES.join(", "))]
pub struct UnknownField(String);

/// The host, and the port where there is one, of an address.
#[must_use]
pub fn host_of(url: &str) -> Option<&str> {
    text::host_of(url.as_bytes())
}

const FAULTS: usize = 12;
/// What is longer is no name of a model, a service, a host or a key.
const NAME_BYTES: usize = 255;

/// One record: what an entry says, as slices of the entry.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    format: Format,
    level: Level,
    slots: [Slot<'a>; Field::COUNT],
    faults: [Fault<'a>; FAULTS],
    fault_count: usize,
    message: Raw<'a>,
    spot: LineKind<'a>,
    /// The entry as it came.
    raw: &'a [u8],
    /// The entry is an object that stops in the middle.
    broken: bool,
    stamped: Option<Timestamp>,
}

/// A field that may say what went wrong.
#[derive(Clone, Copy, Debug)]
struct Fault<'a> {
    /// It is there only when something went wrong.
    certain: bool,
    key: &'a [u8],
    value: Value<'a>,
}

#[derive(Clone, Copy, Debug)]
struct Slot<'a> {
    rank: u8,
    value: Value<'a>,
    /// The key it was found under, for its unit.
    key: &'a [u8],
}

impl Slot<'_> {
    const EMPTY: Self = Self { rank: u8::MAX, value: Value::Null, key: &[] };
}

impl Default for Reader {
    fn default() -> Self {
        Self { map: FieldMap::new(&[]) }
    }
}

/// Nesting that is followed in search of fields.
const DEPTH: u8 = 5;

impl Reader {
    /// A reader with a user's own field names in front of the shipped ones: field name to paths.
    ///
    /// # Errors
    /// When a field name is not one of those that can be renamed.
    pub fn new<'a>(own: impl IntoIterator<Item = (&'a str, Vec<String>)>) -> Result<Self, UnknownField> {
        let own: Result<Vec<_>, _> = own
            .into_iter()
            .map(|(name, paths)| Field::by_name(name).map(|it| (it, paths)).ok_or_else(|| UnknownField(name.to_owned())))
            .collect();
        Ok(Self { map: FieldMap::new(&own?) })
    }

    /// Reads one entry: `bytes` without its envelope, the `tail` of a line that was too long to keep whole, and the time that
    /// the envelope `stamped` on it. Gives out each record in it: none for an empty batch, one nearly always.
    pub fn read(&self, bytes: &[u8], tail: &[u8], stamped: Option<Timestamp>, mut out: impl FnMut(&Record<'_>)) {
        let trimmed = bytes.trim_ascii_start();
        match trimmed.first() {
            Some(b'{') => {
                if otlp::is_batch(trimmed) {
                    return otlp::explode(&self.map, trimmed, stamped, &mut out);
                }
                let record = self.object(trimmed, tail, stamped);
                match record.wrapped() {
                    Some(text) => self.unwrapped(&record, text.trim(), &mut out),
                    None => out(&record),
                }
            }
            Some(b'[') if trimmed.get(1).is_some_and(|b| matches!(b, b'{' | b'\n' | b' ')) && trimmed.last() == Some(&b']') => {
                for item in json::Items::new(trimmed) {
                    if let Value::Object(object) = item {
                        out(&self.object(object, &[], stamped));
                    }
                }
            }
            _ => {
                let record = self.line(bytes, stamped);
                out(&record);
            }
        }
    }

    fn object<'a>(&self, object: &'a [u8], tail: &'a [u8], stamped: Option<Timestamp>) -> Record<'a> {
        let mut record = Record::new(Format::Json, object, stamped);
        let mut members = Members::new(object);
        record.scan(&self.map, FieldMap::ROOT, &mut members, 0);
        record.broken = !members.closed;
        if !members.closed && !tail.is_empty() {
            record.scan_tail(&self.map, tail);
        }
        record.settle();
        // Some writers put an entry of their own text format into `message`, and the fields into its words.
        if record.spot == LineKind::None && !record.message.is_empty() {
            let message = record.message.bytes;
            record.pairs(&self.map, message);
        }
        record
    }

    /// An entry that a collector (journald, Fluent Bit, Filebeat) wrapped whole into a field of its own. What the collector adds
    /// counts where the entry itself says nothing: the time, the service, the host. Its level does not, unless it is a bad one:
    /// what a service prints is `info` to a collector, whatever it says.
    fn unwrapped(&self, outer: &Record<'_>, text: &str, out: &mut impl FnMut(&Record<'_>)) {
        let stamped = match outer.stamp() {
            Some(Stamp::Utc(at)) => Some(at),
            _ => outer.stamped,
        };
        let mut inner = match text.starts_with('{') {
            true => self.object(text.as_bytes(), &[], stamped),
            false => self.line(text.as_bytes(), stamped),
        };
        let is_entry = inner.level != Level::Unknown || inner.slot(Field::Time).is_something();
        if !is_entry && !outer.is_of_collector() {
            return out(outer);
        }
        if inner.level == Level::Unknown && outer.level >= Level::Warn {
            inner.level = outer.level;
        }
        for field in [Field::Service, Field::Host] {
            let Slot { rank, value, key } = outer.slots[field as usize];
            if !inner.slot(field).is_something() {
                inner.slots[field as usize] = Slot { rank, value, key };
            }
        }
        out(&inner);
    }

    fn line<'a>(&self, bytes: &'a [u8], stamped: Option<Timestamp>) -> Record<'a> {
        let mut record = Record::new(Format::Text, bytes, stamped);
        let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        if text::is_logfmt(first) {
            record.format = Format::Logfmt;
            record.pairs(&self.map, first);
            record.settle();
            return record;
        }
        let head = Head::parse(first);
        record.level = head.level;
        if let Some(stamp) = head.stamp {
            record.put(Field::Time, 0, b"", Value::Text(Raw::plain(stamp)));
        }
        if let Some(logger) = head.logger {
            record.put(Field::Logger, 0, b"", Value::Text(Raw::plain(logger)));
        }
        record.message = Raw::plain(bytes.get(head.length..).unwrap_or_default().trim_ascii());
        record.spot = text::spot(record.message.bytes, record.logger_bytes());
        if record.spot == LineKind::None && head.logger.is_none() && head.length > 0 {
            record.logger_by_shape();
        }
        if record.spot == LineKind::None {
            let message = first.get(head.length..).unwrap_or_default();
            record.pairs(&self.map, message);
        }
        record
    }
}

impl<'a> Record<'a> {
    fn new(format: Format, raw: &'a [u8], stamped: Option<Timestamp>) -> Self {
        Self {
            format,
            level: Level::Unknown,
            slots: [Slot::EMPTY; Field::COUNT],
            faults: [Fault::EMPTY; FAULTS],
            fault_count: 0,
            message: Raw::default(),
            spot: LineKind::None,
            raw,
            broken: false,
            stamped,
        }
    }

    #[inline(always)]
    fn put(&mut self, field: Field, rank: u8, key: &'a [u8], value: Value<'a>) {
        if field == Field::Fault || field == Field::Context {
            if self.fault_count < FAULTS && value.is_something() {
                self.faults[self.fault_count] = Fault { certain: field == Field::Fault, key, value };
                self.fault_count += 1;
            }
            return;
        }
        let slot = &mut self.slots[field as usize];
        if rank < slot.rank {
            *slot = Slot { rank, value, key };
        }
    }

    fn scan(&mut self, map: &FieldMap, node: u16, members: &mut Members<'a>, depth: u8) {
        for (key, value) in members {
            self.member(map, node, key.bytes, value, depth);
        }
    }

    #[inline(always)]
    fn member(&mut self, map: &FieldMap, node: u16, key: &'a [u8], value: Value<'a>, depth: u8) {
        let entry = match map.get(node, key) {
            None if node > FieldMap::ANYWHERE => map.get(FieldMap::ANYWHERE, key),
            found => found,
        };
        let Some(entry) = entry else {
            if let Value::Object(object) = value
                && depth < 2
            {
                self.scan(map, FieldMap::ANYWHERE, &mut Members::new(object), depth + 1);
            }
            return;
        };
        match value {
            Value::Null => {}
            Value::Object(object) => {
                let mut taken = false;
                for (field, rank) in &entry.fields {
                    // A gateway's `response` has a status of its own.
                    if field.takes_objects() && key != b"response" {
                        self.put(*field, *rank, key, value);
                        taken = true;
                    }
                }
                if !taken && !entry.denied && depth < DEPTH {
                    self.scan(map, entry.node.unwrap_or(FieldMap::ANYWHERE), &mut Members::new(object), depth + 1);
                }
            }
            _ => {
                for (field, rank) in &entry.fields {
                    if !entry.denied || matches!((field, value), (Field::InputTokens | Field::OutputTokens, Value::Number(_))) {
                        self.put(*field, *rank, key, value);
                    }
                }
            }
        }
    }

    /// Members behind the cut of a line that was too long: the longest run of whole members that ends the line.
    fn scan_tail(&mut self, map: &FieldMap, tail: &'a [u8]) {
        const TRIES: usize = 64;
        for at in memchr::memmem::find_iter(tail, b",\"").take(TRIES) {
            let mut members = Members::inside(&tail[at..]);
            if members.by_ref().count() > 0 && members.closed && members.rest().trim_ascii().is_empty() {
                return self.scan(map, FieldMap::ROOT, &mut Members::inside(&tail[at..]), 0);
            }
        }
    }

    /// `key=value` pairs among the words of a text; what the entry says in fields of its own is believed first.
    fn pairs(&mut self, map: &FieldMap, text: &'a [u8]) {
        for (key, value) in text::Pairs::new(text) {
            if let Some(entry) = map.get(FieldMap::ROOT, key)
                && !entry.denied
            {
                for (field, rank) in &entry.fields {
                    if self.format != Format::Json || field.may_stand_in_words() {
                        self.put(*field, rank.saturating_add(100), key, value);
                    }
                }
            }
        }
    }

    /// `%(levelname)s %(name)s %(message)s` parts a logger's name from the message by a blank only: the first word is one
    /// where a line of special shape follows it.
    fn logger_by_shape(&mut self) {
        let message = self.message.bytes;
        let Some(blank) = memchr::memchr(b' ', message).filter(|it| *it > 0) else { return };
        let (word, rest) = (&message[..blank], &message[blank + 1..]);
        if !word.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_')) {
            return;
        }
        let spot = text::spot(rest, word);
        if spot != LineKind::None {
            self.put(Field::Logger, 0, b"", Value::Text(Raw::plain(word)));
            (self.message, self.spot) = (Raw::plain(rest), spot);
        }
    }

    /// What follows from the slots: level, message, and the shape of the message.
    fn settle(&mut self) {
        self.level = level_of(self.slot(Field::Level));
        if let Value::Text(message) = self.slot(Field::Message) {
            self.message = message;
        } else if let Value::Text(event) = self.slot(Field::Event) {
            self.message = event;
        }
        self.spot = text::spot(self.message.bytes, self.logger_bytes());
    }

    /// Whether the message stands under a key that only collectors use.
    fn is_of_collector(&self) -> bool {
        matches!(self.slots[Field::Message as usize].key, b"MESSAGE" | b"log")
    }

    /// The text of a message that looks like a whole entry of somebody else.
    fn wrapped(&self) -> Option<Cow<'a, str>> {
        let Value::Text(raw) = self.slot(Field::Message) else { return None };
        (raw.bytes.starts_with(b"{\\\"") || self.is_of_collector()).then(|| raw.text())
    }

    pub(crate) fn slot(&self, field: Field) -> Value<'a> {
        self.slots[field as usize].value
    }

    fn faults(&self) -> &[Fault<'a>] {
        &self.faults[..self.fault_count]
    }

    /// Every text in which the record may say what went wrong, as it stands there.
    fn told(&self) -> impl Iterator<Item = &'a [u8]> {
        let faults = self.faults().iter().filter_map(|it| match it.value {
            Value::Text(raw) => Some(raw.bytes),
            Value::Object(inside) | Value::Array(inside) => Some(inside),
            _ => None,
        });
        [self.message.bytes].into_iter().chain(faults)
    }

    fn logger_bytes(&self) -> &'a [u8] {
        match self.slot(Field::Logger) {
            Value::Text(raw) => raw.bytes,
            _ => &[],
        }
    }

    /// How the entry was written.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// How severe its writer thought it is.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// What kind of line it is, where its shape tells.
    #[must_use]
    pub fn spot(&self) -> LineKind<'a> {
        self.spot
    }

    /// The entry as it came, without its envelope.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether the entry is an object that stops in the middle.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// The record's own time stamp, or that of its envelope.
    pub fn stamp(&self) -> Option<Stamp> {
        let own = match self.slot(Field::Time) {
            Value::Text(raw) => Stamp::parse(raw.bytes),
            number @ Value::Number(_) => number.as_f64().and_then(Stamp::from_epoch),
            _ => None,
        };
        match (own, self.stamped) {
            (Some(Stamp::Utc(at)), _) => Some(Stamp::Utc(at)),
            (_, Some(at)) => Some(Stamp::Utc(at)),
            (own, None) => own,
        }
    }

    /// The name of the provider, as the record spells it.
    #[must_use]
    pub fn provider(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::Provider).as_text().filter(|it| !it.contains('/') && !it.eq_ignore_ascii_case("unspecified"))
    }

    /// The model that was asked for.
    #[must_use]
    pub fn model(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::Model)
            .as_text()
            .or_else(|| self.slot(Field::ModelServed).as_text())
            .filter(|it| it.len() <= NAME_BYTES)
    }

    /// Who called, where the record says so.
    #[must_use]
    pub fn service(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::Service).as_text().filter(|it| it.len() <= NAME_BYTES)
    }

    /// The machine that wrote the line, where the record says so.
    #[must_use]
    pub fn host(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::Host).as_text().filter(|it| it.len() <= NAME_BYTES)
    }

    /// The host that was called, with its port.
    #[must_use]
    pub fn url_host(&self) -> Option<&'a str> {
        let url = match self.spot {
            LineKind::Transport { url, .. } | LineKind::Request { url } => url,
            LineKind::Sdk { .. } => text::url_of_sdk(self.message.bytes)?,
            _ => self.slot(Field::Url).as_raw()?.bytes,
        };
        text::host_of(url)
    }

    /// The path that was called.
    #[must_use]
    pub fn url_path(&self) -> Option<&'a str> {
        match self.spot {
            LineKind::Transport { url, .. } => text::path_of(url),
            LineKind::Access { path, .. } => std::str::from_utf8(path).ok(),
            _ => self
                .slot(Field::Path)
                .as_raw()
                .or_else(|| self.slot(Field::Url).as_raw())
                .and_then(|it| text::path_of(it.bytes)),
        }
    }

    /// The logger or component that wrote the line.
    #[must_use]
    pub fn logger(&self) -> &'a str {
        std::str::from_utf8(self.logger_bytes()).unwrap_or_default()
    }

    /// The event's name or the message, undecoded: enough to look at its first words.
    #[must_use]
    pub fn headline(&self) -> &'a [u8] {
        self.message.bytes
    }

    /// The message, decoded.
    #[must_use]
    pub fn message(&self) -> Cow<'a, str> {
        self.message.text()
    }

    /// The status that the record's own fields or the shape of its text tell.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        match self.spot {
            LineKind::Transport { status, .. } | LineKind::Access { status, .. } | LineKind::Response { status } => {
                return Status::from_number(i64::from(status));
            }
            LineKind::Sdk { status: Some(status), .. } => return Status::from_number(i64::from(status)),
            _ => {}
        }
        let value = self.slot(Field::Status);
        match value.as_i64() {
            Some(0) => self.unanswered(),
            Some(number) => Status::from_number(number),
            None => match value.as_raw()?.bytes {
                b"timeout" | b"timed_out" | b"TIMEOUT" => Some(Status::Timeout),
                b"connection" | b"connection_error" => Some(Status::Connection),
                _ => None,
            },
        }
    }

    /// Why Envoy had no answer to pass on: <https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage>.
    fn unanswered(&self) -> Option<Status> {
        let flags = self.slot(Field::Flags).as_raw()?.bytes;
        flags.split(|b| *b == b',').find_map(|flag| match flag {
            b"UT" | b"DT" | b"SI" => Some(Status::Timeout),
            b"UF" | b"UC" | b"UH" | b"UO" | b"UR" | b"LR" | b"URX" => Some(Status::Connection),
            _ => None,
        })
    }

    /// What a gateway says its upstream answered: the last of a list such as `502, 200`.
    #[must_use]
    pub fn upstream_status(&self) -> Option<Status> {
        let raw = self.slot(Field::UpstreamStatus).as_raw()?;
        let last = raw.bytes.split(|b| matches!(b, b',' | b' ' | b':')).rfind(|it| !it.is_empty())?;
        Status::from_number(std::str::from_utf8(last).ok()?.parse().ok()?)
    }

    /// Whether a field that speaks of the end says that it was bad (`Some(true)`) or good (`Some(false)`).
    #[must_use]
    pub fn failed(&self) -> Option<bool> {
        if let Value::Bool(flag) = self.slot(Field::Success) {
            let negative = matches!(self.slots[Field::Success as usize].key, b"is_error" | b"isError" | b"failed");
            return Some(flag == negative);
        }
        let word = [Field::StatusText, Field::Status].into_iter().find_map(|it| match self.slot(it) {
            Value::Text(raw) => Some(raw.bytes),
            Value::Number(b"2") if it == Field::StatusText => Some(b"ERROR".as_slice()),
            _ => None,
        })?;
        match word.to_ascii_lowercase().as_slice() {
            b"error" | b"failure" | b"failed" | b"status_code_error" | b"fail" | b"timeout" => Some(true),
            b"success" | b"ok" | b"succeeded" | b"completed" | b"status_code_ok" => Some(false),
            _ => None,
        }
    }

    /// Whether a field is filled that is there only when something went wrong.
    pub fn has_fault(&self) -> bool {
        let named = self.slot(Field::ErrorClass).is_something();
        named || self.faults().iter().any(Fault::is_evidence)
    }

    /// How long it took, in seconds; `None` where the unit is not known.
    #[must_use]
    pub fn latency_s(&self) -> Option<f64> {
        match self.spot {
            LineKind::Access { took_s: Some(took), .. } | LineKind::Sdk { took_s: Some(took), .. } => return Some(took),
            _ => {}
        }
        let slot = &self.slots[Field::Latency as usize];
        text::duration_s(slot.key, slot.value).or_else(|| self.span_s()).filter(|it| (0.0..=86_400.0).contains(it))
    }

    fn span_s(&self) -> Option<f64> {
        let stamp = |value: Value<'_>| match value {
            Value::Text(raw) => Stamp::parse(raw.bytes),
            number => number.as_f64().and_then(Stamp::from_epoch),
        };
        match (stamp(self.slot(Field::Time))?, stamp(self.slot(Field::Ending))?) {
            (Stamp::Utc(start), Stamp::Utc(end)) | (Stamp::Local(start), Stamp::Local(end)) if end > start => {
                Some(end.since(start).as_secs_f64())
            }
            _ => None,
        }
    }

    /// Whether a field says how long it took, in whatever unit.
    #[must_use]
    pub fn has_latency(&self) -> bool {
        self.slot(Field::Latency).is_something()
    }

    /// Tokens sent.
    #[must_use]
    pub fn input_tokens(&self) -> Option<u64> {
        self.slot(Field::InputTokens).as_i64().and_then(|it| u64::try_from(it).ok())
    }

    /// Tokens received.
    #[must_use]
    pub fn output_tokens(&self) -> Option<u64> {
        self.slot(Field::OutputTokens).as_i64().and_then(|it| u64::try_from(it).ok())
    }

    /// The provider's or the gateway's id of the request.
    #[must_use]
    pub fn request_id(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::RequestId).as_text().filter(|it| (6..=128).contains(&it.len()))
    }

    /// The gateway's or the SDK's id of the call. Never a trace or a session.
    #[must_use]
    pub fn call_id(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::CallId).as_text().filter(|it| (6..=128).contains(&it.len()))
    }

    /// What the record calls the kind of operation (`chat`, `acompletion`, …).
    #[must_use]
    pub fn operation(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::Operation).as_text()
    }

    /// The label, or the last characters, of the key that was used.
    #[must_use]
    pub fn key_label(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::KeyLabel).as_text().filter(|it| it.len() <= NAME_BYTES)
    }

    /// Whether an answer without content is on record: an empty list of choices.
    #[must_use]
    pub fn has_empty_choices(&self) -> bool {
        matches!(self.slot(Field::Choices), Value::Array(items) if items.len() <= 64 && json::Items::new(items).next().is_none())
            || matches!(self.slot(Field::Choices), Value::Number(b"0"))
    }

    /// Why the model stopped.
    pub fn finish_reason(&self) -> Option<Cow<'a, str>> {
        match self.slot(Field::FinishReason) {
            Value::Array(items) => json::Items::new(items).next().and_then(Value::as_text),
            value => value.as_text(),
        }
    }

    /// Looks into everything that went wrong. Costs more than reading; asked for only where there is evidence.
    #[must_use]
    pub fn signals(&self) -> Signals {
        body::collect(self)
    }
}

impl Fault<'_> {
    const EMPTY: Self = Self { certain: false, key: &[], value: Value::Null };

    /// Whether it may be what a model wrote.
    fn may_be_answer(&self) -> bool {
        let named = matches!(self.key, b"response" | b"response_text" | b"responseText");
        named && !self.is_evidence()
    }

    /// Whether this field says that something failed. Bodies and details are there on good days too.
    fn is_evidence(&self) -> bool {
        match (self.certain, self.value) {
            (true, Value::Number(_)) => false,
            (true, Value::Text(raw)) => {
                !matches!(raw.bytes, b"None" | b"none" | b"null" | b"nil" | b"-" | b"false" | b"NoneType: None")
            }
            // LiteLLM's `error_information` is there on good days too, its fields empty.
            (true, Value::Object(object)) => json::Members::new(object).any(|(_, it)| it.is_something()),
            (true, other) => other.is_something(),
            (false, Value::Text(raw)) => body::looks_like_error_body(raw.bytes),
            (false, Value::Object(object)) => json::member(object, "error").is_something(),
            (false, Value::Array(items)) => self.key == b"events" && memchr::memmem::find(items, b"exception").is_some(),
            (false, _) => false,
        }
    }
}

/// The level a field names: words, pino's and bunyan's 10 to 60, Python's 10 to 50, OpenTelemetry's 1 to 24, and
/// syslog's 0 to 7 (as journald's `PRIORITY`, a string).
fn level_of(value: Value<'_>) -> Level {
    if let Value::Number(_) = value {
        return match value.as_i64() {
            Some(..1) => Level::Unknown,
            Some(1..=8) => Level::Debug,
            Some(9..=12 | 30..=39) => Level::Info,
            // 20 is Python's info and pino's debug; both are below a warning.
            Some(13..=16 | 40..=44) => Level::Warn,
            Some(17..=20) => {
                if value.as_i64() == Some(20) {
                    Level::Info
                } else {
                    Level::Error
                }
            }
            Some(21..=24) => Level::Fatal,
            Some(50..=59) => Level::Error,
            Some(60..) => Level::Fatal,
            _ => Level::Debug,
        };
    }
    let Some(raw) = value.as_raw() else { return Level::Unknown };
    Level::from_word(raw.bytes)
}
