//! Storms and the alert state machine: scripts of calls second by second, and the transitions they give.

use llm_triage::alert::{AlertOptions, Alerts, AlertsState, NameTable, RowSpec, SelfRow, State, Table, Transition, parse};
use llm_triage::classify::{Lines, Pattern};
use llm_triage::observation::{Evidence, Name, Observation, PatternId};
use llm_triage::taxonomy::{Category, Ending, Grain, Outcome, Owner, Provider, ProviderSpec, Providers, Retry, Status};
use llm_triage::time::Timestamp;
use proptest::prelude::*;

pub(crate) const START: i64 = 1_795_000_000;

/// The providers and patterns of the scripts.
pub(crate) struct World {
    pub(crate) providers: Providers,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) sources: Vec<String>,
}

impl World {
    pub(crate) fn new() -> Self {
        let spec = |id: &str| ProviderSpec { id: id.to_owned(), ..ProviderSpec::default() };
        let relay = ProviderSpec { relay: true, self_hosted: true, ..spec("litellm") };
        let specs = [spec("openai"), spec("anthropic"), spec("deepseek"), relay];
        let pattern = |id: &str, category, owner, tags: &[&str]| Pattern {
            id: id.to_owned(),
            title: format!("{id}, in words"),
            category,
            owner,
            implies: None,
            retry: Retry::Depends,
            meaning: String::new(),
            fix: format!("how to fix {id}"),
            docs: None,
            providers: Vec::new(),
            words: Vec::new(),
            examples: Lines::default(),
            near: Lines::default(),
            covers: Vec::new(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            file: String::new(),
            line: 0,
            own: false,
        };
        let patterns = vec![
            pattern("anthropic-overloaded", Category::RateLimitCapacity, Owner::Provider, &["overload"]),
            pattern("openai-rate-limit", Category::RateLimitCapacity, Owner::Account, &[]),
            pattern("deepseek-empty-choices", Category::ProviderQuirk, Owner::Provider, &["hollow"]),
            pattern("openai-empty-messages", Category::RequestFormat, Owner::Caller, &[]),
            pattern("openai-invalid-key", Category::Auth, Owner::Account, &[]),
        ];
        Self { providers: Providers::new(specs).expect("good ids"), patterns, sources: vec!["app".to_owned()] }
    }

    pub(crate) fn names(&self) -> NameTable<'_> {
        NameTable { patterns: &self.patterns, providers: &self.providers, sources: &self.sources }
    }

    pub(crate) fn provider(&self, id: &str) -> Provider {
        self.providers.by_name(id).expect("a provider of the tests")
    }

    pub(crate) fn pattern(&self, id: &str) -> Option<PatternId> {
        let position = self.patterns.iter().position(|pattern| pattern.id == id).expect("a pattern of the tests");
        u16::try_from(position).ok().map(PatternId)
    }

    pub(crate) fn table(&self, user: &str) -> Table {
        let user: Vec<RowSpec> = if user.is_empty() { Vec::new() } else { parse(user).expect("good TOML") };
        Table::build(&user, self.names()).expect("good rows")
    }

    pub(crate) fn alerts(&self) -> Alerts {
        Alerts::new(self.table(""), AlertOptions::default())
    }
}

/// One event of a script: a fraction of a second after the start, and a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) milli: i64,
    pub(crate) word: &'static str,
}

