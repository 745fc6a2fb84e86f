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
    #[error("provider id {0:?} is not lower-case letters, digits and `_` (at most 32)")]
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
    host_patterns: Vec<(String, Provider)>,
    model_prefixes: Vec<(String, Provider)>,
    namespaces: Vec<(String, Provider)>,
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
            host_patterns: Vec::new(),
            model_prefixes: Vec::new(),
            namespaces: Vec::new(),
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
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
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
            let host = host.to_ascii_lowercase();
            if host.contains('*') || host.starts_with('.') {
                self.host_patterns.push((host, provider));
            } else {
                self.exact_hosts.insert(host, provider);
            }
        }
        self.model_prefixes.extend(spec.models.iter().map(|it| (it.to_ascii_lowercase(), provider)));
        self.model_prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        self.namespaces.extend(spec.namespaces.iter().map(|it| (it.clone(), provider)));
        self.namespaces.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
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

    /// The id of a provider: the value of the label `provider`.
    pub fn id(&self, provider: Provider) -> &str {
        self.specs.get(provider.index()).map_or("unknown", |it| &it.id)
    }

    /// What is known of a provider.
    pub fn spec(&self, provider: Provider) -> Option<&ProviderSpec> {
        self.specs.get(provider.index())
    }

    /// Every provider in index order, [`Provider::UNKNOWN`] first.
    pub fn iter(&self) -> impl Iterator<Item = (Provider, &ProviderSpec)> {
        (0u16..).map(Provider).zip(&self.specs)
    }

    /// How many there are, [`Provider::UNKNOWN`] included.
    pub fn len(&self) -> usize {
        self.specs.len()
    }

    /// Never: [`Provider::UNKNOWN`] is always there.
    pub fn is_empty(&self) -> bool {
        self.specs.is_empty()
    }

    /// The provider that goes by this name; `Google`, `gcp.gemini` and `gemini` are one.
    pub fn by_name(&self, name: &str) -> Option<Provider> {
        if name.len() > 64 {
            return None;
        }
        if let Some(found) = self.names.get(name) {
            return Some(*found);
        }
        self.names.get(&fold(name)).copied()
    }

    /// The provider that answers at this host (no scheme; a port is looked at where it tells, as Ollama's does).
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
        self.host_patterns
            .iter()
            .find(|(pattern, _)| match pattern.split_once('*') {
                Some((head, tail)) => [bare, host]
                    .iter()
                    .any(|it| it.len() >= head.len() + tail.len() && it.starts_with(head) && it.ends_with(tail)),
                None => bare.ends_with(pattern.as_str()),
            })
            .map(|(_, provider)| *provider)
    }

    /// The provider whose models are called like this: by a `provider/` in front, else by the longest known prefix.
    pub fn by_model(&self, model: &str) -> Option<Provider> {
        if let Some((head, rest)) = model.split_once('/') {
            // `Qwen/…` is an organisation of a model hub; `dashscope/…` is a gateway's way to name a provider.
            let spelt = self.by_name(head).filter(|it| self.id(*it) == head);
            return spelt.or_else(|| self.by_model(rest));
        }
        let starts = |prefix: &str| model.get(..prefix.len()).is_some_and(|it| it.eq_ignore_ascii_case(prefix));
        self.model_prefixes.iter().find(|(prefix, _)| starts(prefix)).map(|(_, provider)| *provider)
    }

    /// The provider to which an exception class or a logger name belongs: `anthropic.RateLimitError`.
    pub fn by_namespace(&self, name: &str) -> Option<Provider> {
        self.namespaces
            .iter()
            .find(|(space, _)| {
                name.strip_prefix(space.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_', ':', '/']))
            })
            .map(|(_, provider)| *provider)
    }
}

/// Names compare without case, blanks and joining marks.
fn fold(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, ' ' | '_' | '-' | '.')).map(|c| c.to_ascii_lowercase()).collect()
}
