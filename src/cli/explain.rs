//! `explain`: prints the meaning of a status, a pattern id or an error text, and the fix.

use super::args::Explain;
use super::exit::{CliError, Exit};
use super::{format, layout, output, patterns, terminal};
use crate::classify::{Classifier, Verdict};
use crate::config::load_patterns;
use crate::record::Reader;
use crate::taxonomy::{Provider, Status};
use std::fmt::Write as _;
use std::io::{IsTerminal, Read};

pub(super) fn run(args: &Explain) -> Result<Exit, CliError> {
    let classifier = load_patterns(&args.patterns, &[]).map_err(CliError::Config)?;
    let text = if args.what.is_empty() { read_stdin()? } else { args.what.join(" ") };
    let text = text.trim();
    if text.is_empty() {
        return Err(CliError::Usage("give a status (529), a pattern id or an error text, or pipe one in".to_owned()));
    }
    let catalog = classifier.catalog();
    let out = match catalog.by_id(text).and_then(|id| catalog.pattern(id)) {
        Some(pattern) => patterns::describe(pattern),
        None => explain(&classifier, text),
    };
    output::print(out.as_bytes())?;
    Ok(Exit::Success)
}

/// The text on standard input; empty on a terminal.
fn read_stdin() -> Result<String, CliError> {
    const MAX_BYTES: u64 = 1 << 20;
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Ok(String::new());
    }
    let mut bytes = Vec::new();
    stdin.lock().take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn explain(classifier: &Classifier, text: &str) -> String {
    let is_http = text.parse::<u16>().is_ok_and(|status| (100..=599).contains(&status));
    let is_status = is_http || matches!(text, "timeout" | "connection");
    let record = if is_status { format!(r#"{{"level":"error","status":"{text}"}}"#) } else { text.to_owned() };
    let mut out = String::new();
    Reader::default().read(record.as_bytes(), &[], None, |record| {
        let verdict = classifier.explain(record);
        out.push_str(&describe(classifier, &verdict));
    });
    if is_status {
        out.push_str(&other_patterns(classifier, text));
    }
    out
}

/// The next steps if no pattern matches.
const HINT: &str = "Give the whole text of the error, with its status, type and code; or search the catalogue for one of its \
                    words: `llm-triage patterns list | grep -i WORD`. `llm-triage suggest` prints a pattern to fill in for \
                    the unknown errors of a log.";

/// The verdict as a table of two columns.
fn describe(classifier: &Classifier, verdict: &Verdict<'_>) -> String {
    let catalog = classifier.catalog();
    let mut rows: Vec<(&str, String)> = Vec::new();
    let pattern = verdict.judgement.pattern.and_then(|id| catalog.pattern(id));
    match pattern {
        Some(pattern) => rows.push(("error", format!("{} ({})", pattern.title, pattern.id))),
        None if verdict.judgement.status.and_then(Status::http).is_some_and(|status| status < 400) => {
            rows.push(("error", "none: this status means success".to_owned()));
        }
        None => rows.push(("error", "unknown: no pattern matches".to_owned())),
    }
    if verdict.judgement.provider != Provider::UNKNOWN {
        rows.push(("provider", catalog.providers().id(verdict.judgement.provider).to_owned()));
    }
    if let Some(status) = verdict.judgement.upstream_status.or(verdict.judgement.status) {
        rows.push(("status", status.label().to_string()));
    }
    if pattern.is_some() {
        rows.push(("category", verdict.judgement.category.to_string()));
        rows.push(("owner", format::owner(verdict.judgement.owner).to_owned()));
        rows.push(("retry", verdict.judgement.retry.to_string()));
    }
    if let Some(wait) = verdict.judgement.retry_after_s {
        rows.push(("wait", format!("{wait} s")));
    }
    if let Some(pattern) = pattern {
        rows.push(("meaning", pattern.meaning.clone()));
        rows.push(("fix", pattern.fix.clone()));
        rows.extend(pattern.docs.clone().map(|docs| ("docs", docs)));
    } else {
        rows.push(("hint", HINT.to_owned()));
    }
    if let Some(provider) =
        catalog.providers().spec(verdict.judgement.provider).filter(|provider| !provider.status_page.is_empty())
    {
        rows.push(("status page", provider.status_page.clone()));
    }
    let width = terminal::width();
    let mut out = String::new();
    for (name, text) in rows {
        let _infallible = writeln!(out, "{name:<12} {}", layout::wrap(&text, width - 13, 13));
    }
    out
}

/// The other patterns with an example of this status: the body or the text of the error decides between them.
fn other_patterns(classifier: &Classifier, status: &str) -> String {
    const MAX_SHOWN: usize = 40;
    let mut out = String::new();
    let patterns: Vec<_> = classifier
        .catalog()
        .patterns()
        .iter()
        .filter(|pattern| pattern.examples.to_vec().iter().any(|example| mentions(example, status)))
        .collect();
    if patterns.is_empty() {
        return out;
    }
    let _infallible = writeln!(
        out,
        "\n{status} also occurs with {} patterns; give the whole text of the error to choose one of them:",
        patterns.len()
    );
    for pattern in patterns.iter().take(MAX_SHOWN) {
        let (id, owner, retry) = (&pattern.id, pattern.owner, pattern.retry);
        let _infallible = writeln!(out, "  {id:44} {owner:8} retry {retry:8} {}", pattern.title);
    }
    if patterns.len() > MAX_SHOWN {
        let _infallible = writeln!(out, "  … and {} more: llm-triage patterns list", patterns.len() - MAX_SHOWN);
    }
    out
}

fn mentions(example: &str, status: &str) -> bool {
    ["\"status\":", "\"status_code\":", "\"status_code\": ", "\"status\": ", "Error code: "]
        .iter()
        .any(|key| example.contains(&format!("{key}{status}")))
}
