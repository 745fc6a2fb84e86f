//! Gauges that are read off the latest snapshot when somebody scrapes. Nothing is stored for them, so no series can
//! outlive what it speaks of.

use super::family;
use super::names::Names;
use super::text::Page;
use crate::alert::{RowId, State};
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
    /// What the pipeline held.
    pub snapshot: Arc<Snapshot>,
    /// What its ids stand for.
    pub names: Arc<Names>,
}

pub(super) fn write(page: &mut Page, PublishedSnapshot { snapshot, names }: &PublishedSnapshot) {
    storms(page, snapshot, names);
    window_errors(page, &snapshot.windows, names);
    window_calls(page, &snapshot.windows, names);
    alert_states(page, snapshot);
    unknown_groups(page, snapshot, names);
    for source in &snapshot.sources {
        page.sample(&family::SOURCE_EVENT_LAG, &[("source", &source.name)], source.event_lag_s);
    }
    for source in &snapshot.sources {
        if let Some(at) = source.last_read {
            page.sample(&family::SOURCE_LAST_READ, &[("source", &source.name)], at.as_secs_f64());
        }
    }
    page.sample(&family::PATTERNS_LOADED, &[], names.patterns().len() as f64);
    page.sample(&family::ROWS_LOADED, &[], names.rows().len() as f64);
}

/// 0 for every row and known provider without a storm, so that a rule can tell "calm" from "not there".
fn storms(page: &mut Page, snapshot: &Snapshot, names: &Names) {
    let open: BTreeMap<(&str, &str), f64> = snapshot
        .storms
        .iter()
        .map(|(row, provider, age): &(RowId, Provider, f64)| ((names.row(*row), names.provider(*provider)), *age))
        .collect();
    let calm = names
        .rows()
        .iter()
        .flat_map(|row| names.known_providers().iter().map(move |(_, provider)| (row.as_str(), provider.as_str())))
        .filter(|key| !open.contains_key(key));
    for ((row, provider), age) in calm.map(|key| (key, 0.0)).chain(open.iter().map(|(key, age)| (*key, *age))) {
        page.sample(&family::ROW_STORM, &[("row", row), ("provider", provider)], age);
    }
}

/// A series is there for as long as any window of it holds anything; its empty windows read 0 until then.
fn window_errors(page: &mut Page, windows: &[WindowView], names: &Names) {
    let mut held: BTreeMap<(Provider, StatusLabel), BTreeMap<&str, u64>> = BTreeMap::new();
    for view in windows {
        if let Some(status) = view.status {
            held.entry((view.provider, status)).or_default().insert(view.window, view.errors);
        }
    }
    for ((provider, status), errors) in &held {
        let status = status.to_string();
        for window in WINDOWS {
            let labels = [("provider", names.provider(*provider)), ("status", &status), ("window", window)];
            page.sample(&family::WINDOW_ERRORS, &labels, errors.get(window).copied().unwrap_or(0) as f64);
        }
    }
}

fn window_calls(page: &mut Page, windows: &[WindowView], names: &Names) {
    let of_provider: BTreeMap<(Provider, &str), &WindowView> =
        windows.iter().filter(|it| it.status.is_none()).map(|it| ((it.provider, it.window), it)).collect();
    let providers: BTreeSet<Provider> = of_provider.keys().map(|(provider, _)| *provider).collect();
    for provider in providers {
        for window in WINDOWS {
            let calls = of_provider.get(&(provider, window)).map_or(0, |it| it.calls);
            let labels = [("provider", names.provider(provider)), ("window", window)];
            page.sample(&family::WINDOW_REQUESTS, &labels, calls as f64);
        }
    }
    for ((provider, window), view) in of_provider {
        if let Some(ratio) = view.ratio {
            let labels = [("provider", names.provider(provider)), ("window", window)];
            page.sample(&family::WINDOW_ERROR_RATIO, &labels, ratio);
        }
    }
}

/// One alert per row and provider, and per service where alerts are kept so.
fn alert_states(page: &mut Page, snapshot: &Snapshot) {
    let mut held: BTreeMap<(&str, &str, &str, Option<&str>), BTreeSet<State>> = BTreeMap::new();
    for alert in &snapshot.alerts {
        let service = alert.service.as_deref();
        held.entry((&alert.row, &alert.provider, alert.severity.as_str(), service)).or_default().insert(alert.state);
    }
    for ((row, provider, severity, service), states) in &held {
        for state in [State::Pending, State::Firing] {
            let mut labels = vec![("row", *row), ("provider", *provider), ("severity", *severity), ("state", state.as_str())];
            labels.extend(service.map(|it| ("service", it)));
            page.sample(&family::ALERT_STATE, &labels, f64::from(u8::from(states.contains(&state))));
        }
    }
}

fn unknown_groups(page: &mut Page, snapshot: &Snapshot, names: &Names) {
    let mut groups: BTreeMap<Provider, u64> = BTreeMap::new();
    for group in &snapshot.unknown {
        *groups.entry(group.provider).or_default() += 1;
    }
    for (provider, count) in groups {
        page.sample(&family::UNKNOWN_GROUPS, &[("provider", names.provider(provider))], count as f64);
    }
}
