//! Random inputs made from real ones by cutting, joining, flipping bits and repeating. No input may make the program panic
//! or hang, or make its accounting wrong.
//!
//! This is a test on stable Rust that takes a second per target; `FUZZ_SECONDS=3600 cargo test --test fuzz` runs it longer, and
//! `FUZZ_SEED` repeats a run. An input that fails is printed as a byte string, so that it can become a test.

use llm_triage::alert::AlertOptions;
use llm_triage::checkpoint::{Checkpoint, decode, encode};
use llm_triage::classify::{Catalog, Classifier, Source, Traffic, VerdictCache};
use llm_triage::config::{Config, Flags};
use llm_triage::correlate::GrainRule;
use llm_triage::framing::{self, Framer, LossReason};
use llm_triage::pipeline::{Chunk, Clock, Event, Options, Output, Pipeline, Rules, SourceOptions, State, StreamInfo, Wanted};
use llm_triage::record::{Forms, Level, Reader};
use llm_triage::time::Timestamp;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A small random number generator: the seed determines the whole run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides.max(1)
    }
}

/// The contents of the files below a folder that have one of these endings.
fn seeds(folder: &str, endings: &[&str]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the repository").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|wanted| path.extension().is_some_and(|ending| ending == *wanted)) {
                let mut bytes = std::fs::read(&path).expect("a file of the repository");
                bytes.truncate(60_000);
                found.push(bytes);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{folder}");
    found
}

/// Words that have a meaning for one of the parsers.
const TOKENS: [&[u8]; 22] = [
    b"{",
    b"}",
    b"[",
    b"\"",
    b"\\u0000",
    b"\\",
    b"\n",
    b"\r\n",
    b"\0",
    b"Traceback (most recent call last):\n",
    b"429",
    b"99999999999999999999",
    b"-1e309",
    b"\xff\xfe",
    b"2026-11-20T09:16:51.894Z stdout P ",
    b"{\"log\":\"",
    b"<html>",
    b"''",
    b"[[",
    b" = ",
    b"null",
    b"{\"error\":{\"message\":\"{\\\"error\\\":",
];

fn mutate(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    let seed = &seeds[dice.roll(seeds.len())];
    let from = dice.roll(seed.len());
    let len = dice.roll(4_000);
    let mut bytes: Vec<u8> = seed.iter().skip(from).take(len).copied().collect();
    for _ in 0..1 + dice.roll(8) {
        let at = dice.roll(bytes.len() + 1);
        match dice.roll(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.roll(8),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..at, TOKENS[dice.roll(TOKENS.len())].iter().copied())),
            3 => {
                let other = &seeds[dice.roll(seeds.len())];
                let from = dice.roll(other.len());
                let piece: Vec<u8> = other.iter().skip(from).take(dice.roll(400)).copied().collect();
                drop(bytes.splice(at..at, piece));
            }
            4 => {
                let piece: Vec<u8> = bytes.iter().skip(at).take(dice.roll(300)).copied().collect();
                let copies = 1 + dice.roll(20);
                let end = bytes.len();
                drop(bytes.splice(end..end, piece.repeat(copies)));
            }
            _ if at < bytes.len() => drop(bytes.drain(at..(at + dice.roll(50)).min(seed.len()).clamp(at, at.max(1)))),
            _ => {}
        }
    }
    bytes
}

/// Runs a target on mutated inputs until the time is over.
fn fuzz(name: &str, seeds: &[Vec<u8>], mut target: impl FnMut(&mut Dice, &[u8])) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let until = Instant::now() + Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(1));
    let seed = number("FUZZ_SEED").unwrap_or(0x9e37_79b9_7f4a_7c15);
    let mut dice = Dice(seed | 1);
    let mut runs = 0_u64;
    while runs < 50 || Instant::now() < until {
        let input = mutate(&mut dice, seeds);
        let outcome = catch_unwind(AssertUnwindSafe(|| target(&mut dice, &input)));
        assert!(outcome.is_ok(), "{name}, FUZZ_SEED={seed}, run {runs}: b\"{}\"", input.escape_ascii());
        runs += 1;
    }
}

