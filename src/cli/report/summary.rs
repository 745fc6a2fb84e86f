//! The content of a report: failures in groups, alerts and findings in order of time, and the lines that were not read whole.

use super::super::format;
use super::answers::Answers;
use super::filter::Filter;
use super::trend::Trend;
use crate::alert::{Alert, RowId, State, Transition};
use crate::framing::LossReason;
use crate::observation::{Name, Observation, PatternId, SourceId};
use crate::pipeline::{Finding, Output, Pipeline, Snapshot};
use crate::taxonomy::{Category, Grain, Outcome, Owner, Provider, Retry, StatusLabel};
use crate::time::Timestamp;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::time::Duration;

/// The failures of one provider with the same status, pattern and category.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) provider: Provider,
    pub(super) status: StatusLabel,
    pub(super) pattern: Option<PatternId>,
    pub(super) category: Category,
    pub(super) owner: Owner,
    pub(super) retry: Retry,
    pub(super) row: Option<RowId>,
    pub(super) count: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// Where the log first shows it: the input and the line; `None` if the line is not known.
    pub(super) place: Option<(SourceId, u64)>,
    pub(super) trend: Trend,
    pub(super) peak_per_minute: u64,
    /// The minute of the peak, in minutes since the epoch.
    pub(super) peak_at: i64,
    pub(super) models: FxHashMap<Name, u64>,
    pub(super) services: FxHashMap<Name, u64>,
    pub(super) request_ids: Vec<String>,
    pub(super) example: Option<String>,
    /// The minute of the latest failure, and the failures in it.
    minute: i64,
    in_minute: u64,
}

/// The most models, and the most services, that a group keeps.
const MAX_NAMES: usize = 200;
const MAX_GROUPS: usize = 5_000;
/// The most request ids that a group keeps.
const MAX_REQUEST_IDS: usize = 5;

/// An alert of the log, from its first to its last moment.
#[derive(Clone, Debug)]
pub(super) struct AlertSpan {
    pub(super) alert: Alert,
    pub(super) from: Timestamp,
    /// `None`: it still fires at the end of the log.
    pub(super) to: Option<Timestamp>,
    /// How often it fired again after a recovery.
    pub(super) reopened: u64,
}

/// The calls of one provider.
#[derive(Clone, Debug, Default)]
pub(super) struct ProviderCalls {
    pub(super) good: u64,
    pub(super) failed: u64,
    pub(super) last_failure: Timestamp,
    pub(super) calls: Trend,
    pub(super) failures: Trend,
}

/// Everything that a report shows.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) inputs: Vec<String>,
    pub(super) filter: Filter,
    /// A signal ended the reading: the share of the input that was read, where its size is known.
    #[expect(clippy::option_option, reason = "not interrupted, or interrupted with a share that may be unknown")]
    pub(super) interrupted: Option<Option<f64>>,
    /// Everything was read; until then, the latest failures may still wait for further lines about them.
    pub(super) is_finished: bool,
    pub(super) bytes: u64,
    pub(super) lines: u64,
    /// By [`Outcome`].
    pub(super) records: [u64; 3],
    /// Records of level error that are not failed calls.
    pub(super) unrecognised: u64,
    pub(super) span: Option<(Timestamp, Timestamp)>,
    /// Lines that were not read whole.
    pub(super) skipped: BTreeMap<LossReason, u64>,
    calls: FxHashMap<Provider, ProviderCalls>,
    /// How answers ended.
    pub(super) answers: Answers,
    pub(super) snapshot: Snapshot,
    groups: FxHashMap<(Provider, StatusLabel, Option<PatternId>, Category), Group>,
    alerts: Vec<AlertSpan>,
}

impl Summary {
    pub(super) fn new(inputs: Vec<String>, filter: Filter) -> Self {
        Self {
            inputs,
            filter,
            interrupted: None,
            is_finished: false,
            bytes: 0,
            lines: 0,
            records: [0; 3],
            unrecognised: 0,
            span: None,
            skipped: BTreeMap::new(),
            calls: FxHashMap::default(),
            answers: Answers::default(),
            snapshot: Snapshot::default(),
            groups: FxHashMap::default(),
            alerts: Vec::new(),
        }
    }

    /// Adds the results of the pipeline since the last call.
    pub(super) fn take(&mut self, pipeline: &mut Pipeline, out: &mut Output) {
        for (call, row) in out.calls.drain(..) {
            self.add_call(call, row, pipeline);
        }
        for transition in out.transitions.drain(..) {
            self.add_transition(transition);
        }
        let tally = pipeline.tally();
        for ((_, outcome), count) in &tally.records {
            self.records[*outcome as usize] += count;
        }
        let good = &mut self.records[Outcome::Success as usize];
        *good = good.saturating_sub(tally.withdrawn);
        self.records[Outcome::Other as usize] += tally.withdrawn;
        self.unrecognised += tally.unrecognised.values().sum::<u64>();
        for stats in tally.sources.values() {
            self.bytes += stats.bytes;
            self.lines += stats.lines;
        }
        for ((_, reason), count) in tally.discarded_lines.iter().chain(&tally.partial_lines) {
            *self.skipped.entry(*reason).or_default() += count;
        }
        tally.clear();
    }