/// Parses `ok` or the name of a failure, with `provider:` in front if it is not openai.
pub(crate) fn observation(world: &World, event: Event) -> Observation {
    let at = Timestamp::from_micros((START * 1_000 + event.milli) * 1_000);
    let (provider, word) = event.word.split_once(':').unwrap_or(("openai", event.word));
    let (grain, word) = word.strip_prefix("try-").map_or((Grain::Call, word), |word| (Grain::Attempt, word));
    let mut seen = Observation { provider: world.provider(provider), grain, ..Observation::new(at) };
    if let Some(seconds) = word.strip_prefix("took-") {
        let (latency_s, model) = (seconds.parse().ok(), Name::new("gpt-5"));
        return Observation { outcome: Outcome::Success, latency_s, output_tokens: Some(500), model, ..seen };
    }
    let good = match word {
        "ok" => Some(None),
        "whole" => Some(Some(Ending::Complete)),
        "truncated" => Some(Some(Ending::Truncated)),
        _ => None,
    };
    if let Some(ending) = good {
        return Observation { outcome: Outcome::Success, ending, ..seen };
    }
    let http = |code| Some(Status::Http(code));
    let (status, category, owner) = match word {
        "429" => (http(429), Category::RateLimitCapacity, Owner::Account),
        "500" => (http(500), Category::NetworkInfrastructure, Owner::Provider),
        "503" => (http(503), Category::NetworkInfrastructure, Owner::Provider),
        "401" => (http(401), Category::Auth, Owner::Account),
        "402" => (http(402), Category::BillingAccount, Owner::Account),
        "400" => (http(400), Category::RequestFormat, Owner::Caller),
        "403" => (http(403), Category::Auth, Owner::Account),
        "502" => (http(502), Category::NetworkInfrastructure, Owner::Provider),
        "529" => (http(529), Category::RateLimitCapacity, Owner::Provider),
        "504" => (http(504), Category::NetworkInfrastructure, Owner::Provider),
        "timeout" => (Some(Status::Timeout), Category::NetworkInfrastructure, Owner::Network),
        "offline" => (Some(Status::Connection), Category::NetworkInfrastructure, Owner::Network),
        "hollow" => (http(200), Category::ProviderQuirk, Owner::Provider),
        "cut" => (http(200), Category::Streaming, Owner::Provider),
        "refused" => (http(400), Category::ContentPolicy, Owner::Caller),
        "strange" => (http(418), Category::Unknown, Owner::Unknown),
        "tool" => (None, Category::ToolUse, Owner::Tool),
        "relay" => (http(500), Category::ClientTool, Owner::Gateway),
        other => panic!("unknown word {other} in a script"),
    };
    seen.evidence = Some(Box::new(Evidence { message: format!("it says {word}"), ..Evidence::default() }));
    seen.pattern = if word == "hollow" { world.pattern("deepseek-empty-choices") } else { None };
    Observation { outcome: Outcome::Error, status, category, owner, ..seen }
}

/// `word` every `step` milliseconds from `from` to `to` seconds, both included.
fn every(step: i64, from: i64, to: i64, word: &'static str) -> Vec<Event> {
    (from * 1_000..=to * 1_000).step_by(step as usize).map(|milli| Event { milli, word }).collect()
}

fn script(parts: &[Vec<Event>]) -> Vec<Event> {
    let mut events = parts.concat();
    events.sort_by_key(|event| event.milli);
    events
}

/// Plays a script with a tick every second until `end`, and collects every transition.
fn play(world: &World, alerts: &mut Alerts, events: &[Event], (from, end): (i64, i64), out: &mut Vec<Transition>) {
    let mut events = events.iter().copied().skip_while(|event| event.milli < from * 1_000).peekable();
    for second in from..end {
        let now = Timestamp::from_second(START + second);
        alerts.tick(now, world.names(), out);
        while let Some(event) = events.next_if(|event| event.milli < (second + 1) * 1_000) {
            let seen = observation(world, event);
            alerts.observe(&seen, world.names(), seen.at, out);
        }
    }
}

/// `35 rate-limit openai firing`: the second, the row, the provider, the new state and the reason.
fn lines(transitions: &[Transition]) -> Vec<String> {
    let line = |transition: &Transition| {
        let reason = transition.alert.reason.map_or_else(String::new, |reason| format!(" {reason}"));
        format!(
            "{} {} {} {}{reason}",
            transition.at.second() - START,
            transition.alert.row,
            transition.alert.provider,
            transition.to
        )
    };
    transitions
        .iter()
        .filter(|transition| transition.from != State::Pending || transition.to != State::Inactive)
        .map(line)
        .collect()
}

/// Compares the transitions of a script, except those to pending.
fn check(parts: &[Vec<Event>], end: i64, expected: &[&str]) {
    let world = World::new();
    let (mut alerts, mut out) = (world.alerts(), Vec::new());
    play(&world, &mut alerts, &script(parts), (0, end), &mut out);
    out.retain(|transition| transition.to != State::Pending);
    assert_eq!(lines(&out), expected);
}

/// A provider that works: one call a second.
fn healthy(from: i64, to: i64) -> Vec<Event> {
    every(1_000, from, to, "ok")
}

#[test]
fn fifteen_seconds_of_429_never_fire() {
    check(&[healthy(0, 60), every(1_000, 61, 75, "429"), healthy(76, 700)], 700, &[]);
    check(&[every(1, 61, 75, "429"), every(1, 76, 200, "ok")], 200, &[]);
    // Nor do they fire if no call follows that shows the end.
    check(&[healthy(0, 60), every(1_000, 61, 75, "429")], 3_000, &[]);
}

#[test]
fn thirty_seconds_of_429_fire_and_resolve_when_few_of_the_latest_calls_have_failed() {
    let parts = [healthy(0, 60), every(1_000, 61, 100, "429"), healthy(101, 800)];
    // Calls fail from 61 on; the storm is 30 s long at 91 and evaluated five seconds later. At 390, fewer than 15 of
    // the latest 300 calls have failed.
    check(&parts, 800, &["96 rate-limit openai firing", "395 rate-limit openai resolved recovered"]);
    let busy = [every(10, 0, 60, "ok"), every(1, 61, 100, "429"), every(10, 101, 800, "ok")];
    check(&busy, 800, &["96 rate-limit openai firing", "405 rate-limit openai resolved recovered"]);
}

