//! Patterns proven by their own examples: each example is won by its pattern, no near miss matches it.

use super::{Classifier, Pattern};
use crate::observation::PatternId;
use crate::record::Reader;
use std::fmt;

/// A pattern that its own examples speak against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofError {
    /// The file it is in.
    pub file: String,
    /// The line there.
    pub line: usize,
    /// What came out, and what would mend it.
    pub what: String,
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

impl Classifier {
    /// Runs the examples and near misses of every pattern, or only of a user's `own`.
    #[must_use]
    pub fn check_examples(&self, reader: &Reader, own: bool) -> Vec<ProofError> {
        let mut faults = Vec::new();
        for (at, pattern) in self.catalog().patterns().iter().enumerate().filter(|(_, it)| it.own || !own) {
            let id = PatternId(at as u16);
            let examples = pattern.examples.iter().filter_map(|line| self.example_fault(reader, id, pattern, line));
            let near = pattern.near.iter().filter_map(|line| self.near_fault(reader, id, pattern, line));
            let fault = |what| ProofError { file: pattern.file.clone(), line: pattern.line, what };
            faults.extend(examples.chain(near).map(fault));
        }
        faults
    }

    fn example_fault(&self, reader: &Reader, id: PatternId, pattern: &Pattern, line: &str) -> Option<String> {
        let mut won = None;
        reader.read(line.as_bytes(), &[], None, |record| won = won.or(self.explain(record).pattern));
        if won == Some(id) {
            return None;
        }
        let winner = won.and_then(|it| self.catalog().pattern(it));
        Some(match winner {
            Some(winner) => {
                format!("an example of {:?} is won by {:?} ({}:{}): {line}", pattern.id, winner.id, winner.file, winner.line)
            }
            None => format!("an example of {:?} is not matched by it: {line}", pattern.id),
        })
    }

    fn near_fault(&self, reader: &Reader, id: PatternId, pattern: &Pattern, line: &str) -> Option<String> {
        let mut matched = false;
        reader.read(line.as_bytes(), &[], None, |record| matched |= self.pattern_matches(id, record));
        matched.then(|| format!("a near miss of {:?} is matched by it: {line}", pattern.id))
    }
}
