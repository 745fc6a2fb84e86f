//! An entry of `patterns/events/`: what an event of one producer means. Read strictly, with messages that say how to fix a file.

use super::glob::Glob;
use crate::taxonomy::Outcome;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a record counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::classify) enum Counts {
    /// How a call ended.
    Call,
    /// One try inside a call.
    Attempt,
    /// More about a failure, or a span around the calls.
    Detail,
    /// Not about a call.
    None,
}

/// An entry as a file spells it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "one flag for each key of an entry")]
pub(in crate::classify) struct EventSpec {
    pub(in crate::classify) id: String,
    /// What the producer means by it.
    meaning: String,
    #[serde(default)]
    event: Vec<String>,
    #[serde(default)]
    operation: Vec<String>,
    #[serde(default)]
    logger: Vec<String>,
    #[serde(default)]
    message: Vec<String>,
    #[serde(default, rename = "type")]
    kind: Vec<String>,
    #[serde(default)]
    when: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    fields: OwnFields,
    #[serde(default)]
    provider: Option<String>,
    #[serde(default)]
    decides: bool,
    #[serde(default)]
    repeats: bool,
    #[serde(default)]
    one_at_a_time: bool,
    counts: Counts,
    #[serde(default)]
    outcome: Option<Outcome>,
    #[serde(default)]
    alone: bool,
    #[serde(default)]
    ends_retries: bool,
    #[serde(default)]
    provisional: bool,
    #[serde(default)]
    withdraws: bool,
    #[serde(default)]
    pub(in crate::classify) disabled: bool,
    examples: Vec<Example>,
    #[serde(default)]
    near: Vec<String>,
}

/// The producer's own names of fields. Each is a list of paths; the first that the record has counts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::classify) struct OwnFields {
    /// What joins the records of one call: an id of the call, its prompt or its trace.
    pub(in crate::classify) call: Vec<String>,
    /// Which try of the call the record tells of.
    pub(in crate::classify) attempt: Vec<String>,
    pub(in crate::classify) status: Vec<String>,
    pub(in crate::classify) model: Vec<String>,
    pub(in crate::classify) provider: Vec<String>,
    /// The type or code of the error.
    pub(in crate::classify) error_type: Vec<String>,
    /// The words of the error.
    pub(in crate::classify) error: Vec<String>,
}

impl OwnFields {
    /// Whether a verdict on the record depends on them.
    pub(in crate::classify) fn judge(&self) -> bool {
        ![&self.status, &self.model, &self.provider, &self.error_type, &self.error].iter().all(|paths| paths.is_empty())
    }
}

/// What a field must hold: one of these values, anything (`*`), or nothing (an empty list).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) path: String,
    pub(super) values: Vec<String>,
}

/// A log entry and what its verdict must say.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Example {
    /// The entry.
    pub log: String,
    /// Keys of the verdict: `outcome`, `grain`, `provider`, `status`.
    #[serde(flatten)]
    pub expect: BTreeMap<String, Value>,
}

/// An entry, checked and compiled.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "one flag for each key of an entry")]
pub struct Event {
    /// The stable name of the entry.
    pub id: String,
    /// The file that defines it.
    pub file: String,
    /// The line in that file, from 1.
    pub line: usize,
    /// From a user's directory.
    pub own: bool,
    /// What the producer means by it.
    pub meaning: String,
    pub(super) names: Vec<String>,
    pub(super) operations: Vec<String>,
    pub(super) loggers: Vec<String>,
    pub(super) messages: Vec<Glob>,
    pub(super) kinds: Vec<String>,
    pub(super) when: Vec<Condition>,
    pub(in crate::classify) fields: OwnFields,
    /// The provider that the producer calls, where the record names none.
    pub(in crate::classify) provider: Option<String>,
    /// Of the tries with one id, the last decides, whatever else the stream writes.
    pub(in crate::classify) decides: bool,
    /// It sums up what other records with the id told, and counts only where there are none.
    pub(in crate::classify) repeats: bool,
    /// The producer makes one call at a time, so its records need no id.
    pub(in crate::classify) one_at_a_time: bool,
    pub(in crate::classify) counts: Counts,
    /// `None`: as the record itself shows.
    pub(in crate::classify) outcome: Option<Outcome>,
    /// A failure counts as a call where no other record tells of it.
    pub(in crate::classify) alone: bool,
    /// The call of the captured id ended: its attempts that failed before are of no failed call.
    pub(in crate::classify) ends_retries: bool,
    /// An answer that a later record may take back.
    pub(in crate::classify) provisional: bool,
    /// The answer before it was bad, and the call continues or fails.
    pub(in crate::classify) withdraws: bool,
    /// Entries of a log with the verdict that they must get.
    pub examples: Vec<Example>,
    /// Entries of a log that must not match.
    pub near: Vec<String>,
}

impl EventSpec {
    pub(in crate::classify) fn compile(self, file: &str, line: usize, own: bool) -> Result<Event, Vec<String>> {
        let mut faults = Vec::new();
        let mut fault = |what: &str| faults.push(format!("event {:?}: {what}", self.id));
        if self.id.is_empty() || !self.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            fault("`id` must consist of lower-case letters, digits and hyphens");
        }
        if [&self.event, &self.operation, &self.logger, &self.message, &self.kind].iter().all(|list| list.is_empty()) {
            fault("matches everything; give at least one of `event`, `operation`, `type`, `logger`, `message`");
        }
        if self.examples.is_empty() {
            fault("has no examples; add `examples = [{ log = '…', outcome = \"…\" }]`");
        }
        for key in self.examples.iter().flat_map(|example| example.expect.keys()) {
            if !EXPECTED.contains(&key.as_str()) {
                fault(&format!("unknown key {key:?} in an example; known are log, {}", EXPECTED.join(", ")));
            }
        }
        let mut messages = Vec::new();
        for text in &self.message {
            match Glob::new(text) {
                Ok(glob) => messages.push(glob),
                Err(what) => fault(&what),
            }
        }
        let joins = self.one_at_a_time || !self.fields.call.is_empty() || messages.iter().any(Glob::has_id);
        if (self.decides || self.repeats) && !joins {
            fault(
                "`decides` and `repeats` need what joins the records: `fields.call`, `{id}` in `message`, or `one_at_a_time`",
            );
        }
        if self.counts == Counts::None && self.outcome.is_some_and(|outcome| outcome != Outcome::Other) {
            fault("`counts = \"none\"` has no `outcome`; remove one of the two");
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let Self { id, meaning, event, operation, logger, message: _, kind, when, fields, provider, counts, outcome, .. } =
            self;
        let (alone, ends_retries, decides) = (self.alone, self.ends_retries, self.decides);
        let (repeats, one_at_a_time) = (self.repeats, self.one_at_a_time);
        let (provisional, withdraws) = (self.provisional, self.withdraws);
        Ok(Event {
            id,
            file: file.to_owned(),
            line,
            own,
            meaning,
            names: event,
            operations: operation,
            loggers: logger,
            messages,
            kinds: kind,
            when: when.into_iter().map(|(path, values)| Condition { path, values }).collect(),
            fields,
            provider,
            decides,
            repeats,
            one_at_a_time,
            counts,
            outcome,
            alone,
            ends_retries,
            provisional,
            withdraws,
            examples: self.examples,
            near: self.near,
        })
    }
}

/// The keys of a verdict that an example may name.
const EXPECTED: [&str; 7] = ["outcome", "grain", "provider", "status", "category", "model", "call"];
