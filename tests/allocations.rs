//! What the pipeline allocates: nothing for a successful line once the caches are filled, and little for a stream that rests.

use bytes::Bytes;
use llm_triage::alert::AlertOptions;
use llm_triage::classify::{Catalog, Classifier, Traffic};
use llm_triage::correlate::GrainRule;
use llm_triage::framing::{self, StreamId};
use llm_triage::observation::SourceId;
use llm_triage::pipeline::{Chunk, Clock, Event, Options, Output, Pipeline, Rules, SourceOptions, StreamInfo};
use llm_triage::record::Reader;
use llm_triage::taxonomy::Outcome;
use llm_triage::time::Timestamp;
use llm_triage::window::RateOptions;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The counts are those of the whole process, so only one test may run at a time.
fn alone() -> MutexGuard<'static, ()> {
    static TEST: Mutex<()> = Mutex::new(());
    TEST.lock().unwrap_or_else(PoisonError::into_inner)
}

const WARM_UP: usize = 4_000;
const LINES: usize = 4_000;

/// Writes the line with this number.
type Form = fn(usize) -> String;

/// The forms of a successful call: each line is another call, 40 of them a second.
const FORMS: [(&str, Form); 5] = [
    ("JSON", json),
    ("pino", |number| {
        let milliseconds = 1_763_600_000_000 + number * 25;
        format!(
            r#"{{"level":30,"time":{milliseconds},"pid":7,"hostname":"web-1","provider":"anthropic","model":"claude-sonnet-4-5","statusCode":200,"responseTime":{},"requestId":"req_{number:012}","msg":"completion finished"}}"#,
            100 + number % 900
        )
    }),
    ("text", |number| {
        let at = time(number).replace('T', " ").replace('.', ",");
        format!(r#"{at} INFO httpx: HTTP Request: POST https://api.openai.com/v1/chat/completions "HTTP/1.1 200 OK""#)
    }),
    ("logfmt", |number| {
        let (at, took) = (time(number), 100 + number % 900);
        format!(
            r#"ts={at}Z level=info msg="llm call" provider=openai model=gpt-5-mini status=200 latency_ms={took} request_id=req_{number:012}"#
        )
    }),
    ("CRI", |number| format!("{}456789Z stdout F {}", time(number), json(number))),
];

fn time(number: usize) -> String {
    let (second, milliseconds) = (number / 40, number % 40 * 25);
    format!("2026-11-20T{:02}:{:02}:{:02}.{milliseconds:03}", second / 3_600, second / 60 % 60, second % 60)
}

fn json(number: usize) -> String {
    let (at, took, tokens) = (time(number), 100 + number % 900, 20 + number % 50);
    format!(
        r#"{{"timestamp":"{at}Z","level":"info","event":"llm_api_call","provider":"openai","service":"checkout","model":"gpt-5-mini","status_code":200,"latency_ms":{took},"request_id":"req_{number:012}","usage":{{"prompt_tokens":900,"completion_tokens":{tokens}}},"finish_reason":"stop"}}"#
    )
}

fn pipeline(classifier: &Classifier, clock: Clock) -> Pipeline {
    let source = SourceOptions { name: "app".to_owned(), grain: GrainRule::Auto, traffic: Traffic::Llm, zone: None };
    let names = vec![source.name.clone()];
    let rules = Rules::new(framing::Options::DEFAULT, Reader::default(), classifier.clone(), &[], names).expect("shipped");
    let series = RateOptions::default().series;
    Pipeline::new(rules, Options { sources: vec![source], clock, alerts: AlertOptions::default(), series })
}

fn open(pipeline: &mut Pipeline, stream: u32, path: Option<String>) {
    let info = StreamInfo { source: SourceId(0), path, at_offset: 0, first_line: 1, encoding: Default::default() };
    pipeline.handle(Event::Open(StreamId(stream), info), &mut Output::default());
}

/// Handles lines as the daemon does, and returns the number of successes and of allocations.
fn handle(pipeline: &mut Pipeline, text: &str) -> (u64, usize) {
    let bytes = Bytes::from(text.as_bytes().to_vec());
    let mut out = Output::default();
    let mut successes = 0;
    let region = Region::new(ALLOCATOR);
    let mut from = 0;
    while from < bytes.len() {
        let to = bytes.len().min(from + (64 << 10));
        let chunk =
            Chunk { stream: StreamId(0), offset: from as u64, bytes: bytes.slice(from..to), arrived: Timestamp::default() };
        pipeline.handle(Event::Chunk(chunk), &mut out);
        successes += pipeline
            .tally()
            .records
            .iter()
            .filter(|((_, outcome), _)| *outcome == Outcome::Success)
            .map(|(_, n)| n)
            .sum::<u64>();
        pipeline.tally().clear();
        from = to;
    }
    let change = region.change();
    (successes, change.allocations + change.reallocations)
}

#[test]
fn a_successful_line_allocates_nothing() {
    let _alone = alone();
    let classifier = Classifier::new(Arc::new(Catalog::shipped().expect("tested")));
    for (name, line) in FORMS {
        let text = |numbers: std::ops::Range<usize>| numbers.map(|number| line(number) + "\n").collect::<String>();
        let mut pipeline = pipeline(&classifier, Clock::Replay);
        open(&mut pipeline, 0, None);
        handle(&mut pipeline, &text(0..WARM_UP));
        let (successes, allocations) = handle(&mut pipeline, &text(WARM_UP..WARM_UP + LINES));
        assert_eq!(successes, LINES as u64, "{name}");
        // Tables of what is remembered for minutes, such as the ids of calls, still grow; a read that ends in a line keeps its start.
        assert!(allocations < LINES / 50, "{name}: {allocations} allocations for {LINES} lines");
    }
}

#[test]
fn a_stream_that_rests_keeps_little() {
    const STREAMS: u32 = 1_000;
    let _alone = alone();
    let classifier = Classifier::new(Arc::new(Catalog::shipped().expect("tested")));
    let mut pipeline = pipeline(&classifier, Clock::Live);
    let at = |second: i64| Timestamp::from_second(1_763_596_800 + second);
    let part = |flag, text: &str| format!("2026-11-20T00:00:00.000000000Z stderr {flag} {text}\n");
    // A long line, an entry of many lines, a line of a container in parts, and a line that two reads divide.
    let frames = "  File \"/app/main.py\", line 7, in call\n    run()\n".repeat(400);
    let texts = [
        json(1).replace("finish_reason", &"x".repeat(50_000)) + "\n",
        format!("Traceback (most recent call last):\n{frames}ValueError: no\n"),
        part("P", &"x".repeat(30_000)) + &part("F", "y"),
        json(2) + "\n",
    ];
    // What all streams share is built for the first of them, which is not counted.
    let mut region = Region::new(ALLOCATOR);
    for stream in 0..=STREAMS {
        if stream == 1 {
            region.reset();
        }
        open(&mut pipeline, stream, Some(format!("/var/log/{stream}.log")));
        for text in &texts {
            let bytes = Bytes::copy_from_slice(text.as_bytes());
            let half = bytes.len() / 2;
            for (from, to) in [(0, half), (half, bytes.len())] {
                let chunk = Chunk { stream: StreamId(stream), offset: 0, bytes: bytes.slice(from..to), arrived: at(1) };
                pipeline.handle(Event::Chunk(chunk), &mut Output::default());
            }
        }
        pipeline.tally().clear();
    }
    let live = |region: &Region<'_, System>| {
        let change = region.change();
        change.bytes_allocated.saturating_sub(change.bytes_deallocated) / STREAMS as usize
    };
    let busy = live(&region);
    for second in 2..8 {
        pipeline.handle(Event::Tick(at(second)), &mut Output::default());
    }
    let resting = live(&region);
    assert!(resting < 3_000 && resting < busy, "{resting} bytes a stream, and {busy} before it rested");
}
