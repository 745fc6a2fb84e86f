//! Timelines as data: events in, transitions with their times out. `tests/data/timelines.toml` explains the keys.

use crate::alert::{Event, START, World, observation};
use crate::tool;
use llm_triage::alert::{AlertOptions, Alerts, AlertsState, RulesOptions, State, Transition, prometheus_rules};
use llm_triage::time::Timestamp;
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    timeline: Vec<Timeline>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Timeline {
    pub(crate) name: String,
    play: Vec<String>,
    pub(crate) end: i64,
    alerts: Vec<String>,
    rows: String,
    late: Option<[i64; 3]>,
    down: Option<[i64; 2]>,
    behind: Option<[i64; 2]>,
    step: Option<[i64; 2]>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            name: String::new(),
            play: Vec::new(),
            end: 1_500,
            alerts: Vec::new(),
            rows: String::new(),
            late: None,
            down: None,
            behind: None,
            step: None,
        }
    }
}

pub(crate) fn all() -> Vec<Timeline> {
    let file: File = toml::from_str(include_str!("../data/timelines.toml")).expect("good TOML");
    file.timeline
}

/// `0-60 1s ok`, `61-75 1ms 429`, `20.5 401`: from, to, step, word.
fn events(line: &str) -> Vec<Event> {
    let bad = format!("invalid part {line:?} of a timeline");
    let milli = |text: &str| (text.parse::<f64>().expect(&bad) * 1_000.0).round() as i64;
    let words: Vec<&str> = line.split(' ').collect();
    let (when, word) = match words.as_slice() {
        [at, word] => ((milli(at), milli(at), 1), *word),
        [span, step, word] => {
            let (from, to) = span.split_once('-').expect(&bad);
            let step = match step.strip_suffix("ms") {
                Some(number) => number.parse().expect(&bad),
                None => milli(step.trim_end_matches('s')),
            };
            ((milli(from), milli(to), step), *word)
        }
        _ => panic!("{bad}"),
    };
    let word: &'static str = word.to_owned().leak();
    let (from, to, step) = when;
    (from..=to).step_by(step as usize).map(|milli| Event { milli, word }).collect()
}

/// One second of a timeline, as a scrape would see it.
pub(crate) struct ClockReading<'a> {
    pub(crate) second: i64,
    pub(crate) alerts: &'a Alerts,
}

impl Timeline {
    /// Every event with the second in which it arrives, in the order of arrival.
    fn arrivals(&self) -> Vec<(i64, Event)> {
        let delay = |at: i64| self.late.filter(|[from, to, _]| (*from..=*to).contains(&at)).map_or(0, |[_, _, by]| by);
        let mut all: Vec<_> = self.play.iter().flat_map(|part| events(part)).collect();
        all.sort_by_key(|event| event.milli);
        let mut all: Vec<_> = all.into_iter().map(|event| (event.milli / 1_000 + delay(event.milli / 1_000), event)).collect();
        all.sort_by_key(|(second, _)| *second);
        all
    }

