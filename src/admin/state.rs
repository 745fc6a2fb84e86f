//! The state that the HTTP server reads and the daemon updates.

use super::host::Hosts;
use crate::classify::Pattern;
use crate::metrics::Metrics;
use crate::pipeline::Rules;
use crate::taxonomy::{Category, Owner, Providers, Retry, string_enum};
use crate::time::Timestamp;
use bytes::Bytes;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

string_enum! {
    /// The phase of the daemon.
    Phase {
        /// Opening the sources, or reading the lines that were written while the daemon was down.
        Starting = "starting",
        /// Reading lines as they are written.
        Ready = "ready",
        /// Stopping: finishing the lines that are read.
        Draining = "draining",
    }
}

/// The peers that may request a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Peers on this machine.
    Loopback,
    /// Every peer that reaches the port.
    Anyone,
}

/// Facts that do not change while the process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The host name, as in the label `instance` of Prometheus.
    pub instance: String,
    /// When the process started.
    pub started: Timestamp,
    /// The configuration file; `None` if there are only flags.
    pub config: Option<String>,
}

/// A request to reload. The answer is a text for people, also when the reload failed.
#[derive(Debug)]
pub struct ReloadRequest {
    /// Receives the answer.
    pub reply: oneshot::Sender<Result<String, String>>,
}

/// A pattern as the API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct PatternView {
    /// The stable, unique id, in kebab case.
    pub id: String,
    /// A few words for people.
    pub title: String,
    /// The kind of error.
    pub category: Category,
    /// Who can fix the error.
    pub owner: Owner,
    /// Whether to retry.
    pub retry: Retry,
    /// The meaning of the error.
    pub meaning: String,
    /// What to do.
    pub fix: String,
    /// The documentation of the provider.
    pub docs: Option<String>,
}

impl From<&Pattern> for PatternView {
    fn from(pattern: &Pattern) -> Self {
        Self {
            id: pattern.id.clone(),
            title: pattern.title.clone(),
            category: pattern.category,
            owner: pattern.owner,
            retry: pattern.retry,
            meaning: pattern.meaning.clone(),
            fix: pattern.fix.clone(),
            docs: pattern.docs.clone(),
        }
    }
}

/// The display name and the status page of a provider.
#[derive(Clone, Debug, Default)]
pub(super) struct ProviderView {
    pub(super) name: String,
    pub(super) status_page: String,
}

/// The loaded patterns, providers and runbooks; a reload replaces them.
#[derive(Clone, Debug, Default)]
pub(super) struct Loaded {
    /// By provider id.
    pub(super) providers: BTreeMap<String, ProviderView>,
    /// The answer of `/api/v1/patterns`, rendered once per load instead of once per request.
    pub(super) patterns: Bytes,
    /// The runbooks by the ids of their rows.
    pub(super) runbooks: BTreeMap<String, Bytes>,
    /// What the pages of the errors are written from.
    pub(super) rules: Option<Arc<Rules>>,
}

/// Everything that the HTTP server reads, and the channel for its requests to reload.
#[derive(Debug)]
pub struct AdminState {
    pub(super) metrics: Arc<Metrics>,
    pub(super) about: About,
    pub(super) reload: mpsc::Sender<ReloadRequest>,
    phase: Mutex<Phase>,
    lifecycle: Mutex<Lifecycle>,
    hosts: Mutex<Arc<Hosts>>,
    loaded: Mutex<Arc<Loaded>>,
}

impl AdminState {
    /// The state of a daemon that is starting. Requests to reload go to `reload`. A capacity of one is enough: while it is
    /// full, the server answers that the peer must try again later.
    pub fn new(metrics: Arc<Metrics>, about: About, lifecycle: Lifecycle, reload: mpsc::Sender<ReloadRequest>) -> Self {
        let (phase, lifecycle) = (Mutex::new(Phase::Starting), Mutex::new(lifecycle));
        let hosts = Mutex::new(Arc::new(Hosts::new([about.instance.clone()])));
        Self { metrics, about, reload, phase, lifecycle, hosts, loaded: Mutex::default() }
    }

    /// Sets the host names that are answered beside addresses, `localhost` and the name of this host.
    pub fn set_hosts(&self, names: impl IntoIterator<Item = String>) {
        let hosts = Hosts::new(names.into_iter().chain([self.about.instance.clone()]));
        *self.hosts.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(hosts);
    }

    pub(super) fn hosts(&self) -> Arc<Hosts> {
        Arc::clone(&self.hosts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets the phase of the daemon.
    pub fn set_phase(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// Sets which peers may request a reload.
    pub fn set_lifecycle(&self, lifecycle: Lifecycle) {
        *self.lifecycle.lock().unwrap_or_else(PoisonError::into_inner) = lifecycle;
    }

    pub(super) fn lifecycle(&self) -> Lifecycle {
        *self.lifecycle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the providers and patterns, at the start and after a reload.
    pub fn set_loaded(&self, providers: &Providers, patterns: impl IntoIterator<Item = PatternView>) {
        let patterns: Vec<PatternView> = patterns.into_iter().collect();
        let text = serde_json::json!({ "v": 1, "patterns": patterns }).to_string();
        let view = |name: &str, status_page: &str| ProviderView { name: name.to_owned(), status_page: status_page.to_owned() };
        let providers = providers.iter().map(|(_, spec)| (spec.id.clone(), view(&spec.name, &spec.status_page))).collect();
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        *loaded = Arc::new(Loaded { providers, patterns: text.into(), ..Loaded::clone(&loaded) });
    }

    /// Replaces the runbooks: pairs of a row id and the page.
    pub fn set_runbooks(&self, pages: impl IntoIterator<Item = (String, String)>) {
        let runbooks = pages.into_iter().map(|(row, page)| (row, page.into())).collect();
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        *loaded = Arc::new(Loaded { runbooks, ..Loaded::clone(&loaded) });
    }

    /// Replaces what the pages of the errors are written from.
    pub fn set_rules(&self, rules: Arc<Rules>) {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        *loaded = Arc::new(Loaded { rules: Some(rules), ..Loaded::clone(&loaded) });
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
