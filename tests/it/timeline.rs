//! Scripted incidents as bytes through the whole pipeline: each incident fires its rows, and near misses fire none.

use crate::replay::{Replayed, Setup};
use llm_triage::alert::{State, Transition};
use llm_triage::pipeline::{Clock, Event};
use llm_triage::time::{Stamp, Timestamp};
use serde::Deserialize;

const LOG: &str = include_str!("../data/timeline/timeline.jsonl");

/// One phase of the scripted timeline, and the rows that must fire in it.
#[derive(Debug, Deserialize)]
struct Phase {
    phase: String,
    start: String,
    end: String,
    first_line: u64,
    last_line: u64,
    errors: u64,
    expect: Option<Expected>,
}

#[derive(Debug, Deserialize)]
struct Expected {
    rows: Vec<ExpectedRow>,
}

#[derive(Debug, Deserialize)]
struct ExpectedRow {
    row: String,
    provider: String,
}

impl Phase {
    fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("../data/timeline/timeline.incidents.json")).expect("a list of phases")
    }

    fn holds(&self, at: Timestamp) -> bool {
        (second(&self.start)..=second(&self.end)).contains(&at.second())
    }

    fn expected(&self) -> impl Iterator<Item = String> {
        self.expect
            .iter()
            .flat_map(|expected| &expected.rows)
            .map(|row| format!("{}: {} {}", self.phase, row.row, row.provider))
    }
}

fn second(text: &str) -> i64 {
    match Stamp::parse(text.as_bytes()) {
        Some(Stamp::Utc(at)) => at.second(),
        other => panic!("{text}: {other:?}"),
    }
}

/// The log, followed by a successful call every ten seconds for 15 minutes, so that every alert resolves.
fn with_calm_after() -> String {
    let last = LOG.lines().next_back().expect("some lines");
    let (before, stamp) = last.split_once("\"timestamp\": \"").expect("every line has a time");
    let end = second(stamp.trim_end_matches(['"', '}']));
    let calm = (1..=90).map(|step| format!("{before}\"timestamp\": \"{}\"}}\n", Timestamp::from_second(end + step * 10)));
    LOG.to_owned() + &calm.collect::<String>()
}

/// `openai-503: unavailable openai`: the phase in which an alert began to fire, its row and its provider.
fn describe(phases: &[Phase], transition: &Transition) -> String {
    // A second is evaluated five seconds later, which may be in the next phase.
    let evaluated = Timestamp::from_second(transition.at.second() - 5);
    let at = transition.alert.since.max(evaluated);
    let phase = phases.iter().find(|phase| phase.holds(at)).map_or("none", |phase| &phase.phase);
    format!("{phase}: {} {}", transition.alert.row, transition.alert.provider)
}

#[test]
fn scripted_incidents_fire_their_rows_and_nothing_else() {
    let phases = Phase::all();
    let expected: Vec<_> = phases.iter().flat_map(Phase::expected).collect();
    let replayed = Setup::default().replay(with_calm_after().as_bytes());
    let of = |state| replayed.transitions().iter().filter(move |transition| transition.to == state);
    assert_eq!(of(State::Firing).map(|transition| describe(&phases, transition)).collect::<Vec<_>>(), expected);
    let mut rows: Vec<_> =
        of(State::Resolved).map(|transition| format!("{} {}", transition.alert.row, transition.alert.provider)).collect();
    rows.sort();
    let mut wanted: Vec<_> = expected.iter().filter_map(|line| line.split_once(": ")).map(|(_, row)| row.to_owned()).collect();
    wanted.sort();
    assert_eq!(rows, wanted, "every alert resolves within 15 minutes");
}

#[test]
fn every_scripted_failure_is_one_failed_call() {
    let mut replayed = Setup::default().replay(LOG.as_bytes());
    let verdicts = replayed.verdicts();
    for phase in Phase::all() {
        let within = |verdict: &&serde_json::Value| {
            (phase.first_line..=phase.last_line).contains(&verdict["line"].as_u64().unwrap_or(0))
        };
        let failed = verdicts.iter().filter(within).filter(|verdict| verdict["outcome"] == "error");
        assert_eq!(failed.count() as u64, phase.errors, "{}", phase.phase);
    }
    let tally = replayed.pipeline.tally();
    assert_eq!(tally.calls.values().sum::<u64>(), 1_068);
    assert_eq!(tally.attempts.values().sum::<u64>(), 0);
    assert_eq!(tally.unknown.values().sum::<u64>(), 0);
}

#[test]
fn a_log_in_chunks_gives_the_same_transitions() {
    let whole = Setup::default().replay(LOG.as_bytes());
    let mut pieces = Replayed::new(Setup::default().pipeline());
    let mut offset = 0;
    for piece in LOG.as_bytes().chunks(777) {
        pieces.chunk(0, offset, piece, Timestamp::default());
        offset += piece.len() as u64;
    }
    pieces.drain();
    assert_eq!(pieces.transitions(), whole.transitions());
    assert_eq!(pieces.out.verdicts, whole.out.verdicts);
}

#[test]
fn a_container_runtime_prefix_changes_nothing() {
    let lines = LOG.lines().map(|line| {
        let stamp = line.rsplit_once("\"timestamp\": \"").expect("every line has a time").1.trim_end_matches(['"', '}']);
        format!("{stamp} stdout F {line}\n")
    });
    let wrapped = Setup::default().replay(lines.collect::<String>().as_bytes());
    assert_eq!(wrapped.transitions(), Setup::default().replay(LOG.as_bytes()).transitions());
}

/// The same lines, each read when it was written, with a tick every second: the daemon and `report` emit the same
/// transitions at the same times.
#[test]
fn live_reading_and_replay_give_the_same_transitions() {
    let log = with_calm_after();
    let replayed = Setup::default().replay(log.as_bytes());
    let mut live = Replayed::new(Setup { clock: Clock::Live, ..Setup::default() }.pipeline());
    let (mut offset, mut now) = (0, None);
    for line in log.split_inclusive('\n') {
        let stamp = line.rsplit_once("\"timestamp\": \"").expect("every line has a time").1;
        let Some(Stamp::Utc(at)) = Stamp::parse(stamp.trim_end().trim_end_matches(['"', '}']).as_bytes()) else {
            panic!("{line}")
        };
        for second in now.unwrap_or(at.second())..at.second() {
            live.pipeline.handle(Event::Tick(Timestamp::from_second(second + 1)), &mut live.out);
        }
        now = Some(at.second());
        live.chunk(0, offset, line.as_bytes(), at);
        offset += line.len() as u64;
    }
    live.drain();
    let emitted = |replayed: &Replayed| -> Vec<String> {
        let transitions =
            replayed.transitions().iter().filter(|transition| matches!(transition.to, State::Firing | State::Resolved));
        transitions
            .map(|transition| {
                format!(
                    "{} {} {} {} {:?}",
                    transition.at, transition.alert.row, transition.alert.provider, transition.to, transition.alert.reason
                )
            })
            .collect()
    };
    assert_eq!(emitted(&live), emitted(&replayed));
}
