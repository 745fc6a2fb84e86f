//! The windows of all providers: calls and failures of each, and failures by effective status.

use super::SlidingWindow;
use crate::observation::Observation;
use crate::taxonomy::{Provider, Providers, Status, StatusLabel};
use crate::time::Timestamp;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// How many series there may be.
#[derive(Clone, Copy, Debug)]
pub struct RateOptions {
    /// Providers with an index below this one were shipped or configured: their usual statuses stand outside the cap.
    pub shipped_providers: usize,
    /// The most (provider, status) series beyond those. One takes about 2 KiB.
    pub series: usize,
}

impl Default for RateOptions {
    fn default() -> Self {
        Self { shipped_providers: 0, series: 2_000 }
    }
}

/// What became of an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// It is in the windows.
    InWindow,
    /// It is older than the longest window.
    Late,
    /// It is not a call: an attempt, a detail, or no LLM call at all.
    NotACall,
}

/// One sliding window, read.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowView {
    /// Whose calls.
    pub provider: Provider,
    /// Failed calls with this effective status; `None`: all calls of the provider.
    pub status: Option<StatusLabel>,
    /// `1m`, `5m`, `15m` or `1h`.
    pub window: &'static str,
    /// Failed calls in the window.
    pub errors: u64,
    /// All calls in the window (only of the entries without a status).
    pub calls: u64,
    /// Failed calls over calls; absent where successes are not seen, or without calls.
    pub ratio: Option<f64>,
}

/// Sliding windows per provider, and per provider and effective status.
///
/// Memory is bounded: providers by [`Providers::LIMIT`], statuses by a cap, beyond which failures are counted in one
/// overflow window. A status series that holds nothing any more gives its place back.
#[derive(Debug)]
pub struct RateTable {
    options: RateOptions,
    /// By [`Provider::index`].
    providers: Vec<Option<(Provider, Box<Totals>)>>,
    statuses: FxHashMap<(Provider, StatusLabel), Box<SlidingWindow>>,
    capped: usize,
    overflow: SlidingWindow,
    overflowed: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Totals {
    calls: SlidingWindow,
    errors: SlidingWindow,
    success_seen: bool,
}

impl RateTable {
    /// An empty table.
    #[must_use]
    pub fn new(options: RateOptions) -> Self {
        Self {
            options,
            providers: Vec::new(),
            statuses: FxHashMap::default(),
            capped: 0,
            overflow: SlidingWindow::default(),
            overflowed: 0,
        }
    }

    /// How many series there may be.
    #[must_use]
    pub const fn options(&self) -> RateOptions {
        self.options
    }

    /// Another cap. Series that are there already stay.
    pub const fn set_series(&mut self, series: usize) {
        self.options.series = series;
    }

    /// Counts a call. Allocates only for a provider's first call and a status's first failure.
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
        self.status_mut(seen.provider, seen.status_label()).add(second, 1);
        Counted::InWindow
    }

    /// Moves every window on, also those that nothing happens in.
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

    /// Every provider and every status with a call within the hour, by provider, then all calls before the statuses.
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
        views.sort_by_key(|it| (it.provider, it.status));
        views
    }

    /// Failures of each span that found no series of their own: what is shown as `overflow`.
    #[must_use]
    pub fn overflow(&self, now: Timestamp) -> [u64; 4] {
        self.overflow.totals(now.second())
    }

    /// How many failures found no series of their own, ever.
    #[must_use]
    pub const fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Whether a successful call of this provider was ever seen, so that its ratios mean something.
    pub fn success_seen(&self, provider: Provider) -> bool {
        self.providers.get(provider.index()).and_then(Option::as_ref).is_some_and(|(_, totals)| totals.success_seen)
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
        RateTableState { totals: totals.collect(), statuses, overflow: self.overflow.clone(), overflowed: self.overflowed }
    }

    /// The table that gave this state. Providers that are not known any more are left out.
    #[must_use]
    pub fn restore(options: RateOptions, state: RateTableState, providers: &Providers) -> Self {
        let RateTableState { totals, statuses, overflow, overflowed } = state;
        let mut table = Self { overflow, overflowed, ..Self::new(options) };
        for (id, totals) in totals {
            if let Some(provider) = providers.by_name(&id) {
                *table.totals_mut(provider) = totals;
            }
        }
        for (id, status, window) in statuses {
            if let (Some(provider), Some(status)) = (providers.by_name(&id), StatusLabel::from_text(&status))
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

    fn status_mut(&mut self, provider: Provider, status: StatusLabel) -> &mut SlidingWindow {
        let key = (provider, status);
        if !self.statuses.contains_key(&key) && !self.make_room(key) {
            self.overflowed += 1;
            return &mut self.overflow;
        }
        self.statuses.entry(key).or_default()
    }

    /// Takes a place under the cap for a new series that needs one. `false`: there is none left.
    fn make_room(&mut self, key: (Provider, StatusLabel)) -> bool {
        if is_exempt(&self.options, key) {
            return true;
        }
        let room = self.capped < self.options.series;
        self.capped += usize::from(room);
        room
    }
}

impl Totals {
    fn view(&self, provider: Provider, second: i64, views: &mut Vec<WindowView>) {
        let (calls, errors) = (self.calls.totals(second), self.errors.totals(second));
        if calls.iter().all(|it| *it == 0) {
            return;
        }
        for ((window, calls), errors) in SlidingWindow::SPANS.into_iter().zip(calls).zip(errors) {
            let ratio = (self.success_seen && calls > 0).then(|| errors as f64 / calls as f64);
            views.push(WindowView { provider, status: None, window, errors, calls, ratio });
        }
    }
}

fn view_status(provider: Provider, status: StatusLabel, errors: [u64; 4], views: &mut Vec<WindowView>) {
    if errors.iter().all(|it| *it == 0) {
        return;
    }
    for (window, errors) in SlidingWindow::SPANS.into_iter().zip(errors) {
        views.push(WindowView { provider, status: Some(status), window, errors, calls: 0, ratio: None });
    }
}

/// Whether LLM services, or the proxies before them, answer with this status. Caps on series apply to all other statuses: a
/// log with every number from 100 to 599 cannot fill the memory.
#[must_use]
pub fn is_usual_status(status: StatusLabel) -> bool {
    match status.0 {
        None | Some(Status::Timeout | Status::Connection) => true,
        Some(Status::Http(code)) => matches!(
            code,
            200 | 400..=405 | 407..=411 | 413 | 415 | 422 | 424 | 425 | 429 | 431 | 451 | 498..=504 | 507 | 520..=527 | 529 | 530
        ),
    }
}

fn is_exempt(options: &RateOptions, (provider, status): (Provider, StatusLabel)) -> bool {
    is_usual_status(status) && provider.index() < options.shipped_providers
}

/// A [`RateTable`] as plain values, providers by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateTableState {
    totals: Vec<(String, Totals)>,
    statuses: Vec<(String, String, SlidingWindow)>,
    overflow: SlidingWindow,
    overflowed: u64,
}
