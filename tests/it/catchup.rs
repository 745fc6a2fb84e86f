//! After downtime: the backlog is evaluated by event time, and only alerts that still fire are emitted.

use crate::replay::Setup;
use llm_triage::alert::{AlertOptions, State as AlertState, Transition};
use llm_triage::framing::StreamId;
use llm_triage::observation::SourceId;
use llm_triage::pipeline::{Chunk, Clock, Event, Output, Pipeline, State, StreamInfo};
use llm_triage::time::{Timestamp, Zone};

const START: i64 = 1_795_166_000;

/// The pipeline of a daemon. The test sends the events.
struct World {
    pipeline: Pipeline,
    transitions: Vec<Transition>,
    offsets: Vec<u64>,
}

impl World {
    fn new(streams: usize) -> Self {
        let pipeline = Setup { clock: Clock::Live, zone: Some(Zone::default()), streams, ..Setup::default() }.pipeline();
        Self { pipeline, transitions: Vec::new(), offsets: vec![0; streams] }
    }

    fn handle(&mut self, event: Event) {
        let mut out = Output::default();
        self.pipeline.handle(event, &mut out);
        self.transitions.append(&mut out.transitions);
    }

    /// Sends lines of one stream that arrive at `now`.
    fn read(&mut self, stream: usize, text: &str, now: i64) {
        let offset = self.offsets[stream];
        self.offsets[stream] += text.len() as u64;
        let bytes = text.as_bytes().to_vec().into();
        let stream = StreamId(u32::try_from(stream).expect("few"));
        self.handle(Event::Chunk(Chunk { stream, offset, bytes, arrived: at(now) }));
    }

    fn ticks(&mut self, from: i64, to: i64) {
        (from..=to).for_each(|second| self.handle(Event::Tick(at(second))));
    }

    /// Starts the next process.
    fn restart(self) -> Self {
        let state = serde_json::to_string(&self.pipeline.state()).expect("JSON");
        let state: State = serde_json::from_str(&state).expect("a state");
        let mut next = Self::new(self.offsets.len());
        next.offsets = self.offsets;
        let mut out = Output::default();
        next.pipeline.restore(state, AlertOptions::default(), &mut out);
        next.transitions.append(&mut out.transitions);
        next
    }

    fn notified(&self) -> Vec<String> {
        self.transitions
            .iter()
            .filter(|change| {
                change.to != AlertState::Pending && change.from != AlertState::Pending || change.to == AlertState::Firing
            })
            .map(|change| format!("{} {}", change.alert.row, change.to))
            .collect()
    }

    fn firing(&self) -> Vec<String> {
        let alerts = self.pipeline.snapshot().alerts;
        alerts.iter().filter(|alert| alert.state == AlertState::Firing).map(|alert| alert.row.clone()).collect()
    }

    fn window(&self, name: &str) -> u64 {
        let snapshot = self.pipeline.snapshot();
        let wanted = |view: &&llm_triage::pipeline::WindowView| view.window == name && view.status.is_none();
        snapshot.windows.iter().filter(wanted).map(|view| view.calls).sum()
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second)
}

fn call(second: i64, status: u16) -> String {
    let what = match status {
        200 => r#""level":"info","event":"llm_api_call""#,
        429 => r#""level":"error","event":"llm_api_error","error_code":"rate_limit_exceeded","error":"Rate limit reached""#,
        _ => r#""level":"error","event":"llm_api_error","error_code":"invalid_api_key","error":"Incorrect API key provided""#,
    };
    format!("{{\"timestamp\":\"{}\",\"provider\":\"openai\",\"status_code\":{status},{what}}}\n", at(second))
}

/// One call per second.
fn calls(from: i64, to: i64, status: u16) -> String {
    (from..to).map(|second| call(second, status)).collect()
}

fn catching_up(world: &mut World, streams: &[u32]) {
    world.handle(Event::CatchingUp(streams.iter().map(|stream| StreamId(*stream)).collect()));
}

