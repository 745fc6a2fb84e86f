//! One record: the slots, and how the members of an object or the pairs of a text fill them.

#![expect(clippy::inline_always, reason = "one loop over a line: without it the compiler keeps the calls, which costs speed")]

use super::error_field::ErrorField;
use super::field::{Field, FieldMap};
use super::json::{Members, Raw, Value};
use super::level::{LevelFields, level_of};
use super::line_kind::LineKind;
use super::pairs::Pairs;
use super::shape;
use super::slots::{Slot, Slots};
use crate::line::Level;
use crate::time::Stamp;
use arrayvec::ArrayVec;

/// The format of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON object.
    Json,
    /// `key=value` pairs.
    Logfmt,
    /// Anything else.
    Text,
}

/// The most error fields of one record that are looked into.
const ERROR_FIELDS: usize = 12;
/// The depth of objects in which fields are looked for.
pub(super) const DEPTH: u8 = 5;
/// The same for containers that no path names.
pub(super) const UNNAMED_DEPTH: u8 = 2;
/// Added to the rank of a field that was found in words: what the entry says in fields of its own is believed first.
const RANK_IN_WORDS: u8 = 100;

/// One record: what an entry says, as slices of the entry.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    pub(super) format: Format,
    pub(super) level: Level,
    pub(super) slots: Slots<'a>,
    error_fields: ArrayVec<ErrorField<'a>, ERROR_FIELDS>,
    pub(super) message: Raw<'a>,
    pub(super) line_kind: LineKind<'a>,
    /// The entry as it came.
    pub(super) raw: &'a [u8],
    /// The entry is an object that stops in the middle.
    pub(super) broken: bool,
    /// A key shows how an answer ended, beside the reason itself.
    pub(super) shows_answer: bool,
    /// The time that the prefix of the line or the collector gave.
    pub(super) stamped: Option<Stamp>,
}

impl<'a> Record<'a> {
    pub(super) fn new(format: Format, raw: &'a [u8], stamped: Option<Stamp>) -> Self {
        Self {
            format,
            level: Level::Unknown,
            slots: Slots::new(),
            error_fields: ArrayVec::new(),
            message: Raw::default(),
            line_kind: LineKind::None,
            raw,
            broken: false,
            shows_answer: false,
            stamped,
        }
    }

    /// Notes the level that the prefix of the line gave. It counts only if it is a warning or worse and the entry has none:
    /// to most carriers, everything that a service prints is `info`.
    pub(super) fn note_level(&mut self, level: Level) {
        if self.level == Level::Unknown && level >= Level::Warn {
            self.level = level;
        }
    }

    /// Fills the slot of a field, unless a key of a lower rank filled it already.
    #[inline(always)]
    pub(super) fn put(&mut self, field: Field, rank: u8, key: &'a [u8], value: Value<'a>) {
        if field == Field::Error || field == Field::ErrorContext {
            if value.is_something() {
                // Further ones are left out.
                let _is_full = self.error_fields.try_push(ErrorField { certain: field == Field::Error, key, value });
            }
            return;
        }
        self.slots.put(field, Slot { rank, value, key });
    }

    /// Fills the slots from the members of an object.
    pub(super) fn scan(&mut self, map: &FieldMap, node: u16, members: &mut Members<'a>, depth: u8) {
        for (key, value) in members {
            self.member(map, node, key.bytes, value, depth);
        }
    }

    /// Fills the slots that one member of an object is for, and walks into it if it is an object itself.
    #[inline(always)]
    pub(super) fn member(&mut self, map: &FieldMap, node: u16, key: &'a [u8], value: Value<'a>, depth: u8) {
        let entry = match map.get(node, key) {
            None if node > FieldMap::ANYWHERE => map.get(FieldMap::ANYWHERE, key),
            found => found,
        };
        let Some(entry) = entry else {
            if let Value::Object(object) = value
                && depth < UNNAMED_DEPTH
            {
                self.scan(map, FieldMap::ANYWHERE, &mut Members::new(object), depth + 1);
            }
            return;
        };
        self.shows_answer |= entry.shows_answer_by(value);
        match value {
            // A reason that is null tells something, too.
            Value::Null => self.shows_answer |= entry.is_reason(),
            Value::Object(object) => {
                let mut taken = false;
                for (field, rank) in &entry.fields {
                    // A gateway's `response` has a status of its own.
                    if field.takes_objects() && key != b"response" {
                        self.put(*field, *rank, key, value);
                        taken = true;
                    }
                }
                let limit = if entry.is_mark() { UNNAMED_DEPTH } else { DEPTH };
                if !taken && !entry.denied && depth < limit {
                    self.scan(map, entry.node.unwrap_or(FieldMap::ANYWHERE), &mut Members::new(object), depth + 1);
                } else if entry.denied
                    && let Some(node) = entry.node
                {
                    self.scan_named(map, node, object);
                }
            }
            _ => {
                for (field, rank) in &entry.fields {
                    if !entry.denied || is_token_count(*field, value) {
                        self.put(*field, *rank, key, value);
                    }
                }
            }
        }
    }

