//! In what the records of good calls are alike: all fields that a verdict on them depends on, and for the others only whether they are there.

use super::field::Field;
use super::json::{Escapes, Value};
use super::line_kind::LineKind;
use super::record::{Format, Record};
use super::slots::Slot;
use crate::line::Level;
use rustc_hash::FxHasher;
use std::borrow::Cow;
use std::hash::Hasher;

/// Time, ids and measures: they differ between records that are alike.
pub(super) const VALUES: [Field; 7] =
    [Field::Time, Field::RequestId, Field::CallId, Field::Latency, Field::FirstToken, Field::InputTokens, Field::OutputTokens];
/// What places a record in a trace differs, too.
pub(super) const TRACES: [Field; 4] = [Field::EndTime, Field::TraceId, Field::SpanId, Field::ParentId];
const OWN: u64 = bits(&VALUES) | bits(&TRACES);
/// The longest text of all fields together, in bytes: a record with a longer one is like no other.
const TEXT_BYTES: usize = 1_024;

const fn bits(fields: &[Field]) -> u64 {
    let (mut bits, mut at) = (0, 0);
    while at < fields.len() {
        bits |= 1 << fields[at] as u64;
        at += 1;
    }
    bits
}

/// What a verdict on a good call depends on, as a hash, and what is each record's own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Likeness<'a> {
    /// The same for records that are alike.
    pub hash: u64,
    /// Which of its own fields the record has, and what a verdict depends on of their values.
    pub flags: u16,
    /// How long the call took, in seconds.
    pub latency_s: Option<f64>,
    /// The time until the first token of the answer came, in seconds.
    pub first_token_s: Option<f64>,
    /// Tokens sent.
    pub input_tokens: Option<u64>,
    /// Tokens received.
    pub output_tokens: Option<u64>,
    /// The id that the provider or the gateway gave the request.
    pub request_id: Option<Cow<'a, str>>,
    /// The id that the gateway or the SDK gave the call.
    pub call_id: Option<Cow<'a, str>>,
}