/// Which alerts fired and resolved, without the times.
fn played(parts: &[Vec<Event>], end: i64) -> Vec<String> {
    let world = World::new();
    let mut out = Vec::new();
    play(&world, &mut world.alerts(), &script(parts), (0, end), &mut out);
    out.retain(|transition| transition.to != State::Pending);
    lines(&out).iter().filter_map(|line| line.split_once(' ')).map(|(_, change)| change.to_owned()).collect()
}

#[test]
fn single_failures_of_a_healthy_provider_hold_no_alert() {
    let incident = [healthy(0, 599), every(1_000, 600, 690, "429")];
    let fired = ["rate-limit openai firing", "outage openai firing", "outage openai resolved recovered"];
    let noise = |step| [incident.concat(), healthy(691, 2_000), every(step, 700, 2_000, "429")];
    let resolved = [fired.as_slice(), &["rate-limit openai resolved recovered"]].concat();
    assert_eq!(played(&noise(250_000), 1_100), resolved, "one call in 250");
    assert_eq!(played(&noise(30_000), 1_100), resolved, "one call in 30");
    assert_eq!(played(&noise(12_000), 2_000), fired, "one call in 12 is more than half of the row's share");
}

#[test]
fn failures_by_chance_never_fire_and_many_do() {
    let mut state = 1_u64;
    let mut random = |percent: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % 100 < percent
    };
    let mut calls = |percent| -> Vec<Event> {
        (0..20_000).map(|second| Event { milli: second * 1_000, word: if random(percent) { "429" } else { "ok" } }).collect()
    };
    assert_eq!(played(&[calls(3)], 20_000), Vec::<String>::new());
    assert_eq!(played(&[calls(20)], 20_000), ["rate-limit openai firing"]);
}

#[test]
fn a_slow_client_whose_every_call_fails_does_fire() {
    check(&[every(60_000, 0, 480, "503")], 500, &["185 unavailable openai firing"]);
    // Three failures are too few, however long they last.
    check(&[every(60_000, 0, 120, "503")], 700, &[]);
}

#[test]
fn few_failures_among_many_calls_are_no_storm() {
    check(&[every(100, 0, 600, "ok"), every(2_000, 0, 600, "429")], 600, &[]);
    check(&[every(100, 0, 600, "ok"), every(500, 0, 600, "429")], 600, &["35 rate-limit openai firing"]);
}

#[test]
fn three_500s_within_ten_seconds_fire() {
    let at =
        |seconds: &[i64]| seconds.iter().map(|second| Event { milli: second * 1_000 + 500, word: "500" }).collect::<Vec<_>>();
    check(&[healthy(0, 60), at(&[20, 25, 30])], 60, &["35 server-error openai firing"]);
    check(&[healthy(0, 60), at(&[20, 25, 31])], 60, &[]);
    check(&[healthy(0, 60), at(&[20, 30])], 60, &[]);
    check(&[at(&[20, 20, 20])], 60, &["25 server-error openai firing"]);
    // Three in ten thousand calls are too few.
    check(&[every(1, 0, 30, "ok"), at(&[20, 22, 24])], 60, &[]);
}

#[test]
fn auth_and_billing_fire_on_arrival() {
    let one = |milli, word| vec![Event { milli, word }];
    let parts = [healthy(0, 60), one(20_300, "401"), healthy(61, 1_000)];
    check(&parts, 1_000, &["20 auth openai firing", "625 auth openai resolved recovered"]);
    check(&[one(300, "402")], 4_000, &["0 billing openai firing", "3605 billing openai resolved quiet"]);
    // If successes were logged before, only a success or a day without calls ends the alert.
    check(
        &[healthy(0, 60), one(61_300, "402")],
        90_000,
        &["61 billing openai firing", "86466 billing openai resolved expired"],
    );
    // A success at another provider does not end it.
    check(&[healthy(0, 9), one(10_000, "401"), every(1_000, 11, 2_000, "anthropic:ok")], 2_000, &["10 auth openai firing"]);
}

#[test]
fn a_flap_within_keep_firing_is_one_alert() {
    let storms = [every(1_000, 0, 40, "429"), healthy(41, 239), every(1_000, 240, 260, "429"), healthy(261, 900)];
    check(&storms, 900, &["35 rate-limit openai firing", "554 rate-limit openai resolved recovered"]);
}

