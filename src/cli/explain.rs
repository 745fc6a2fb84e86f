//! `explain`: what a status, a pattern id or an error text means, and what to do.

use super::args::Explain;
use super::{End, Trouble, patterns, style};
use crate::classify::{Classifier, Verdict};
use crate::config::load_patterns;
use crate::record::Reader;
use crate::taxonomy::{Provider, Status};
use std::fmt::Write as _;
use std::io::{IsTerminal, Read};

pub(super) fn run(args: &Explain) -> Result<End, Trouble> {
    let classifier = load_patterns(&args.patterns, &[]).map_err(Trouble::Config)?;
    let text = if args.what.is_empty() { from_stdin()? } else { args.what.join(" ") };
    let text = text.trim();
    if text.is_empty() {
        return Err(Trouble::Usage("name a status (529), a pattern id, or an error text; or pipe one in".to_owned()));
    }
    let catalog = classifier.catalog();
    let out = match catalog.by_id(text).and_then(|it| catalog.pattern(it)) {
        Some(pattern) => patterns::describe(pattern),
        None => explain(&classifier, text),
    };
    style::print(out.as_bytes())?;
    Ok(End::Good)
}

fn from_stdin() -> Result<String, Trouble> {
    const LIMIT: u64 = 1 << 20;
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Ok(String::new());
    }
    let mut bytes = Vec::new();
    stdin.lock().take(LIMIT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn explain(classifier: &Classifier, text: &str) -> String {
    let status = text.parse::<u16>().is_ok_and(|it| (100..=599).contains(&it)) || matches!(text, "timeout" | "connection");
    let record = if status { format!(r#"{{"level":"error","status":"{text}"}}"#) } else { text.to_owned() };
    let mut out = String::new();
    Reader::default().read(record.as_bytes(), &[], None, |record| {
        let verdict = classifier.explain(record);
        out.push_str(&show(classifier, &verdict));
    });
    if status {
        out.push_str(&others(classifier, text));
    }
    out
}

/// What to try where nothing is found.
const HINT: &str = "Give the whole text of the error, with its status, type and code; or look for a word of it in the \
                    catalogue: `llm-triage patterns list | grep -i WORD`. `llm-triage suggest` prints a pattern to fill in for \
                    errors of a log that none knows.";

fn show(classifier: &Classifier, verdict: &Verdict<'_>) -> String {
    let catalog = classifier.catalog();
    let mut rows: Vec<(&str, String)> = Vec::new();
    let pattern = verdict.judgement.pattern.and_then(|it| catalog.pattern(it));
    match pattern {
        Some(it) => rows.push(("error", format!("{} ({})", it.title, it.id))),
        None if verdict.judgement.status.and_then(Status::http).is_some_and(|it| it < 400) => {
            rows.push(("error", "none: this status says that all went well".to_owned()));
        }
        None => rows.push(("error", "no pattern knows this".to_owned())),
    }
    if verdict.judgement.provider != Provider::UNKNOWN {
        rows.push(("provider", catalog.providers().id(verdict.judgement.provider).to_owned()));
    }
    if let Some(status) = verdict.judgement.upstream_status.or(verdict.judgement.status) {
        rows.push(("status", status.label().to_string()));
    }
    if pattern.is_some() {
        rows.push(("category", verdict.judgement.category.to_string()));
        rows.push(("owner", style::owner(verdict.judgement.owner).to_owned()));
        rows.push(("retry", verdict.judgement.retry.to_string()));
    }
    if let Some(wait) = verdict.judgement.retry_after_s {
        rows.push(("wait", format!("{wait} s")));
    }
    if let Some(it) = pattern {
        rows.push(("meaning", it.meaning.clone()));
        rows.push(("fix", it.fix.clone()));
        rows.extend(it.docs.clone().map(|docs| ("docs", docs)));
    } else {
        rows.push(("hint", HINT.to_owned()));
    }
    if let Some(page) =
        catalog.providers().spec(verdict.judgement.provider).map(|it| &it.status_page).filter(|it| !it.is_empty())
    {
        rows.push(("status page", page.clone()));
    }
    let width = style::width();
    let mut out = String::new();
    for (name, text) in rows {
        let _infallible = writeln!(out, "{name:<12} {}", style::wrap(&text, width - 13, 13));
    }
    out
}

/// What else a status can mean, once a body or words are known.
fn others(classifier: &Classifier, status: &str) -> String {
    let mut out = String::new();
    let ids: Vec<_> = classifier
        .catalog()
        .patterns()
        .iter()
        .filter(|it| it.examples.iter().any(|example| mentions(example, status)))
        .collect();
    if ids.is_empty() {
        return out;
    }
    let _infallible =
        writeln!(out, "\n{status} comes with each of these {} too; give the whole text of the error to tell which:", ids.len());
    for it in ids.iter().take(40) {
        let _infallible = writeln!(out, "  {:44} {:8} retry {:8} {}", it.id, it.owner, it.retry, it.title);
    }
    if ids.len() > 40 {
        let _infallible = writeln!(out, "  … and {} more: llm-triage patterns list", ids.len() - 40);
    }
    out
}

fn mentions(example: &str, status: &str) -> bool {
    ["\"status\":", "\"status_code\":", "\"status_code\": ", "\"status\": ", "Error code: "]
        .iter()
        .any(|key| example.contains(&format!("{key}{status}")))
}
