//! The windows of all providers: calls and failures of each, and failures by effective status.

use super::SlidingWindow;
use crate::observation::Observation;
use crate::taxonomy::{Provider, Providers, StatusLabel};
use crate::time::Timestamp;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// Limits of the number of series.
#[derive(Clone, Copy, Debug)]
pub struct RateOptions {
    /// Number of shipped and configured providers, by index. Their usual statuses do not count towards `series`.
    pub shipped_providers: usize,
    /// The most other series of a provider and a status. One takes about 2 KiB.
    pub series: usize,
}

impl Default for RateOptions {
    fn default() -> Self {
        Self { shipped_providers: 0, series: 2_000 }
    }
}

/// What happened to an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Counted.
    InWindow,
    /// Counted, but only for its provider: the table is full, and its status has no window of its own.
    Overflow,
    /// Not counted: older than the longest window.
    Late,
    /// Not counted: an attempt, a detail, or not an LLM call.
    NotACall,
}

/// The counts of one sliding window.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowView {
    /// The provider that was called.
    pub provider: Provider,
    /// Failed calls with this effective status; `None`: all calls of the provider.
    pub status: Option<StatusLabel>,
    /// `1m`, `5m`, `15m` or `1h`.
    pub window: &'static str,
    /// Failed calls in the window.
    pub errors: u64,
    /// All calls in the window; 0 in entries with a status.
    pub calls: u64,
    /// Failed calls divided by calls; `None` without calls, or if no successful call was ever seen.
    pub ratio: Option<f64>,
}

/// The failed calls of a provider in each minute of the last hour, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrendView {
    /// The provider that was called.
    pub provider: Provider,
    /// One count for each minute.
    pub errors: [u32; 60],
}

/// Sliding windows per provider, and per provider and effective status.
///
/// Memory is bounded: providers by [`Providers::LIMIT`], statuses by [`RateOptions::series`]; further failures are counted in one overflow
/// window. A status series without events in the last hour is removed.
#[derive(Debug)]
pub struct RateTable {
    options: RateOptions,
    /// By [`Provider::index`].
    providers: Vec<Option<(Provider, Box<Totals>)>>,
    statuses: FxHashMap<(Provider, StatusLabel), Box<SlidingWindow>>,
    /// Number of series that count towards [`RateOptions::series`].
    capped: usize,
    overflow: SlidingWindow,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Totals {
    calls: SlidingWindow,
    errors: SlidingWindow,
    /// A successful call was seen, so a ratio of failures to calls means something.
    success_seen: bool,
}

impl RateTable {
    /// An empty table.
    #[must_use]
    pub fn new(options: RateOptions) -> Self {
        Self { options, providers: Vec::new(), statuses: FxHashMap::default(), capped: 0, overflow: SlidingWindow::default() }
    }

    /// The limits in use.
    #[must_use]
    pub const fn options(&self) -> RateOptions {
        self.options
    }

    /// Sets another limit. Existing series stay.
    pub const fn set_series(&mut self, series: usize) {
        self.options.series = series;
    }

    /// Counts a call. Allocates only for the first call of a provider and the first failure of a status.
    pub fn observe(&mut self, seen: &Observation) -> Counted {
        if !(seen.is_good_call() || seen.is_failed_call()) {
            return Counted::NotACall;
        }
        let second = seen.at.second();
        let totals = self.totals_mut(seen.provider);
        if !totals.calls.add(second, 1) {
            return Counted::Late;
        }
        if seen.is_good_call() {
            totals.success_seen = true;
            return Counted::InWindow;
        }
        totals.errors.add(second, 1);
        let key = (seen.provider, seen.status_label());
        if !self.statuses.contains_key(&key) && !self.make_room(key) {
            self.overflow.add(second, 1);
            return Counted::Overflow;
        }
        self.statuses.entry(key).or_default().add(second, 1);
        Counted::InWindow
    }

    /// Moves every window forward, also without events.
    pub fn tick(&mut self, now: Timestamp) {
        let second = now.second();
        for (_, totals) in self.providers.iter_mut().flatten() {
            totals.calls.advance(second);
            totals.errors.advance(second);
        }
        self.overflow.advance(second);
        self.statuses.retain(|_, window| {
            window.advance(second);
            !window.is_empty()
        });
        self.capped = self.statuses.keys().filter(|key| !is_exempt(&self.options, **key)).count();
    }

    /// The windows of every provider and status with a call within the hour. Sorted by provider; a provider's own windows come first.
    #[must_use]
    pub fn views(&self, now: Timestamp) -> Vec<WindowView> {
        let second = now.second();
        let mut views = Vec::new();
        for (provider, totals) in self.seen_providers() {
            totals.view(provider, second, &mut views);
        }
        for ((provider, status), window) in &self.statuses {
            view_status(*provider, *status, window.totals(second), &mut views);
        }
        // A stable sort: the four spans of a series keep their order.
        views.sort_by_key(|view| (view.provider, view.status));
        views
    }

