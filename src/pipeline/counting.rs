//! Counts records and calls: the state that all streams share.

use super::backlog::Backlog;
use super::clock::{Clock, LATE, Resolved};
use super::context::{Origin, StreamContext};
use super::event::Output;
use super::last_failures::LastFailures;
use super::options::SourceOptions;
use super::rules::{RecordCache, Rules};
use super::snapshot::SourceView;
use super::tally::Tally;
use super::verdict_line::{self, RecordLocation};
use crate::alert::Alerts;
use crate::classify::Verdict;
use crate::correlate::{Duplicates, Provenance};
use crate::detect::{UnknownGroups, Unread};
use crate::framing::{FramingStats, LossReason, RawEvent};
use crate::observation::{Evidence, Name, Observation, SourceId};
use crate::taxonomy::{Category, Grain, Outcome, Provider};
use crate::time::{Stamp, Timestamp};
use crate::window::{Counted, RateTable};
use std::time::Duration;

/// Arrival times that jump by more than this do not advance the clock; the next tick reports the jump.
const LEAP: Duration = Duration::from_mins(1);

/// A source is current if one of its records was at most this old when it arrived, in seconds.
const CURRENT_S: f64 = 30.0;

/// The state that all streams share.
#[derive(Debug)]
pub(super) struct SharedState {
    pub(super) clock: Clock,
    pub(super) now: Timestamp,
    /// The time by which alerts are evaluated: the present, or the time that a backlog has reached.
    pub(super) evaluated: Timestamp,
    pub(super) sources: Vec<SourceOptions>,
    pub(super) views: Vec<SourceView>,
    /// Records outside of this range (from, to) are ignored.
    pub(super) between: (Timestamp, Timestamp),
    pub(super) duplicates: Duplicates,
    pub(super) windows: RateTable,
    pub(super) alerts: Alerts,
    pub(super) unknown: UnknownGroups,
    pub(super) unread: Unread,
    pub(super) tally: Tally,
    pub(super) last_failures: LastFailures,
    pub(super) backlog: Backlog,
    /// Recent verdicts of the rules in force. `None` while a record is counted.
    pub(super) cache: Option<Box<RecordCache>>,
}

/// A record with its verdict, before it is compared with other records.
pub(super) struct JudgedRecord<'a> {
    pub(super) event: &'a RawEvent<'a>,
    pub(super) verdict: Verdict<'a>,
    /// Whether the record breaks off in the middle.
    pub(super) broken: bool,
    pub(super) arrived: Timestamp,
}

impl SharedState {
    /// Reads the records of an event, judges and counts them.
    pub(super) fn event(
        &mut self,
        rules: &Rules,
        context: &mut StreamContext,
        event: &RawEvent<'_>,
        arrived: Timestamp,
        out: &mut Output,
    ) {
        // Taken out of `self` while the event is read, because the callback borrows the rest of `self`.
        let mut cache = self.cache.take().unwrap_or_default();
        rules.read(event, context.origin.traffic, &mut cache, |verdict, broken| {
            self.record(rules, context, JudgedRecord { event, verdict, broken, arrived }, out);
        });
        self.cache = Some(cache);
    }

