//! Names that are no single error: classes that wrap what a lower layer reports, and its numbers. `patterns/names.toml` lists them.

use serde::Deserialize;

const NAMES: &str = include_str!(concat!(env!("OUT_DIR"), "/names.json"));

/// What stands behind some names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Name {
    pub(super) names: Vec<String>,
    pub(super) meaning: String,
    /// Where the cause is, and the words that show it.
    #[serde(default)]
    pub(super) look_for: String,
    /// The ids of the patterns of the usual causes.
    #[serde(default)]
    pub(super) usual: Vec<String>,
    #[serde(default)]
    pub(super) docs: String,
}

impl Name {
    /// All names; none if the shipped file is broken, which the tests exclude.
    pub(super) fn all() -> Vec<Self> {
        #[derive(Deserialize)]
        struct File {
            name: Vec<Name>,
        }
        serde_json::from_str::<File>(NAMES).map_or_else(|_| Vec::new(), |file| file.name)
    }

    pub(super) fn of(text: &str) -> Option<Self> {
        let is_this = |known: &String| known.eq_ignore_ascii_case(text);
        Self::all().into_iter().find(|name| name.names.iter().any(is_this))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::Catalog;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_listed_once_and_its_causes_are_patterns() {
        let catalog = Catalog::shipped().expect("the shipped catalogue");
        let all = Name::all();
        assert!(!all.is_empty(), "patterns/names.toml is broken");
        let mut seen = BTreeSet::new();
        for name in &all {
            for known in &name.names {
                assert!(seen.insert(known.to_lowercase()), "{known} is listed twice");
                assert!(catalog.by_id(known).is_none(), "{known} is the id of a pattern");
            }
            for id in &name.usual {
                assert!(catalog.by_id(id).is_some(), "{:?}: no pattern has the id {id}", name.names);
            }
            assert!(!name.look_for.is_empty() || !name.usual.is_empty(), "{:?} says no cause", name.names);
        }
    }
}
