//! What the HTTP side knows: a few shared slots that the daemon fills.

use crate::classify::Pattern;
use crate::metrics::Metrics;
use crate::taxonomy::{Category, Owner, Providers, Retry, string_enum};
use crate::time::Timestamp;
use bytes::Bytes;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

string_enum! {
    /// Where the daemon stands.
    Phase {
        /// It opens sources, or catches up with what came while it was down.
        Starting = "starting",
        /// It reads as lines come.
        Ready = "ready",
        /// It was told to stop and finishes what it has.
        Draining = "draining",
    }
}

/// Who may ask for a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// This machine.
    Loopback,
    /// Everybody who reaches the port.
    Anyone,
}

/// What does not change while the process lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The host, as Prometheus would call it.
    pub instance: String,
    /// When the process started.
    pub started: Timestamp,
    /// The configuration file; `None` where flags say it all.
    pub config: Option<String>,
}

/// Somebody asks for a reload and waits for what became of it: a text for people, either way.
#[derive(Debug)]
pub struct ReloadRequest {
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<String, String>>,
}

/// A pattern as the API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct PatternView {
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
    /// What to do.
    pub fix: String,
    /// Where the provider says so.
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

/// How people call a provider, and where they look when it is down.
#[derive(Clone, Debug, Default)]
pub(super) struct ProviderView {
    pub(super) name: String,
    pub(super) status_page: String,
}

/// What is loaded: changes with a reload.
#[derive(Clone, Debug, Default)]
pub(super) struct Loaded {
    /// By provider id.
    pub(super) providers: BTreeMap<String, ProviderView>,
    /// The answer of `/api/v1/patterns`, written once per load rather than once per request.
    pub(super) patterns: Bytes,
    /// The pages on the rows, by their ids.
    pub(super) runbooks: BTreeMap<String, Bytes>,
}

/// Everything the HTTP side reads, and the one channel by which it asks.
#[derive(Debug)]
pub struct AdminState {
    pub(super) metrics: Arc<Metrics>,
    pub(super) about: About,
    pub(super) reload: mpsc::Sender<ReloadRequest>,
    phase: Mutex<Phase>,
    lifecycle: Mutex<Lifecycle>,
    loaded: Mutex<Arc<Loaded>>,
}

impl AdminState {
    /// The state of a daemon that is starting. Requests for a reload go to `reload`; when it is full, whoever asks is told
    /// to come back, so one place is enough.
    pub fn new(metrics: Arc<Metrics>, about: About, lifecycle: Lifecycle, reload: mpsc::Sender<ReloadRequest>) -> Self {
        let (phase, lifecycle) = (Mutex::new(Phase::Starting), Mutex::new(lifecycle));
        Self { metrics, about, reload, phase, lifecycle, loaded: Mutex::default() }
    }

    /// Says where the daemon stands.
    pub fn set_phase(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// Says who may ask for a reload from now on.
    pub fn set_lifecycle(&self, lifecycle: Lifecycle) {
        *self.lifecycle.lock().unwrap_or_else(PoisonError::into_inner) = lifecycle;
    }

    pub(super) fn lifecycle(&self) -> Lifecycle {
        *self.lifecycle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what is loaded, at the start and after a reload.
    pub fn set_loaded(&self, providers: &Providers, patterns: impl IntoIterator<Item = PatternView>) {
        let patterns: Vec<PatternView> = patterns.into_iter().collect();
        let text = serde_json::json!({ "v": 1, "patterns": patterns }).to_string();
        let view = |name: &str, status_page: &str| ProviderView { name: name.to_owned(), status_page: status_page.to_owned() };
        let providers = providers.iter().map(|(_, it)| (it.id.clone(), view(&it.name, &it.status_page))).collect();
        let mut held = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Arc::new(Loaded { providers, patterns: text.into(), runbooks: held.runbooks.clone() });
    }

    /// Says what the pages on the rows are.
    pub fn set_runbooks(&self, pages: impl IntoIterator<Item = (String, String)>) {
        let runbooks = pages.into_iter().map(|(row, page)| (row, page.into())).collect();
        let mut held = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Arc::new(Loaded { runbooks, ..Loaded::clone(&held) });
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