    /// Takes the windows, findings and unknown errors as they are now.
    pub(super) fn finish(&mut self, pipeline: &Pipeline) {
        self.snapshot = pipeline.snapshot();
        let (filter, providers) = (&self.filter, pipeline.catalog().providers());
        self.snapshot.windows.retain(|view| filter.has_provider(providers.id(view.provider)));
        self.snapshot.unknown.retain(|group| filter.has_provider(providers.id(group.provider)));
        self.snapshot.findings.retain(|found| {
            let names = (found.row.as_deref(), found.service.as_deref(), found.model.as_deref());
            filter.has_provider(providers.id(found.provider)) && filter.has(names.0, names.1, names.2)
        });
    }

    fn add_call(&mut self, call: Observation, row: Option<RowId>, pipeline: &Pipeline) {
        if !self.filter.is_in_scope(&call, pipeline.catalog().providers()) {
            return;
        }
        let at = call.at;
        if known(at).is_some() {
            self.span = Some(self.span.map_or((at, at), |(from, to)| (from.min(at), to.max(at))));
        }
        if call.grain != Grain::Call {
            return;
        }
        let failed = call.outcome == Outcome::Error;
        self.calls.entry(call.provider).or_default().add(&call);
        self.answers.add(&call);
        if failed && self.filter.selects(&call, row.and_then(|row| pipeline.row_name(row))) {
            let key = (call.provider, call.status_label(), call.pattern, call.category);
            if self.groups.len() < MAX_GROUPS || self.groups.contains_key(&key) {
                self.groups.entry(key).or_insert_with(|| Group::new(&call, row)).add(call);
            }
        }
    }

    fn add_transition(&mut self, transition: Transition) {
        let Transition { at, to, alert, .. } = transition;
        match to {
            State::Firing => {
                match self.alerts.iter_mut().rev().find(|span| span.is_open(&alert) || alert.is_again(&span.alert)) {
                    Some(span) => {
                        span.reopened += u64::from(span.to.take().is_some());
                        span.alert = alert;
                    }
                    None => self.alerts.push(AlertSpan { from: alert.fired_at.unwrap_or(at), to: None, reopened: 0, alert }),
                }
            }
            State::Resolved => {
                if let Some(span) = self.alerts.iter_mut().rev().find(|span| span.is_open(&alert)) {
                    span.to = Some(at);
                    span.alert = alert;
                }
            }
            State::Inactive | State::Pending => {}
        }
    }

    /// The groups, most frequent first.
    pub(super) fn groups(&self) -> Vec<&Group> {
        let mut groups: Vec<_> = self.groups.values().collect();
        groups.sort_by(|a, b| {
            b.count.cmp(&a.count).then(a.first.cmp(&b.first)).then(a.provider.cmp(&b.provider)).then(a.pattern.cmp(&b.pattern))
        });
        groups
    }

    /// The alerts, in the order in which they started to fire.
    pub(super) fn alerts<'s>(&'s self, pipeline: &'s Pipeline) -> impl Iterator<Item = &'s AlertSpan> {
        let providers = pipeline.catalog().providers();
        self.alerts.iter().filter(move |AlertSpan { alert, .. }| {
            let is_of = |group: &Group| {
                providers.id(group.provider) == alert.provider
                    && group.row.and_then(|row| pipeline.row_name(row)) == Some(&*alert.row)
            };
            self.filter.has_provider(&alert.provider)
                && self.filter.has(Some(&alert.row), alert.service.as_deref(), None)
                && (!self.filter.is_narrow() || self.groups.values().any(is_of))
        })
    }

    /// The calls of each provider, most failures first.
    pub(super) fn providers(&self) -> Vec<(Provider, &ProviderCalls)> {
        let mut all: Vec<_> = self.calls.iter().map(|(provider, calls)| (*provider, calls)).collect();
        all.sort_by_key(|(provider, calls)| (std::cmp::Reverse((calls.failed, calls.good)), *provider));
        all
    }

    /// Whether the error still happened at the end of the log: its alert fires, or it was among the last things that failed
    /// and its alert is not resolved.
    pub(super) fn is_ongoing(&self, group: &Group, pipeline: &Pipeline) -> bool {
        const SHORTEST: Duration = Duration::from_mins(1);
        const LONGEST: Duration = Duration::from_mins(15);
        let (Some((from, to)), Some(row)) = (self.span, group.row.and_then(|row| pipeline.row_name(row))) else { return false };
        let provider = pipeline.catalog().providers().id(group.provider);
        let alert = self.alerts.iter().rev().find(|span| span.alert.row == row && span.alert.provider == provider);
        match alert.map(|span| span.to) {
            Some(None) => true,
            Some(Some(resolved)) if resolved >= group.last => false,
            _ => to.since(group.last) <= (to.since(from) / 10).clamp(SHORTEST, LONGEST),
        }
    }

    /// `FILE:LINE` of the first failure of the group.
    pub(super) fn place(&self, group: &Group) -> Option<String> {
        self.place_of(group.place?)
    }