#[test]
fn a_storm_that_nothing_follows_ends_by_itself() {
    // The storm closes 15 minutes after its last failure, at 40 + 900; five minutes later the alert resolves.
    check(
        &[healthy(0, 1), every(1_000, 2, 40, "429")],
        3_000,
        &["37 rate-limit openai firing", "1245 rate-limit openai resolved expired"],
    );
    check(&[every(1_000, 0, 40, "429")], 3_000, &["35 rate-limit openai firing", "1245 rate-limit openai resolved quiet"]);
}

#[test]
fn nearly_all_calls_failing_is_an_outage() {
    let mixed =
        |from, to| [every(4_000, from, to, "503"), every(4_000, from + 1, to, "timeout"), every(4_000, from + 2, to, "400")];
    let [a, b, c] = mixed(0, 100);
    let once = vec![Event { milli: 0, word: "ok" }];
    let rows = ["65 unavailable openai firing", "65 outage openai firing", "66 timeout openai firing"];
    check(&[once, a.clone(), b.clone(), c.clone()], 120, &rows);
    // Where successes are never logged, the share of failing calls is unknown.
    check(&[a, b, c], 120, &[rows[0], rows[2]]);
    // One success in five calls is not an outage.
    let [a, b, c] = mixed(0, 100);
    let out = [a, b, c, every(4_000, 3, 100, "ok")];
    check(&out, 120, &["65 unavailable openai firing", "66 timeout openai firing"]);
    // Failures of rows that fire at the first failure are not an outage in addition.
    check(&[every(1_000, 0, 200, "401")], 220, &["0 auth openai firing"]);
}

#[test]
fn retries_that_carry_the_load_fire() {
    let parts = [every(1_000, 0, 400, "try-429"), every(1_000, 0, 400, "try-ok"), healthy(0, 400)];
    check(&parts, 420, &["305 absorbed openai firing"]);
    // With a fallback, the call succeeds at another provider.
    let fallback = [every(1_000, 0, 400, "try-429"), every(1_000, 0, 400, "anthropic:ok")];
    check(&fallback, 420, &["305 absorbed openai firing"]);
    // If the calls fail too, the attempts are not absorbed.
    let failing = [every(1_000, 0, 400, "try-429"), every(1_000, 0, 400, "429"), every(1_000, 0, 400, "anthropic:ok")];
    check(&failing, 420, &["35 rate-limit openai firing"]);
}

const DAY: i64 = 86_400;

/// Plays calls with a tick per call only, and one at `end`.
fn play_days(world: &World, alerts: &mut Alerts, calls: &[Event], end: i64, out: &mut Vec<Transition>) {
    for event in calls {
        let seen = observation(world, *event);
        alerts.observe(&seen, world.names(), seen.at, out);
    }
    alerts.tick(Timestamp::from_second(START + end), world.names(), out);
}

fn silences(parts: &[Vec<Event>], end: i64) -> Vec<String> {
    let world = World::new();
    let mut out = Vec::new();
    play_days(&world, &mut world.alerts(), &script(parts), end, &mut out);
    lines(&out)
}

#[test]
fn calls_that_always_came_and_stop_are_noticed() {
    let two_days = every(60_000, 0, 180_000, "ok");
    // Twenty gaps of a minute.
    let fired = "181205 silence openai firing";
    assert_eq!(silences(std::slice::from_ref(&two_days), 190_000), [fired]);
    let resumed = every(60_000, 182_000, 182_100, "ok");
    assert_eq!(silences(&[two_days.clone(), resumed], 183_000), [fired, "182005 silence openai resolved recovered"]);
    let resumed = every(60_000, 181_190, 182_100, "ok");
    assert_eq!(silences(&[two_days, resumed], 183_000), Vec::<String>::new(), "a pause shorter than twenty gaps");
}

#[test]
fn nobody_expects_calls_at_a_time_without_calls() {
    let batch = |day: i64, length: i64| every(60_000, day * DAY, day * DAY + length, "ok");
    let nights: Vec<_> = (0..9).map(|day| batch(day, 3_600)).collect();
    assert_eq!(silences(&nights, 9 * DAY), Vec::<String>::new(), "the batch ends each day");
    let last = [nights.as_slice(), &[batch(9, 1_200)]].concat();
    assert_eq!(silences(&last, 9 * DAY + 4_000), ["780005 silence openai firing"], "the batch breaks off");
    let hours = every(60_000, 0, 4 * 3_600, "ok");
    assert_eq!(silences(&[hours], DAY), Vec::<String>::new(), "before two days are known");
}

