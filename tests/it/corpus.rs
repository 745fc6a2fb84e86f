//! The corpus: `tests/corpus/*.toml`. Log lines in; verdicts, counters and alerts out, on the log's own clock.
//!
//! A case checks only the keys that it has: `expect` has one entry per record, in order, with the fields of the verdict that
//! matter (the word `"other"` means a record that is not a call); `calls`, `attempts` and `errors` are whole maps; `alerts` are all
//! transitions to firing and resolved. In a `script`, a line is repeated over time, with `{ts}` for its time.

use crate::replay::{Replayed, Setup};
use llm_triage::alert::State;
use llm_triage::classify::Traffic;
use llm_triage::correlate::GrainRule;
use llm_triage::pipeline::Clock;
use llm_triage::time::{Stamp, Timestamp, Zone};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    log: String,
    #[serde(default)]
    script: Vec<Part>,
    #[serde(default)]
    traffic: Option<String>,
    #[serde(default)]
    grain: Option<String>,
    /// Hours east of UTC, for stamps without a zone.
    #[serde(default)]
    zone: Option<i32>,
    /// The log is read live, and every line arrives at this time.
    #[serde(default)]
    arrives: Option<String>,
    #[serde(default)]
    expect: Option<Vec<Expected>>,
    #[serde(default)]
    calls: Option<BTreeMap<String, u64>>,
    #[serde(default)]
    attempts: Option<BTreeMap<String, u64>>,
    #[serde(default)]
    errors: Option<BTreeMap<String, u64>>,
    #[serde(default)]
    skewed: Option<u64>,
    #[serde(default)]
    alerts: Option<Vec<String>>,
}

/// A line that is repeated between two times of 2026-11-20.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    from: String,
    to: String,
    every_s: f64,
    line: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    Word(String),
    Fields(BTreeMap<String, Value>),
}

#[test]
fn every_case_of_the_corpus_holds() {
    let mut faults = Vec::new();
    let mut names = Vec::new();
    for (file, case) in cases() {
        let mut case_faults = Vec::new();
        case.check(&mut case_faults);
        faults.extend(case_faults.into_iter().map(|fault| format!("{file}: {}: {fault}", case.name)));
        names.push(case.name);
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
    assert!(names.len() >= 60, "only {} cases were found", names.len());
    names.sort();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "two cases have one name");
}

fn cases() -> impl Iterator<Item = (String, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut paths: Vec<_> = fs::read_dir(folder).expect("the corpus").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| {
        let text = fs::read_to_string(&path).expect("a readable file");
        let file: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        file.case.into_iter().map(move |case| (name.clone(), case))
    })
}

impl Case {
    fn check(&self, faults: &mut Vec<String>) {
        let mut replayed = self.replay();
        if let Some(expect) = &self.expect {
            check_verdicts(expect, &replayed.verdicts(), faults);
        }
        let Replayed { pipeline, out } = &mut replayed;
        let tally = pipeline.tally().clone();
        let providers = pipeline.catalog().providers();
        let calls = tally.calls.iter().map(|((provider, outcome), n)| (format!("{} {outcome}", providers.id(*provider)), *n));
        check_counts("calls", self.calls.as_ref(), calls, faults);
        let attempts =
            tally.attempts.iter().map(|((provider, outcome), n)| (format!("{} {outcome}", providers.id(*provider)), *n));
        check_counts("attempts", self.attempts.as_ref(), attempts, faults);
        let errors = tally.errors.iter().map(|(key, n)| {
            (format!("{} {} {} {} {}", providers.id(key.provider), key.status, key.category, key.owner, key.retry), *n)
        });
        check_counts("errors", self.errors.as_ref(), errors, faults);
        if self.skewed.is_some_and(|skewed| skewed != tally.skewed) {
            faults.push(format!("{} stamps were not used", tally.skewed));
        }
        let notified = out.transitions.iter().filter(|transition| matches!(transition.to, State::Firing | State::Resolved));
        let alerts: Vec<_> = notified
            .map(|transition| {
                let alert = &transition.alert;
                let reason = alert.reason.map_or_else(String::new, |reason| format!(" {reason}"));
                let at = transition.at.to_string();
                let time = at.get(11..19).unwrap_or_default();
                format!("{time} {} {} {}{reason}", alert.row, alert.provider, transition.to)
            })
            .collect();
        if self.alerts.as_ref().is_some_and(|expected| *expected != alerts) {
            faults.push(format!("alerts are {alerts:?}"));
        }
    }

