//! The lists of `signals.toml`: which words of a record decide nothing, and what others stand for.

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;
use std::collections::BTreeMap;

/// All lists together, of the shipped file and of the user's.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignalLists {
    #[serde(default)]
    generic_types: Vec<String>,
    /// Statuses that types and codes stand for, by the name in lower case.
    #[serde(default)]
    pub(super) upstream_status: FxHashMap<String, u16>,
    /// Statuses that exception classes stand for.
    #[serde(default)]
    pub(super) class_status: FxHashMap<String, u16>,
    /// Texts of records that are logged as errors and report no failed call.
    #[serde(default)]
    pub(super) benign: Vec<String>,
    /// Each tag of patterns with its meaning.
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    /// `generic_types` in lower case.
    #[serde(skip)]
    generic: FxHashSet<String>,
}

impl SignalLists {
    pub(super) fn extend(&mut self, other: Self) {
        let Self { generic_types, upstream_status, class_status, benign, tags, generic: _ } = other;
        self.generic.extend(generic_types.iter().map(|name| name.to_ascii_lowercase()));
        self.upstream_status.extend(upstream_status.into_iter().map(|(name, status)| (name.to_ascii_lowercase(), status)));
        self.class_status.extend(class_status);
        self.benign.extend(benign);
        self.tags.extend(tags);
    }

    /// Whether a type or code, in lower case, is too general to decide alone.
    pub(super) fn is_generic(&self, name: &str) -> bool {
        self.generic.contains(name) || name.len() == 3 && name.bytes().all(|byte| byte.is_ascii_digit())
    }
}
