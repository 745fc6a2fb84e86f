//! Providers: their ids, their names, and the signs that identify a provider where the log does not name it.

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::{Arc, OnceLock};

/// A provider or gateway, as an index into [`Providers`]. Indexes never change while a process lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Provider(u16);

impl Provider {
    /// The provider of a record that identifies none.
    pub const UNKNOWN: Self = Self(0);

    /// The position in [`Providers`], from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Facts about one provider; one `[[provider]]` table of `patterns/providers.toml` or of the configuration.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderSpec {
    /// The value of the label `provider`: short and lower-case, as the LiteLLM proxy spells it.
    #[schemars(regex(pattern = "^[a-z0-9_.-]{1,32}$"))]
    pub id: String,
    /// The name for people.
    #[serde(default)]
    pub name: String,
    /// Other names in logs. Case, spaces, `_`, `-` and `.` do not matter.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Host names: whole, or `.suffix`, or with one `*`.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Prefixes of model names that only this provider's models have.
    #[serde(default)]
    pub models: Vec<String>,
    /// Namespaces of exception classes and names of loggers: `anthropic`, `google.genai`.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// Words that only this provider's errors use.
    #[serde(default)]
    pub vocabulary: Vec<String>,
    /// Names and wordings that this provider coined and others repeat: used only where no other sign is found.
    #[serde(default)]
    pub wording: Vec<String>,
    /// The page with its incidents.
    #[serde(default)]
    pub status_page: String,
    /// A relay: it passes on the failures of other providers.
    #[serde(default)]
    pub relay: bool,
    /// Runs on the caller's own machine or network.
    #[serde(default)]
    pub self_hosted: bool,
}

/// A mistake in a list of providers.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// An id that is too long or has other characters.
    #[error("provider id {0:?} is not lower-case letters, digits, `_`, `-` and `.` (at most 32)")]
    BadId(String),
    /// More than [`Providers::LIMIT`].
    #[error("more than {} providers", Providers::LIMIT)]
    TooMany,
}

/// All known providers. The list only grows, so a [`Provider`] stays valid after a reload.
#[derive(Clone, Debug)]
pub struct Providers {
    specs: Vec<ProviderSpec>,
    names: FxHashMap<String, Provider>,
    exact_hosts: FxHashMap<String, Provider>,
    /// By `.suffix`, including the dot.
    host_suffixes: FxHashMap<String, Provider>,
    /// Head and tail around a `*`, by the last two labels of the tail, or by the empty text if the tail is shorter.
    host_patterns: FxHashMap<String, Vec<(String, String, Provider)>>,
    model_prefixes: Prefixes,
    namespaces: Prefixes,
    unlisted: Unlisted,
}

/// Providers that the catalogue does not list: a field of the log names them. At most [`Unlisted::LIMIT`] in the life of a list; a clone shares them.
#[derive(Clone, Debug)]
pub struct Unlisted(Arc<[OnceLock<ProviderSpec>]>);

/// Prefixes by their first byte, the longest first.
#[derive(Clone, Debug, Default)]
struct Prefixes(FxHashMap<u8, Vec<(String, Provider)>>);

impl Prefixes {
    fn add(&mut self, prefix: String, provider: Provider) {
        let Some(first) = prefix.bytes().next() else { return };
        let bucket = self.0.entry(first.to_ascii_lowercase()).or_default();
        bucket.push((prefix, provider));
        bucket.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
    }

    fn starting_like(&self, text: &str) -> &[(String, Provider)] {
        let first = text.bytes().next().map(|byte| byte.to_ascii_lowercase());
        first.and_then(|byte| self.0.get(&byte)).map_or(&[], Vec::as_slice)
    }
}

impl Providers {
    /// The most providers.
    pub const LIMIT: usize = 1_000;

    /// Builds the list; [`Provider::UNKNOWN`] comes first.
    ///
    /// # Errors
    /// If an id is invalid or there are too many providers.
    pub fn new(specs: impl IntoIterator<Item = ProviderSpec>) -> Result<Self, ProviderError> {
        let mut this = Self {
            specs: Vec::new(),
            names: FxHashMap::default(),
            exact_hosts: FxHashMap::default(),
            host_suffixes: FxHashMap::default(),
            host_patterns: FxHashMap::default(),
            model_prefixes: Prefixes::default(),
            namespaces: Prefixes::default(),
            unlisted: Unlisted::default(),
        };
        this.add(ProviderSpec { id: "unknown".to_owned(), name: "unknown provider".to_owned(), ..ProviderSpec::default() })?;
        for spec in specs {
            this.add(spec)?;
        }
        Ok(this)
    }

