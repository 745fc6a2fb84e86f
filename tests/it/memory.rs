//! All files together have one limit for the memory of unfinished lines and open events.

use crate::replay::{Replayed, Setup};
use llm_triage::framing::{LossReason, StreamId};
use llm_triage::observation::SourceId;
use llm_triage::pipeline::{Clock, Event, Output, SourceStats, StreamInfo};
use llm_triage::time::Timestamp;

const CHUNK: usize = 64 << 10;
const LIMIT: usize = 16 << 20;

/// A live pipeline that follows this number of files.
fn files(count: u32) -> Replayed {
    let mut pipeline = Setup { clock: Clock::Live, streams: 0, ..Setup::default() }.pipeline();
    for file in 0..count {
        let info = StreamInfo {
            source: SourceId(0),
            path: Some(format!("/{file}.log")),
            at_offset: 0,
            first_line: 1,
            encoding: Default::default(),
        };
        pipeline.handle(Event::Open(StreamId(file), info), &mut Output::default());
    }
    Replayed::new(pipeline)
}

/// Appends to every file in turn, and returns the most bytes that all of them kept together.
fn append(replayed: &mut Replayed, count: u32, bytes: &[u8]) -> usize {
    for file in 0..count {
        replayed.chunk(file as usize, 0, bytes, Timestamp::from_second(1));
    }
    (0..count).map(|file| replayed.pipeline.kept_bytes(StreamId(file))).sum()
}

fn stats(replayed: &Replayed) -> SourceStats {
    replayed.pipeline.snapshot().sources[0].stats.clone()
}

fn too_long(replayed: &mut Replayed) -> u64 {
    replayed
        .pipeline
        .tally()
        .lost_bytes
        .iter()
        .filter(|((_, reason), _)| *reason == LossReason::TooLong)
        .map(|(_, bytes)| *bytes)
        .sum()
}

#[test]
fn unfinished_lines_of_many_files_share_one_memory_limit() {
    let mut replayed = files(400);
    let most = (0..14).map(|_| append(&mut replayed, 400, &[b'a'; CHUNK])).max();
    assert!(most < Some(LIMIT), "{most:?}");
    let kept = append(&mut replayed, 400, b"end") as u64;
    append(&mut replayed, 400, b"\n");
    let stats = stats(&replayed);
    assert_eq!((stats.lines, stats.open_lines), (400, 400));
    assert!((300..=400).contains(&stats.partial_lines), "{stats:?}");
    let seen = 400 * (14 * CHUNK as u64 + 3);
    let lost = too_long(&mut replayed);
    assert!(lost < seen && lost >= seen - kept, "{lost} of {seen} bytes lost, {kept} kept");
}

#[test]
fn a_cut_line_keeps_its_head_and_its_tail() {
    let mut replayed = files(400);
    append(&mut replayed, 400, br#"{"level":"error","provider":"openai","padding":""#);
    for _ in 0..14 {
        append(&mut replayed, 400, &[b'a'; CHUNK]);
    }
    append(&mut replayed, 400, b"\",\"status_code\":429}\n");
    replayed.drain();
    let verdicts = replayed.verdicts();
    assert_eq!(verdicts.len(), 400);
    assert!(verdicts.iter().all(|verdict| verdict["status"] == 429), "{}", verdicts[0]);
}

#[test]
fn a_few_long_lines_stay_whole() {
    let mut replayed = files(15);
    for _ in 0..14 {
        append(&mut replayed, 15, &[b'a'; CHUNK]);
    }
    append(&mut replayed, 15, b"\n");
    assert_eq!((stats(&replayed).partial_lines, too_long(&mut replayed)), (0, 0));
}

#[test]
fn parts_of_container_lines_share_the_memory_limit() {
    let part = format!("2026-11-20T09:16:51.894Z stdout P {}\n", "a".repeat(CHUNK / 4));
    let last = "2026-11-20T09:16:51.894Z stdout F end\n";
    let mut replayed = files(400);
    let most = (0..50).map(|_| append(&mut replayed, 400, part.as_bytes())).max();
    assert!(most < Some(LIMIT), "{most:?}");
    let kept = append(&mut replayed, 400, b"") as u64;
    append(&mut replayed, 400, last.as_bytes());
    replayed.drain();
    let seen = 400 * 50 * (CHUNK as u64 / 4);
    let (stats, lost) = (stats(&replayed), too_long(&mut replayed));
    assert_eq!((stats.lines, stats.event_lines), (400 * 51, 400 * 51));
    assert!((300..=400).contains(&stats.partial_lines), "{stats:?}");
    assert!(lost < seen && lost >= seen - kept, "{lost} of {seen} bytes lost, {kept} kept");
}

#[test]
fn open_events_share_the_memory_limit() {
    let mut trace = String::from("Traceback (most recent call last):\n");
    for line in 0..2_000 {
        trace.push_str(&format!("  File \"/srv/app/chain_{line}.py\", line {line}, in call_the_provider_again\n"));
    }
    let mut replayed = files(400);
    let most = append(&mut replayed, 400, trace.as_bytes());
    assert!(most < LIMIT, "{most}");
    replayed.drain();
    let stats = stats(&replayed);
    assert_eq!((stats.lines, stats.event_lines, stats.partial_lines), (400 * 2_001, 400 * 2_001, 0));
    assert_eq!(too_long(&mut replayed), 0);
}
