//! What an alert says: written for the reader at 3 a.m., who has never heard of the row.

use super::calls::{Calls, Scope};
use super::evidence::Gathered;
use super::machine::Phase;
use super::series::Series;
use super::spec::Kind;
use super::table::{Row, Trigger};
use super::view::{Alert, Reason, State};
use super::{AlertOptions, NameTable};
use crate::classify::Pattern;
use crate::detect::{Blame, Detections, Finding, FindingKind};
use crate::taxonomy::{Category, Owner};
use crate::time::Timestamp;
use std::time::Duration;

/// More of what many calls show would push the example out of a message.
const MOST_FINDINGS: usize = 4;

/// All that an alert is written from.
pub(super) struct Draft<'a> {
    pub(super) row: &'a Row,
    pub(super) scope: Scope,
    pub(super) series: &'a Series,
    /// The calls of that provider; `None` for this process itself.
    pub(super) calls: Option<&'a Calls>,
    pub(super) detections: &'a Detections,
    pub(super) lexicon: NameTable<'a>,
    pub(super) options: &'a AlertOptions,
    pub(super) at: Timestamp,
}

impl Draft<'_> {
    /// The alert in this state; `phase` is what was told of it last.
    pub(super) fn alert(&self, state: State, phase: Phase) -> Alert {
        let since = phase.since().unwrap_or(self.at.second());
        let resolved = state == State::Resolved;
        Alert {
            name: self.row.alert_name.clone(),
            row: self.row.id.clone(),
            provider: self.provider().to_owned(),
            service: self.scope.service.get().map(str::to_owned),
            severity: self.row.severity,
            state,
            since: Timestamp::from_second(since),
            fired_at: self.series.machine.fired_at.filter(|_| resolved || state == State::Firing),
            resolved_at: resolved.then_some(self.at),
            reason: self.series.machine.reason.filter(|_| resolved),
            failures: self.series.failures(),
            per_minute: self.per_minute() as f64,
            share: self.share(),
            summary: self.summary(),
            description: self.description(since),
            next_step: self.row.next_step(),
            fix: self.fix().to_owned(),
            evidence: self.evidence(),
            runbook_url: runbook_url(&self.options.runbook_base, &self.row.id),
        }
    }

    fn provider(&self) -> &str {
        self.scope.provider.map_or(super::OURSELVES, |it| self.lexicon.providers.id(it))
    }

    /// Failures of the last minute. Seconds enter it when they are evaluated; of a storm younger than that all are known.
    fn per_minute(&self) -> u64 {
        let young = self.series.machine.phase.since().is_some_and(|since| self.at.second() - since < 60);
        let evaluated = self.series.minute.total(self.at.second());
        if young { evaluated.max(self.series.failures()) } else { evaluated }
    }

    fn share(&self) -> Option<f64> {
        let calls = self.calls.filter(|it| it.last_good.is_some())?.minute.total(self.at.second());
        // Attempts are no calls, and have no share of them.
        (calls > 0 && self.row.kind != Kind::Absorbed).then(|| (self.per_minute() as f64 / calls as f64).min(1.0))
    }

    fn summary(&self) -> String {
        let service = self.scope.service.get().map_or_else(String::new, |it| format!(" ({it})"));
        let provider = self.provider();
        let leading = self.leading().map_or_else(String::new, |it| format!(": {}", it.title));
        // What is said of ourselves names us.
        if self.row.title.starts_with(provider) {
            return format!("{}{leading}", self.row.title);
        }
        format!("{provider}{service}: {}{leading}", self.row.title)
    }

    fn description(&self, since: i64) -> String {
        let mut lines = vec![format!("Since {}.", Timestamp::from_second(since))];
        if !self.series.detail.is_empty() {
            lines.push(self.series.detail.clone());
        }
        if matches!(self.row.kind, Kind::Errors | Kind::Outage | Kind::Absorbed) {
            let share = self.share().map_or_else(String::new, |it| format!(", {:.0} % of its calls", it * 100.0));
            let what = if self.row.kind == Kind::Absorbed { "failed attempt" } else { "failed call" };
            let failures = self.series.failures();
            let plural = if failures == 1 { "" } else { "s" };
            lines.push(format!("{failures} {what}{plural}; in the last minute {}{share}.", self.per_minute()));
        }
        lines.extend(self.blame());
        if let Some(wait) = self.series.gathered.retry_after_s {
            lines.push(format!("The provider asked to wait up to {wait:.0} s."));
        }
        if let Some(resets) = self.series.gathered.resets_at {
            lines.push(format!("The limit refills at {resets}."));
        }
        lines.push(self.how_it_ends());
        lines.join("\n")
    }

    /// Where the cause lies, and what shows it: what many calls together tell, else what the errors themselves are.
    fn blame(&self) -> Option<String> {
        let found = self.findings().into_iter().filter(|it| it.blame != Blame::Unknown);
        if let Some(it) = found.filter(|it| points(it.kind)).max_by_key(|it| (weight(it.kind), it.last)) {
            return Some(format!("Blame: {}; {}.", it.blame, it.text));
        }
        let (leader, count) = self.series.gathered.owners.leader()?;
        let owner = Owner::from_text(leader).filter(|it| *it != Owner::Unknown)?;
        let all = self.series.gathered.owners.total();
        Some(format!("Blame: {}; {count} of {all} failures are of a kind that is settled there.", Blame::from(owner)))
    }

    /// What many calls together show of this row and provider now.
    fn findings(&self) -> Vec<&Finding> {
        let Some(provider) = self.scope.provider else { return Vec::new() };
        self.detections.concerning(&self.row.id, provider, self.scope.service.get(), self.at.second())
    }

    /// In the order in which it is missed when a message is cut: who and what, the requests to ask about, what many calls
    /// show, and one example. What is found of several models or services alike is told of one.
    fn evidence(&self) -> String {
        let gathered = &self.series.gathered;
        let mut lines = evidence(gathered, self.series.failures(), self.lexicon);
        let found = self.findings();
        let rotated = found.iter().any(|it| it.kind == FindingKind::KeyRotation);
        let kinds = found.chunk_by(|a, b| a.kind == b.kind);
        lines.extend(kinds.take(MOST_FINDINGS).map(|alike| {
            let more = alike.len() - 1;
            let more = if more == 0 { String::new() } else { format!(" (And {more} more like it.)") };
            format!("found: {}. {}{more}", alike[0].text, alike[0].advice)
        }));
        if self.leading().is_some_and(|it| it.category == Category::Auth) && !rotated {
            let service = gathered.services.leader();
            let fact = service.zip(self.scope.provider).and_then(|((it, _), provider)| self.detections.key_fact(provider, it));
            lines.extend(fact);
        }
        lines.extend(gathered.example.as_ref().map(|it| format!("example: {it}")));
        lines.join("\n")
    }

    /// What must happen for the alert to resolve.
    fn how_it_ends(&self) -> String {
        if let Some(reason) = self.series.machine.reason.filter(|_| self.series.machine.phase == Phase::Inactive) {
            return ended(reason).to_owned();
        }
        let keep = spoken(self.row.keep_firing);
        match (self.row.kind, self.row.trigger) {
            (Kind::Silence, _) => "It clears with the next call, or after 6 hours.".to_owned(),
            (Kind::Blind | Kind::Ourselves, _) => format!("It clears {keep} after it is over."),
            (_, Trigger::AtOnce) => format!(
                "It clears when a call to this provider succeeds and {keep} pass without another such failure; \
                 without any call after a day; where successes are not logged, an hour after the last such failure."
            ),
            _ => format!("It clears {keep} after the failures have ended."),
        }
    }

    fn leading(&self) -> Option<&Pattern> {
        leading(&self.series.gathered, self.lexicon)
    }

    /// What mends the leading error; the row's own fix where its pattern is unknown.
    fn fix(&self) -> &str {
        self.leading().map(|it| it.fix.as_str()).filter(|it| !it.is_empty()).unwrap_or(&self.row.fix)
    }
}