    /// Adds a provider, or more signs of a provider with this id.
    ///
    /// # Errors
    /// If the id is invalid or there are too many providers.
    pub fn add(&mut self, spec: ProviderSpec) -> Result<Provider, ProviderError> {
        if !is_id(&spec.id) {
            return Err(ProviderError::BadId(spec.id));
        }
        let known = self.names.get(&normalize(&spec.id)).copied().filter(|known| self.specs[known.index()].id == spec.id);
        let provider = match known {
            Some(provider) => provider,
            None if self.specs.len() >= Self::LIMIT => return Err(ProviderError::TooMany),
            None => Provider(u16::try_from(self.specs.len()).map_err(|_| ProviderError::TooMany)?),
        };
        for name in spec.aliases.iter().chain([&spec.id]) {
            self.names.insert(normalize(name), provider);
        }
        for host in &spec.hosts {
            self.add_host(&host.to_ascii_lowercase(), provider);
        }
        for model in &spec.models {
            self.model_prefixes.add(model.to_ascii_lowercase(), provider);
        }
        for space in &spec.namespaces {
            self.namespaces.add(space.clone(), provider);
        }
        match known {
            Some(provider) => {
                if !spec.status_page.is_empty() {
                    self.specs[provider.index()].status_page = spec.status_page;
                }
            }
            None => self.specs.push(spec),
        }
        Ok(provider)
    }

    fn add_host(&mut self, host: &str, provider: Provider) {
        match host.split_once('*') {
            Some((head, tail)) => {
                let bucket = self.host_patterns.entry(domain(tail).to_owned()).or_default();
                bucket.push((head.to_owned(), tail.to_owned(), provider));
            }
            None if host.starts_with('.') => {
                self.host_suffixes.insert(host.to_owned(), provider);
            }
            None => {
                self.exact_hosts.insert(host.to_owned(), provider);
            }
        }
    }

    /// The id of a provider, as in the label `provider`.
    #[must_use]
    pub fn id(&self, provider: Provider) -> &str {
        self.spec(provider).map_or("unknown", |spec| &spec.id)
    }

    /// Facts about a provider.
    #[must_use]
    pub fn spec(&self, provider: Provider) -> Option<&ProviderSpec> {
        self.specs.get(provider.index()).or_else(|| self.unlisted.spec(provider))
    }

    /// The provider that a field of a log names: a listed one, or a well-formed name that becomes a provider of its own.
    #[must_use]
    pub fn by_field(&self, name: &str) -> Option<Provider> {
        self.by_name(name).or_else(|| self.unlisted.by_name(name))
    }

    /// The provider with an id of saved state.
    #[must_use]
    pub fn by_saved_id(&self, id: &str) -> Option<Provider> {
        self.by_field(id)
    }

    /// The providers that the catalogue does not list.
    #[must_use]
    pub const fn unlisted(&self) -> &Unlisted {
        &self.unlisted
    }

    /// Every provider by index, [`Provider::UNKNOWN`] first.
    pub fn iter(&self) -> impl Iterator<Item = (Provider, &ProviderSpec)> {
        (0u16..).map(Provider).zip(&self.specs)
    }