fn logs() -> Vec<Vec<u8>> {
    let mut all = seeds("tests/data", &["log", "jsonl"]);
    all.extend(seeds("tests/corpus", &["toml"]));
    all
}

/// What was learned from earlier lines changes no record and no verdict.
#[test]
fn learning() {
    let classifier = Classifier::new(Arc::new(Catalog::shipped().expect("the shipped patterns are tested")));
    let (reader, mut forms, mut cache) = (Reader::default(), Forms::default(), VerdictCache::default());
    let lines: Vec<Vec<u8>> = logs().iter().flat_map(|log| log.split(|b| *b == b'\n')).map(<[u8]>::to_vec).collect();
    let objects: Vec<Vec<u8>> = lines.into_iter().filter(|line| line.starts_with(b"{")).collect();
    fuzz("learning", &objects, |dice, input| {
        let whole = &objects[dice.roll(objects.len())];
        for line in [whole, input] {
            let (mut alone, mut again) = (Vec::new(), Vec::new());
            reader.read(line, &[], None, |record| {
                alone.push(format!("{record:?} {:?}", classifier.classify(record, Traffic::Llm)));
            });
            reader.read_again(line, &[], (None, Level::Unknown), &mut forms, |record| {
                again.push(format!("{record:?} {:?}", classifier.classify_again(record, Traffic::Llm, &mut cache)));
            });
            assert_eq!(alone, again);
        }
    });
}

/// However the bytes are split, the events are the same, every byte of a line is accounted for, and a framer that is restored
/// from a state emits the remaining events.
#[test]
fn framing() {
    let options = framing::Options { max_line_bytes: 100_000, max_event_bytes: 2_000, max_event_lines: 20 };
    let now = Timestamp::from_second(1_795_166_211);
    fuzz("framing", &logs(), |dice, input| {
        let mut whole = Vec::new();
        let mut framer = Framer::new(options, 0, 1);
        framer.push(input, now, |event| whole.push((event.offset, event.lines, event.bytes.to_vec(), event.continued)));
        framer.finish(|event| whole.push((event.offset, event.lines, event.bytes.to_vec(), event.continued)));
        let stats = framer.take_stats();
        assert_eq!(stats.bytes, input.len() as u64);
        assert_eq!(stats.lines, stats.event_lines + stats.blank_lines + stats.binary_lines, "{stats:?}");
        let mut pieces = Vec::new();
        let mut framer = Framer::new(options, 0, 1);
        let mut at = 0;
        while at < input.len() {
            let end = (at + 1 + dice.roll(500)).min(input.len());
            framer.push(&input[at..end], now, |event| {
                pieces.push((event.offset, event.lines, event.bytes.to_vec(), event.continued))
            });
            at = end;
            if dice.roll(8) == 0 {
                // As after a restart of the process.
                let state = serde_json::to_string(&framer.state()).expect("plain values");
                let (offset, line) = framer.safe_point();
                framer = Framer::new(options, offset, line);
                framer.restore(&serde_json::from_str(&state).expect("its own state"));
                at = offset as usize;
                // Without progress the loop would not end.
                let far = (end + 4_096).min(input.len());
                framer.push(&input[at..far], now, |event| {
                    pieces.push((event.offset, event.lines, event.bytes.to_vec(), event.continued))
                });
                at = far;
            }
        }
        framer.finish(|event| pieces.push((event.offset, event.lines, event.bytes.to_vec(), event.continued)));
        let key = |(offset, lines, bytes, _): &(u64, u64, Vec<u8>, bool)| (*offset, *lines, bytes.clone());
        let sorted = |events: &[(u64, u64, Vec<u8>, bool)]| {
            let mut keys: Vec<_> = events.iter().map(key).collect();
            keys.sort();
            keys
        };
        assert_eq!(sorted(&pieces), sorted(&whole));
    });
}