    /// The last hour of every provider with a call within it, in the order of [`Self::views`].
    #[must_use]
    pub fn trends(&self, now: Timestamp) -> Vec<TrendView> {
        let second = now.second();
        let seen = self.seen_providers().filter(|(_, totals)| !totals.calls.is_empty());
        let mut trends: Vec<_> =
            seen.map(|(provider, totals)| TrendView { provider, errors: totals.errors.by_minute(second) }).collect();
        trends.sort_by_key(|trend| trend.provider);
        trends
    }

    /// Failures in each span beyond the limit of series.
    #[must_use]
    pub fn overflow(&self, now: Timestamp) -> [u64; 4] {
        self.overflow.totals(now.second())
    }

    /// What must survive a restart.
    #[must_use]
    pub fn state(&self, providers: &Providers) -> RateTableState {
        let id = |provider| providers.id(provider).to_owned();
        let totals = self.seen_providers().map(|(provider, totals)| (id(provider), totals.clone()));
        let mut statuses = Vec::with_capacity(self.statuses.len());
        for ((provider, status), window) in &self.statuses {
            statuses.push((id(*provider), status.to_string(), SlidingWindow::clone(window)));
        }
        statuses.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        RateTableState { totals: totals.collect(), statuses, overflow: self.overflow.clone(), overflowed: 0 }
    }

    /// The table with this state. Entries of unknown providers are dropped.
    #[must_use]
    pub fn restore(options: RateOptions, state: RateTableState, providers: &Providers) -> Self {
        let RateTableState { totals, statuses, overflow, overflowed: _ } = state;
        let mut table = Self { overflow, ..Self::new(options) };
        for (id, totals) in totals {
            if let Some(provider) = providers.by_saved_id(&id) {
                *table.totals_mut(provider) = totals;
            }
        }
        for (id, status, window) in statuses {
            if let (Some(provider), Some(status)) = (providers.by_saved_id(&id), StatusLabel::from_text(&status))
                && table.make_room((provider, status))
            {
                table.statuses.insert((provider, status), Box::new(window));
            }
        }
        table
    }

    fn seen_providers(&self) -> impl Iterator<Item = (Provider, &Totals)> {
        self.providers.iter().flatten().map(|(provider, totals)| (*provider, &**totals))
    }

    fn totals_mut(&mut self, provider: Provider) -> &mut Totals {
        let index = provider.index();
        if index >= self.providers.len() {
            self.providers.resize_with(index + 1, || None);
        }
        &mut self.providers[index].get_or_insert_with(|| (provider, Box::default())).1
    }

    /// Counts a new series towards the limit if it must. `false`: the limit is reached.
    fn make_room(&mut self, key: (Provider, StatusLabel)) -> bool {
        if is_exempt(&self.options, key) {
            return true;
        }
        let has_room = self.capped < self.options.series;
        self.capped += usize::from(has_room);
        has_room
    }
}

impl Totals {
    #[expect(clippy::cast_precision_loss, reason = "a ratio needs no exact counts above 2^53")]
    fn view(&self, provider: Provider, second: i64, views: &mut Vec<WindowView>) {
        let (calls, errors) = (self.calls.totals(second), self.errors.totals(second));
        if calls.iter().all(|count| *count == 0) {
            return;
        }
        for ((window, calls), errors) in SlidingWindow::SPANS.into_iter().zip(calls).zip(errors) {
            let ratio = (self.success_seen && calls > 0).then(|| errors as f64 / calls as f64);
            views.push(WindowView { provider, status: None, window, errors, calls, ratio });
        }
    }
}

fn view_status(provider: Provider, status: StatusLabel, errors: [u64; 4], views: &mut Vec<WindowView>) {
    if errors.iter().all(|count| *count == 0) {
        return;
    }
    for (window, errors) in SlidingWindow::SPANS.into_iter().zip(errors) {
        views.push(WindowView { provider, status: Some(status), window, errors, calls: 0, ratio: None });
    }
}

/// Whether a series does not count towards the limit. Only statuses that LLM services send: a client that floods the log with all statuses
/// from 100 to 599 is limited.
fn is_exempt(options: &RateOptions, (provider, status): (Provider, StatusLabel)) -> bool {
    status.is_usual() && provider.index() < options.shipped_providers
}

/// A [`RateTable`] as plain values; providers are ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateTableState {
    totals: Vec<(String, Totals)>,
    statuses: Vec<(String, String, SlidingWindow)>,
    overflow: SlidingWindow,
    /// Always 0. Earlier versions require the field, so a downgrade keeps its state.
    overflowed: u64,
}