    /// Number of providers, including [`Provider::UNKNOWN`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.specs.len()
    }

    /// Always `false`: the list has at least [`Provider::UNKNOWN`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.specs.is_empty()
    }

    /// The provider with this id or alias; `Google`, `gcp.gemini` and `gemini` are one provider.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<Provider> {
        if name.len() > 64 {
            return None;
        }
        if let Some(found) = self.names.get(name) {
            return Some(*found);
        }
        // As `normalize`, without an allocation.
        let mut normal = [0u8; 64];
        let mut length = 0;
        for byte in name.bytes().filter(|byte| !matches!(byte, b' ' | b'\n' | b'_' | b'-' | b'.')) {
            normal[length] = byte.to_ascii_lowercase();
            length += 1;
        }
        self.names.get(std::str::from_utf8(&normal[..length]).ok()?).copied()
    }

    /// The provider at this host, without a scheme. A port matters only where it identifies a service, as Ollama's does.
    #[must_use]
    pub fn by_host(&self, host: &str) -> Option<Provider> {
        if host.len() > 255 {
            return None;
        }
        let lower;
        let host = if host.bytes().any(|b| b.is_ascii_uppercase()) {
            lower = host.to_ascii_lowercase();
            &lower
        } else {
            host
        };
        let bare = host.rsplit_once(':').map_or(host, |(bare, _)| bare);
        if let Some(found) = self.exact_hosts.get(bare).or_else(|| self.exact_hosts.get(host)) {
            return Some(*found);
        }
        let mut dots = bare.bytes().enumerate().filter(|(_, byte)| *byte == b'.').map(|(at, _)| at);
        if let Some(found) = dots.find_map(|at| self.host_suffixes.get(bare.get(at..)?)) {
            return Some(*found);
        }
        let matches = |(head, tail, _): &&(String, String, Provider)| {
            [bare, host]
                .iter()
                .any(|name| name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail))
        };
        let buckets = [domain(bare), ""].into_iter().filter_map(|domain| self.host_patterns.get(domain));
        buckets.flatten().find(matches).map(|(.., provider)| *provider)
    }

    /// The vendor of this model: by a `provider/` in front, else by the longest known prefix.
    #[must_use]
    pub fn by_model(&self, model: &str) -> Option<Provider> {
        if let Some((head, rest)) = model.split_once('/') {
            // `Qwen/…` is an organisation of a model hub; `dashscope/…` is a gateway's name for a provider.
            let named = self.by_name(head).filter(|provider| self.id(*provider) == head);
            return named.or_else(|| self.by_model(rest));
        }
        let starts = |prefix: &str| model.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        self.model_prefixes.starting_like(model).iter().find(|(prefix, _)| starts(prefix)).map(|(_, provider)| *provider)
    }

    /// The provider of an exception class or a logger: `anthropic.RateLimitError`.
    #[must_use]
    pub fn by_namespace(&self, name: &str) -> Option<Provider> {
        self.namespaces
            .starting_like(name)
            .iter()
            .find(|(space, _)| {
                name.strip_prefix(space.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_', ':', '/', '\\']))
            })
            .map(|(_, provider)| *provider)
    }
}

impl Unlisted {
    /// The most providers. Further ones are unknown.
    pub const LIMIT: usize = 50;

    /// The id of a provider that the catalogue does not list.
    #[must_use]
    pub fn id(&self, provider: Provider) -> Option<&str> {
        self.spec(provider).map(|spec| spec.id.as_str())
    }

    /// Whether the catalogue does not list this provider.
    #[must_use]
    pub const fn has(provider: Provider) -> bool {
        provider.index() >= Providers::LIMIT
    }

    /// Takes over the providers of an earlier list in their order, so that each keeps its index over a reload.
    pub fn adopt(&self, earlier: &Self) {
        for (ours, theirs) in self.0.iter().zip(earlier.0.iter()) {
            if let Some(spec) = theirs.get() {
                ours.get_or_init(|| spec.clone());
            }
        }
    }

    fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map_while(|place| place.get().map(|spec| spec.id.as_str()))
    }

    fn spec(&self, provider: Provider) -> Option<&ProviderSpec> {
        self.0.get(provider.index().checked_sub(Providers::LIMIT)?)?.get()
    }

    /// Finds or adds a name. The first free place is taken; a thread that loses a race for it finds the name of the other.
    fn by_name(&self, name: &str) -> Option<Provider> {
        const NO_NAMES: [&str; 9] = ["unknown", "none", "null", "nil", "default", "auto", "other", "true", "false"];
        let name = name.to_ascii_lowercase();
        if !is_id(&name) || !name.bytes().any(|b| b.is_ascii_lowercase()) || NO_NAMES.contains(&name.as_str()) {
            return None;
        }
        let is_it = |place: &OnceLock<ProviderSpec>| {
            let spec = || ProviderSpec { id: name.clone(), name: name.clone(), ..ProviderSpec::default() };
            place.get_or_init(spec).id == name
        };
        let at = self.0.iter().position(is_it)?;
        u16::try_from(Providers::LIMIT + at).ok().map(Provider)
    }
}

