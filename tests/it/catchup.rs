//! After downtime: the backlog is read by event time, and only what is still true is told.

use crate::replay::Setup;
use llm_triage::alert::{AlertOptions, State as AlertState, Transition};
use llm_triage::framing::StreamId;
use llm_triage::observation::SourceId;
use llm_triage::pipeline::{Chunk, Clock, Event, Output, Pipeline, State, StreamInfo};
use llm_triage::time::{Timestamp, Zone};

const START: i64 = 1_795_166_000;

/// A daemon's pipeline, fed by hand.
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

    /// Lines of one stream, which arrive now.
    fn read(&mut self, stream: usize, text: &str, now: i64) {
        let offset = self.offsets[stream];
        self.offsets[stream] += text.len() as u64;
        let bytes = text.as_bytes().to_vec().into();
        let stream = StreamId(u32::try_from(stream).expect("few"));
        self.handle(Event::Chunk(Chunk { stream, offset, bytes, arrived: at(now) }));
    }

    fn ticks(&mut self, from: i64, to: i64) {
        (from..=to).for_each(|it| self.handle(Event::Tick(at(it))));
    }

    /// The next process, at a later time.
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

    fn told(&self) -> Vec<String> {
        self.transitions
            .iter()
            .filter(|it| it.to != AlertState::Pending && it.from != AlertState::Pending || it.to == AlertState::Firing)
            .map(|it| format!("{} {}", it.alert.row, it.to))
            .collect()
    }

    fn firing(&self) -> Vec<String> {
        let alerts = self.pipeline.snapshot().alerts;
        alerts.iter().filter(|it| it.state == AlertState::Firing).map(|it| it.row.clone()).collect()
    }

    fn window(&self, name: &str) -> u64 {
        let snapshot = self.pipeline.snapshot();
        let wanted = |it: &&llm_triage::pipeline::WindowView| it.window == name && it.status.is_none();
        snapshot.windows.iter().filter(wanted).map(|it| it.calls).sum()
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

/// One call a second from one second to another.
fn calls(from: i64, to: i64, status: u16) -> String {
    (from..to).map(|it| call(it, status)).collect()
}

fn catching_up(world: &mut World, streams: &[u32]) {
    world.handle(Event::CatchingUp(streams.iter().map(|it| StreamId(*it)).collect()));
}

#[test]
fn trouble_that_came_and_went_while_nobody_looked_is_not_told() {
    let mut world = World::new(1);
    world.read(0, &calls(START, START + 60, 200), START + 60);
    world.ticks(START + 60, START + 70);
    let mut world = world.restart();
    // Two hours later: an hour of 429s lies between, and all is well again since forty minutes.
    let now = START + 7_200;
    catching_up(&mut world, &[0]);
    world.read(0, &calls(START + 60, START + 1_200, 200), now);
    world.ticks(now, now + 1);
    world.read(0, &calls(START + 1_200, START + 4_800, 429), now + 1);
    world.read(0, &calls(START + 4_800, now, 200), now + 2);
    assert_eq!(world.told(), Vec::<String>::new());
    world.handle(Event::CaughtUp(StreamId(0)));
    world.ticks(now + 3, now + 30);
    assert_eq!(world.told(), Vec::<String>::new());
}

#[test]
fn trouble_that_lasts_is_told_once_with_its_own_beginning() {
    let mut world = World::new(1);
    world.read(0, &calls(START, START + 60, 200), START + 60);
    world.ticks(START + 60, START + 70);
    let mut world = world.restart();
    let now = START + 3_600;
    catching_up(&mut world, &[0]);
    world.read(0, &calls(START + 60, START + 3_000, 200), now);
    world.ticks(now, now + 2);
    world.read(0, &calls(START + 3_000, now, 429), now + 2);
    assert_eq!(world.told(), Vec::<String>::new(), "nothing before the end of the backlog");
    world.handle(Event::CaughtUp(StreamId(0)));
    world.ticks(now + 3, now + 10);
    assert!(world.told().contains(&"rate-limit firing".to_owned()), "{:?}", world.told());
    let alert = world.transitions.iter().find(|it| it.alert.row == "rate-limit").expect("told");
    assert_eq!(alert.alert.since, at(START + 3_000), "it began when the trouble did");
}

/// An alert that fired before the restart goes on without a word, or ends with one.
#[test]
fn an_alert_from_before_ends_only_where_the_backlog_says_so() {
    for (better, told) in [(false, Vec::<String>::new()), (true, vec!["rate-limit resolved".to_owned()])] {
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
        // Seconds pass while the backlog is read: they must not end what was not read to its end.
        world.ticks(now, now + 400);
        let status = if better { 200 } else { 429 };
        world.read(0, &calls(START + 180, now, status), now + 400);
        world.handle(Event::CaughtUp(StreamId(0)));
        world.ticks(now + 401, now + 402);
        let rate_limit: Vec<_> = world.told().into_iter().filter(|it| it.starts_with("rate-limit")).collect();
        assert_eq!(rate_limit, told, "better: {better}");
    }
}

#[test]
fn windows_are_as_if_it_had_never_been_away() {
    let log = calls(START, START + 900, 200);
    let mut never_away = World::new(1);
    for second in START..START + 900 {
        never_away.read(0, &call(second, 200), second);
    }
    never_away.ticks(START + 900, START + 905);
    let mut world = World::new(1);
    let (before, after) = log.split_at(log.len() / 3);
    world.read(0, before, START + 300);
    let mut world = world.restart();
    catching_up(&mut world, &[0]);
    world.read(0, after, START + 900);
    world.handle(Event::CaughtUp(StreamId(0)));
    world.ticks(START + 900, START + 905);
    for window in ["1m", "5m", "15m", "1h"] {
        assert_eq!(world.window(window), never_away.window(window), "{window}");
    }
}

/// Of two files one is read first and the other, with the end of the trouble, much later.
#[test]
fn files_of_a_backlog_may_come_one_after_the_other() {
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
    assert_eq!(world.told(), Vec::<String>::new());
}

#[test]
fn while_the_only_source_is_behind_its_own_time_counts_and_nothing_resolves() {
    let mut world = World::new(1);
    for second in START..START + 120 {
        world.read(0, &call(second, 401), second);
        world.handle(Event::Tick(at(second)));
    }
    assert!(world.firing().contains(&"auth".to_owned()));
    // The log goes on well, and is read with a delay that grows beyond half an hour: without a clock of its own all of the
    // calm would have passed unread.
    world.handle(Event::Behind { stream: StreamId(0), source: SourceId(0), behind: true });
    for step in 0..60 {
        let (from, now) = (START + 120 + step * 2, START + 180 + step * 60);
        world.read(0, &calls(from, from + 2, 401), now);
        world.ticks(now, now + 59);
    }
    assert!(world.firing().contains(&"auth".to_owned()), "{:?}", world.told());
    assert!(!world.told().contains(&"silence firing".to_owned()), "{:?}", world.told());
    let end = START + 180 + 3_600;
    world.read(0, &calls(START + 240, end, 200), end);
    world.handle(Event::Behind { stream: StreamId(0), source: SourceId(0), behind: false });
    world.ticks(end, end + 20);
    assert!(world.told().contains(&"auth resolved".to_owned()), "{:?}", world.told());
}

/// One slow file does not hold up the alerts of the others.
#[test]
fn a_source_that_is_behind_does_not_delay_the_others() {
    let mut world = World::new(1);
    let other = StreamInfo { source: SourceId(0), path: None, at_offset: 0, first_line: 1 };
    world.handle(Event::Open(StreamId(1), other));
    world.offsets.push(0);
    world.handle(Event::Behind { stream: StreamId(1), source: SourceId(7), behind: true });
    for second in START..START + 60 {
        world.read(0, &call(second, 429), second);
        world.handle(Event::Tick(at(second)));
    }
    assert!(world.firing().contains(&"rate-limit".to_owned()), "{:?}", world.told());
}

/// A clock that is set forward was nobody's silence; one that is set back does not stop time until it is reached again.
#[test]
fn a_clock_that_is_set_stops_nothing() {
    for step in [6_000, -6_000] {
        let mut world = World::new(1);
        // An hour and a half of calls, so that their end would be noticed.
        for second in (START..START + 5_400).step_by(20) {
            world.read(0, &call(second, 200), second);
            world.handle(Event::Tick(at(second)));
        }
        let now = START + 5_400 + step;
        world.handle(Event::ClockStep(at(now)));
        world.ticks(now, now + 20);
        assert_eq!(world.told(), Vec::<String>::new(), "{step}");
        for second in now + 20..now + 100 {
            world.read(0, &call(second, 429), second);
            world.handle(Event::Tick(at(second)));
        }
        assert!(world.firing().contains(&"rate-limit".to_owned()), "{step}: {:?}", world.told());
        assert_eq!(world.window("5m"), 80, "{step}");
    }
}
