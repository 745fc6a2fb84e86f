//! Checks patterns by their own examples: each example is won by its pattern, and no near miss matches it.

use super::events::{Event, Example};
use super::{Classifier, Pattern, Traffic, Verdict};
use crate::observation::PatternId;
use crate::record::Reader;
use crate::taxonomy::Status;
use serde_json::{Value, json};
use std::fmt;

/// An example or near miss that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleError {
    /// The pattern's file.
    pub file: String,
    /// The pattern's line, from 1.
    pub line: usize,
    /// The example, and which pattern won it.
    pub what: String,
}

impl fmt::Display for ExampleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// How an error reads in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// The error's own text, redacted.
    pub message: String,
    /// Its status, where the log shows one.
    pub status: Option<Status>,
}

impl Classifier {
    /// The wordings in the examples of a pattern, each once.
    #[must_use]
    pub fn wordings(&self, id: PatternId) -> Vec<Wording> {
        let reader = Reader::default();
        let mut wordings: Vec<Wording> = Vec::new();
        for line in self.catalog().pattern(id).map(|pattern| pattern.examples.to_vec()).unwrap_or_default() {
            reader.read(line.as_bytes(), &[], None, |record| {
                let judgement = self.explain(record).judgement;
                let status = judgement.upstream_status.or(judgement.status);
                let Some(message) = judgement.message.filter(|_| judgement.pattern == Some(id)) else { return };
                if !wordings.iter().any(|known| known.message == message) {
                    wordings.push(Wording { message, status });
                }
            });
        }
        wordings
    }

    /// Runs the examples and near misses of every pattern, or with `own` only those of a user's patterns.
    #[must_use]
    pub fn check_examples(&self, reader: &Reader, own: bool) -> Vec<ExampleError> {
        let mut errors = Vec::new();
        for (at, pattern) in self.catalog().patterns().iter().enumerate().filter(|(_, pattern)| pattern.own || !own) {
            let id = PatternId::from_index(at);
            let examples = pattern.examples.to_vec().into_iter();
            let examples = examples.filter_map(|line| self.check_example(reader, id, pattern, &line));
            let near = pattern.near.to_vec().into_iter();
            let near = near.filter_map(|line| self.check_near_miss(reader, id, pattern, &line));
            let error = |what| ExampleError { file: pattern.file.clone(), line: pattern.line, what };
            errors.extend(examples.chain(near).map(error));
        }
        errors
    }

    /// Runs the examples and near misses of every event, or with `own` only those of a user's events.
    #[must_use]
    pub fn check_events(&self, reader: &Reader, own: bool) -> Vec<ExampleError> {
        let mut errors = Vec::new();
        for event in self.catalog().events().iter().filter(|event| event.own || !own) {
            let examples = event.examples.iter().filter_map(|example| self.check_event(reader, event, example));
            let is_known = |line: &&String| self.event_of(reader, line).as_deref() == Some(event.id.as_str());
            let near = event
                .near
                .iter()
                .filter(is_known)
                .map(|line| format!("a near miss of event {:?} matches it: {line}", event.id));
            let error = |what| ExampleError { file: event.file.clone(), line: event.line, what };
            errors.extend(examples.chain(near).map(error));
        }
        errors
    }

    fn check_event(&self, reader: &Reader, event: &Event, example: &Example) -> Option<String> {
        let Event { id, .. } = event;
        match self.event_of(reader, &example.log) {
            Some(found) if found == *id => {}
            Some(other) => return Some(format!("an example of event {id:?} is found by {other:?}: {}", example.log)),
            None => return Some(format!("an example of event {id:?} does not match it: {}", example.log)),
        }
        let mut faults = Vec::new();
        reader.read(example.log.as_bytes(), &[], None, |record| {
            let verdict = self.classify(record, Traffic::Llm);
            for (key, wanted) in &example.expect {
                let got = self.value_of(key, &verdict);
                if got != *wanted {
                    faults.push(format!("an example of event {id:?}: `{key}` is {got}, not {wanted}: {}", example.log));
                }
            }
        });
        (!faults.is_empty()).then(|| faults.join("; "))
    }

    /// The event that knows an entry of a log.
    fn event_of(&self, reader: &Reader, log: &str) -> Option<String> {
        let mut id = None;
        reader.read(log.as_bytes(), &[], None, |record| {
            let events = &self.catalog().events;
            let facts = record.facts();
            let found = events.find(&facts).or_else(|| events.find_failure(&facts));
            id = id.take().or_else(|| found.map(|found| found.event.id.clone()));
        });
        id
    }

    fn value_of(&self, key: &str, verdict: &Verdict<'_>) -> Value {
        let Verdict { texts, judgement } = verdict;
        match key {
            "outcome" => json!(judgement.outcome),
            "grain" => json!(judgement.grain),
            "category" => json!(judgement.category),
            "provider" => json!(self.catalog().providers().id(judgement.provider)),
            "status" => json!(judgement.upstream_status.or(judgement.status)),
            "model" => json!(texts.model.as_deref()),
            _ => json!(judgement.chain.is_some()),
        }
    }

    fn check_example(&self, reader: &Reader, id: PatternId, pattern: &Pattern, line: &str) -> Option<String> {
        let mut won = None;
        reader.read(line.as_bytes(), &[], None, |record| won = won.or(self.explain(record).judgement.pattern));
        if won == Some(id) {
            return None;
        }
        Some(match won.and_then(|winner| self.catalog().pattern(winner)) {
            Some(winner) => {
                format!("an example of {:?} is won by {:?} ({}:{}): {line}", pattern.id, winner.id, winner.file, winner.line)
            }
            None => format!("an example of {:?} does not match it: {line}", pattern.id),
        })
    }

    fn check_near_miss(&self, reader: &Reader, id: PatternId, pattern: &Pattern, line: &str) -> Option<String> {
        let mut matched = false;
        reader.read(line.as_bytes(), &[], None, |record| matched |= self.pattern_matches(id, record));
        matched.then(|| format!("a near miss of {:?} matches it: {line}", pattern.id))
    }
}