/// Whether such a finding says where the cause lies, and not only what it looks like.
const fn points(kind: FindingKind) -> bool {
    weight(kind) > 0
}

/// How much such a finding says of where the cause lies.
const fn weight(kind: FindingKind) -> u8 {
    match kind {
        FindingKind::KeyRotation | FindingKind::AllProviders => 3,
        FindingKind::LoadLimit | FindingKind::LongInput => 2,
        FindingKind::OneModel | FindingKind::OneService | FindingKind::WholeProvider => 1,
        _ => 0,
    }
}

/// The page on this row.
pub(super) fn runbook_url(base: &str, row: &str) -> String {
    if base.contains("{row}") { base.replace("{row}", row) } else { format!("{base}docs/runbooks/{row}.md") }
}

fn leading<'a>(gathered: &Gathered, lexicon: NameTable<'a>) -> Option<&'a Pattern> {
    let (id, _) = gathered.patterns.leader()?;
    lexicon.patterns.iter().find(|it| it.id == id)
}

const fn ended(reason: Reason) -> &'static str {
    match reason {
        Reason::Recovered => "It is over: calls succeed again.",
        Reason::Quiet => "It has not been seen for long enough.",
        Reason::Expired => "Nothing was heard of this provider any more.",
        Reason::Config => "The row was removed, switched off or changed.",
    }
}

pub(super) fn spoken(span: Duration) -> String {
    match span.as_secs() {
        seconds if seconds % 60 != 0 || seconds == 0 => format!("{seconds} s"),
        60 => "1 minute".to_owned(),
        seconds => format!("{} minutes", seconds / 60),
    }
}

fn evidence(gathered: &Gathered, failures: u64, lexicon: NameTable<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let named = [
        ("models", &gathered.models),
        ("services", &gathered.services),
        ("hosts", &gathered.hosts),
        ("statuses", &gathered.statuses),
    ];
    lines.extend(named.iter().filter(|(_, top)| !top.is_empty()).map(|(what, top)| format!("{what}: {top}")));
    if let (Some((id, count)), Some(pattern)) = (gathered.patterns.leader(), leading(gathered, lexicon)) {
        lines.push(format!("pattern: {id} ({}), {count} of {}", pattern.title, failures.max(count)));
    }
    if !gathered.request_ids.is_empty() {
        lines.push(format!("request ids: {}", gathered.request_ids.join(", ")));
    }
    lines.extend(gathered.key_hint.as_ref().map(|it| format!("key: …{it}")));
    lines
}