    /// Counts one record.
    pub(super) fn record(&mut self, rules: &Rules, context: &mut StreamContext, judged: JudgedRecord<'_>, out: &mut Output) {
        let StreamContext { origin, calls, clock } = context;
        let JudgedRecord { event, mut verdict, broken, arrived } = judged;
        let behind = self.backlog.holds(origin.id);
        let stamp = verdict.judgement.stamp;
        let resolved = clock.resolve(stamp, self.clock, self.arrival(arrived, stamp), !behind);
        if resolved.at < self.between.0 || resolved.at >= self.between.1 {
            return;
        }
        if resolved.skewed {
            self.tally.skewed += 1;
            self.tally.skewed_source = Some(origin.source);
        }
        if behind {
            self.backlog.note(origin.id, resolved.at);
            self.set_evaluated();
        }
        if self.clock == Clock::Replay {
            // A live pipeline counts failures that were held at the tick after their time is over.
            while let Some(due) = calls.due().filter(|due| *due <= resolved.at) {
                self.advance(due, rules, out);
                calls.release_failures(due, &mut |call| self.call(call, rules, out));
            }
            self.advance(resolved.at, rules, out);
        }
        if event.continued && verdict.judgement.outcome == Outcome::Error {
            verdict.judgement.grain = Grain::Detail;
        }
        let provenance = Provenance { at: resolved.at, timed: resolved.own, service: event.service, host: event.host };
        let calls = calls.of(event.service, event.host);
        let placement = calls.complete(&mut verdict, provenance, origin.traffic, &mut self.duplicates);
        self.count_record(origin.source, &verdict, resolved.at, arrived);
        self.note_retirement(&verdict, resolved.at, origin);
        if verdict.judgement.outcome == Outcome::Other {
            if verdict.judgement.is_unread {
                let text = verdict.judgement.message.as_deref().unwrap_or_default();
                self.unread.note(text, (origin.source, event.line));
            }
            if broken {
                *self.tally.discarded_lines.entry((origin.source, LossReason::Malformed)).or_default() += 1;
            }
            if out.wanted.wants(Outcome::Other) {
                write_line(out, rules, origin, event, &verdict, resolved, None);
            }
            return;
        }
        // The line is written from the verdict, and its row is found by the observation, so both exist for a moment.
        let observation = observe(&verdict, resolved.at, origin, event.line);
        if out.wanted.wants(verdict.judgement.outcome) {
            let row = (verdict.judgement.outcome == Outcome::Error).then(|| self.alerts.table().row_of(&observation));
            let row = row.and_then(|row| self.alerts.table().row(row)).map(|row| row.id.as_str());
            write_line(out, rules, origin, event, &verdict, resolved, row);
        }
        if observation.grain == Grain::Attempt {
            self.attempt(&observation, rules, out);
        }
        calls.count(observation, placement, self.now, &mut |call| self.call(call, rules, out));
    }

    fn count_record(&mut self, source: SourceId, verdict: &Verdict<'_>, at: Timestamp, arrived: Timestamp) {
        // A success that is reported again is no other success.
        let outcome = match (verdict.judgement.outcome, verdict.judgement.grain) {
            (Outcome::Success, Grain::Detail) => Outcome::Other,
            (outcome, _) => outcome,
        };
        *self.tally.records.entry((source, outcome)).or_default() += 1;
        self.tally.withdrawn += u64::from(verdict.judgement.withdraws);
        if verdict.judgement.unrecognised && verdict.judgement.outcome == Outcome::Other {
            *self.tally.unrecognised.entry(source).or_default() += 1;
        }
        if verdict.judgement.is_trouble {
            let judgement = &verdict.judgement;
            self.alerts.note_trouble(at, judgement.outcome != Outcome::Other && judgement.category != Category::Unknown);
        }
        self.tally.redactions += verdict.judgement.redactions;
        if let Some(view) = self.views.get_mut(usize::from(source.0)) {
            view.last_event = Some(view.last_event.map_or(at, |last| last.max(at)));
            view.event_lag_s = arrived.since(at).as_secs_f64();
            view.was_current |= view.event_lag_s < CURRENT_S;
        }
    }

    /// Counts one attempt inside a call.
    fn attempt(&mut self, attempt: &Observation, rules: &Rules, out: &mut Output) {
        *self.tally.attempts.entry((attempt.provider, attempt.outcome)).or_default() += 1;
        if attempt.outcome == Outcome::Error {
            *self.tally.attempt_errors.entry((attempt.provider, attempt.status_label(), attempt.category)).or_default() += 1;
        }
        // Access lines of a server name no provider; the lines of its callers do.
        if attempt.provider != Provider::UNKNOWN && !self.is_late(attempt.at) {
            self.alerts.observe(attempt, rules.names(), self.evaluated, &mut out.transitions);
        }
    }

