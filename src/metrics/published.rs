//! Gauges that are read from the latest snapshot when the page is written. Nothing is stored for them, so no series can
//! outlive the object that it describes.

use super::family;
use super::names::Names;
use super::recent::Storms;
use super::text::Page;
use crate::alert::{Alert, State};
use crate::pipeline::{Snapshot, WindowView};
use crate::taxonomy::{Provider, StatusLabel};
use crate::window::SlidingWindow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The values of the label `window`: the spans of the sliding windows.
pub const WINDOWS: [&str; 4] = SlidingWindow::SPANS;

/// A snapshot with the names that its ids had when it was taken.
#[derive(Clone, Debug, Default)]
pub struct PublishedSnapshot {
    /// The state of the pipeline.
    pub snapshot: Arc<Snapshot>,
    /// The names of its ids.
    pub names: Arc<Names>,
    pub(super) storms: Storms,
}

pub(super) fn write(page: &mut Page, PublishedSnapshot { snapshot, names, storms }: &PublishedSnapshot) {
    for (row, provider, at) in &snapshot.last_failures {
        let labels = [("row", names.row(*row)), ("provider", names.provider(*provider))];
        page.sample(&family::ROW_LAST_FAILURE, &labels, at.as_secs_f64());
    }
    for ((row, provider), (length, _)) in storms {
        page.sample(&family::ROW_STORM, &[("row", row), ("provider", provider)], *length);
    }
    for ((row, provider), (_, failures)) in storms {
        page.integer(&family::ROW_STORM_FAILURES, &[("row", row), ("provider", provider)], *failures);
    }
    window_errors(page, &snapshot.windows, names);
    window_calls(page, &snapshot.windows, names);
    alert_states(page, snapshot, names);
    unknown_groups(page, snapshot, names);
    for source in &snapshot.sources {
        page.sample(&family::SOURCE_EVENT_LAG, &[("source", &source.name)], source.event_lag_s);
    }
    for source in &snapshot.sources {
        if let Some(at) = source.last_read {
            page.sample(&family::SOURCE_LAST_READ, &[("source", &source.name)], at.as_secs_f64());
        }
    }
    page.integer(&family::PATTERNS_LOADED, &[], names.patterns().len() as u64);
    page.integer(&family::ROWS_LOADED, &[], names.rows().len() as u64);
}

/// A series exists while at least one of its windows contains a failure; its empty windows are 0.
fn window_errors(page: &mut Page, windows: &[WindowView], names: &Names) {
    let mut by_status: BTreeMap<(Provider, StatusLabel), BTreeMap<&str, u64>> = BTreeMap::new();
    for view in windows {
        if let Some(status) = view.status {
            by_status.entry((view.provider, status)).or_default().insert(view.window, view.errors);
        }
    }
    for ((provider, status), errors) in &by_status {
        let status = status.to_string();
        for window in WINDOWS {
            let labels = [("provider", names.provider(*provider)), ("status", &status), ("window", window)];
            page.integer(&family::WINDOW_ERRORS, &labels, errors.get(window).copied().unwrap_or(0));
        }
    }
}

fn window_calls(page: &mut Page, windows: &[WindowView], names: &Names) {
    let all_calls = windows.iter().filter(|view| view.status.is_none());
    let of_provider: BTreeMap<(Provider, &str), &WindowView> =
        all_calls.map(|view| ((view.provider, view.window), view)).collect();
    let providers: BTreeSet<Provider> = of_provider.keys().map(|(provider, _)| *provider).collect();
    for provider in providers {
        for window in WINDOWS {
            let calls = of_provider.get(&(provider, window)).map_or(0, |view| view.calls);
            let labels = [("provider", names.provider(provider)), ("window", window)];
            page.integer(&family::WINDOW_REQUESTS, &labels, calls);
        }
    }
    for ((provider, window), view) in of_provider {
        if let Some(ratio) = view.ratio {
            let labels = [("provider", names.provider(provider)), ("window", window)];
            page.sample(&family::WINDOW_ERROR_RATIO, &labels, ratio);
        }
    }
}

/// One alert per row and provider, and per service where alerts are grouped by service.
fn alert_states(page: &mut Page, snapshot: &Snapshot, names: &Names) {
    let mut by_alert: BTreeMap<(&str, &str, &str, Option<&str>), BTreeSet<&str>> = BTreeMap::new();
    let is_recent = |alert: &&Alert| {
        alert.resolved_at.is_none_or(|at| snapshot.at.since(at) <= names.keep_firing(&alert.row))
            || alert.state != State::Resolved
    };
    for alert in snapshot.alerts.iter().filter(is_recent) {
        let service = alert.service.as_deref();
        by_alert.entry((&alert.row, &alert.provider, alert.severity.as_str(), service)).or_default().insert(state_label(alert));
    }
    for ((row, provider, severity, service), states) in &by_alert {
        for state in [State::Pending.as_str(), State::Firing.as_str(), REOPENED] {
            let is_in = states.contains(state);
            if state == REOPENED && !is_in {
                continue;
            }
            let mut labels = vec![("row", *row), ("provider", *provider), ("severity", *severity), ("state", state)];
            labels.extend(service.map(|service| ("service", service)));
            page.integer(&family::ALERT_STATE, &labels, u64::from(is_in));
        }
    }
}

/// The value of the label `state` while an alert fires that is reopened: no receiver is notified, so no rule fires.
const REOPENED: &str = "reopened";

fn state_label(alert: &Alert) -> &'static str {
    if alert.quiet_until.is_some() { REOPENED } else { alert.state.as_str() }
}

fn unknown_groups(page: &mut Page, snapshot: &Snapshot, names: &Names) {
    let mut groups: BTreeMap<Provider, u64> = BTreeMap::new();
    for group in &snapshot.unknown {
        *groups.entry(group.provider).or_default() += 1;
    }
    for (provider, count) in groups {
        page.integer(&family::UNKNOWN_GROUPS, &[("provider", names.provider(provider))], count);
    }
}