#[test]
fn an_outage_that_began_and_ended_while_down_is_not_notified() {
    let mut world = World::new(1);
    world.read(0, &calls(START, START + 60, 200), START + 60);
    world.ticks(START + 60, START + 70);
    let mut world = world.restart();
    // Two hours later: an hour of 429s, and then forty minutes without errors.
    let now = START + 7_200;
    catching_up(&mut world, &[0]);
    world.read(0, &calls(START + 60, START + 1_200, 200), now);
    world.ticks(now, now + 1);
    world.read(0, &calls(START + 1_200, START + 4_800, 429), now + 1);
    world.read(0, &calls(START + 4_800, now, 200), now + 2);
    assert_eq!(world.notified(), Vec::<String>::new());
    world.handle(Event::CaughtUp(StreamId(0)));
    world.ticks(now + 3, now + 30);
    assert_eq!(world.notified(), Vec::<String>::new());
}

#[test]
fn an_outage_that_lasts_is_notified_with_its_own_start() {
    let mut world = World::new(1);
    world.read(0, &calls(START, START + 60, 200), START + 60);
    world.ticks(START + 60, START + 70);
    let mut world = world.restart();
    let now = START + 3_600;
    catching_up(&mut world, &[0]);
    world.read(0, &calls(START + 60, START + 3_000, 200), now);
    world.ticks(now, now + 2);
    world.read(0, &calls(START + 3_000, now, 429), now + 2);
    assert_eq!(world.notified(), Vec::<String>::new(), "nothing before the end of the backlog");
    world.handle(Event::CaughtUp(StreamId(0)));
    world.ticks(now + 3, now + 10);
    assert!(world.notified().contains(&"rate-limit firing".to_owned()), "{:?}", world.notified());
    let alert = world.transitions.iter().find(|change| change.alert.row == "rate-limit").expect("notified");
    assert_eq!(alert.alert.since, at(START + 3_000), "the alert starts with the outage");
}

/// An alert that fired before the restart continues without a notification, or resolves with one.
#[test]
fn an_alert_from_before_the_restart_resolves_by_the_backlog() {
    for (better, expected) in [(false, Vec::<String>::new()), (true, vec!["rate-limit resolved".to_owned()])] {
        let mut world = World::new(1);
        world.read(0, &calls(START, START + 60, 200), START + 60);
        for second in START + 60..START + 180 {
            world.read(0, &call(second, 429), second);
            world.handle(Event::Tick(at(second)));
        }
        assert!(world.firing().contains(&"rate-limit".to_owned()));
        let mut world = world.restart();
        let now = START + 1_800;
        catching_up(&mut world, &[0]);
        // Seconds pass while the backlog is read. They must not resolve the alert.
        world.ticks(now, now + 400);
        let status = if better { 200 } else { 429 };
        world.read(0, &calls(START + 180, now, status), now + 400);
        world.handle(Event::CaughtUp(StreamId(0)));
        world.ticks(now + 401, now + 402);
        let rate_limit: Vec<_> = world.notified().into_iter().filter(|text| text.starts_with("rate-limit")).collect();
        assert_eq!(rate_limit, expected, "better: {better}");
    }
}

#[test]
fn windows_are_the_same_as_without_a_restart() {
    let log = calls(START, START + 900, 200);
    let mut uninterrupted = World::new(1);
    for second in START..START + 900 {
        uninterrupted.read(0, &call(second, 200), second);
    }
    uninterrupted.ticks(START + 900, START + 905);
    let mut world = World::new(1);
    let (before, after) = log.split_at(log.len() / 3);
    world.read(0, before, START + 300);
    let mut world = world.restart();
    catching_up(&mut world, &[0]);
    world.read(0, after, START + 900);
    world.handle(Event::CaughtUp(StreamId(0)));
    world.ticks(START + 900, START + 905);
    for window in ["1m", "5m", "15m", "1h"] {
        assert_eq!(world.window(window), uninterrupted.window(window), "{window}");
    }
}