    /// Counts one call.
    pub(super) fn call(&mut self, call: &mut Observation, rules: &Rules, out: &mut Output) {
        self.alerts.attribute(call, rules.names());
        let call = &*call;
        self.tally.call(call);
        let late = self.now.since(call.at) > LATE;
        self.tally.late += u64::from(late);
        if !late {
            self.tally.overflowed += u64::from(self.windows.observe(call) == Counted::Overflow);
        }
        let mut row = None;
        if !self.is_late(call.at) {
            row = self.alerts.observe(call, rules.names(), self.evaluated, &mut out.transitions);
        }
        if call.outcome == Outcome::Error {
            let row = *row.get_or_insert_with(|| self.alerts.table().row_of(call));
            self.tally.failure(call, row, self.now);
            self.last_failures.note(row, call.provider, call.at);
            if call.category == Category::Unknown {
                self.unknown.observe(call);
            }
        }
        if out.keep_calls {
            out.calls.push((call.clone(), row));
        }
    }

    /// Advances the clock to the arrival of a chunk. A large jump is left to the next tick.
    pub(super) fn arrive(&mut self, at: Timestamp, rules: &Rules, out: &mut Output) {
        if self.clock == Clock::Live && (self.now == Timestamp::default() || at.since(self.now) < LEAP) {
            self.advance(at, rules, out);
        }
    }

    /// Advances the clock, which never goes back, and evaluates the alerts of every second that passed.
    pub(super) fn advance(&mut self, now: Timestamp, rules: &Rules, out: &mut Output) {
        let second_passed = now.second() > self.now.second();
        self.now = self.now.max(now);
        if second_passed {
            self.windows.tick(self.now);
        }
        if self.set_evaluated() {
            self.alerts.tick(self.evaluated, rules.names(), &mut out.transitions);
        }
    }

    /// Advances the time by which alerts are evaluated. Returns whether a second of it passed.
    pub(super) fn set_evaluated(&mut self) -> bool {
        let before = self.evaluated;
        let clock = self.backlog.clock(self.now, &self.views).map_or(before, |clock| clock.min(self.now));
        self.evaluated = before.max(clock);
        self.evaluated.second() > before.second()
    }

    /// Whether a record is too old to say anything about the time that is evaluated.
    fn is_late(&self, at: Timestamp) -> bool {
        self.evaluated.since(at) > LATE
    }

    /// The time of arrival. In a replay nothing arrives, so the latest time of any record takes its place. Before the first, a date
    /// without a year belongs to the year of the replay.
    fn arrival(&self, arrived: Timestamp, stamp: Option<Stamp>) -> Timestamp {
        let is_first = self.now == Timestamp::default() && matches!(stamp, Some(Stamp::Yearless(_)));
        match self.clock {
            Clock::Replay if !is_first => self.now,
            Clock::Live | Clock::Replay => arrived,
        }
    }

    /// Accounts for a chunk.
    pub(super) fn note_chunk(&mut self, source: SourceId, stats: &FramingStats) {
        self.add_stats(source, stats);
        if let Some(view) = self.views.get_mut(usize::from(source.0)) {
            view.last_read = Some(self.now);
        }
    }