#[test]
fn silence_is_not_evaluated_while_it_is_asleep() {
    let world = World::new();
    let (mut alerts, mut out) = (world.alerts(), Vec::new());
    let calls = every(60_000, 0, 180_000, "ok");
    play_days(&world, &mut alerts, &calls, 180_000, &mut out);
    alerts.set_silence_asleep(true);
    play_days(&world, &mut alerts, &[], 184_000, &mut out);
    assert_eq!(lines(&out), Vec::<String>::new());
    // After that, the wait for missing calls starts again.
    alerts.set_silence_asleep(false);
    play_days(&world, &mut alerts, &[], 186_000, &mut out);
    assert_eq!(lines(&out), ["185200 silence openai firing"]);
}

#[test]
fn records_of_trouble_that_are_not_understood_fire() {
    // Every so many seconds, a record that is not understood, and one that is.
    let blind = |strange: i64, understood: i64| {
        let world = World::new();
        let (mut alerts, mut out) = (world.alerts(), Vec::new());
        for second in 0..400 {
            let now = Timestamp::from_second(START + second);
            alerts.tick(now, world.names(), &mut out);
            if second % strange == 0 {
                alerts.note_trouble(now, false);
            }
            if second % understood == 0 {
                alerts.note_trouble(now, true);
            }
        }
        lines(&out)
    };
    // Twenty records, of which half are not understood.
    assert_eq!(blind(10, 1_000), ["185 blind llm-triage firing"]);
    assert_eq!(blind(10, 20), ["125 blind llm-triage firing"]);
    assert_eq!(blind(10, 9), [""; 0], "more than half are understood");
    assert_eq!(blind(17, 1_000), [""; 0], "nineteen records in five minutes");
}

#[test]
fn a_fault_of_this_process_fires_its_row() {
    let world = World::new();
    let (mut alerts, mut out) = (world.alerts(), Vec::new());
    let at = |second| Timestamp::from_second(START + second);
    play(&world, &mut alerts, &[], (0, 10), &mut out);
    alerts.set_self(SelfRow::Losing, true, "3 kB of app.log rotated away", at(10));
    play(&world, &mut alerts, &[], (10, 20), &mut out);
    alerts.set_self(SelfRow::Losing, false, "", at(20));
    play(&world, &mut alerts, &[], (20, 900), &mut out);
    assert_eq!(lines(&out), ["15 self-losing llm-triage firing", "620 self-losing llm-triage resolved recovered"]);
    assert!(out[0].alert.description.contains("3 kB of app.log"), "{}", out[0].alert.description);
}

#[test]
fn nothing_resolves_while_a_source_is_behind() {
    let world = World::new();
    let (mut alerts, mut out) = (world.alerts(), Vec::new());
    let events = script(&[every(1_000, 0, 40, "429"), healthy(41, 1_000)]);
    play(&world, &mut alerts, &events, (0, 100), &mut out);
    alerts.set_behind(true);
    play(&world, &mut alerts, &events, (100, 900), &mut out);
    out.retain(|transition| transition.to != State::Pending);
    assert_eq!(lines(&out), ["35 rate-limit openai firing"]);
    alerts.set_behind(false);
    play(&world, &mut alerts, &events, (900, 910), &mut out);
    assert_eq!(lines(&out).last().map(String::as_str), Some("900 rate-limit openai resolved recovered"));
}

#[test]
fn after_a_backlog_only_alerts_that_still_fire_are_emitted() {
    let world = World::new();
    let now = Timestamp::from_second(START + 2_000);
    let catch_up = |alerts: &mut Alerts, events: &[Event]| {
        let mut out = Vec::new();
        alerts.set_catching_up(true, now, world.names(), &mut out);
        for event in events {
            alerts.observe(&observation(&world, *event), world.names(), now, &mut out);
        }
        assert_eq!(lines(&out), Vec::<String>::new(), "nothing is emitted while the backlog is read");
        alerts.set_catching_up(false, now, world.names(), &mut out);
        lines(&out)
    };
    // In one file, a storm and an invalid key of half an hour ago, both over; in another file, a storm that lasts. The
    // files are read one after the other, not in the order of time.
    let over =
        script(&[every(1_000, 100, 160, "429"), every(10_000, 170, 1_990, "ok"), vec![Event { milli: 200_000, word: "401" }]]);
    let lasting = every(5_000, 1_800, 1_990, "anthropic:503");
    let mut alerts = world.alerts();
    let emitted = catch_up(&mut alerts, &[lasting.clone(), over.clone()].concat());
    assert_eq!(emitted, ["2000 unavailable anthropic firing"]);
    // An alert that fired before the downtime and is over now is resolved, once.
    let mut out = Vec::new();
    let mut alerts = world.alerts();
    play(&world, &mut alerts, &every(1_000, 0, 60, "429"), (0, 70), &mut out);
    assert_eq!(catch_up(&mut alerts, &over), ["2000 rate-limit openai resolved recovered"]);
}

