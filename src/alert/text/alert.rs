//! The text of an alert, written for a reader at 3 a.m. who has never heard of the row.

#![expect(clippy::cast_precision_loss, reason = "counts of calls stay far below 2^52")]

use super::row::{runbook_url, when_it_clears};
use crate::alert::names::NameTable;
use crate::alert::options::AlertOptions;
use crate::alert::state::{AlertEvidence, AllCalls, Calls, RuleState, Scope, Stage};
use crate::alert::table::{Kind, Row, RowId, Table};
use crate::alert::view::{Alert, Reason, SELF_PROVIDER, State};
use crate::classify::Pattern;
use crate::detect::{Blame, Detections, Finding, FindingKind, plural};
use crate::taxonomy::{Category, Owner};
use crate::time::Timestamp;

/// The maximum number of kinds of findings in an alert: more would push the example out of a message.
const MAX_FINDINGS: usize = 4;

/// What alerts are rendered from, besides the state of their rule.
#[derive(Clone, Copy)]
pub(in crate::alert) struct RenderContext<'a> {
    pub(in crate::alert) table: &'a Table,
    pub(in crate::alert) calls: &'a AllCalls,
    pub(in crate::alert) detections: &'a Detections,
    pub(in crate::alert) options: &'a AlertOptions,
    pub(in crate::alert) names: NameTable<'a>,
}

impl RenderContext<'_> {
    /// The alert of a rule after the change to the state `to`; `stage` is the stage that was last notified. `None`: the row is not in the table.
    pub(in crate::alert) fn alert(
        self,
        (row, scope): (RowId, Scope),
        rule: &RuleState,
        to: State,
        stage: Stage,
        at: Timestamp,
    ) -> Option<Alert> {
        let row = self.table.row(row)?;
        let writer = AlertWriter { context: self, row, scope, rule, calls: self.calls.get(scope), at };
        Some(writer.alert(to, stage))
    }
}

/// Writes one alert.
struct AlertWriter<'a> {
    context: RenderContext<'a>,
    row: &'a Row,
    scope: Scope,
    rule: &'a RuleState,
    /// `None` for alerts about this process itself.
    calls: Option<&'a Calls>,
    at: Timestamp,
}

