//! Seconds in which nothing can happen are not evaluated one by one. A line in each second, which says nothing, makes the pipeline
//! evaluate all of them: alerts and findings must be the same.

use crate::replay::{Replayed, Setup};
use llm_triage::time::Timestamp;

/// 2026-11-16, a Monday.
const START: i64 = 1_763_251_200 + 365 * 86_400;

/// Random numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).expect("small")]
    }
}

/// A line at a second after the start.
fn line(second: i64, rest: &str) -> String {
    format!("{{\"timestamp\":\"{}\",{rest}}}\n", Timestamp::from_second(START + second))
}

fn good(provider: &str, latency_ms: u64, finish: &str) -> String {
    format!(
        r#""level":"info","provider":"{provider}","model":"m-{provider}","status_code":200,"latency_ms":{latency_ms},"usage":{{"prompt_tokens":9,"completion_tokens":200}},"finish_reason":"{finish}","event":"llm_api_call""#
    )
}

fn failed(provider: &str, status: u16, text: &str) -> String {
    format!(
        r#""level":"error","provider":"{provider}","model":"m-{provider}","status_code":{status},"error":"{text}","event":"llm_api_call""#
    )
}

/// What the log brings, with a line in each second from `beats` on, or without.
fn replay(events: &[(i64, String)], beats: Option<i64>) -> (String, usize) {
    let end = events.last().map_or(0, |(second, _)| *second);
    let mut lines: Vec<(i64, String)> = events.iter().map(|(second, rest)| (*second, line(*second, rest))).collect();
    if let Some(from) = beats {
        lines.extend((from..end).map(|second| (second, line(second, r#""level":"debug","msg":"beat""#))));
        lines.sort_by_key(|(second, _)| *second);
    }
    let text: String = lines.into_iter().map(|(_, line)| line).collect();
    let mut replayed = Replayed::new(Setup::default().pipeline());
    replayed.out.wanted = Default::default();
    for chunk in text.as_bytes().chunks(64 << 10) {
        replayed.chunk(0, 0, chunk, Timestamp::default());
    }
    replayed.drain();
    let number_of_lines = |text: String| text.replace(|character: char| character.is_ascii_digit(), "0");
    let transitions: Vec<String> = replayed
        .transitions()
        .iter()
        .map(|transition| {
            let alert = &transition.alert;
            let what =
                (transition.at, transition.from, transition.to, &alert.row, &alert.provider, alert.since, alert.resolved_at);
            format!("{what:?}")
        })
        .collect();
    let findings: Vec<String> = replayed
        .pipeline
        .snapshot()
        .findings
        .iter()
        .map(|finding| number_of_lines(format!("{:?} {finding:?}", finding.kind)))
        .collect();
    (format!("{transitions:#?}\n{findings:#?}"), transitions.len())
}

fn check(name: &str, events: &[(i64, String)], beats: i64) -> usize {
    let (each, count) = replay(events, Some(beats));
    let (skipped, _) = replay(events, None);
    let differs = each.lines().zip(skipped.lines()).find(|(each, skipped)| each != skipped);
    assert!(each == skipped, "{name}: {differs:#?}\n{each}\n{skipped}");
    count
}

#[test]
fn sparse_logs_of_all_kinds_raise_the_same_alerts() {
    let mut alerts = 0;
    for seed in 0..24 {
        let mut random = Random(seed);
        let (mut events, mut second) = (Vec::new(), 0);
        while second < 8_000 {
            // A time of one kind of trouble, or of none, with gaps of its own.
            let (gap, kind, provider) =
                (random.one_of(&[2, 7, 10, 40, 70, 300]), random.below(7), random.one_of(&["openai", "anthropic", "mistral"]));
            for _ in 0..random.below(30) {
                second += 1 + i64::try_from(random.below(gap)).expect("small");
                let latency = random.one_of(&[800, 900, 30_000]);
                let rest = match kind {
                    0 => failed(provider, 529, "Overloaded"),
                    1 => failed(provider, 401, "Incorrect API key provided"),
                    2 if random.below(2) == 0 => failed(provider, 429, "Rate limit reached for requests"),
                    3 => failed(provider, 500, &format!("strange fault {}", random.below(3))),
                    4 => good(provider, latency, random.one_of(&["length", "stop"])),
                    _ => good(provider, latency, "stop"),
                };
                events.push((second, rest));
            }
            second += i64::try_from(random.below(900)).expect("small");
        }
        alerts += check(&format!("seed {seed}"), &events, 0);
    }
    assert!(alerts > 40, "{alerts} changes of alerts");
}

#[test]
fn calls_that_stop_are_missed_in_the_same_second() {
    // A call each four minutes for three days, then none of this provider, and few of another one.
    let mut events: Vec<(i64, String)> = (0..1_080).map(|call| (call * 240, good("openai", 800, "stop"))).collect();
    let stop = 1_079 * 240;
    events.extend((1..70).map(|call| (stop + call * 430, good("mistral", 800, "stop"))));
    let (_, count) = replay(&events, None);
    assert!(count > 0, "the silence is noticed");
    check("silence", &events, stop - 600);
}