    /// `FILE:LINE`.
    pub(super) fn place_of(&self, (source, line): (SourceId, u64)) -> Option<String> {
        Some(format!("{}:{line}", self.inputs.get(usize::from(source.0))?))
    }

    /// Of the records that speak of an LLM call or of trouble, the share that was not understood.
    pub(super) fn unread_share(&self) -> Option<f64> {
        let understood = self.records[Outcome::Success as usize] + self.records[Outcome::Error as usize];
        let unread = self.snapshot.unread_records;
        (understood + unread > 0).then(|| format::share(unread, understood + unread))
    }

    /// The parts of [`Self::place`]; `None` for standard input.
    pub(super) fn file_and_line(&self, group: &Group) -> Option<(&str, u64)> {
        let (source, line) = group.place?;
        let input = self.inputs.get(usize::from(source.0))?;
        (input != super::super::input::STDIN).then_some((input, line))
    }

    /// The failures that the filter selects.
    pub(super) fn selected_failures(&self) -> u64 {
        self.groups.values().map(|group| group.count).sum()
    }

    /// The findings, in the order in which they started.
    pub(super) fn findings(&self) -> Vec<&Finding> {
        let mut all: Vec<&Finding> = self.snapshot.findings.iter().collect();
        all.sort_by_key(|finding| (finding.since, finding.kind));
        all
    }

    pub(super) fn failed_calls(&self) -> u64 {
        self.calls.values().map(|calls| calls.failed).sum()
    }

    pub(super) fn good_calls(&self) -> u64 {
        self.calls.values().map(|calls| calls.good).sum()
    }

    /// The share of the provider's calls that failed like this; `None` if the log holds no success of the provider.
    pub(super) fn share(&self, group: &Group) -> Option<f64> {
        let ProviderCalls { good, failed, .. } = self.calls.get(&group.provider)?;
        (*good > 0).then(|| format::share(group.count, good + failed))
    }
}

impl ProviderCalls {
    fn add(&mut self, call: &Observation) {
        let is_dated = known(call.at).is_some();
        if is_dated {
            self.calls.add(call.at);
        }
        if call.outcome != Outcome::Error {
            self.good += 1;
            return;
        }
        self.failed += 1;
        self.last_failure = self.last_failure.max(call.at);
        if is_dated {
            self.failures.add(call.at);
        }
    }
}

impl AlertSpan {
    fn is_open(&self, alert: &Alert) -> bool {
        self.to.is_none()
            && self.alert.row == alert.row
            && self.alert.provider == alert.provider
            && self.alert.service == alert.service
    }
}

impl Group {
    fn new(call: &Observation, row: Option<RowId>) -> Self {
        Self {
            provider: call.provider,
            status: call.status_label(),
            pattern: call.pattern,
            category: call.category,
            owner: call.owner,
            retry: call.retry,
            row,
            count: 0,
            first: call.at,
            last: call.at,
            place: None,
            trend: Trend::default(),
            peak_per_minute: 0,
            peak_at: call.at.second().div_euclid(60),
            models: FxHashMap::default(),
            services: FxHashMap::default(),
            request_ids: Vec::new(),
            example: None,
            minute: i64::MIN,
            in_minute: 0,
        }
    }

    fn add(&mut self, call: Observation) {
        self.count += 1;
        if known(call.at).is_some() {
            self.trend.add(call.at);
        }
        let line = call.evidence.as_ref().map(|evidence| evidence.line).filter(|line| *line > 0);
        if self.place.is_none() || call.at < self.first {
            self.place = line.map(|line| (call.source, line)).or(self.place);
        }
        self.first = self.first.min(call.at);
        self.last = self.last.max(call.at);
        let minute = call.at.second().div_euclid(60);
        if minute != self.minute {
            (self.minute, self.in_minute) = (minute, 0);
        }
        self.in_minute += 1;
        if self.in_minute > self.peak_per_minute {
            (self.peak_per_minute, self.peak_at) = (self.in_minute, minute);
        }
        for (names, name) in [(&mut self.models, call.model), (&mut self.services, call.service)] {
            if !name.is_empty() && (names.len() < MAX_NAMES || names.contains_key(&name)) {
                *names.entry(name).or_default() += 1;
            }
        }
        if let Some(evidence) = call.evidence {
            if let Some(id) = evidence.request_id.filter(|_| self.request_ids.len() < MAX_REQUEST_IDS) {
                self.request_ids.push(id);
            }
            if self.example.is_none() && !evidence.message.is_empty() {
                self.example = Some(evidence.message);
            }
        }
    }
}

/// The time, if the log has times: the records of a log without any are at the epoch.
pub(super) fn known(at: Timestamp) -> Option<Timestamp> {
    (at != Timestamp::default()).then_some(at)
}

/// The `limit` most frequent names with their counts, most frequent first.
pub(super) fn top(names: &FxHashMap<Name, u64>, limit: usize) -> Vec<(String, u64)> {
    let mut all: Vec<_> = names.iter().map(|(name, count)| (name.to_string(), *count)).collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all.truncate(limit);
    all
}