#[test]
fn late_events_count_with_their_own_times() {
    let world = World::new();
    let late = |delay: i64, events: &[Event]| {
        let (mut alerts, mut out) = (world.alerts(), Vec::new());
        for second in 0..1_500 {
            let now = Timestamp::from_second(START + second);
            alerts.tick(now, world.names(), &mut out);
            for event in events.iter().filter(|event| event.milli / 1_000 + delay == second) {
                alerts.observe(&observation(&world, *event), world.names(), now, &mut out);
            }
        }
        out.retain(|transition| transition.to == State::Firing);
        lines(&out)
    };
    let storm = every(1_000, 0, 40, "429");
    assert_eq!(late(20, &storm), ["51 rate-limit openai firing"]);
    let short = script(&[every(1_000, 0, 15, "429"), healthy(16, 200)]);
    assert_eq!(late(20, &short), Vec::<String>::new());
    // Events so late that their storm would be over already.
    assert_eq!(late(1_000, &storm), Vec::<String>::new());
}

#[test]
fn a_reload_keeps_the_state_of_unchanged_rows() {
    let world = World::new();
    let (mut alerts, mut out) = (world.alerts(), Vec::new());
    let events = script(&[every(1_000, 0, 300, "429"), every(1_000, 0, 300, "deepseek:401")]);
    play(&world, &mut alerts, &events, (0, 100), &mut out);
    out.clear();
    let now = Timestamp::from_second(START + 100);
    // A new row in front shifts the ids of all others; `rate-limit` only has another text.
    let reworded = world.table(
        "[[escalation]]\nid = 'mine'\nmatch = { service = 'none-such' }\n[[escalation]]\nid = 'rate-limit'\naction = 'Wait.'",
    );
    alerts.reload(reworded, AlertOptions::default(), world.names(), now, &mut out);
    assert_eq!(lines(&out), Vec::<String>::new());
    play(&world, &mut alerts, &events, (100, 120), &mut out);
    assert_eq!(lines(&out), Vec::<String>::new());
    let shown = alerts.alerts(now, world.names());
    let shown = shown.iter().find(|alert| alert.row == "rate-limit").expect("still firing");
    assert!(shown.next_step.starts_with("Wait."), "{}", shown.next_step);
    let without = world.table("[[escalation]]\nid = 'rate-limit'\nenabled = false");
    alerts.reload(without, AlertOptions::default(), world.names(), Timestamp::from_second(START + 120), &mut out);
    assert_eq!(lines(&out), ["120 rate-limit openai resolved config"]);
    out.clear();
    play(&world, &mut alerts, &events, (120, 300), &mut out);
    assert_eq!(lines(&out), Vec::<String>::new(), "calls still belong to a disabled row, but it raises no alert");
}

#[test]
fn an_alert_says_what_to_do() {
    let world = World::new();
    let (mut alerts, mut out) = (world.alerts(), Vec::new());
    for second in 0..40 {
        let at = Timestamp::from_second(START + second);
        let evidence = Evidence {
            message: "Rate limit reached for gpt-5".to_owned(),
            request_id: Some(format!("req_{second}")),
            host: Some("node-7".to_owned()),
            key_hint: Some("9f3c".to_owned()),
            ..Evidence::default()
        };
        let seen = Observation {
            pattern: world.pattern("openai-rate-limit"),
            model: "gpt-5".into(),
            service: "checkout".into(),
            evidence: Some(Box::new(evidence)),
            ..observation(&world, Event { milli: second * 1_000, word: "429" })
        };
        alerts.observe(&seen, world.names(), at, &mut out);
    }
    let alert = &out.last().expect("it fires").alert;
    assert_eq!((alert.name.as_str(), alert.provider.as_str(), alert.since.second()), ("LLMRateLimit", "openai", START));
    assert_eq!(alert.summary, "openai: rate limit reached: openai-rate-limit, in words");
    assert_eq!(alert.next_step, "Retry with back-off and honour Retry-After. Escalation: switch provider.");
    assert_eq!((alert.fix.as_str(), alert.failures), ("how to fix openai-rate-limit", 31));
    let clears = "It clears when fewer than 5 % of the calls fail so, over 5 minutes or the latest 100 calls";
    assert!(alert.description.contains(clears), "{}", alert.description);
    for part in [
        "models: gpt-5 35",
        "services: checkout",
        "hosts: node-7",
        "statuses: 429",
        "req_0, req_1",
        "…9f3c",
        "Rate limit reached",
    ] {
        assert!(alert.evidence.contains(part), "{part}: {}", alert.evidence);
    }
    assert_eq!(alert.runbook_url, "docs/runbooks/rate-limit.md");
}