    /// Fills the slots from those values of a container of users' texts that a path names.
    #[inline(never)]
    pub(super) fn scan_named(&mut self, map: &FieldMap, node: u16, object: &'a [u8]) {
        for (key, value) in Members::new(object) {
            if matches!(value, Value::Text(_) | Value::Number(_))
                && let Some(entry) = map.get(node, key.bytes)
                && !entry.denied
            {
                entry.fields.iter().for_each(|(field, rank)| self.put(*field, *rank, key.bytes, value));
            }
        }
    }

    /// Fills the slots from the members after the cut of a line that was too long: the longest run of whole members that
    /// ends the line.
    pub(super) fn scan_tail(&mut self, map: &FieldMap, tail: &'a [u8]) {
        /// The most places at which the tail may begin.
        const TRIES: usize = 64;
        for at in memchr::memmem::find_iter(tail, b",\"").take(TRIES) {
            let mut members = Members::inside(&tail[at..]);
            if members.by_ref().count() > 0 && members.closed && members.rest().trim_ascii().is_empty() {
                return self.scan(map, FieldMap::ROOT, &mut Members::inside(&tail[at..]), 0);
            }
        }
    }

    /// Fills slots that are empty from the `key=value` pairs among the words of a text.
    pub(super) fn pairs(&mut self, map: &FieldMap, text: &'a [u8]) {
        for (key, value) in Pairs::new(text) {
            if let Some(entry) = map.get(FieldMap::ROOT, key)
                && !entry.denied
            {
                self.shows_answer |= entry.shows_answer_by(value) || value == Value::Null && entry.is_reason();
                for (field, rank) in &entry.fields {
                    if self.format != Format::Json || field.may_be_in_words() {
                        self.put(*field, rank.saturating_add(RANK_IN_WORDS), key, value);
                    }
                }
            }
        }
    }

    /// Derives level, message and kind of line from the slots.
    pub(super) fn settle(&mut self) {
        self.level = level_of(&LevelFields {
            level: self.slot(Field::Level),
            key: self.key(Field::Level),
            kind: self.slot(Field::Kind),
            id_key: self.key(Field::RequestId),
        });
        self.settle_class();
        if let Value::Text(message) = self.slot(Field::Message) {
            self.message = message;
        } else if let Value::Text(event) = self.slot(Field::Event) {
            self.message = event;
        }
        self.line_kind = shape::line_kind(self.message.bytes, self.logger_bytes());
        self.settle_exchange();
    }

    /// A code that is the name of an exception, as in Bedrock's log of invocations, is the class of the error.
    fn settle_class(&mut self) {
        let code = *self.slots.get(Field::ErrorCode);
        if let Value::Text(raw) = code.value
            && raw.bytes.ends_with(b"Exception")
            && self.slot(Field::ErrorClass) == Value::Null
        {
            self.slots.set(Field::ErrorClass, code);
        }
    }

    /// Derives the kind of line from the fields of an HTTP exchange, if the message shows none.
    pub(super) fn settle_exchange(&mut self) {
        if self.line_kind == LineKind::None
            && let Some(kind) = self.exchange_in_fields()
        {
            self.line_kind = kind;
        }
    }

    pub(super) fn slot(&self, field: Field) -> Value<'a> {
        self.slots.get(field).value
    }

    /// The key under which a field was found; empty if it was not.
    pub(super) fn key(&self, field: Field) -> &'a [u8] {
        self.slots.get(field).key
    }

    pub(super) fn error_fields(&self) -> &[ErrorField<'a>] {
        &self.error_fields
    }

    /// Every text in which the record may say what went wrong, undecoded.
    pub(super) fn error_texts(&self) -> impl Iterator<Item = &'a [u8]> {
        let fields = self.error_fields().iter().filter_map(|field| match field.value {
            Value::Text(raw) => Some(raw.bytes),
            Value::Object(inside) | Value::Array(inside) => Some(inside),
            _ => None,
        });
        [self.message.bytes].into_iter().chain(fields)
    }

    pub(super) fn logger_bytes(&self) -> &'a [u8] {
        match self.slot(Field::Logger) {
            Value::Text(raw) => raw.bytes,
            _ => &[],
        }
    }
}

/// Of users' texts, only the numbers of tokens are read.
pub(super) fn is_token_count(field: Field, value: Value<'_>) -> bool {
    matches!((field, value), (Field::InputTokens | Field::OutputTokens, Value::Number(_)))
}