impl AlertWriter<'_> {
    fn alert(&self, to: State, stage: Stage) -> Alert {
        let since = stage.since().unwrap_or(self.at.second());
        let resolved = to == State::Resolved;
        Alert {
            name: self.row.alert_name.clone(),
            row: self.row.id.clone(),
            provider: self.provider().to_owned(),
            service: self.scope.service.get().map(str::to_owned),
            severity: self.row.severity,
            state: to,
            since: Timestamp::from_second(since),
            fired_at: self.rule.machine.fired_at.filter(|_| resolved || to == State::Firing),
            quiet_until: self.rule.reopening.quiet_until().filter(|_| to == State::Firing),
            resolved_at: resolved.then_some(self.at),
            reason: self.rule.machine.reason.filter(|_| resolved),
            failures: self.rule.failures(),
            per_minute: self.per_minute() as f64,
            share: self.share(),
            summary: self.summary(),
            description: self.description(since),
            next_step: self.row.next_step(),
            fix: self.fix().to_owned(),
            evidence: self.evidence(),
            runbook_url: runbook_url(&self.context.options.runbook_base, &self.row.id),
            error_url: self.error_url(),
        }
    }

    fn provider(&self) -> &str {
        self.scope.provider.map_or(SELF_PROVIDER, |provider| self.context.names.providers.id(provider))
    }

    /// Failures of the last minute. The minute contains evaluated seconds only; of a younger storm, all failures are known.
    fn per_minute(&self) -> u64 {
        let is_young = self.rule.machine.stage.since().is_some_and(|since| self.at.second() - since < 60);
        let evaluated = self.rule.minute.total(self.at.second());
        if is_young { evaluated.max(self.rule.failures()) } else { evaluated }
    }

    fn share(&self) -> Option<f64> {
        // Attempts are not calls, so they have no share of them.
        let has_share = self.row.kind != Kind::Absorbed && self.calls.is_some_and(|calls| calls.last_good.is_some());
        self.rule.share().filter(|_| has_share)
    }

    fn summary(&self) -> String {
        let service = self.scope.service.get().map_or_else(String::new, |service| format!(" ({service})"));
        let provider = self.provider();
        let leading = self.leading().map_or_else(String::new, |pattern| format!(": {}", pattern.title));
        // The titles of rows about this process begin with its name.
        if self.row.title.starts_with(provider) {
            return format!("{}{leading}", self.row.title);
        }
        format!("{provider}{service}: {}{leading}", self.row.title)
    }

    fn description(&self, since: i64) -> String {
        let evidence = &self.rule.evidence;
        let mut lines = vec![format!("Since {}.", Timestamp::from_second(since))];
        if !self.rule.detail.is_empty() {
            lines.push(self.rule.detail.clone());
        }
        if matches!(self.row.kind, Kind::Errors | Kind::Outage | Kind::Absorbed) {
            let share =
                self.share().map_or_else(String::new, |share| format!(" ({:.0} % of its calls since then)", share * 100.0));
            let what = if self.row.kind == Kind::Absorbed { "failed attempt" } else { "failed call" };
            lines.push(format!("{}{share}, {} in the last minute.", plural(self.rule.failures(), what), self.per_minute()));
        }
        lines.extend(self.owner());
        if let Some(wait) = evidence.retry_after_s {
            lines.push(format!("The provider asked to wait up to {wait:.0} s."));
        }
        if let Some(resets) = evidence.resets_at {
            lines.push(format!("The limit resets at {resets}."));
        }
        if let Some(until) = self.rule.reopening.quiet_until() {
            lines.push(format!("It has fired before and fires again: receivers are reminded at {until}."));
        }
        lines.push(self.how_it_ends());
        lines.join("\n")
    }

    /// The owner of the cause and the reason: a finding over many calls, else the owner of most failures.
    fn owner(&self) -> Option<String> {
        let found = self.findings().into_iter().filter(|finding| finding.blame != Blame::Unknown);
        let telling = found.filter(|finding| weight(finding.kind) > 0);
        if let Some(finding) = telling.max_by_key(|finding| (weight(finding.kind), finding.last)) {
            return Some(format!("Owner: {}; {}.", finding.blame.owner(), finding.text));
        }
        let owners = &self.rule.evidence.owners;
        let (leader, count) = owners.leader()?;
        let owner = Owner::from_text(leader).filter(|owner| *owner != Owner::Unknown)?;
        Some(format!("Owner: {owner}; it owns the cause of {count} of {} failures.", owners.total()))
    }

    /// What many calls together show about this row and provider now.
    fn findings(&self) -> Vec<&Finding> {
        let Some(provider) = self.scope.provider else { return Vec::new() };
        self.context.detections.concerning(&self.row.id, provider, self.scope.service.get(), self.at.second())
    }

    /// The most important first, because a message may be cut: names, request ids, findings, and one example. Of several
    /// findings of one kind, only the first is shown.
    fn evidence(&self) -> String {
        let evidence = &self.rule.evidence;
        let mut lines = evidence_lines(evidence, self.rule.failures(), self.context.names);
        let found = self.findings();
        let of_one_kind = found.chunk_by(|a, b| a.kind == b.kind);
        lines.extend(of_one_kind.take(MAX_FINDINGS).map(|alike| {
            let more = alike.len() - 1;
            let more = if more == 0 { String::new() } else { format!(" (And {more} more like this.)") };
            format!("found: {}. {}{more}", alike[0].text, alike[0].advice)
        }));
        let rotated = found.iter().any(|finding| finding.kind == FindingKind::KeyRotation);
        if self.leading().is_some_and(|pattern| pattern.category == Category::Auth) && !rotated {
            let service = evidence.services.leader().zip(self.scope.provider);
            lines.extend(service.and_then(|((name, _), provider)| self.context.detections.key_fact(provider, name)));
        }
        lines.extend(evidence.example.as_ref().map(|example| format!("example: {example}")));
        lines.join("\n")
    }

    /// What must happen for the alert to resolve; if it is resolved, why.
    fn how_it_ends(&self) -> String {
        let machine = &self.rule.machine;
        if let Some(reason) = machine.reason.filter(|_| machine.stage == Stage::Inactive) {
            return why_it_ended(reason).to_owned();
        }
        format!("It clears {}.", when_it_clears(self.row))
    }

    fn leading(&self) -> Option<&Pattern> {
        leading(&self.rule.evidence, self.context.names)
    }

    /// The page of the leading pattern.
    fn error_url(&self) -> String {
        self.leading().map(|pattern| self.context.options.error_base.replace("{error}", &pattern.id)).unwrap_or_default()
    }

    /// The fix of the leading pattern, else of the row.
    fn fix(&self) -> &str {
        self.leading().map(|pattern| pattern.fix.as_str()).filter(|fix| !fix.is_empty()).unwrap_or(&self.row.fix)
    }
}

/// How strongly such a finding shows the owner of the cause; 0: not at all.
const fn weight(kind: FindingKind) -> u8 {
    match kind {
        FindingKind::KeyRotation | FindingKind::AllProviders => 3,
        FindingKind::LoadLimit | FindingKind::LongInput => 2,
        FindingKind::OneModel | FindingKind::OneService | FindingKind::WholeProvider => 1,
        _ => 0,
    }
}

/// The most frequent pattern.
fn leading<'a>(evidence: &AlertEvidence, names: NameTable<'a>) -> Option<&'a Pattern> {
    let (id, _) = evidence.patterns.leader()?;
    names.patterns.iter().find(|pattern| pattern.id == id)
}

const fn why_it_ended(reason: Reason) -> &'static str {
    match reason {
        Reason::Recovered => "It is over: calls succeed again.",
        Reason::Quiet => "It is over: the failure was not seen for long enough.",
        Reason::Expired => "It expired: no call to this provider was seen any more.",
        Reason::Config => "Its row was removed, switched off or changed.",
    }
}

fn evidence_lines(evidence: &AlertEvidence, failures: u64, names: NameTable<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let counted = [
        ("models", &evidence.models),
        ("services", &evidence.services),
        ("hosts", &evidence.hosts),
        ("statuses", &evidence.statuses),
    ];
    lines.extend(counted.iter().filter(|(_, top)| !top.is_empty()).map(|(what, top)| format!("{what}: {top}")));
    if let (Some((id, count)), Some(pattern)) = (evidence.patterns.leader(), leading(evidence, names)) {
        lines.push(format!("pattern: {id} ({}), {count} of {}", pattern.title, failures.max(count)));
    }
    if !evidence.request_ids.is_empty() {
        lines.push(format!("request ids: {}", evidence.request_ids.join(", ")));
    }
    lines.extend(evidence.key_hint.as_ref().map(|hint| format!("key: …{hint}")));
    lines
}
