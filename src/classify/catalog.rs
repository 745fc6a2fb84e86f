//! The catalogue: every pattern that is in force, and the providers they speak of. Built once, then only read.

use super::PatternId;
use crate::taxonomy::{Category, Owner, Providers, Retry};

/// One known error and its verdict.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Stable, kebab-case, unique.
    pub id: String,
    /// A few words for people.
    pub title: String,
    /// What kind of error it is.
    pub category: Category,
    /// Who can settle it.
    pub owner: Owner,
    /// Whether to retry.
    pub retry: Retry,
    /// What it means.
    pub meaning: String,
    /// What to do, written for the reader at 3 a.m.
    pub fix: String,
    /// Where the provider says so.
    pub docs: Option<String>,
}

/// All patterns and providers.
#[derive(Clone, Debug)]
pub struct Catalog {
    patterns: Vec<Pattern>,
    providers: Providers,
}

impl Catalog {
    /// The pattern behind an id that this catalogue gave out.
    pub fn pattern(&self, id: PatternId) -> Option<&Pattern> {
        self.patterns.get(usize::from(id.0))
    }

    /// All patterns, in the order of their ids' indexes.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// The providers.
    pub fn providers(&self) -> &Providers {
        &self.providers
    }
}