    /// Plays the timeline. Calls `on_second` for every second, and `on_call` for every event with the row of a failed call.
    pub(crate) fn play(
        &self,
        on_second: &mut dyn FnMut(ClockReading<'_>),
        on_call: &mut dyn FnMut(&World, Event, Option<String>),
    ) -> Vec<Transition> {
        let world = World::new();
        let table = || world.table(&self.rows);
        let (mut alerts, mut out) = (Alerts::new(table(), AlertOptions::default()), Vec::new());
        let within = |span: Option<[i64; 2]>, second| span.is_some_and(|[from, to]| (from..to).contains(&second));
        let mut arrivals = self.arrivals().into_iter().peekable();
        let shift = |second: i64| self.step.filter(|[at, _]| second >= *at).map_or(0, |[_, by]| by);
        for second in 0..self.end {
            let now = Timestamp::from_second(START + second + shift(second));
            if within(self.down, second) {
                continue;
            }
            let restarts = self.down.is_some_and(|[_, to]| second == to);
            if restarts {
                // Events of the downtime are read first, and evaluated at the end.
                let state = serde_json::to_string(&alerts.state(world.names(), now)).expect("plain values");
                let state: AlertsState = serde_json::from_str(&state).expect("its own state");
                alerts = Alerts::restore(table(), AlertOptions::default(), state, world.names(), now, &mut out);
                alerts.set_catching_up(true, now, world.names(), &mut out);
            }
            alerts.set_behind(within(self.behind, second));
            alerts.tick(now, world.names(), &mut out);
            while let Some((_, event)) = arrivals.next_if(|(at, _)| *at <= second) {
                let moved = Event { milli: event.milli + shift(event.milli / 1_000) * 1_000, ..event };
                let seen = observation(&world, moved);
                let now = if restarts { now } else { now.max(seen.at) };
                let row = alerts.observe(&seen, world.names(), now, &mut out);
                let row = row.and_then(|id| alerts.table().row(id)).map(|row| row.id.clone());
                on_call(&world, event, row);
            }
            if restarts {
                alerts.set_catching_up(false, now, world.names(), &mut out);
            }
            on_second(ClockReading { second, alerts: &alerts });
        }
        out
    }

    fn check(&self) -> Option<String> {
        let out = self.play(&mut |_| {}, &mut |_, _, _| {});
        let line = |transition: &Transition| {
            let again = if transition.alert.quiet_until.is_some() { " again" } else { "" };
            let reason = transition.alert.reason.map_or_else(|| again.to_owned(), |reason| format!(" {reason}"));
            format!(
                "{} {} {} {}{reason}",
                transition.at.second() - START,
                transition.alert.row,
                transition.alert.provider,
                transition.to
            )
        };
        let emitted: Vec<_> =
            out.iter().filter(|transition| matches!(transition.to, State::Firing | State::Resolved)).map(line).collect();
        (emitted != self.alerts).then(|| format!("[{}]\nalerts = {emitted:?}", self.name))
    }
}

/// What Prometheus would have scraped during a timeline, and which alerts the daemon fired.
#[derive(Default)]
struct Scrapes {
    /// The scraped values of each series.
    series: BTreeMap<String, Vec<f64>>,
    /// The alerts that fire in each second, as `LLMAuth openai`.
    firing: Vec<BTreeSet<String>>,
}

/// The scrape interval, in seconds.
const SCRAPE: i64 = 15;

impl Timeline {
    /// Whether Prometheus could see the timeline: one process from beginning to end, with correct clocks.
    fn is_plain(&self) -> bool {
        let Self { late, down, behind, step, rows, end, .. } = self;
        late.is_none() && down.is_none() && behind.is_none() && step.is_none() && rows.is_empty() && *end <= 2_500
    }

