//! A process ends anywhere in a log and the next one resumes. Together they count what one process would have counted.

use crate::replay::Setup;
use llm_triage::alert::AlertOptions;
use llm_triage::framing::StreamId;
use llm_triage::observation::SourceId;
use llm_triage::pipeline::{Chunk, Clock, Event, Output, Pipeline, State, StreamInfo};
use llm_triage::time::{Stamp, Timestamp, Zone};

const STREAM: StreamId = StreamId(0);

/// Every call as text: time, outcome, provider, status, service, row.
type Calls = Vec<String>;

struct Run {
    pipeline: Pipeline,
    calls: Calls,
}

impl Run {
    fn new() -> Self {
        Self { pipeline: Setup { clock: Clock::Live, ..Setup::default() }.pipeline(), calls: Vec::new() }
    }

    fn handle(&mut self, event: Event) {
        let mut out = Output { keep_calls: true, ..Output::default() };
        self.pipeline.handle(event, &mut out);
        self.calls.extend(out.calls.iter().map(|(call, row)| {
            format!("{} {:?} {:?} {} {} {row:?}", call.at, call.outcome, call.provider, call.status_label(), call.service)
        }));
    }

    fn read(&mut self, log: &[u8], from: usize, to: usize, arrived: Timestamp) {
        if let Some(bytes) = log.get(from..to).filter(|bytes| !bytes.is_empty()) {
            let bytes = bytes.to_vec().into();
            self.handle(Event::Chunk(Chunk { stream: STREAM, offset: from as u64, bytes, arrived }));
        }
    }

    /// Starts the next process from the serialised state. Also returns the offset from which it reads.
    fn restart(self) -> (Self, usize) {
        let state = serde_json::to_string(&self.pipeline.state()).expect("JSON");
        let (offset, line) = self.pipeline.safe_offsets().first().map(|(_, offset, line)| (*offset, *line)).expect("a stream");
        let mut next =
            Self { pipeline: Setup { clock: Clock::Live, streams: 0, ..Setup::default() }.pipeline(), calls: self.calls };
        let state: State = serde_json::from_str(&state).expect("a state");
        next.pipeline.restore(state, AlertOptions::default(), &mut Output::default());
        let info =
            StreamInfo { source: SourceId(0), path: None, at_offset: offset, first_line: line, encoding: Default::default() };
        next.handle(Event::Open(STREAM, info));
        (next, usize::try_from(offset).expect("small"))
    }
}

/// Compares one process that reads the whole log with one that restarts at each of these offsets.
fn check(name: &str, log: &[u8], arrived: Timestamp, cuts: impl Iterator<Item = usize>) {
    let mut whole = Run::new();
    whole.read(log, 0, log.len(), arrived);
    whole.handle(Event::Close(STREAM));
    assert!(!whole.calls.is_empty(), "{name}: no calls");
    for cut in cuts {
        let mut run = Run::new();
        run.read(log, 0, cut, arrived);
        let (mut run, from) = run.restart();
        run.read(log, from, log.len(), arrived);
        run.handle(Event::Close(STREAM));
        assert_eq!(run.calls, whole.calls, "{name}: a restart at {cut}, which resumes at {from}");
    }
}

fn at(text: &str) -> Timestamp {
    Stamp::parse(text.as_bytes()).expect("a time").resolve(Zone::default(), Timestamp::default())
}

/// Two outputs of one container: a traceback in one, interleaved with the other, and parts of long lines in both.
#[test]
fn the_outputs_of_a_pod_are_counted_once_across_a_restart() {
    let good = r#"{"level":"info","event":"llm_call","provider":"openai","status_code":200,"request_id":"req_N"}"#;
    let bad = r#"{"level":"error","event":"llm_api_error","provider":"anthropic","status_code":529,"error":"Overloaded","request_id":"err_N"}"#;
    let (head, tail) = good.split_at(30);
    let mut log = String::new();
    let mut number = 0;
    let mut line = |output: &str, tag: &str, text: &str| {
        number += 1;
        let text = text.replace('N', &number.to_string());
        log.push_str(&format!("2026-11-20T09:16:{:02}.{number:09}Z {output} {tag} {text}\n", number % 60));
    };
    for _ in 0..3 {
        line("stderr", "F", "2026-11-20 09:16:01,123 ERROR app call failed");
        line("stderr", "F", "Traceback (most recent call last):");
        line("stdout", "F", good);
        line("stderr", "F", "  File \"app.py\", line 3, in call");
        line("stdout", "P", head);
        line("stderr", "F", "    raise error");
        line("stdout", "F", tail);
        line("stdout", "F", bad);
        line(
            "stderr",
            "F",
            "openai.RateLimitError: Error code: 429 - {'error': {'message': 'Rate limit reached', 'code': 'rate_limit_exceeded'}}",
        );
        line("stdout", "F", good);
        line("stderr", "P", "2026-11-20 09:16:01,123 INFO ap");
        line("stdout", "F", good);
        line("stderr", "F", "p goes on");
        line("stdout", "F", bad);
    }
    check("pod", log.as_bytes(), at("2026-11-20T09:17:00Z"), (0..log.len()).step_by(41));
}

/// When the process ends, attempts still wait for the record of their call.
#[test]
fn a_chain_of_retries_is_one_call_across_a_restart() {
    let mut log = String::new();
    for minute in 0..6 {
        let failed = |second: u32| {
            format!(
                "2026-11-20 09:{minute:02}:{second:02},100 INFO httpx HTTP Request: POST https://api.openai.com/v1/chat/completions \"HTTP/1.1 429 Too Many Requests\"\n\
             2026-11-20 09:{minute:02}:{second:02},101 INFO openai._base_client Retrying request to /chat/completions in 0.9 seconds\n"
            )
        };
        log.push_str(&failed(1));
        log.push_str(&failed(3));
        log.push_str(&format!(
            "2026-11-20 09:{minute:02}:05,100 INFO httpx HTTP Request: POST https://api.openai.com/v1/chat/completions \"HTTP/1.1 200 OK\"\n"
        ));
        if minute == 3 {
            log.push_str(&format!(
                "2026-11-20 09:{minute:02}:30,100 INFO httpx HTTP Request: POST https://api.openai.com/v1/chat/completions \"HTTP/1.1 500 Internal Server Error\"\n"
            ));
        }
    }
    check("retries", log.as_bytes(), at("2026-11-20T09:30:00Z"), (0..log.len()).step_by(41));
}

/// Logs of real clients, with a restart at many places.
#[test]
fn real_logs_are_counted_once_across_a_restart() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sdk-logs");
    for name in [
        "openai-stdlib.log",
        "anthropic-stdlib.log",
        "langchain-openai-stdlib.log",
        "litellm-proxy.jsonl",
        "openai-node-console.log",
    ] {
        let log = std::fs::read(format!("{folder}/{name}")).expect("a log");
        let log = log.get(..log.len().min(24_000)).expect("shorter");
        // A prime stride: restarts in the middle of lines, at line ends and inside events.
        let cuts = (0..log.len()).step_by(3_989);
        check(name, log, at("2027-01-01T00:00:00Z"), cuts);
    }
}