    fn replay(&self) -> Replayed {
        let word = |text: &Option<String>| text.clone().unwrap_or_default();
        let setup = Setup {
            traffic: Traffic::from_text(&word(&self.traffic)).unwrap_or(Traffic::Llm),
            grain: GrainRule::from_text(&word(&self.grain)).unwrap_or(GrainRule::Auto),
            zone: self.zone.map(|hours| Zone::fixed(hours * 3_600)),
            clock: if self.arrives.is_some() { Clock::Live } else { Clock::Replay },
            ..Setup::default()
        };
        let log = if self.script.is_empty() { self.log.clone() } else { script(&self.script) };
        let arrived = self.arrives.as_deref().map_or_else(Timestamp::default, time);
        let mut replayed = Replayed::new(setup.pipeline());
        replayed.chunk(0, 0, log.trim_start_matches('\n').as_bytes(), arrived);
        replayed.drain();
        replayed
    }
}

/// The lines of all parts, in the order of their times.
fn script(parts: &[Part]) -> String {
    let mut lines = Vec::new();
    for part in parts {
        let (from, to) = (time(&part.from), time(&part.to));
        for at in 0.. {
            let at = from.plus(Duration::from_secs_f64(part.every_s * f64::from(at)));
            if at > to {
                break;
            }
            lines.push((at, part.line.replace("{ts}", &at.to_string())));
        }
    }
    lines.sort();
    lines.into_iter().map(|(_, line)| line + "\n").collect()
}

fn time(text: &str) -> Timestamp {
    match Stamp::parse(format!("2026-11-20T{text}Z").as_bytes()) {
        Some(Stamp::Utc(at)) => at,
        other => panic!("{text} is not a time of day: {other:?}"),
    }
}

fn check_verdicts(expect: &[Expected], verdicts: &[Value], faults: &mut Vec<String>) {
    if expect.len() != verdicts.len() {
        let got: Vec<_> =
            verdicts.iter().map(|row| format!("line {}: {} {}", row["line"], row["outcome"], row["message"])).collect();
        return faults.push(format!("{} records, not {}: {got:?}", verdicts.len(), expect.len()));
    }
    for (expected, verdict) in expect.iter().zip(verdicts) {
        let mut fault = |key: &str, wanted: &dyn std::fmt::Display| {
            faults.push(format!("line {}: {key} is {}, not {wanted}", verdict["line"], verdict[key]));
        };
        match expected {
            Expected::Word(word) if verdict["outcome"] != *word => fault("outcome", word),
            Expected::Word(_) => {}
            Expected::Fields(fields) => {
                for (key, wanted) in fields {
                    // TOML has no null: `false` is written instead, because no key of a verdict is a boolean.
                    let wanted = if *wanted == Value::Bool(false) { &Value::Null } else { wanted };
                    let holds = match (key.as_str(), verdict.get(key)) {
                        ("says", _) => {
                            let message = verdict["message"].as_str().unwrap_or_default();
                            wanted.as_str().is_some_and(|part| message.contains(part))
                        }
                        (_, Some(found)) => found == wanted || found.as_f64().is_some() && found.as_f64() == wanted.as_f64(),
                        (_, None) => false,
                    };
                    if !holds {
                        fault(if key == "says" { "message" } else { key }, wanted);
                    }
                }
            }
        }
    }
}

fn check_counts(
    what: &str,
    expected: Option<&BTreeMap<String, u64>>,
    found: impl Iterator<Item = (String, u64)>,
    faults: &mut Vec<String>,
) {
    let found: BTreeMap<_, _> = found.filter(|(_, number)| *number > 0).collect();
    if expected.is_some_and(|expected| *expected != found) {
        faults.push(format!("{what} are {found:?}"));
    }
}
