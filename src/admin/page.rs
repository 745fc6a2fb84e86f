//! The status page: is anything wrong now, whose is it, what is to be done; then the numbers. One file, no script,
//! nothing from elsewhere, and every text of a log escaped.

use super::api::ByteAccounting;
use super::state::{AdminState, Loaded, Phase};
use crate::alert::{Alert, State};
use crate::metrics::{Names, PublishedSnapshot, WINDOWS};
use crate::pipeline::{Snapshot, WindowView};
use crate::taxonomy::{Provider, Severity, StatusLabel};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::time::Duration;

const STYLE: &str = include_str!("page.css");
/// Calm enough to read, fresh enough to watch.
const REFRESH_S: u32 = 15;
/// More unknown errors are a matter for `llm-triage suggest`.
const MOST_UNKNOWN: usize = 20;
/// What was found and is shown: of this time, and so many.
const FRESH: Duration = Duration::from_hours(1);
const MOST_FINDINGS: usize = 20;

/// Text of a log, safe between tags and in quoted attributes.
struct Safe<'a>(&'a str);

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// What is being drawn, and when.
struct Drawing<'a> {
    state: &'a AdminState,
    snapshot: &'a Snapshot,
    names: &'a Names,
    loaded: &'a Loaded,
    now: Timestamp,
}

pub(super) fn render(state: &AdminState, now: Timestamp) -> String {
    let PublishedSnapshot { snapshot, names } = state.metrics.published();
    let loaded = state.loaded();
    let drawing = Drawing { state, snapshot: &snapshot, names: &names, loaded: &loaded, now };
    let mut html = String::with_capacity(32 * 1024);
    drawing.draw(&mut html).expect("a String takes any text");
    html
}

