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
    /// Wordings that any server may write: they name no provider. In lower case.
    #[serde(default)]
    pub(super) common_wordings: Vec<String>,
    /// Packages and namespaces of SDKs and frameworks that call LLMs.
    #[serde(default)]
    llm_libraries: Vec<String>,
    /// Words of which an error that concerns an LLM has at least one.
    #[serde(default)]
    pub(super) llm_words: Vec<String>,
    /// Families of models with open weights, in lower case: they name no provider.
    #[serde(default)]
    open_models: Vec<String>,
    /// Tags of AI plugins in the logs of proxies.
    #[serde(default)]
    pub(super) llm_tags: Vec<String>,
    /// Loggers of web frameworks: the status beside them is what our own server answered.
    #[serde(default)]
    pub(super) serving_loggers: Vec<String>,
    /// Each tag of patterns with its meaning.
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    /// `generic_types` in lower case.
    #[serde(skip)]
    generic: FxHashSet<String>,
}

impl SignalLists {
    pub(super) fn extend(&mut self, other: Self) {
        let Self {
            generic_types,
            upstream_status,
            class_status,
            benign,
            common_wordings,
            llm_libraries,
            llm_words,
            open_models,
            llm_tags,
            serving_loggers,
            tags,
            generic: _,
        } = other;
        self.generic.extend(generic_types.iter().map(|name| name.to_ascii_lowercase()));
        self.upstream_status.extend(upstream_status.into_iter().map(|(name, status)| (name.to_ascii_lowercase(), status)));
        self.class_status.extend(class_status);
        self.benign.extend(benign);
        self.common_wordings.extend(common_wordings);
        self.llm_libraries.extend(llm_libraries);
        self.llm_words.extend(llm_words);
        self.open_models.extend(open_models);
        self.llm_tags.extend(llm_tags);
        self.serving_loggers.extend(serving_loggers);
        self.tags.extend(tags);
    }

    /// Whether a regex is a wording that any server may write, and nothing more.
    pub(super) fn is_common_wording(&self, regex: &str) -> bool {
        let words = regex.replace("\\b", "").replace(['^', '$'], "").to_ascii_lowercase();
        self.common_wordings.contains(&words)
    }

    /// Whether a class, package or logger belongs to an SDK or a framework for LLMs.
    pub(super) fn is_llm_library(&self, name: &str) -> bool {
        self.llm_libraries.iter().any(|library| {
            name.strip_prefix(library.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/', ':', '\\', '_', '-', '$']))
        })
    }

    /// Whether a name is that of a model with open weights, also behind an organisation or a path: `meta-llama/Llama-3.1-8B-Instruct`.
    pub(super) fn is_open_model(&self, name: &str) -> bool {
        let leaf = name.rsplit('/').next().unwrap_or(name);
        let starts = |family: &String| leaf.get(..family.len()).is_some_and(|start| start.eq_ignore_ascii_case(family));
        self.open_models.iter().any(starts)
    }

    /// Whether a type or code, in lower case, is too general to decide alone.
    pub(super) fn is_generic(&self, name: &str) -> bool {
        self.generic.contains(name) || name.len() == 3 && name.bytes().all(|byte| byte.is_ascii_digit())
    }
}
