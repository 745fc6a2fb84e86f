//! The names of the ids in tallies and snapshots, as they are in force. They are the label values.

use crate::alert::RowId;
use crate::observation::{PatternId, SourceId};
use crate::taxonomy::{Provider, Providers, Unlisted};
use std::time::Duration;

/// How many providers get series before their first call. No configuration has more; the limit bounds the page anyway.
const KNOWN_PROVIDERS: usize = 200;

/// How long the series of an unknown row stay after the end of its storm or alert.
const KEEP_FIRING: Duration = Duration::from_mins(5);

/// Label values by id. A reload changes the ids of rows, patterns and sources, but not those of providers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    providers: Vec<(Provider, String)>,
    unlisted: Unlisted,
    patterns: Vec<String>,
    rows: Vec<String>,
    sources: Vec<String>,
    /// By row.
    keep_firing: Vec<Duration>,
}

impl Names {
    /// The providers, and the ids of patterns, rows and sources in the order of their indexes.
    pub fn new<T: Into<String>>(
        providers: &Providers,
        patterns: impl IntoIterator<Item = T>,
        rows: impl IntoIterator<Item = T>,
        sources: impl IntoIterator<Item = T>,
    ) -> Self {
        Self {
            providers: providers.iter().map(|(provider, spec)| (provider, spec.id.clone())).collect(),
            unlisted: providers.unlisted().clone(),
            patterns: patterns.into_iter().map(Into::into).collect(),
            rows: rows.into_iter().map(Into::into).collect(),
            sources: sources.into_iter().map(Into::into).collect(),
            keep_firing: Vec::new(),
        }
    }

    /// Sets how long the series of each row stay after the end of its storm or alert.
    #[must_use]
    pub fn with_keep_firing(self, keep_firing: impl IntoIterator<Item = Duration>) -> Self {
        Self { keep_firing: keep_firing.into_iter().collect(), ..self }
    }

    /// How long the series of a row stay after the end of its storm or alert.
    pub(super) fn keep_firing(&self, row: &str) -> Duration {
        let index = self.rows.iter().position(|name| name == row);
        index.and_then(|index| self.keep_firing.get(index)).copied().unwrap_or(KEEP_FIRING)
    }

    /// The value of the label `provider`.
    #[must_use]
    pub fn provider(&self, provider: Provider) -> &str {
        self.providers
            .get(provider.index())
            .map(|(_, id)| id.as_str())
            .or_else(|| self.unlisted.id(provider))
            .unwrap_or("unknown")
    }

    /// The value of the label `pattern`.
    pub fn pattern(&self, pattern: PatternId) -> &str {
        self.patterns.get(usize::from(pattern.0)).map_or("none", String::as_str)
    }

    /// The value of the label `row`.
    pub fn row(&self, row: RowId) -> &str {
        self.rows.get(usize::from(row.0)).map_or("none", String::as_str)
    }

    /// The value of the label `source`.
    pub fn source(&self, source: SourceId) -> &str {
        self.sources.get(usize::from(source.0)).map_or("none", String::as_str)
    }

    /// All rows, in the order of their ids.
    #[must_use]
    pub fn rows(&self) -> &[String] {
        &self.rows
    }

    /// All patterns, in the order of their ids.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// All sources, in the order of their ids.
    #[must_use]
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// The providers that get series before their first call.
    pub(super) fn known_providers(&self) -> &[(Provider, String)] {
        &self.providers[..self.providers.len().min(KNOWN_PROVIDERS)]
    }

    /// Whether this provider is one of [`Self::known_providers`].
    pub(super) fn is_known(&self, provider: Provider) -> bool {
        provider.index() < self.known_providers().len()
    }
}