impl Drawing<'_> {
    fn draw(&self, to: &mut String) -> fmt::Result {
        let instance = Safe(&self.state.about.instance);
        write!(
            to,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>llm-triage on {instance}</title>\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta http-equiv=\"refresh\" content=\"{REFRESH_S}\"><style>{STYLE}</style></head><body>\n"
        )?;
        self.header(to)?;
        self.verdict(to)?;
        self.alerts(to)?;
        self.findings(to)?;
        self.windows(to)?;
        self.unknown(to)?;
        self.sources(to)?;
        self.receivers(to)?;
        self.footer(to)?;
        to.write_str("</body></html>\n")
    }

    fn header(&self, to: &mut String) -> fmt::Result {
        let about = &self.state.about;
        writeln!(
            to,
            "<header><h1>llm-triage</h1><p>{} · version {} · up {} · <time>{}</time></p></header>",
            Safe(&about.instance),
            env!("CARGO_PKG_VERSION"),
            span(self.now.since(about.started)),
            self.now,
        )
    }

    /// The one sentence somebody came for.
    fn verdict(&self, to: &mut String) -> fmt::Result {
        let firing: Vec<&Alert> = self.alerts_in(State::Firing);
        let pending: Vec<&Alert> = self.alerts_in(State::Pending);
        let worst = firing.iter().map(|it| it.severity).max();
        let (tone, headline) = match (worst, pending.is_empty(), self.state.phase()) {
            (Some(severity), ..) => (severity.as_str(), self.failing(&firing, severity)),
            (None, _, Phase::Starting) => ("waiting", "Starting: catching up with the logs".to_owned()),
            (None, _, Phase::Draining) => ("waiting", "Stopping: finishing what is read".to_owned()),
            (None, false, Phase::Ready) => {
                ("info", format!("{} sees failures; not for long enough yet to call anybody", self.providers_of(&pending)))
            }
            (None, true, Phase::Ready) if self.snapshot.windows.is_empty() => {
                ("waiting", "No LLM call in the last hour".to_owned())
            }
            (None, true, Phase::Ready) => ("good", "No provider is failing".to_owned()),
        };
        writeln!(to, "<section class=\"verdict {tone}\"><strong>{}</strong>", Safe(&headline))?;
        for alert in &firing {
            writeln!(to, "<p>{}: {}</p>", Safe(&self.title(alert)), Safe(&alert.next_step))?;
        }
        if firing.is_empty() {
            writeln!(to, "<p class=\"soft\">{}</p>", self.last_five_minutes())?;
        }
        writeln!(to, "</section>")
    }

    fn failing(&self, firing: &[&Alert], worst: Severity) -> String {
        let providers = self.providers_of(firing);
        match worst {
            Severity::Critical => format!("{providers}: calls fail until somebody acts"),
            Severity::Warning => format!("{providers}: calls are failing"),
            Severity::Info => format!("{providers}: something to look at, when there is time"),
        }
    }

    fn last_five_minutes(&self) -> String {
        let views = self.snapshot.windows.iter().filter(|it| it.status.is_none() && it.window == "5m");
        let (calls, errors) = views.fold((0, 0), |(calls, errors), it| (calls + it.calls, errors + it.errors));
        format!("In the last five minutes: {} calls, {} failed.", grouped(calls), grouped(errors))
    }

    fn alerts(&self, to: &mut String) -> fmt::Result {
        let open: Vec<&Alert> = [State::Firing, State::Pending].into_iter().flat_map(|it| self.alerts_in(it)).collect();
        let over = self.alerts_in(State::Resolved);
        if open.is_empty() && over.is_empty() {
            return Ok(());
        }
        writeln!(to, "<h2>Alerts</h2>")?;
        for alert in open {
            self.alert(to, alert)?;
        }
        for alert in over {
            let reason = alert.reason.map_or("", |it| it.as_str());
            let when = alert.resolved_at.map(|at| self.ago(at)).unwrap_or_default();
            writeln!(to, "<p class=\"soft\">Resolved {when}: {} ({reason})</p>", Safe(&self.title(alert)))?;
        }
        Ok(())
    }

    fn alert(&self, to: &mut String, alert: &Alert) -> fmt::Result {
        let (severity, state) = (alert.severity, alert.state);
        writeln!(
            to,
            "<article class=\"alert {severity}\"><h3>{}<span class=\"tag\">{severity}, {state}</span></h3>\
             <p>{}</p><p class=\"soft\">Since {}: {}</p><dl>",
            Safe(&self.title(alert)),
            Safe(&alert.summary),
            self.ago(alert.since),
            Safe(&rate(alert)),
        )?;
        let advice = [
            ("Next step", &alert.next_step),
            ("Fix", &alert.fix),
            ("What is known", &alert.description),
            ("Evidence", &alert.evidence),
        ];
        for (what, text) in advice.iter().filter(|(_, text)| !text.is_empty()) {
            writeln!(to, "<dt>{what}</dt><dd>{}</dd>", Safe(text))?;
        }
        let status_page = self.loaded.providers.get(&alert.provider).map_or("", |it| it.status_page.as_str());
        for (what, address) in [("Runbook", alert.runbook_url.as_str()), ("Provider status", status_page)] {
            if is_web_address(address) {
                let address = Safe(address);
                writeln!(to, "<dt>{what}</dt><dd><a rel=\"noreferrer\" href=\"{address}\">{address}</a></dd>")?;
            }
        }
        writeln!(to, "</dl></article>")
    }

    /// What many calls together show, of the last hour.
    fn findings(&self, to: &mut String) -> fmt::Result {
        let fresh = |at: Timestamp| self.now.since(at) <= FRESH;
        let found: Vec<_> = self.snapshot.findings.iter().filter(|it| fresh(it.last)).take(MOST_FINDINGS).collect();
        if found.is_empty() {
            return Ok(());
        }
        writeln!(to, "<h2>What the calls show together</h2><dl>")?;
        for it in found {
            let provider = self.provider_name(self.names.provider(it.provider));
            writeln!(
                to,
                "<dt>{}<span class=\"tag\">{}, blame: {}</span></dt><dd>{}. {} <span class=\"soft\">{}</span></dd>",
                Safe(&provider),
                it.kind,
                it.blame,
                Safe(&it.text),
                Safe(&it.advice),
                self.ago(it.last),
            )?;
        }
        writeln!(to, "</dl>")
    }

    fn windows(&self, to: &mut String) -> fmt::Result {
        writeln!(to, "<h2>Calls</h2>")?;
        let views = &self.snapshot.windows;
        if views.is_empty() {
            return writeln!(to, "<p class=\"soft\">None in the last hour.</p>");
        }
        let cells: BTreeMap<(Provider, Option<StatusLabel>, &str), &WindowView> =
            views.iter().map(|it| ((it.provider, it.status, it.window), it)).collect();
        let providers: BTreeSet<Provider> = views.iter().map(|it| it.provider).collect();
        write!(to, "<div class=\"scroll\"><table><thead><tr><th rowspan=\"2\">Provider, status</th>")?;
        for window in WINDOWS {
            write!(to, "<th class=\"group\" colspan=\"3\">{window}</th>")?;
        }
        let columns = "<th class=\"n group\">failed</th><th class=\"n\">calls</th><th class=\"n\">share</th>";
        writeln!(to, "</tr><tr>{}</tr></thead><tbody>", columns.repeat(WINDOWS.len()))?;
        for provider in providers {
            write!(to, "<tr><th scope=\"row\">{}</th>", Safe(&self.provider_name(self.names.provider(provider))))?;
            for window in WINDOWS {
                calls(to, cells.get(&(provider, None, window)).copied())?;
            }
            writeln!(to, "</tr>")?;
            let statuses: BTreeSet<StatusLabel> =
                views.iter().filter(|it| it.provider == provider).filter_map(|it| it.status).collect();
            for status in statuses {
                write!(to, "<tr class=\"sub\"><th scope=\"row\">{status}</th>")?;
                for window in WINDOWS {
                    let errors = cells.get(&(provider, Some(status), window)).map_or(0, |it| it.errors);
                    write!(to, "<td class=\"n group\">{}</td><td></td><td></td>", grouped(errors))?;
                }
                writeln!(to, "</tr>")?;
            }
        }
        writeln!(to, "</tbody></table></div>")
    }

    fn unknown(&self, to: &mut String) -> fmt::Result {
        let unknown = &self.snapshot.unknown;
        if unknown.is_empty() {
            return Ok(());
        }
        writeln!(
            to,
            "<h2>Errors that no pattern knows</h2><div class=\"scroll\"><table><thead><tr><th class=\"n\">Count</th>\
             <th>Provider</th><th>Message</th><th>First</th><th>Latest</th></tr></thead><tbody>"
        )?;
        for group in unknown.iter().take(MOST_UNKNOWN) {
            writeln!(
                to,
                "<tr><td class=\"n\">{}</td><td>{}</td><td class=\"wide\" title=\"{}\"><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                grouped(group.count),
                Safe(&self.provider_name(self.names.provider(group.provider))),
                Safe(&group.example),
                Safe(&group.template),
                self.ago(group.first),
                self.ago(group.last),
            )?;
        }
        writeln!(to, "</tbody></table></div>")?;
        if unknown.len() > MOST_UNKNOWN {
            writeln!(to, "<p class=\"soft\">… and {} more.</p>", unknown.len() - MOST_UNKNOWN)?;
        }
        writeln!(to, "<p class=\"soft\"><code>llm-triage suggest</code> writes patterns for them.</p>")
    }

    fn sources(&self, to: &mut String) -> fmt::Result {
        writeln!(to, "<h2>Sources</h2>")?;
        if self.snapshot.sources.is_empty() {
            return writeln!(to, "<p class=\"soft\">Nothing has been read yet.</p>");
        }
        writeln!(
            to,
            "<div class=\"scroll\"><table><thead><tr><th>Source</th><th>Last read</th><th>Latest event</th>\
             <th class=\"n\">Events behind</th><th class=\"n\">Unread bytes</th><th class=\"n\">Files</th></tr></thead><tbody>"
        )?;
        let gauges = self.state.metrics.sources();
        for source in &self.snapshot.sources {
            let gauge = gauges.iter().find(|it| it.name == source.name);
            let number = |it: Option<u64>| it.map_or("–".to_owned(), grouped);
            writeln!(
                to,
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td class=\"n\">{:.1} s</td><td class=\"n\">{}</td>\
                 <td class=\"n\">{}</td></tr>",
                Safe(&source.name),
                source.last_read.map_or("never".to_owned(), |at| self.ago(at)),
                source.last_event.map_or("none".to_owned(), |at| self.ago(at)),
                source.event_lag_s,
                number(gauge.map(|it| it.values.lag_bytes)),
                number(gauge.map(|it| it.values.files)),
            )?;
        }
        writeln!(to, "</tbody></table></div>")?;
        self.books(to)
    }

    /// What became of every byte and line.
    fn books(&self, to: &mut String) -> fmt::Result {
        writeln!(
            to,
            "<h2>Books</h2><div class=\"scroll\"><table><thead><tr><th>Source</th><th class=\"n group\">Bytes seen</th>\
             <th class=\"n\">read</th><th class=\"n\">skipped</th><th class=\"n\">lost</th>\
             <th class=\"n group\">Lines</th><th class=\"n\">in events</th><th class=\"n\">blank</th>\
             <th class=\"n\">discarded</th><th class=\"n\">in part</th></tr></thead><tbody>"
        )?;
        let gauges = self.state.metrics.sources();
        for source in &self.snapshot.sources {
            let bytes = ByteAccounting::of(source, gauges.iter().find(|it| it.name == source.name));
            let lines = &source.stats;
            write!(to, "<tr><th scope=\"row\">{}</th>", Safe(&source.name))?;
            let cells = [
                (" group", bytes.seen),
                ("", bytes.read),
                ("", bytes.skipped),
                ("", bytes.lost),
                (" group", lines.lines),
                ("", lines.event_lines),
                ("", lines.blank_lines),
                ("", lines.discarded_lines),
                ("", lines.partial_lines),
            ];
            for (group, number) in cells {
                write!(to, "<td class=\"n{group}\">{}</td>", grouped(number))?;
            }
            writeln!(to, "</tr>")?;
        }
        writeln!(to, "</tbody></table></div>")
    }

    fn receivers(&self, to: &mut String) -> fmt::Result {
        let queues = self.state.metrics.queues();
        if queues.is_empty() {
            return Ok(());
        }
        writeln!(
            to,
            "<h2>Receivers</h2><div class=\"scroll\"><table><thead><tr><th>Receiver</th>\
             <th class=\"n\">Alerts it has not taken</th></tr></thead><tbody>"
        )?;
        for (name, queue) in queues {
            writeln!(to, "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td></tr>", Safe(&name), grouped(queue))?;
        }
        writeln!(to, "</tbody></table></div>")
    }

    fn footer(&self, to: &mut String) -> fmt::Result {
        let config = self.state.about.config.as_deref().unwrap_or("none");
        writeln!(
            to,
            "<footer><a href=\"/metrics\">metrics</a> <a href=\"/api/v1/alerts\">alerts</a> \
             <a href=\"/api/v1/windows\">windows</a> <a href=\"/api/v1/unknown\">unknown</a> \
             <a href=\"/api/v1/patterns\">patterns</a> <a href=\"/api/v1/status\">status</a> \
             {} patterns, {} rows; configuration: {}</footer>",
            self.names.patterns().len(),
            self.names.rows().len(),
            Safe(config),
        )
    }

    /// The alerts in a state, the worst and oldest first.
    fn alerts_in(&self, state: State) -> Vec<&Alert> {
        let mut alerts: Vec<&Alert> = self.snapshot.alerts.iter().filter(|it| it.state == state).collect();
        alerts.sort_by_key(|it| (std::cmp::Reverse(it.severity), it.since));
        alerts
    }

    fn providers_of(&self, alerts: &[&Alert]) -> String {
        let ids: BTreeSet<&str> = alerts.iter().map(|it| it.provider.as_str()).collect();
        ids.into_iter().map(|it| self.provider_name(it)).collect::<Vec<_>>().join(", ")
    }

    fn provider_name(&self, id: &str) -> String {
        let known = self.loaded.providers.get(id).map(|it| it.name.as_str()).filter(|it| !it.is_empty());
        known.unwrap_or(id).to_owned()
    }

    fn title(&self, alert: &Alert) -> String {
        let service = alert.service.as_deref().map(|it| format!(" for {it}")).unwrap_or_default();
        format!("{} at {}{service}", alert.name, self.provider_name(&alert.provider))
    }

    /// `3 min ago`, with the exact time where the pointer rests.
    fn ago(&self, at: Timestamp) -> String {
        format!("<time title=\"{at}\">{} ago</time>", span(self.now.since(at)))
    }
}

