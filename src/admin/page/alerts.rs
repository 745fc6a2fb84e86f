//! The headline, the alerts and the findings.

use super::super::state::Phase;
use super::text::{grouped, is_web_address};
use super::view::View;
use crate::alert::{Alert, State};
use crate::taxonomy::Severity;
use maud::{Markup, html};
use std::time::Duration;

/// Older findings are not shown.
const FINDING_MAX_AGE: Duration = Duration::from_hours(1);
/// The headline has the next steps of so many alerts, and so many are shown with their fix. The fix of the others, and of pending
/// ones, which may come to nothing, is one click away.
const MAX_OPEN: usize = 3;
/// The most findings that are shown.
const MAX_FINDINGS: usize = 20;

/// One sentence on the state of the providers, and the next step of each firing alert.
pub(super) fn headline(view: &View<'_>) -> Markup {
    let firing = view.alerts_in(State::Firing);
    let pending = view.alerts_in(State::Pending);
    let worst = firing.iter().map(|alert| alert.severity).max();
    let (tone, headline) = match (worst, pending.is_empty(), view.state.phase()) {
        (Some(severity), ..) => (severity.as_str(), failing(view, &firing, severity)),
        (None, _, Phase::Starting) => ("waiting", "Starting: catching up with the logs".to_owned()),
        (None, _, Phase::Draining) => ("waiting", "Stopping: finishing the lines that are read".to_owned()),
        (None, false, Phase::Ready) => {
            ("info", format!("{}: some calls fail; not long enough yet for an alert", view.providers_of(&pending)))
        }
        (None, true, Phase::Ready) if view.snapshot.windows.is_empty() => {
            ("waiting", "No LLM call in the last hour".to_owned())
        }
        (None, true, Phase::Ready) => ("good", "No provider is failing".to_owned()),
    };
    html! {
        section class={ "verdict " (tone) } {
            strong { (headline) }
            @for alert in firing.iter().take(MAX_OPEN) {
                p { (view.title(alert)) ": " (alert.next_step) }
            }
            @if firing.len() > MAX_OPEN {
                p class="soft" { "… and " (firing.len() - MAX_OPEN) " more alerts, below" }
            }
            @if firing.is_empty() {
                p class="soft" { (last_five_minutes(view)) }
            }
        }
    }
}

fn failing(view: &View<'_>, firing: &[&Alert], worst: Severity) -> String {
    let providers = view.providers_of(firing);
    match worst {
        Severity::Critical => format!("{providers}: calls fail, act now"),
        Severity::Warning => format!("{providers}: calls are failing"),
        Severity::Info => format!("{providers}: something to look at, when there is time"),
    }
}

fn last_five_minutes(view: &View<'_>) -> String {
    let windows = view.snapshot.windows.iter().filter(|window| window.status.is_none() && window.window == "5m");
    let (calls, errors) = windows.fold((0, 0), |(calls, errors), window| (calls + window.calls, errors + window.errors));
    format!("In the last five minutes: {} calls, {} failed.", grouped(calls), grouped(errors))
}

/// Firing, pending and resolved alerts, in this order.
pub(super) fn alerts(view: &View<'_>) -> Markup {
    let open: Vec<&Alert> = [State::Firing, State::Pending].into_iter().flat_map(|state| view.alerts_in(state)).collect();
    let resolved = view.alerts_in(State::Resolved);
    html! {
        @if !open.is_empty() || !resolved.is_empty() {
            h2 { "Alerts" }
        }
        @for (place, alert) in open.into_iter().enumerate() {
            (article(view, alert, place < MAX_OPEN && alert.state != State::Pending))
        }
        @for alert in resolved {
            p class="soft" {
                "Resolved " (view.ago_or(alert.resolved_at, "")) ": " (view.title(alert))
                " (" (alert.reason.map_or("", |reason| reason.as_str())) ")"
            }
        }
    }
}

/// One alert; its fix is shown if `is_open`, else it is one click away.
fn article(view: &View<'_>, alert: &Alert, is_open: bool) -> Markup {
    let texts =
        [("Next step", &alert.next_step), ("Fix", &alert.fix), ("Details", &alert.description), ("Evidence", &alert.evidence)];
    let (texts, folded) = texts.split_at(if is_open { 2 } else { 1 });
    let status_page = view.loaded.providers.get(&alert.provider).map_or("", |provider| &provider.status_page);
    let links =
        [("Runbook", alert.runbook_url.as_str()), ("About this error", &alert.error_url), ("Provider status", status_page)];
    html! {
        article class={ "alert " (alert.severity) " " (alert.state) } {
            h3 { (view.title(alert)) span class="tag" { (alert.severity) ", " (alert.state) } }
            p { (alert.summary) }
            p class="soft" { "Since " (view.ago(alert.since)) ": " (rate(alert)) }
            dl {
                @for (name, text) in texts.iter().filter(|(_, text)| !text.is_empty()) {
                    dt { (name) } dd { (text) }
                }
                @if links.iter().any(|(_, address)| is_web_address(address)) {
                    dt { "More" }
                    dd {
                        @for (name, address) in links.iter().filter(|(_, address)| is_web_address(address)) {
                            a rel="noreferrer" href=(address) { (name) } " "
                        }
                    }
                }
            }
            @if folded.iter().any(|(_, text)| !text.is_empty()) {
                details {
                    summary { @if is_open { "Details and evidence" } @else { "Fix, details and evidence" } }
                    dl {
                        @for (name, text) in folded.iter().filter(|(_, text)| !text.is_empty()) {
                            dt { (name) } dd { (text) }
                        }
                    }
                }
            }
        }
    }
}

fn rate(alert: &Alert) -> String {
    let share = alert.share.map(|share| format!(" ({:.0} % of its calls)", share * 100.0)).unwrap_or_default();
    format!("{} failed{share}, {:.1} a minute now", grouped(alert.failures), alert.per_minute)
}

/// The findings of the last hour.
pub(super) fn findings(view: &View<'_>) -> Markup {
    let is_recent = |last| view.now.since(last) <= FINDING_MAX_AGE;
    let recent = view.snapshot.findings.iter().filter(|finding| is_recent(finding.last));
    let findings: Vec<_> = recent.take(MAX_FINDINGS).collect();
    html! {
        @if !findings.is_empty() {
            h2 { "Findings across calls" }
            dl {
                @for finding in findings {
                    dt {
                        (view.provider_name(view.names.provider(finding.provider)))
                        span class="tag" { (finding.kind) ", owner: " (finding.blame) }
                    }
                    dd { (finding.text) ". " (finding.advice) " " span class="soft" { (view.ago(finding.last)) } }
                }
            }
        }
    }
}