impl PartialEq for Unlisted {
    fn eq(&self, other: &Self) -> bool {
        self.ids().eq(other.ids())
    }
}

impl Eq for Unlisted {}

impl Default for Unlisted {
    fn default() -> Self {
        Self((0..Self::LIMIT).map(|_| OnceLock::new()).collect())
    }
}

/// Whether a text can be the id of a provider.
fn is_id(text: &str) -> bool {
    let is_good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.');
    (1..=32).contains(&text.len()) && text.bytes().all(is_good)
}

/// The last two labels of a host; empty if it has fewer.
fn domain(host: &str) -> &str {
    let mut dots = host.bytes().enumerate().rev().filter(|(_, byte)| *byte == b'.').map(|(at, _)| at);
    match (dots.next(), dots.next()) {
        (Some(_), Some(second)) => host.get(second + 1..).unwrap_or_default(),
        (Some(_), None) if !host.starts_with('.') => host,
        (Some(last), None) => host.get(last + 1..).filter(|rest| rest.contains('.')).unwrap_or_default(),
        _ => "",
    }
}

/// A name in the form that is compared: lower case, without spaces, `_`, `-` and `.`.
fn normalize(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, ' ' | '_' | '-' | '.')).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn providers() -> Providers {
        let spec = |id: &str, hosts: &[&str], models: &[&str]| ProviderSpec {
            id: id.to_owned(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            models: models.iter().map(|model| (*model).to_owned()).collect(),
            aliases: vec![format!("My {id}")],
            ..ProviderSpec::default()
        };
        Providers::new([
            spec("openai", &["api.openai.com"], &["gpt-"]),
            spec("azure", &[".openai.azure.com"], &["gpt-4o-prod"]),
            spec("bedrock", &["bedrock-runtime.*.amazonaws.com"], &["anthropic.claude"]),
            spec("ollama", &["ollama*", "*:11434"], &[]),
        ])
        .expect("good ids")
    }

    #[test]
    fn a_host_matches_whole_or_by_suffix_or_around_a_star() {
        let providers = providers();
        let id = |host: &str| providers.by_host(host).map(|found| providers.id(found));
        assert_eq!(id("API.openai.com:443"), Some("openai"));
        assert_eq!(id("contoso.openai.azure.com"), Some("azure"));
        assert_eq!(id("bedrock-runtime.eu-west-1.amazonaws.com"), Some("bedrock"));
        assert_eq!(id("10.0.0.1:11434"), Some("ollama"));
        assert_eq!(id("ollama-7"), Some("ollama"));
        for host in ["openai.com", "xopenai.azure.com", "s3.amazonaws.com", "", ".", "a..b"] {
            assert_eq!(id(host), None, "{host}");
        }
    }

    #[test]
    fn the_longest_prefix_of_a_model_decides() {
        let providers = providers();
        let id = |model: &str| providers.by_model(model).map(|found| providers.id(found));
        assert_eq!(id("GPT-5"), Some("openai"));
        assert_eq!(id("gpt-4o-prod"), Some("azure"));
        assert_eq!(id("openai/llama"), Some("openai"));
        assert_eq!(id("llama"), None);
    }

    #[test]
    fn a_name_that_is_not_listed_is_a_provider_of_its_own() {
        let providers = providers();
        let kiro = providers.by_field("Kiro").expect("a good name");
        assert_eq!((providers.id(kiro), providers.by_saved_id("kiro")), ("kiro", Some(kiro)));
        assert_eq!(providers.by_field("my openai").map(|found| providers.id(found)), Some("openai"));
        for name in ["", "none", "not a name", "10.0.0.1", "a/b", "x".repeat(33).as_str()] {
            assert_eq!(providers.by_field(name), None, "{name}");
        }
        for number in 1..Unlisted::LIMIT {
            assert!(providers.by_field(&format!("p{number}")).is_some());
        }
        assert_eq!(providers.by_field("one-too-many"), None);
        assert_eq!(providers.by_field("kiro"), Some(kiro));
    }

    #[test]
    fn names_are_compared_without_case_and_joining_characters() {
        let providers = providers();
        assert_eq!(providers.by_name("MY-OpenAI").map(|found| providers.id(found)), Some("openai"));
        assert_eq!(providers.by_name(&"x".repeat(65)), None);
    }
}
