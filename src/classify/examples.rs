//! Checks patterns by their own examples: each example is won by its pattern, and no near miss matches it.

use super::{Classifier, Pattern};
use crate::observation::PatternId;
use crate::record::Reader;
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

impl Classifier {
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