/// The healthy minute before a storm does not lower the share that its alert names.
#[test]
fn the_share_in_a_text_is_that_of_the_storm() {
    let world = World::new();
    let mut out = Vec::new();
    let half = script(&[healthy(0, 60), every(2_000, 61, 181, "429"), every(2_000, 62, 180, "ok")]);
    play(&world, &mut world.alerts(), &half, (0, 120), &mut out);
    let alert = &out.iter().find(|transition| transition.to == State::Firing).expect("it fires").alert;
    let said = "16 failed calls (52 % of its calls since then), 16 in the last minute.";
    assert!(alert.description.contains(said), "{}", alert.description);
    assert_eq!(alert.share, Some(16.0 / 31.0));
}

#[test]
fn an_alert_quotes_findings_and_names_the_owner() {
    let world = World::new();
    let (mut alerts, mut out) = (world.alerts(), Vec::new());
    for second in 0..80 {
        let at = Timestamp::from_second(START + second);
        alerts.tick(at, world.names(), &mut out);
        let word = if second < 60 { "ok" } else { "401" };
        let pattern = if word == "401" { world.pattern("openai-invalid-key") } else { None };
        let seen =
            Observation { service: "checkout".into(), pattern, ..observation(&world, Event { milli: second * 1_000, word }) };
        alerts.observe(&seen, world.names(), at, &mut out);
    }
    // The first message is emitted at the first refusal, and says what is known by then.
    assert!(
        out[0].alert.evidence.contains("before: 60 calls of checkout succeeded, the last at "),
        "{}",
        out[0].alert.evidence
    );
    let now = &alerts.alerts(Timestamp::from_second(START + 80), world.names())[0];
    assert!(now.description.contains("Owner: account; checkout: 60 calls succeeded until "), "{}", now.description);
    assert!(now.evidence.contains("found: checkout: 60 calls succeeded until "), "{}", now.evidence);
    assert!(now.evidence.ends_with("example: it says 401"), "{}", now.evidence);
}

/// Plays refused keys of services, and returns what the receivers are to be notified of: `100 firing`, `3700 again`.
fn refusals(calls: &[(i64, &str)], end: i64) -> Vec<String> {
    let world = World::new();
    let (mut alerts, mut out, mut calls) = (world.alerts(), Vec::new(), calls.iter().peekable());
    let mut seen = Vec::new();
    for second in 0..end {
        let at = Timestamp::from_second(START + second);
        let mut play = |word, service: &str| {
            let call = Observation { service: service.into(), ..observation(&world, Event { milli: second * 1_000, word }) };
            alerts.observe(&call, world.names(), at, &mut out);
        };
        play("ok", "search");
        while let Some((_, service)) = calls.next_if(|(due, _)| *due <= second) {
            play("401", service);
        }
        let now = alerts.alerts(at, world.names());
        let state = now.first().map_or("", |alert| match (alert.state, alert.quiet_until) {
            (State::Firing, Some(_)) => "again",
            (state, _) => state.as_str(),
        });
        assert!(now.len() <= 1, "an alert that is open again is shown once: {now:?}");
        if seen.last().is_none_or(|line: &String| line.split_once(' ').is_none_or(|(_, last)| last != state)) {
            seen.push(format!("{second} {state}"));
        }
    }
    seen.retain(|line| !line.ends_with(' '));
    seen
}

#[test]
fn an_alert_that_fires_again_is_quiet_only_for_the_causes_that_it_had() {
    let same = refusals(&[(100, "batch"), (2_000, "batch")], 2_300);
    assert_eq!(same, ["100 firing", "705 resolved", "2000 again"]);
    let other = refusals(&[(100, "batch"), (2_000, "checkout")], 2_300);
    assert_eq!(other, ["100 firing", "705 resolved", "2000 firing"]);
    // The key of another service is refused while the alert is quiet.
    let joined = refusals(&[(100, "batch"), (2_000, "batch"), (2_200, "checkout")], 2_300);
    assert_eq!(joined, ["100 firing", "705 resolved", "2000 again", "2200 firing"]);
    // What the first alert had is no news for the second.
    let both = refusals(&[(100, "batch"), (101, "checkout"), (2_000, "batch"), (2_200, "checkout")], 2_300);
    assert_eq!(both, ["100 firing", "706 resolved", "2000 again"]);
}

