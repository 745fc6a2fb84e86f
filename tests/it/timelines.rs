//! Time-lines as data: events in, transitions out with their instants. `tests/data/timelines.toml` says what the keys mean.

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
    let bad = format!("{line:?} is no part of a time-line");
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

/// A moment of a time-line: what a scrape would see.
pub(crate) struct ClockReading<'a> {
    pub(crate) second: i64,
    pub(crate) alerts: &'a Alerts,
}

impl Timeline {
    /// Every event with the second in which it arrives, in the order of arrival.
    fn arrivals(&self) -> Vec<(i64, Event)> {
        let delay = |at: i64| self.late.filter(|[from, to, _]| (*from..=*to).contains(&at)).map_or(0, |[_, _, by]| by);
        let mut all: Vec<_> = self.play.iter().flat_map(|it| events(it)).collect();
        all.sort_by_key(|it| it.milli);
        let mut all: Vec<_> = all.into_iter().map(|it| (it.milli / 1_000 + delay(it.milli / 1_000), it)).collect();
        all.sort_by_key(|(second, _)| *second);
        all
    }

    /// Plays it, second by second, and shows every second to `look`; `told` hears of every failed call.
    pub(crate) fn play(
        &self,
        look: &mut dyn FnMut(ClockReading<'_>),
        told: &mut dyn FnMut(&World, Event, Option<String>),
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
                // What came meanwhile is read first, and judged when all of it is.
                let state = serde_json::to_string(&alerts.state(world.lexicon(), now)).expect("plain values");
                let state: AlertsState = serde_json::from_str(&state).expect("its own state");
                alerts = Alerts::restore(table(), AlertOptions::default(), state, world.lexicon(), now, &mut out);
                alerts.set_catching_up(true, now, world.lexicon(), &mut out);
            }
            alerts.set_behind(within(self.behind, second));
            alerts.tick(now, world.lexicon(), &mut out);
            while let Some((_, event)) = arrivals.next_if(|(at, _)| *at <= second) {
                let moved = Event { milli: event.milli + shift(event.milli / 1_000) * 1_000, ..event };
                let seen = observation(&world, moved);
                let now = if restarts { now } else { now.max(seen.at) };
                let row = alerts.observe(&seen, world.lexicon(), now, &mut out);
                let row = row.and_then(|it| alerts.table().row(it)).map(|it| it.id.clone());
                told(&world, event, row);
            }
            if restarts {
                alerts.set_catching_up(false, now, world.lexicon(), &mut out);
            }
            look(ClockReading { second, alerts: &alerts });
        }
        out
    }

    fn check(&self) -> Option<String> {
        let out = self.play(&mut |_| {}, &mut |_, _, _| {});
        let line = |it: &Transition| {
            let reason = it.alert.reason.map_or_else(String::new, |it| format!(" {it}"));
            format!("{} {} {} {}{reason}", it.at.second() - START, it.alert.row, it.alert.provider, it.to)
        };
        let told: Vec<_> = out.iter().filter(|it| matches!(it.to, State::Firing | State::Resolved)).map(line).collect();
        (told != self.alerts).then(|| format!("[{}]\nalerts = {told:?}", self.name))
    }
}

/// What a scrape would have seen of a time-line, every so many seconds, and what the daemon said meanwhile.
#[derive(Default)]
struct Scrapes {
    /// Values by series.
    series: BTreeMap<String, Vec<f64>>,
    /// What fires in each second, as `LLMAuth openai`.
    firing: Vec<BTreeSet<String>>,
}

const SCRAPE: i64 = 15;

impl Timeline {
    /// Whether Prometheus could see it at all: one process, from beginning to end, with clocks that agree.
    fn is_plain(&self) -> bool {
        let Self { late, down, behind, step, rows, end, .. } = self;
        late.is_none() && down.is_none() && behind.is_none() && step.is_none() && rows.is_empty() && *end <= 2_500
    }

