//! `top`: shows the rates, alerts and sources of a running daemon until `q` or a signal; printed once if standard output is not a
//! terminal.

use super::args::Top;
use super::browser::{Browser, Content, Entry, Next};
use super::end_signal::EndSignals;
use super::exit::{CliError, Exit};
use super::keys::Keys;
use super::painter::Painter;
use super::terminal::{self, Styles};
use super::{daemon_client, format, layout, output};
use crate::time::{Stamp, Timestamp, format_compact};
use crate::window::SlidingWindow;
use hyper::Uri;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant, SystemTime};

/// The columns of the table of rates.
const WINDOWS: [&str; 4] = SlidingWindow::SPANS;
/// The columns that sort the table; the share is that of five minutes.
const FIVE_MINUTES: usize = 1;
const ONE_HOUR: usize = 3;
/// How long a key waits at most for its effect.
const KEY_INTERVAL: Duration = Duration::from_millis(50);
/// The most findings that are shown.
const MAX_FINDINGS: usize = 5;

pub(super) fn run(args: &Top) -> Result<Exit, CliError> {
    let args = &Top { url: with_scheme(&args.url), ..args.clone() };
    let url: Uri =
        args.url.parse().map_err(|_| CliError::Usage(format!("invalid address {:?}; write http://HOST:PORT", args.url)))?;
    if url.scheme_str() != Some("http") || url.host().is_none() {
        return Err(CliError::Usage(format!("invalid address of a daemon {:?}; write http://HOST:PORT", args.url)));
    }
    let once = args.once || !io::stdout().is_terminal();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if once {
        let text = runtime.block_on(Answer::get(&args.url)).map(|answer| answer.text(&args.url)).map_err(|error| {
            CliError::Failed(format!("{}: {error}; start one with `llm-triage run`, or name another with --url", args.url))
        })?;
        output::print(text.as_bytes())?;
        return Ok(Exit::Success);
    }
    runtime.block_on(repaint(args))
}

/// `HOST:PORT` is short for `http://HOST:PORT`.
fn with_scheme(url: &str) -> String {
    let has_port = url.rsplit_once(':').is_some_and(|(_, port)| port.trim_end_matches('/').parse::<u16>().is_ok());
    if url.contains("://") || !has_port { url.to_owned() } else { format!("http://{url}") }
}

/// Shows the daemon until `q`, a signal, or until standard output is closed.
async fn repaint(args: &Top) -> Result<Exit, CliError> {
    let mut signals = EndSignals::listen(true)?;
    let keys = Keys::open();
    let (mut browser, mut painter) = (Browser::default(), Painter::default());
    let mut content = notice(&format!("{}: waiting for its answer", args.url));
    let mut request = Box::pin(Answer::get(&args.url));
    // When the next request starts; `None` while one waits for its answer.
    let mut next: Option<Instant> = None;
    loop {
        let (columns, rows) = terminal::size();
        while let Some(key) = keys.as_ref().and_then(Keys::next) {
            if browser.press(key, &content, rows) == Next::Quit {
                return Ok(Exit::Success);
            }
        }
        match painter.paint(browser.lines(&content, columns, rows)) {
            Err(error) if output::is_closed(&error) => return Ok(Exit::Success),
            result => result?,
        }
        if next.is_some_and(|next| next <= Instant::now()) {
            (request, next) = (Box::pin(Answer::get(&args.url)), None);
        }
        tokio::select! {
            answer = &mut request, if next.is_none() => {
                next = Some(Instant::now() + Duration::from_secs(args.interval));
                // While a daemon restarts, the error is shown and the next request may succeed.
                content = answer.map_or_else(
                    |error| notice(&format!("{}: {error}; retrying", args.url)),
                    |answer| answer.content(&args.url),
                );
            }
            () = tokio::time::sleep(KEY_INTERVAL) => {}
            () = signals.received() => return Ok(Exit::Success),
        }
    }
}

/// A text instead of what the daemon says.
fn notice(text: &str) -> Content {
    let wrapped = layout::wrap(text, terminal::width(), 0);
    Content { head: wrapped.lines().map(str::to_owned).collect(), ..Content::default() }
}