#[test]
fn a_reopened_alert_keeps_its_start() {
    let world = World::new();
    let (mut alerts, mut out) = (world.alerts(), Vec::new());
    let events = script(&[healthy(0, 3_000), every(1_000, 100, 100, "401"), every(1_000, 2_000, 2_000, "401")]);
    play(&world, &mut alerts, &events, (0, 3_000), &mut out);
    out.retain(|transition| transition.to == State::Firing);
    let starts: Vec<_> = out.iter().map(|transition| transition.alert.fired_at.map(|at| at.second() - START)).collect();
    assert_eq!(starts, [Some(100), Some(100)]);
    assert_eq!(out[1].alert.quiet_until.map(|at| at.second() - START), Some(100 + 4 * 3_600));
    let said = "It has fired before and fires again: receivers are reminded at 2026-";
    assert!(out[1].alert.description.contains(said), "{}", out[1].alert.description);
    assert!(!out[0].alert.description.contains("fires again"), "{}", out[0].alert.description);
}

#[test]
fn alerts_can_be_kept_per_service() {
    let world = World::new();
    let options = AlertOptions { by_service: true, ..AlertOptions::default() };
    let (mut alerts, mut out) = (Alerts::new(world.table(""), options), Vec::new());
    for second in 0..60 {
        for (service, word) in [("checkout", "429"), ("search", "ok")] {
            let seen = Observation { service: service.into(), ..observation(&world, Event { milli: second * 1_000, word }) };
            alerts.observe(&seen, world.names(), seen.at, &mut out);
        }
    }
    out.retain(|transition| transition.to == State::Firing);
    assert_eq!(lines(&out), ["35 rate-limit openai firing"]);
    assert_eq!(out[0].alert.service.as_deref(), Some("checkout"));
}

/// A script with many kinds of events, for the properties.
fn eventful() -> Vec<Event> {
    script(&[
        healthy(0, 1_500),
        every(700, 61, 120, "429"),
        every(900, 400, 415, "429"),
        every(3_000, 500, 508, "500"),
        every(2_000, 600, 700, "deepseek:503"),
        vec![Event { milli: 650_250, word: "anthropic:401" }],
        every(10_000, 660, 1_400, "anthropic:ok"),
        every(5_000, 300, 800, "anthropic:timeout"),
        every(1_000, 1_510, 1_580, "400"),
        every(1_000, 1_581, 1_800, "ok"),
        vec![Event { milli: 1_600_250, word: "anthropic:401" }],
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Stopping at any second, saving and restoring the state gives the same transitions.
    #[test]
    fn a_restart_leaves_no_trace(stop in 1i64..1_900) {
        let world = World::new();
        let events = eventful();
        let (mut whole, mut expected) = (world.alerts(), Vec::new());
        play(&world, &mut whole, &events, (0, 1_900), &mut expected);
        let (mut first, mut out) = (world.alerts(), Vec::new());
        play(&world, &mut first, &events, (0, stop), &mut out);
        let now = Timestamp::from_second(START + stop);
        let json = serde_json::to_string(&first.state(world.names(), now)).expect("plain values");
        let state: AlertsState = serde_json::from_str(&json).expect("its own state");
        let options = AlertOptions::default();
        let mut second = Alerts::restore(world.table(""), options, state, world.names(), now, &mut out);
        play(&world, &mut second, &events, (stop, 1_900), &mut out);
        prop_assert_eq!(out, expected);
        prop_assert_eq!(second.state(world.names(), now), whole.state(world.names(), now));
    }

    /// Events that arrive out of order by less than the lateness bound give the same transitions at the same instants;
    /// rows that fire at once do so on arrival.
    #[test]
    fn the_order_of_arrival_does_not_matter(delays in proptest::collection::vec(0i64..4_000, 64)) {
        let world = World::new();
        let events = eventful();
        let arrive = |delays: &[i64]| {
            let delay = |(position, event): (usize, &Event)| (event.milli + delays[position * 7 % delays.len()], *event);
            let mut arrivals: Vec<_> = events.iter().enumerate().map(delay).collect();
            arrivals.sort_by_key(|(milli, _)| *milli);
            let (mut alerts, mut out) = (world.alerts(), Vec::new());
            // The clock starts before the first event.
            alerts.tick(Timestamp::from_second(START), world.names(), &mut out);
            for (milli, event) in arrivals {
                let now = Timestamp::from_micros((START * 1_000 + milli) * 1_000);
                alerts.observe(&observation(&world, event), world.names(), now, &mut out);
            }
            alerts.tick(Timestamp::from_second(START + 2_500), world.names(), &mut out);
            let (at_once, others): (Vec<_>, Vec<_>) = out.into_iter().partition(|transition| transition.alert.row == "auth" && transition.to == State::Firing);
            (at_once.len(), lines(&others))
        };
        prop_assert_eq!(arrive(&delays), arrive(&[0]));
    }
}