    /// Adds what the framer counted to the counters of a source.
    pub(super) fn add_stats(&mut self, source: SourceId, stats: &FramingStats) {
        let total = self.tally.sources.entry(source).or_default();
        total.bytes += stats.bytes;
        total.lines += stats.lines;
        total.events += stats.events;
        total.blank_lines += stats.blank_lines;
        if stats.binary_lines > 0 {
            *self.tally.discarded_lines.entry((source, LossReason::Binary)).or_default() += stats.binary_lines;
            *self.tally.lost_bytes.entry((source, LossReason::Binary)).or_default() += stats.binary_bytes;
        }
        if stats.long_bytes > 0 {
            *self.tally.lost_bytes.entry((source, LossReason::TooLong)).or_default() += stats.long_bytes;
        }
        for (reason, lines) in [(LossReason::TooLong, stats.long_lines), (LossReason::Incomplete, stats.incomplete_lines)] {
            if lines > 0 {
                *self.tally.partial_lines.entry((source, reason)).or_default() += lines;
            }
        }
        if let Some(view) = self.views.get_mut(usize::from(source.0)) {
            view.stats.add(stats);
        }
    }

    /// Counts bytes that will never be read.
    pub(super) fn lose(&mut self, source: SourceId, reason: LossReason, bytes: u64) {
        *self.tally.lost_bytes.entry((source, reason)).or_default() += bytes;
        if let Some(view) = self.views.get_mut(usize::from(source.0)) {
            *view.stats.lost_bytes.entry(reason).or_default() += bytes;
        }
    }
}

fn write_line(
    out: &mut Output,
    rules: &Rules,
    origin: &Origin,
    event: &RawEvent<'_>,
    verdict: &Verdict<'_>,
    resolved: Resolved,
    row: Option<&str>,
) {
    let location = RecordLocation {
        source: &origin.label,
        event,
        at: resolved.own.then_some(resolved.at),
        service: verdict.texts.service.as_deref().or(origin.service.as_deref()),
        host: verdict.texts.host.as_deref().or(origin.host.as_deref()),
        row,
    };
    verdict_line::write(&mut out.verdicts, verdict, &location, rules.catalog());
}

impl SharedState {
    /// Passes on the announcement that a model ends.
    fn note_retirement(&mut self, verdict: &Verdict<'_>, at: Timestamp, origin: &Origin) {
        let Some(retirement) = &verdict.judgement.retirement else { return };
        let service = verdict.texts.service.as_deref().or(origin.service.as_deref());
        let called = Some(verdict.judgement.provider).filter(|provider| *provider != Provider::UNKNOWN);
        self.alerts.note_retirement(called.unwrap_or(retirement.provider), service, retirement, at);
    }
}

/// The verdict in the form that windows, detection and alerts take.
fn observe(verdict: &Verdict<'_>, at: Timestamp, origin: &Origin, line: u64) -> Observation {
    let service = verdict.texts.service.as_deref().or(origin.service.as_deref());
    let evidence = (verdict.judgement.outcome == Outcome::Error).then(|| {
        Box::new(Evidence {
            message: verdict.judgement.message.clone().unwrap_or_default(),
            request_id: verdict.texts.request_id.as_deref().map(str::to_owned),
            host: verdict.texts.host.as_deref().or(origin.host.as_deref()).map(str::to_owned),
            key_hint: verdict.judgement.key_hint.clone(),
            resets_at: verdict.judgement.resets_at,
            line,
        })
    });
    Observation {
        at,
        outcome: verdict.judgement.outcome,
        grain: verdict.judgement.grain,
        provider: verdict.judgement.provider,
        gateway: verdict.judgement.gateway,
        status: verdict.judgement.status,
        upstream_status: verdict.judgement.upstream_status,
        pattern: verdict.judgement.pattern,
        category: verdict.judgement.category,
        owner: verdict.judgement.owner,
        retry: verdict.judgement.retry,
        confidence: verdict.judgement.confidence,
        retry_after_s: verdict.judgement.retry_after_s,
        latency_s: verdict.judgement.latency_s,
        input_tokens: verdict.judgement.input_tokens,
        output_tokens: verdict.judgement.output_tokens,
        first_token_s: verdict.judgement.first_token_s,
        ending: verdict.judgement.ending,
        model: Name::new(verdict.model_text()),
        service: service.map(Name::new).unwrap_or_default(),
        source: origin.source,
        evidence,
    }
}