/// What the API of the daemon says.
struct Answer {
    status: Value,
    windows: Value,
    alerts: Value,
}

impl Answer {
    async fn get(url: &str) -> Result<Self, String> {
        Ok(Self {
            status: daemon_client::get(url, "/api/v1/status").await?,
            windows: daemon_client::get(url, "/api/v1/windows").await?,
            alerts: daemon_client::get(url, "/api/v1/alerts").await?,
        })
    }

    /// Everything below another.
    fn text(&self, url: &str) -> String {
        let styles = Styles::for_stdout();
        let mut out = self.head(url, styles);
        write_alerts(&mut out, &self.alerts, styles);
        self.write_tail(&mut out, styles);
        out
    }

    /// The alerts as entries, with what to do as their details.
    fn content(&self, url: &str) -> Content {
        let styles = Styles::for_stdout();
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let entry = |alert: &Value| Entry {
            key: format!("{} {} {}", text(&alert["row"]), text(&alert["provider"]), text(&alert["service"])),
            line: alert_line(alert, styles),
            details: alert_details(alert, styles),
        };
        let entries: Vec<Entry> = open_alerts(&self.alerts).map(entry).collect();
        let mut tail = if entries.is_empty() { "no alert\n".to_owned() } else { String::new() };
        self.write_tail(&mut tail, styles);
        Content { head: lines(&self.head(url, styles)), entries, tail: lines(&tail) }
    }

    fn head(&self, url: &str, styles: Styles) -> String {
        let mut out = String::new();
        write_head(&mut out, url.trim_start_matches("http://").trim_end_matches('/'), &self.status, styles);
        write_rates(&mut out, &self.windows, styles);
        out
    }

    fn write_tail(&self, out: &mut String, styles: Styles) {
        write_findings(out, &self.alerts, styles);
        write_sources(out, &self.status, styles);
    }
}

fn write_head(out: &mut String, address: &str, status: &Value, styles: Styles) {
    let up = Duration::from_secs(status["uptime_s"].as_u64().unwrap_or(0));
    let line = format!(
        "llm-triage {} at {address}   {}   up {}   {} patterns",
        text(&status["version"]),
        text(&status["phase"]),
        format_compact(up),
        format::count(status["patterns"].as_u64().unwrap_or(0)),
    );
    let _infallible = writeln!(out, "{}\n", styles.bold(&line));
}

/// Failed calls by provider and status; the most in the last five minutes first.
fn write_rates(out: &mut String, windows: &Value, styles: Styles) {
    let mut rows: BTreeMap<(&str, &str), [u64; 4]> = BTreeMap::new();
    let mut shares: BTreeMap<&str, f64> = BTreeMap::new();
    for view in windows["windows"].as_array().into_iter().flatten() {
        let Some(column) = WINDOWS.iter().position(|window| view["window"] == **window) else { continue };
        let provider = text(&view["provider"]);
        match view["status"].as_str() {
            Some(status) => rows.entry((provider, status)).or_default()[column] = view["errors"].as_u64().unwrap_or(0),
            None if column == FIVE_MINUTES => {
                if let Some(ratio) = view["ratio"].as_f64() {
                    shares.insert(provider, ratio);
                }
            }
            None => {}
        }
    }
    let mut rows: Vec<_> = rows.into_iter().filter(|(_, counts)| counts.iter().any(|count| *count > 0)).collect();
    rows.sort_by_key(|(_, counts)| std::cmp::Reverse((counts[FIVE_MINUTES], counts[ONE_HOUR])));
    if rows.is_empty() {
        let _infallible = writeln!(out, "no failed call in the last hour\n");
        return;
    }
    // The width of a name, of a status and of a number.
    let (wide, middle, narrow) = if terminal::width() < 70 { (12, 8, 6) } else { (16, 10, 7) };
    let heading = format!(
        "{:wide$} {:middle$} {:>narrow$} {:>narrow$} {:>narrow$} {:>narrow$}   failing",
        "provider", "status", "1 min", "5 min", "15 min", "1 h"
    );
    let _infallible = writeln!(out, "{}", styles.dim(&heading));
    for ((provider, status), counts) in &rows {
        let share = shares.get(provider).map(|share| format::percent(*share)).unwrap_or_default();
        let [one, five, fifteen, hour] = counts.map(format::count);
        let _infallible = writeln!(
            out,
            "{provider:wide$} {status:middle$} {one:>narrow$} {five:>narrow$} {fifteen:>narrow$} {hour:>narrow$}   {share}"
        );
    }
    out.push('\n');
}