    fn scrapes(&self) -> Scrapes {
        let world = World::new();
        let counts: RefCell<BTreeMap<String, f64>> = RefCell::default();
        let mut scrapes = Scrapes::default();
        let count = |name: String| *counts.borrow_mut().entry(name).or_default() += 1.0;
        self.play(
            &mut |ClockReading { second, alerts }| {
                let shown = alerts.alerts(Timestamp::from_second(START + second), world.names());
                // A reopened alert notifies no receiver, so its series has another state.
                let firing = shown.iter().filter(|alert| alert.state == State::Firing && alert.quiet_until.is_none());
                scrapes.firing.push(firing.clone().map(|alert| format!("{} {}", alert.name, alert.provider)).collect());
                if second % SCRAPE != 0 {
                    return;
                }
                let mut now: BTreeMap<String, f64> = counts.borrow().clone();
                for alert in firing {
                    let (row, provider, severity) = (&alert.row, &alert.provider, alert.severity);
                    let labels = format!("row=\"{row}\",provider=\"{provider}\",severity=\"{severity}\",state=\"firing\"");
                    now.insert(format!("llm_triage_alert_state{{{labels}}}"), 1.0);
                }
                let scrape = usize::try_from(second / SCRAPE).expect("seconds are positive");
                for (name, value) in now {
                    let values = scrapes.series.entry(name).or_default();
                    // A missing gauge counts as 0.
                    values.resize(scrape, 0.0);
                    values.push(value);
                }
                scrapes.series.values_mut().for_each(|values| values.resize(scrape + 1, 0.0));
            },
            &mut |_, event, row| {
                let (provider, word) = event.word.split_once(':').unwrap_or(("openai", event.word));
                if word.starts_with("try-") {
                    return;
                }
                let outcome = if word == "ok" { "success" } else { "error" };
                count(format!("llm_triage_requests_total{{provider=\"{provider}\",outcome=\"{outcome}\"}}"));
                if let Some(row) = row {
                    let labels = format!("row=\"{row}\",provider=\"{provider}\"");
                    let name = format!("llm_triage_row_last_failure_timestamp_seconds{{{labels}}}");
                    let second = (event.milli / 1_000) as f64;
                    let mut counts = counts.borrow_mut();
                    let last = counts.entry(name).or_default();
                    *last = second.max(*last);
                }
            },
        );
        scrapes
    }
}

impl Scrapes {
    /// One test for `promtool`: the rules fire the same alerts as the daemon, up to one scrape and one evaluation later.
    fn test(&self, name: &str) -> (String, usize) {
        let mut text = format!("  - interval: {SCRAPE}s\n    name: {name:?}\n    input_series:\n");
        for (series, values) in &self.series {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            text += &format!("      - series: '{series}'\n        values: '{}'\n", values.join(" "));
        }
        text += "    promql_expr_test:\n";
        let mut checks = 0;
        for at in (SCRAPE..self.firing.len() as i64).step_by(SCRAPE as usize) {
            let span = usize::try_from(at - 2 * SCRAPE).unwrap_or(0)..self.firing.len().min(at as usize + 1);
            let Some(expected) = self.firing.get(at as usize) else { continue };
            if !self.firing[span].iter().all(|firing| firing == expected) {
                continue;
            }
            checks += 1;
            text += &format!(
                "      - expr: 'count by (alertname, provider) (ALERTS{{alertstate=\"firing\"}})'\n        eval_time: {at}s\n        exp_samples: "
            );
            let sample = |sample: &String| {
                let (alert, provider) = sample.split_once(' ').expect("two words");
                format!("{{labels: '{{alertname=\"{alert}\",provider=\"{provider}\"}}', value: 1}}")
            };
            text += &format!("[{}]\n", expected.iter().map(sample).collect::<Vec<_>>().join(", "));
        }
        (text, checks)
    }
}

/// Plays each timeline to the daemon and to Prometheus with the rules and a scrape every 15 s. Both fire the same alerts at
/// the same time, up to one scrape and one evaluation.
#[test]
fn prometheus_rules_agree_with_the_daemon() {
    let Some(promtool) = tool::find("promtool") else { return };
    let world = World::new();
    let options = RulesOptions { scrape_interval: Duration::from_secs(SCRAPE as u64), ..RulesOptions::default() };
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: String| std::fs::write(dir.path().join(name), text).expect("written");
    write("rules.yml", prometheus_rules(&world.table(""), &options));
    let plain: Vec<_> = all().into_iter().filter(Timeline::is_plain).collect();
    let (mut text, mut checks) = (format!("rule_files: [rules.yml]\nevaluation_interval: {SCRAPE}s\ntests:\n"), 0);
    for timeline in &plain {
        let (test, more) = timeline.scrapes().test(&timeline.name);
        text += &test;
        checks += more;
    }
    write("test.yml", text);
    assert!(plain.len() >= 50 && checks >= 2_000, "{} timelines, {checks} checks", plain.len());
    let (good, said) = tool::run(Command::new(promtool).args(["test", "rules", "test.yml"]).current_dir(dir.path()), "");
    assert!(good, "{}", said.chars().take(6_000).collect::<String>());
}

#[test]
fn every_timeline_gives_the_expected_transitions() {
    let all = all();
    let faults: Vec<_> = all.iter().filter_map(Timeline::check).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n\n"));
    assert!(all.len() >= 60, "only {} timelines", all.len());
    let names: BTreeSet<_> = all.iter().map(|timeline| &timeline.name).collect();
    assert_eq!(names.len(), all.len(), "two timelines have the same name");
    let world = World::new();
    let fired: BTreeSet<&str> =
        all.iter().flat_map(|timeline| &timeline.alerts).filter_map(|alert| alert.split(' ').nth(1)).collect();
    let table = world.table("");
    // `silence`, which needs days of calls, `blind` and the rows about this process have other tests.
    let has_other_tests = |id: &str| ["silence", "blind"].contains(&id) || id.starts_with("self-");
    let rows = table.rows().iter().map(|row| row.id.as_str()).filter(|id| !has_other_tests(id));
    let missing: Vec<_> = rows.filter(|row| !fired.contains(row)).collect();
    assert!(missing.is_empty(), "no timeline fires {missing:?}");
}
