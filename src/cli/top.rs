//! `top`: shows the rates, alerts and sources of a running daemon, repainted until Ctrl-C; printed once if standard output
//! is not a terminal.

use super::args::Top;
use super::exit::{CliError, Exit};
use super::terminal::{self, Styles};
use super::{daemon_client, format, layout, output};
use crate::time::{Stamp, Timestamp, format_compact};
use crate::window::SlidingWindow;
use hyper::Uri;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::time::{Duration, SystemTime};

/// The columns of the table of rates.
const WINDOWS: [&str; 4] = SlidingWindow::SPANS;
/// The columns that sort the table; the share is that of five minutes.
const FIVE_MINUTES: usize = 1;
const ONE_HOUR: usize = 3;
/// The most findings that are shown.
const MAX_FINDINGS: usize = 5;

pub(super) fn run(args: &Top) -> Result<Exit, CliError> {
    let url: Uri =
        args.url.parse().map_err(|_| CliError::Usage(format!("invalid address {:?}; write http://HOST:PORT", args.url)))?;
    if url.scheme_str() != Some("http") || url.host().is_none() {
        return Err(CliError::Usage(format!("invalid address of a daemon {:?}; write http://HOST:PORT", args.url)));
    }
    let once = args.once || !io::stdout().is_terminal();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if once {
        let text = runtime.block_on(fetch(&args.url)).map_err(|error| {
            CliError::Failed(format!("{}: {error}; start one with `llm-triage run`, or name another with --url", args.url))
        })?;
        output::print(text.as_bytes())?;
        return Ok(Exit::Success);
    }
    runtime.block_on(repaint(args))
}

/// Shows the daemon again and again, until Ctrl-C or until standard output is closed.
async fn repaint(args: &Top) -> Result<Exit, CliError> {
    loop {
        // While a daemon restarts, the error is shown and the next request may succeed.
        let text = fetch(&args.url).await.unwrap_or_else(|error| format!("{}: {error}; retrying\n", args.url));
        match output::print(terminal::screen(&text, "enlarge the terminal to see them").as_bytes()) {
            Err(error) if output::is_closed(&error) => return Ok(Exit::Success),
            printed => printed?,
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(args.interval)) => {}
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Success),
        }
    }
}

/// Reads the API of the daemon and returns the text to show.
async fn fetch(url: &str) -> Result<String, String> {
    let status = daemon_client::get(url, "/api/v1/status").await?;
    let windows = daemon_client::get(url, "/api/v1/windows").await?;
    let alerts = daemon_client::get(url, "/api/v1/alerts").await?;
    let styles = Styles::for_stdout();
    let mut out = String::new();
    write_head(&mut out, url.trim_start_matches("http://").trim_end_matches('/'), &status, styles);
    write_rates(&mut out, &windows, styles);
    write_alerts(&mut out, &alerts, styles);
    write_findings(&mut out, &alerts, styles);
    write_sources(&mut out, &status, styles);
    Ok(out)
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
    let heading =
        format!("{:16} {:10} {:>7} {:>7} {:>7} {:>7}   failing", "provider", "status", "1 min", "5 min", "15 min", "1 h");
    let _infallible = writeln!(out, "{}", styles.dim(&heading));
    for ((provider, status), counts) in &rows {
        let share = shares.get(provider).map(|share| format::percent(*share)).unwrap_or_default();
        let [one, five, fifteen, hour] = counts.map(format::count);
        let _infallible = writeln!(out, "{provider:16} {status:10} {one:>7} {five:>7} {fifteen:>7} {hour:>7}   {share}");
    }
    out.push('\n');
}

/// Pending and firing alerts.
fn write_alerts(out: &mut String, alerts: &Value, styles: Styles) {
    let mut has_alert = false;
    for alert in alerts["alerts"].as_array().into_iter().flatten() {
        let state = text(&alert["state"]);
        if !matches!(state, "pending" | "firing") {
            continue;
        }
        has_alert = true;
        let label = format!("{state:8} {:9} {:14} {}", text(&alert["severity"]), text(&alert["row"]), text(&alert["provider"]));
        let label = if state == "firing" { styles.red(&label) } else { styles.yellow(&label) };
        let since = time(&alert["since"]);
        let since = since.map(|at| format!("since {}", format::clock(at, false))).unwrap_or_default();
        let _infallible = writeln!(out, "{label}   {since}");
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