fn classifier() -> Classifier {
    Classifier::new(Arc::new(Catalog::shipped().expect("the shipped catalogue builds")))
}

/// Any bytes through the whole pipeline: one verdict per record, valid JSON, with a limited length.
#[test]
fn record() {
    let classifier = classifier();
    fuzz("record", &logs(), |_, input| {
        let names = vec!["app".to_owned()];
        let framing = framing::Options { max_line_bytes: 100_000, ..framing::Options::DEFAULT };
        let rules = Rules::new(framing, Reader::default(), classifier.clone(), &[], names).expect("the shipped rows");
        let source = SourceOptions { name: "app".to_owned(), grain: GrainRule::Auto, traffic: Traffic::Llm, zone: None };
        let options = Options { sources: vec![source], clock: Clock::Live, alerts: AlertOptions::default(), series: 100 };
        let mut pipeline = Pipeline::new(rules, options);
        let mut out = Output { wanted: Wanted::All, ..Output::default() };
        let info =
            StreamInfo { source: Default::default(), path: None, at_offset: 0, first_line: 1, encoding: Default::default() };
        pipeline.handle(Event::Open(Default::default(), info), &mut out);
        let arrived = Timestamp::from_second(1_795_166_211);
        let bytes = input.to_vec().into();
        pipeline.handle(Event::Chunk(Chunk { stream: Default::default(), offset: 0, bytes, arrived }), &mut out);
        pipeline.handle(Event::Drain, &mut out);
        for line in out.verdicts.split_inclusive(|byte| *byte == b'\n') {
            let verdict: serde_json::Value = serde_json::from_slice(line).expect("a verdict is JSON");
            assert!(verdict["message"].as_str().is_none_or(|text| text.len() <= 512), "{verdict}");
        }
        let tally = pipeline.tally();
        let records: u64 = tally.records.values().sum();
        assert_eq!(records, out.verdicts.iter().filter(|byte| **byte == b'\n').count() as u64);
        let _lost: u64 =
            tally.lost_bytes.iter().filter(|((_, reason), _)| *reason == LossReason::TooLong).map(|(_, bytes)| bytes).sum();
        let state = serde_json::to_string(&pipeline.state()).expect("plain values");
        let _again: State = serde_json::from_str(&state).expect("its own state");
    });
}

/// Any text as a pattern file: it is loaded or refused, without a panic.
#[test]
fn patterns() {
    fuzz("patterns", &seeds("patterns", &["toml"]), |_, input| {
        let text = String::from_utf8_lossy(input);
        drop(Catalog::build(&[Source { name: "fuzz.toml", text: &text, own: true }], &[]));
    });
}

#[test]
fn config() {
    let mut all = seeds("deploy", &["toml"]);
    all.push(std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("a file of the repository"));
    fuzz("config", &all, |_, input| {
        let text = String::from_utf8_lossy(input);
        if let Err(error) = Config::from_text(None, &text, &Flags::default(), None) {
            assert!(!error.to_string().is_empty());
        }
    });
}

/// A damaged checkpoint is recognised, or it decodes to the original.
#[test]
fn checkpoint() {
    let good = Checkpoint { state: Some(vec!["a state".to_owned(); 50]), ..Checkpoint::default() };
    let bytes = encode(&good).expect("plain values");
    let seeds = vec![bytes.clone(), b"{\"llm_triage_checkpoint\":1,\"bytes\":2,\"crc32\":1}\n{}".to_vec()];
    fuzz("checkpoint", &seeds, |dice, input| {
        if let Ok(checkpoint) = decode::<Vec<String>>(input) {
            assert_eq!(checkpoint, good);
        }
        let mut damaged = bytes.clone();
        let at = dice.roll(damaged.len());
        damaged[at] ^= 1 << dice.roll(8);
        if let Ok(checkpoint) = decode::<Vec<String>>(&damaged) {
            assert_eq!(checkpoint, good);
        }
    });
}
