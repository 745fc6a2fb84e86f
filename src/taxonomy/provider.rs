//! Providers: short ids, the names they go by, and the signs by which an unnamed one is told.

use rustc_hash::FxHashMap;
use serde::Deserialize;

/// A provider or gateway, as an index into [`Providers`]. Indexes never change while a process lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Provider(u16);

impl Provider {
    /// Nothing told who was called.
    pub const UNKNOWN: Self = Self(0);

    /// The position in [`Providers`]; dense, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is known of one provider; one `[[provider]]` table of `patterns/providers.toml` or of the configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSpec {
    /// Short and lower-case, as the LiteLLM proxy spells it.
    pub id: String,
    /// The name people use.
    #[serde(default)]
    pub name: String,
    /// Other spellings on input, compared without regard to case, blanks, `_`, `-` and `.`.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Host names: exact, or `.suffix`, or with one `*`.
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
    /// Names and wordings that it coined and others repeat: believed only where nothing else tells.
    #[serde(default)]
    pub wording: Vec<String>,
    /// Where one looks first when it is down.
    #[serde(default)]
    pub status_page: String,
    /// A relay that passes other providers' failures on.
    #[serde(default)]
    pub relay: bool,
    /// Works on the caller's own machine or network.
    #[serde(default)]
    pub self_hosted: bool,
}

/// Why a list of providers was refused.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// An id that is not short, lower-case text.
    #[error("provider id {0:?} is not lower-case letters, digits, `_`, `-` and `.` (at most 32)")]
    BadId(String),
    /// More providers than an index can hold.
    #[error("more than {} providers", Providers::LIMIT)]
    TooMany,
}

/// All providers that are known: a list that only grows, so that a [`Provider`] stays valid over a reload.
#[derive(Clone, Debug)]
pub struct Providers {
    specs: Vec<ProviderSpec>,
    names: FxHashMap<String, Provider>,
    exact_hosts: FxHashMap<String, Provider>,
    /// `.suffix`, the dot included.
    host_suffixes: FxHashMap<String, Provider>,
    /// Head and tail around a `*`, by the last two labels of the tail; those without such a tail are under the empty text.
    host_patterns: FxHashMap<String, Vec<(String, String, Provider)>>,
    model_prefixes: Prefixes,
    namespaces: Prefixes,
}

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
        let first = text.bytes().next().map(|it| it.to_ascii_lowercase());
        first.and_then(|it| self.0.get(&it)).map_or(&[], Vec::as_slice)
    }
}

impl Providers {
    /// The most providers there can be.
    pub const LIMIT: usize = 1_000;

    /// Builds the list; [`Provider::UNKNOWN`] comes first.
    ///
    /// # Errors
    /// When an id is malformed or there are too many.
    pub fn new(specs: impl IntoIterator<Item = ProviderSpec>) -> Result<Self, ProviderError> {
        let mut this = Self {
            specs: Vec::new(),
            names: FxHashMap::default(),
            exact_hosts: FxHashMap::default(),
            host_suffixes: FxHashMap::default(),
            host_patterns: FxHashMap::default(),
            model_prefixes: Prefixes::default(),
            namespaces: Prefixes::default(),
        };
        this.add(ProviderSpec { id: "unknown".to_owned(), name: "unknown provider".to_owned(), ..ProviderSpec::default() })?;
        for spec in specs {
            this.add(spec)?;
        }
        Ok(this)
    }

    /// Adds a provider, or further signs to one whose id is there already.
    ///
    /// # Errors
    /// When the id is malformed or there are too many.
    pub fn add(&mut self, spec: ProviderSpec) -> Result<Provider, ProviderError> {
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.');
        if spec.id.is_empty() || spec.id.len() > 32 || !spec.id.bytes().all(good) {
            return Err(ProviderError::BadId(spec.id));
        }
        let known = self.names.get(&fold(&spec.id)).copied().filter(|it| self.specs[it.index()].id == spec.id);
        let provider = match known {
            Some(provider) => provider,
            None if self.specs.len() >= Self::LIMIT => return Err(ProviderError::TooMany),
            None => Provider(u16::try_from(self.specs.len()).map_err(|_| ProviderError::TooMany)?),
        };
        for name in spec.aliases.iter().chain([&spec.id]) {
            self.names.insert(fold(name), provider);
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

    /// The id of a provider: the value of the label `provider`.
    #[must_use]
    pub fn id(&self, provider: Provider) -> &str {
        self.specs.get(provider.index()).map_or("unknown", |it| &it.id)
    }

    /// What is known of a provider.
    #[must_use]
    pub fn spec(&self, provider: Provider) -> Option<&ProviderSpec> {
        self.specs.get(provider.index())
    }

    /// Every provider in index order, [`Provider::UNKNOWN`] first.
    pub fn iter(&self) -> impl Iterator<Item = (Provider, &ProviderSpec)> {
        (0u16..).map(Provider).zip(&self.specs)
    }

    /// How many there are, [`Provider::UNKNOWN`] included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.specs.len()
    }

    /// Never: [`Provider::UNKNOWN`] is always there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.specs.is_empty()
    }