/// Of two files, the one with the end of the outage is read much later.
#[test]
fn files_of_a_backlog_may_be_read_one_after_the_other() {
    let mut world = World::new(2);
    world.read(0, &calls(START, START + 60, 200), START + 60);
    world.ticks(START + 60, START + 70);
    let mut world = world.restart();
    let now = START + 1_000;
    catching_up(&mut world, &[0, 1]);
    world.read(0, &calls(START + 60, START + 400, 429), now);
    world.handle(Event::CaughtUp(StreamId(0)));
    world.ticks(now, now + 30);
    world.read(1, &calls(START + 400, now, 200), now + 30);
    world.handle(Event::CaughtUp(StreamId(1)));
    world.ticks(now + 30, now + 40);
    assert_eq!(world.notified(), Vec::<String>::new());
}

#[test]
fn while_the_only_source_is_behind_its_own_time_is_the_clock() {
    let mut world = World::new(1);
    for second in START..START + 120 {
        world.read(0, &call(second, 401), second);
        world.handle(Event::Tick(at(second)));
    }
    assert!(world.firing().contains(&"auth".to_owned()));
    // The log continues and is read with a delay that grows beyond half an hour. By the wall clock, the alert would see no
    // errors for that time and resolve.
    world.handle(Event::Behind { stream: StreamId(0), source: SourceId(0), behind: true });
    for step in 0..60 {
        let (from, now) = (START + 120 + step * 2, START + 180 + step * 60);
        world.read(0, &calls(from, from + 2, 401), now);
        world.ticks(now, now + 59);
    }
    assert!(world.firing().contains(&"auth".to_owned()), "{:?}", world.notified());
    assert!(!world.notified().contains(&"silence firing".to_owned()), "{:?}", world.notified());
    let end = START + 180 + 3_600;
    world.read(0, &calls(START + 240, end, 200), end);
    world.handle(Event::Behind { stream: StreamId(0), source: SourceId(0), behind: false });
    world.ticks(end, end + 20);
    assert!(world.notified().contains(&"auth resolved".to_owned()), "{:?}", world.notified());
}

#[test]
fn a_source_that_is_behind_does_not_delay_the_others() {
    let mut world = World::new(1);
    let other = StreamInfo { source: SourceId(0), path: None, at_offset: 0, first_line: 1, encoding: Default::default() };
    world.handle(Event::Open(StreamId(1), other));
    world.offsets.push(0);
    world.handle(Event::Behind { stream: StreamId(1), source: SourceId(7), behind: true });
    for second in START..START + 60 {
        world.read(0, &call(second, 429), second);
        world.handle(Event::Tick(at(second)));
    }
    assert!(world.firing().contains(&"rate-limit".to_owned()), "{:?}", world.notified());
}

/// A clock that is set forward is not a silence. A clock that is set back does not stop time until it reaches the old value.
#[test]
fn a_clock_change_neither_fires_nor_blocks_alerts() {
    for step in [6_000, -6_000] {
        let mut world = World::new(1);
        // An hour and a half of calls, so that a silence would fire an alert.
        for second in (START..START + 5_400).step_by(20) {
            world.read(0, &call(second, 200), second);
            world.handle(Event::Tick(at(second)));
        }
        let now = START + 5_400 + step;
        world.handle(Event::ClockStep(at(now)));
        world.ticks(now, now + 20);
        assert_eq!(world.notified(), Vec::<String>::new(), "{step}");
        for second in now + 20..now + 100 {
            world.read(0, &call(second, 429), second);
            world.handle(Event::Tick(at(second)));
        }
        assert!(world.firing().contains(&"rate-limit".to_owned()), "{step}: {:?}", world.notified());
        assert_eq!(world.window("5m"), 80, "{step}");
    }
}
