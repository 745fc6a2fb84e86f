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
    counts: Counts,
    #[serde(default)]
    outcome: Option<Outcome>,
    #[serde(default)]
    alone: bool,
    #[serde(default)]
    ends_retries: bool,
    #[serde(default)]
    pub(in crate::classify) disabled: bool,
    examples: Vec<Example>,
    #[serde(default)]
    near: Vec<String>,
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
    pub(in crate::classify) counts: Counts,
    /// `None`: as the record itself shows.
    pub(in crate::classify) outcome: Option<Outcome>,
    /// A failure counts as a call where no other record tells of it.
    pub(in crate::classify) alone: bool,
    /// The call of the captured id ended: its attempts that failed before are of no failed call.
    pub(in crate::classify) ends_retries: bool,
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
        if [&self.event, &self.operation, &self.logger, &self.message].iter().all(|list| list.is_empty()) {
            fault("matches everything; give at least one of `event`, `operation`, `logger`, `message`");
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
        if self.counts == Counts::None && self.outcome.is_some_and(|outcome| outcome != Outcome::Other) {
            fault("`counts = \"none\"` has no `outcome`; remove one of the two");
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let Self { id, meaning, event, operation, logger, message: _, counts, outcome, .. } = self;
        let (alone, ends_retries, examples, near) = (self.alone, self.ends_retries, self.examples, self.near);
        let (names, operations, loggers, file) = (event, operation, logger, file.to_owned());
        Ok(Event {
            id,
            file,
            line,
            own,
            meaning,
            names,
            operations,
            loggers,
            messages,
            counts,
            outcome,
            alone,
            ends_retries,
            examples,
            near,
        })
    }
}

/// The keys of a verdict that an example may name.
const EXPECTED: [&str; 7] = ["outcome", "grain", "provider", "status", "category", "model", "call"];