/// Only what a browser opens as a page; never `javascript:`.
fn is_web_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

fn rate(alert: &Alert) -> String {
    let share = alert.share.map(|it| format!(", {:.0} % of its calls", it * 100.0)).unwrap_or_default();
    format!("{} failed, {:.1} a minute now{share}", grouped(alert.failures), alert.per_minute)
}

/// The three cells of one window: failed, calls, share.
fn calls(to: &mut String, view: Option<&WindowView>) -> fmt::Result {
    let (errors, calls) = view.map_or((0, 0), |it| (it.errors, it.calls));
    let share = view.and_then(|it| it.ratio).map(percent).unwrap_or_default();
    let (errors, calls) = (grouped(errors), grouped(calls));
    write!(to, "<td class=\"n group\">{errors}</td><td class=\"n\">{calls}</td><td class=\"n\">{share}</td>")
}

/// A share with one decimal; what is not nothing does not read as nothing.
fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.000_5 { "&lt; 0.1 %".to_owned() } else { format!("{:.1} %", share * 100.0) }
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A length of time, to the largest unit that says enough.
fn span(length: Duration) -> String {
    match length.as_secs() {
        s if s < 60 => format!("{s} s"),
        s if s < 3_600 => format!("{} min", s / 60),
        s if s < 48 * 3_600 => format!("{} h {} min", s / 3_600, s / 60 % 60),
        s => format!("{} days", s / 86_400),
    }
}