/// Firing alerts, then pending ones.
fn open_alerts(alerts: &Value) -> impl Iterator<Item = &Value> {
    let of = |state: &'static str| {
        alerts["alerts"].as_array().into_iter().flatten().filter(move |alert| text(&alert["state"]) == state)
    };
    of("firing").chain(of("pending"))
}

fn alert_line(alert: &Value, styles: Styles) -> String {
    let state = text(&alert["state"]);
    let label = format!("{state:8} {:9} {:14} {}", text(&alert["severity"]), text(&alert["row"]), text(&alert["provider"]));
    let label = if state == "firing" { styles.red(&label) } else { styles.yellow(&label) };
    let since = time(&alert["since"]).map(|at| format!("since {}", format::clock(at, false))).unwrap_or_default();
    format!("{label}   {since}")
}

/// Everything that is known about one alert.
fn alert_details(alert: &Value, styles: Styles) -> Vec<String> {
    let mut lines = vec![alert_line(alert, styles), String::new()];
    let fields = [
        ("summary", "what"),
        ("fix", "fix"),
        ("next_step", "next"),
        ("description", "details"),
        ("evidence", "evidence"),
        ("runbook_url", "runbook"),
        ("error_url", "error"),
    ];
    for (key, name) in fields {
        for (index, part) in text(&alert[key]).lines().filter(|line| !line.trim().is_empty()).enumerate() {
            let name = if index == 0 { name } else { "" };
            let wrapped = layout::wrap(part, terminal::width() - 11, 11);
            lines.extend(format!("{name:<10} {wrapped}").lines().map(str::to_owned));
        }
    }
    lines
}

/// The open alerts with what to do.
fn write_alerts(out: &mut String, alerts: &Value, styles: Styles) {
    let mut has_alert = false;
    for alert in open_alerts(alerts) {
        has_alert = true;
        let _infallible = writeln!(out, "{}", alert_line(alert, styles));
        for (key, name) in [("summary", "what"), ("fix", "fix"), ("next_step", "next")] {
            if let Some(text) = alert[key].as_str().filter(|text| !text.is_empty()) {
                let _infallible = writeln!(out, "  {name:<5} {}", layout::wrap(text, terminal::width() - 8, 8));
            }
        }
    }
    if !has_alert {
        let _infallible = writeln!(out, "no alert");
    }
}

fn write_findings(out: &mut String, alerts: &Value, styles: Styles) {
    let findings = alerts["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !findings.is_empty() {
        let _infallible = writeln!(out, "\n{}", styles.dim("findings"));
    }
    for finding in findings.iter().take(MAX_FINDINGS) {
        let _infallible = writeln!(out, "- {}", layout::wrap(text(&finding["text"]), terminal::width() - 2, 2));
    }
    out.push('\n');
}

fn write_sources(out: &mut String, status: &Value, styles: Styles) {
    let now = Timestamp::from_system(SystemTime::now());
    let heading = format!("{:16} {:>6} {:>12}   last read", "source", "files", "unread");
    let _infallible = writeln!(out, "{}", styles.dim(&heading));
    for source in status["sources"].as_array().into_iter().flatten() {
        let last = time(&source["last_read"]);
        let last = last.map_or_else(|| "never".to_owned(), |at| format!("{} ago", format_compact(now.since(at))));
        let files = source["files"].as_u64().map(format::count).unwrap_or_default();
        let lag = source["lag_bytes"].as_u64().map(format::bytes).unwrap_or_default();
        let name = layout::pad(text(&source["name"]), 16);
        let _infallible = writeln!(out, "{name} {files:>6} {lag:>12}   {last}");
    }
}

/// The text of a JSON string; empty for any other value.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn time(value: &Value) -> Option<Timestamp> {
    match Stamp::parse(value.as_str()?.as_bytes())? {
        Stamp::Utc(at) => Some(at),
        _ => None,
    }
}