    /// The provider that goes by this name; `Google`, `gcp.gemini` and `gemini` are one.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<Provider> {
        if name.len() > 64 {
            return None;
        }
        if let Some(found) = self.names.get(name) {
            return Some(*found);
        }
        let mut folded = [0u8; 64];
        let mut length = 0;
        for byte in name.bytes().filter(|it| !matches!(it, b' ' | b'\n' | b'_' | b'-' | b'.')) {
            folded[length] = byte.to_ascii_lowercase();
            length += 1;
        }
        self.names.get(std::str::from_utf8(&folded[..length]).ok()?).copied()
    }

    /// The provider that answers at this host (no scheme; a port is looked at where it tells, as Ollama's does).
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
            [bare, host].iter().any(|it| it.len() >= head.len() + tail.len() && it.starts_with(head) && it.ends_with(tail))
        };
        let buckets = [domain(bare), ""].into_iter().filter_map(|it| self.host_patterns.get(it));
        buckets.flatten().find(matches).map(|(.., provider)| *provider)
    }

    /// The provider whose models are called like this: by a `provider/` in front, else by the longest known prefix.
    #[must_use]
    pub fn by_model(&self, model: &str) -> Option<Provider> {
        if let Some((head, rest)) = model.split_once('/') {
            // `Qwen/…` is an organisation of a model hub; `dashscope/…` is a gateway's way to name a provider.
            let spelt = self.by_name(head).filter(|it| self.id(*it) == head);
            return spelt.or_else(|| self.by_model(rest));
        }
        let starts = |prefix: &str| model.get(..prefix.len()).is_some_and(|it| it.eq_ignore_ascii_case(prefix));
        self.model_prefixes.starting_like(model).iter().find(|(prefix, _)| starts(prefix)).map(|(_, provider)| *provider)
    }

    /// The provider to which an exception class or a logger name belongs: `anthropic.RateLimitError`.
    #[must_use]
    pub fn by_namespace(&self, name: &str) -> Option<Provider> {
        self.namespaces
            .starting_like(name)
            .iter()
            .find(|(space, _)| {
                name.strip_prefix(space.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_', ':', '/']))
            })
            .map(|(_, provider)| *provider)
    }
}

/// The last two labels of a host; empty when it has no two.
fn domain(host: &str) -> &str {
    let mut dots = host.bytes().enumerate().rev().filter(|(_, byte)| *byte == b'.').map(|(at, _)| at);
    match (dots.next(), dots.next()) {
        (Some(_), Some(second)) => host.get(second + 1..).unwrap_or_default(),
        (Some(_), None) if !host.starts_with('.') => host,
        (Some(last), None) => host.get(last + 1..).filter(|it| it.contains('.')).unwrap_or_default(),
        _ => "",
    }
}

/// Names compare without case, blanks and joining marks.
fn fold(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, ' ' | '_' | '-' | '.')).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn providers() -> Providers {
        let spec = |id: &str, hosts: &[&str], models: &[&str]| ProviderSpec {
            id: id.to_owned(),
            hosts: hosts.iter().map(|it| (*it).to_owned()).collect(),
            models: models.iter().map(|it| (*it).to_owned()).collect(),
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
    fn hosts_are_exact_or_end_or_begin_and_end_as_listed() {
        let it = providers();
        let id = |host: &str| it.by_host(host).map(|found| it.id(found));
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
    fn the_longest_prefix_of_a_model_tells() {
        let it = providers();
        let id = |model: &str| it.by_model(model).map(|found| it.id(found));
        assert_eq!(id("GPT-5"), Some("openai"));
        assert_eq!(id("gpt-4o-prod"), Some("azure"));
        assert_eq!(id("openai/llama"), Some("openai"));
        assert_eq!(id("llama"), None);
    }

    #[test]
    fn names_fold() {
        let it = providers();
        assert_eq!(it.by_name("MY-OpenAI").map(|found| it.id(found)), Some("openai"));
        assert_eq!(it.by_name(&"x".repeat(65)), None);
    }
}