    fn scrapes(&self) -> Scrapes {
        let world = World::new();
        let counts: RefCell<BTreeMap<String, f64>> = RefCell::default();
        // The series of rows are born at 0, before anything happens.
        for row in world.table("").rows() {
            for provider in ["openai", "anthropic", "deepseek", "litellm"] {
                let name = format!("llm_triage_row_errors_total{{row=\"{}\",provider=\"{provider}\"}}", row.id);
                counts.borrow_mut().insert(name, 0.0);
            }
        }
        let mut scrapes = Scrapes::default();
        let count = |name: String| *counts.borrow_mut().entry(name).or_default() += 1.0;
        self.play(
            &mut |ClockReading { second, alerts }| {
                let shown = alerts.alerts(Timestamp::from_second(START + second), world.lexicon());
                let firing = shown.iter().filter(|it| it.state == State::Firing);
                scrapes.firing.push(firing.clone().map(|it| format!("{} {}", it.name, it.provider)).collect());
                if second % SCRAPE != 0 {
                    return;
                }
                let mut now: BTreeMap<String, f64> = counts.borrow().clone();
                for (row, provider, length) in alerts.storms() {
                    let (row, provider) = (&alerts.table().row(row).expect("a row").id, world.providers.id(provider));
                    now.insert(format!("llm_triage_row_storm_seconds{{row=\"{row}\",provider=\"{provider}\"}}"), length);
                }
                for it in firing {
                    let (row, provider, severity) = (&it.row, &it.provider, it.severity);
                    let labels = format!("row=\"{row}\",provider=\"{provider}\",severity=\"{severity}\",state=\"firing\"");
                    now.insert(format!("llm_triage_alert_state{{{labels}}}"), 1.0);
                }
                let scrape = usize::try_from(second / SCRAPE).expect("time goes on");
                for (name, value) in now {
                    let values = scrapes.series.entry(name).or_default();
                    // A gauge that was not there reads 0.
                    values.resize(scrape, 0.0);
                    values.push(value);
                }
                scrapes.series.values_mut().for_each(|it| it.resize(scrape + 1, 0.0));
            },
            &mut |_, event, row| {
                let (provider, word) = event.word.split_once(':').unwrap_or(("openai", event.word));
                if word.starts_with("try-") {
                    return;
                }
                let outcome = if word == "ok" { "success" } else { "error" };
                count(format!("llm_triage_requests_total{{provider=\"{provider}\",outcome=\"{outcome}\"}}"));
                row.into_iter()
                    .for_each(|row| count(format!("llm_triage_row_errors_total{{row=\"{row}\",provider=\"{provider}\"}}")));
            },
        );
        scrapes
    }
}

impl Scrapes {
    /// One test of `promtool`: the rules fire what the daemon does, but for a scrape and an evaluation.
    fn test(&self, name: &str) -> (String, usize) {
        let mut text = format!("  - interval: {SCRAPE}s\n    name: {name:?}\n    input_series:\n");
        for (series, values) in &self.series {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            text += &format!("      - series: '{series}'\n        values: '{}'\n", values.join(" "));
        }
        text += "    promql_expr_test:\n";
        let mut looks = 0;
        for at in (SCRAPE..self.firing.len() as i64).step_by(SCRAPE as usize) {
            let span = usize::try_from(at - 2 * SCRAPE).unwrap_or(0)..self.firing.len().min(at as usize + 1);
            let Some(expected) = self.firing.get(at as usize) else { continue };
            if !self.firing[span].iter().all(|it| it == expected) {
                continue;
            }
            looks += 1;
            text += &format!(
                "      - expr: 'count by (alertname, provider) (ALERTS{{alertstate=\"firing\"}})'\n        eval_time: {at}s\n        exp_samples: "
            );
            let sample = |it: &String| {
                let (alert, provider) = it.split_once(' ').expect("two words");
                format!("{{labels: '{{alertname=\"{alert}\",provider=\"{provider}\"}}', value: 1}}")
            };
            text += &format!("[{}]\n", expected.iter().map(sample).collect::<Vec<_>>().join(", "));
        }
        (text, looks)
    }
}

/// One time-line for both: the daemon, and Prometheus with the rules, scraped every 15 s. They fire the same alerts at the
/// same time, but for a scrape and an evaluation.
#[test]
fn the_rules_say_what_the_daemon_says() {
    let Some(promtool) = tool::find("promtool") else { return };
    let world = World::new();
    let options = RulesOptions { scrape_interval: Duration::from_secs(SCRAPE as u64), ..RulesOptions::default() };
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: String| std::fs::write(dir.path().join(name), text).expect("written");
    write("rules.yml", prometheus_rules(&world.table(""), &options));
    let plain: Vec<_> = all().into_iter().filter(Timeline::is_plain).collect();
    let (mut text, mut looks) = (format!("rule_files: [rules.yml]\nevaluation_interval: {SCRAPE}s\ntests:\n"), 0);
    for it in &plain {
        let (test, more) = it.scrapes().test(&it.name);
        text += &test;
        looks += more;
    }
    write("test.yml", text);
    assert!(plain.len() >= 50 && looks >= 2_000, "{} time-lines, {looks} looks", plain.len());
    let (good, said) = tool::run(Command::new(promtool).args(["test", "rules", "test.yml"]).current_dir(dir.path()), "");
    assert!(good, "{}", said.chars().take(6_000).collect::<String>());
}

#[test]
fn every_timeline_is_told_as_it_should_be() {
    let all = all();
    let faults: Vec<_> = all.iter().filter_map(Timeline::check).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n\n"));
    assert!(all.len() >= 60, "only {} time-lines", all.len());
    let names: BTreeSet<_> = all.iter().map(|it| &it.name).collect();
    assert_eq!(names.len(), all.len(), "two time-lines have one name");
    let world = World::new();
    let fired: BTreeSet<&str> = all.iter().flat_map(|it| &it.alerts).filter_map(|it| it.split(' ').nth(1)).collect();
    let table = world.table("");
    // What needs lines, or tells of this process itself, has its tests elsewhere.
    let rows = table.rows().iter().map(|it| it.id.as_str()).filter(|it| *it != "blind" && !it.starts_with("self-"));
    let missing: Vec<_> = rows.filter(|it| !fired.contains(it)).collect();
    assert!(missing.is_empty(), "no time-line fires {missing:?}");
}