impl<'a> Record<'a> {
    /// What other records with the same verdict have in common with this one. `None`: it has a sign of trouble, or another shape than that of
    /// most records of good calls.
    #[must_use]
    pub fn likeness(&self) -> Option<Likeness<'a>> {
        if self.has_trouble() || self.broken || self.shows_answer {
            return None;
        }
        let mut likeness = self.own_values();
        let mut hasher = FxHasher::default();
        hasher.write_u32(u32::from(likeness.flags) << 8 | self.level as u32);
        let mut length = self.message.bytes.len();
        for (number, slot) in self.telling() {
            let (kind, bytes) = slot.value.parts();
            length += bytes.len();
            hasher.write_u64(u64::from(number) | u64::from(kind) << 8 | (slot.key.len() as u64) << 16);
            hasher.write(bytes);
        }
        likeness.hash = hasher.finish();
        (length <= TEXT_BYTES).then_some(likeness)
    }

    /// Whether the record has a sign of trouble, or another shape than that of most records of good calls.
    #[must_use]
    pub fn has_trouble(&self) -> bool {
        let is_usual = self.format == Format::Json
            && self.line_kind == LineKind::None
            && self.level < Level::Warn
            && self.error_fields().is_empty();
        !is_usual
    }

    /// Writes down all that [`Self::is_like`] compares.
    pub fn write_likeness(&self, likeness: &Likeness<'_>, out: &mut Vec<u8>) {
        out.extend(likeness.flags.to_le_bytes());
        out.push(self.level as u8);
        put(out, u8::MAX, &[], Value::Text(self.message));
        for (number, slot) in self.telling() {
            put(out, number, slot.key, slot.value);
        }
    }

    /// Whether another record, of which this was written down, is like this one.
    #[must_use]
    pub fn is_like(&self, likeness: &Likeness<'_>, mut written: &[u8]) -> bool {
        let flags = likeness.flags.to_le_bytes();
        take(&mut written, &[flags[0], flags[1], self.level as u8])
            && takes(&mut written, u8::MAX, &[], Value::Text(self.message))
            && self.telling().all(|(number, slot)| takes(&mut written, number, slot.key, slot.value))
            && written.is_empty()
    }

    /// The fields that must be equal.
    fn telling(&self) -> impl Iterator<Item = (u8, &Slot<'a>)> {
        self.slots.iter().filter(|(number, slot)| !is_slots_own(*number, slot) && slot.value != Value::Null)
    }

    /// The values that are the record's own, without a hash.
    #[must_use]
    pub fn own_values(&self) -> Likeness<'a> {
        const BESIDE_TIME: u64 = OWN & !(1 << Field::Time as u64);
        // Few records have all of them, so it is asked first whether there is a value.
        let filled = self.slots.filled();
        if filled & BESIDE_TIME == 0 {
            return Likeness::default();
        }
        let is_filled = |field: Field| filled >> field as u64 & 1 == 1;
        let has = |field| is_filled(field) && self.slot(field).is_something();
        let tokens = |field| if is_filled(field) { self.tokens(field) } else { None };
        let id = |field| if is_filled(field) { self.id(field) } else { None };
        let is_timed = is_filled(Field::Latency) || is_filled(Field::EndTime);
        let latency_s = if is_timed { self.latency_field_s() } else { None };
        let first_token_s = if is_filled(Field::FirstToken) { self.first_token_s() } else { None };
        let [input_tokens, output_tokens] = [Field::InputTokens, Field::OutputTokens].map(tokens);
        let [request_id, call_id] = [Field::RequestId, Field::CallId].map(id);
        let flags = [
            has(Field::Latency),
            latency_s.is_some(),
            input_tokens.is_some(),
            output_tokens.is_some(),
            output_tokens.is_some_and(|tokens| tokens > 0),
            request_id.is_some(),
            call_id.is_some(),
            has(Field::SpanId),
            has(Field::EndTime),
            has(Field::TraceId),
        ];
        let flags = flags.into_iter().fold(0, |bits, flag| bits << 1 | u16::from(flag));
        Likeness { hash: 0, flags, latency_s, first_token_s, input_tokens, output_tokens, request_id, call_id }
    }

    /// The machine that wrote the record.
    #[must_use]
    pub fn host_name(&self) -> Option<Cow<'a, str>> {
        self.name(Field::Host)
    }
}

/// Whether a field differs between records that are alike. A host does, unless it can be the one that was called: a bare name is none.
pub(super) fn is_slots_own(number: u8, slot: &Slot<'_>) -> bool {
    OWN >> number & 1 == 1 || number == Field::Host as u8 && !may_be_called(slot.value)
}

/// Whether a field differs between records that are alike, whatever its value.
pub(super) const fn is_own(field: Field) -> bool {
    OWN >> field as u8 & 1 == 1
}

/// Whether a host can be the one that was called: a bare name is that of a machine of ours.
pub(super) fn may_be_called(host: Value<'_>) -> bool {
    matches!(host, Value::Text(raw) if raw.escapes == Escapes::Some || raw.bytes.contains(&b'.'))
}

/// Lengths before bytes, so that different fields never give the same bytes.
#[expect(clippy::cast_possible_truncation, reason = "keys and values are parts of a line, which is shorter than 4 GiB")]
fn head(number: u8, key: &[u8], value: Value<'_>) -> [u8; 10] {
    let (kind, bytes) = value.parts();
    let mut head = [0; 10];
    head[0] = number;
    head[1] = kind;
    head[2..6].copy_from_slice(&(key.len() as u32).to_le_bytes());
    head[6..].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    head
}

fn put(out: &mut Vec<u8>, number: u8, key: &[u8], value: Value<'_>) {
    out.extend(head(number, key, value));
    out.extend_from_slice(key);
    out.extend_from_slice(value.parts().1);
}

fn takes(written: &mut &[u8], number: u8, key: &[u8], value: Value<'_>) -> bool {
    take(written, &head(number, key, value)) && take(written, key) && take(written, value.parts().1)
}

fn take(written: &mut &[u8], part: &[u8]) -> bool {
    match written.strip_prefix(part) {
        Some(rest) => {
            *written = rest;
            true
        }
        None => false,
    }
}
