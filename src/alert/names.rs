//! The tables that ids are looked up in: patterns, providers and sources.

use crate::classify::Pattern;
use crate::observation::PatternId;
use crate::taxonomy::Providers;

/// The names behind the ids of an observation.
#[derive(Clone, Copy, Debug)]
pub struct NameTable<'a> {
    /// Indexed by [`PatternId`].
    pub patterns: &'a [Pattern],
    /// The known providers.
    pub providers: &'a Providers,
    /// Indexed by [`crate::observation::SourceId`].
    pub sources: &'a [String],
}

impl<'a> NameTable<'a> {
    /// The pattern with this id; `None` if the id comes from another catalog.
    #[must_use]
    pub fn pattern(&self, id: PatternId) -> Option<&'a Pattern> {
        self.patterns.get(usize::from(id.0))
    }
}
