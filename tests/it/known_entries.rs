//! Entries that a program repeats are judged once: a recalled verdict must be equal to that on an entry that was read.

use llm_triage::classify::{Catalog, Classifier, KnownEntries, KnownLines, RawEntry, Traffic};
use llm_triage::framing::{Framer, Options, RawEvent};
use llm_triage::record::{Forms, Level, Reader, Record};
use llm_triage::time::Timestamp;
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

static CLASSIFIER: LazyLock<Classifier> =
    LazyLock::new(|| Classifier::new(Arc::new(Catalog::shipped().expect("the shipped patterns are tested"))));

/// Judges entries as the pipeline does, with what was learned of earlier ones.
#[derive(Default)]
struct Judge {
    reader: Reader,
    known: KnownEntries,
    forms: Forms,
    lines: KnownLines,
    recalled: usize,
}

impl Judge {
    /// Judges an entry; if it is recalled, reads it too and compares both verdicts.
    fn compare(&mut self, text: &str, traffic: Traffic, level: Level) {
        let entry = RawEntry { bytes: text.as_bytes(), stamped: None, level, traffic, is_whole: true };
        let Self { reader, known, recalled, .. } = self;
        let read = |see: &mut dyn FnMut(&Record<'_>)| {
            reader.read_again(entry.bytes, &[], (None, level), &mut Forms::default(), |record| see(record));
        };
        if let Some(verdict) = CLASSIFIER.recall(&entry, known) {
            let verdict = format!("{verdict:?}");
            let mut fresh = Vec::new();
            read(&mut |record| fresh.push(format!("{:?}", CLASSIFIER.classify(record, traffic))));
            assert_eq!(vec![verdict], fresh, "{text}");
            *recalled += 1;
            return;
        }
        read(&mut |record| {
            let verdict = CLASSIFIER.classify(record, traffic);
            CLASSIFIER.learn(reader, &entry, (record, &verdict), known);
        });
    }

    /// The same for a JSON line.
    fn compare_line(&mut self, text: &str, traffic: Traffic, level: Level) {
        let entry = RawEntry { bytes: text.as_bytes(), stamped: None, level, traffic, is_whole: true };
        let Self { reader, forms, lines, recalled, .. } = self;
        let mut fresh = Vec::new();
        reader.read_again(entry.bytes, &[], (None, level), &mut Forms::default(), |record| {
            fresh.push(format!("{:?}", CLASSIFIER.classify(record, traffic)));
        });
        if !forms.walk(entry.bytes) {
            return reader.read_again(entry.bytes, &[], (None, level), forms, |_| {});
        }
        let walk = forms.found(entry.bytes);
        if let Some(verdict) = CLASSIFIER.recall_line(&entry, &walk, lines) {
            *recalled += 1;
            return assert_eq!(vec![format!("{verdict:?}")], fresh, "{text}");
        }
        reader.read_known(&walk, &[], (None, level), |record| {
            let verdict = CLASSIFIER.classify(record, traffic);
            CLASSIFIER.learn_line(&entry, &walk, (record, &verdict), lines);
        });
    }
}

/// The logs in the tests' data.
fn logs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder).expect("the folder exists") {
        let path = file.expect("the folder can be listed").path();
        if path.is_dir() {
            found.extend(logs(&path));
        } else if !path.to_string_lossy().contains(".truth.") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The entries of a log, each of one line or of several.
fn entries(log: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut framer = Framer::new(Options::DEFAULT, 0, 1);
    let mut keep = |event: RawEvent<'_>| found.push(String::from_utf8_lossy(event.bytes).into_owned());
    framer.push(log, Timestamp::default(), &mut keep);
    framer.finish(&mut keep);
    found
}

/// The same entry with other digits.
fn with_other_digits(entry: &str, seed: usize) -> String {
    let other = |(at, letter): (usize, char)| match letter.to_digit(10) {
        Some(digit) if (at + seed).is_multiple_of(3) => {
            char::from_digit((digit + 1 + u32::try_from(seed % 7).unwrap_or(0)) % 10, 10).unwrap_or(letter)
        }
        _ => letter,
    };
    entry.chars().enumerate().map(other).collect()
}

#[test]
fn a_recalled_entry_gets_the_verdict_of_one_that_was_read() {
    let mut judge = Judge::default();
    for path in logs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")) {
        let text = fs::read(path).expect("the file can be read");
        for entry in entries(&text).iter().filter(|entry| !entry.starts_with('{')).take(200) {
            for traffic in [Traffic::Llm, Traffic::Mixed] {
                for seed in 0..4 {
                    judge.compare(entry, traffic, Level::Unknown);
                    judge.compare(&with_other_digits(entry, seed), traffic, Level::Unknown);
                }
            }
        }
    }
    assert!(judge.recalled > 1_000, "only {} entries were recalled", judge.recalled);
}

/// Texts in a field without a meaning: no verdict may depend on them.
const NOTES: [&str; 4] = ["", "error 429: rate limit exceeded", "success", "finish_reason stop [DONE] completion.chunk"];

#[test]
fn a_recalled_line_gets_the_verdict_of_one_that_was_read() {
    let mut judge = Judge::default();
    for path in logs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")) {
        let text = fs::read_to_string(path).unwrap_or_default();
        for line in text.lines().filter(|line| line.starts_with('{') && line.ends_with('}')).take(60) {
            for traffic in [Traffic::Llm, Traffic::Mixed] {
                for (seed, note) in NOTES.iter().enumerate() {
                    let noted = format!("{{\"zz_note\":\"{note}\",{}", line.trim_start_matches('{'));
                    for line in [line, &noted, &with_other_digits(&noted, seed)] {
                        judge.compare_line(line, traffic, Level::Unknown);
                        judge.compare_line(&with_other_digits(line, seed), traffic, Level::Info);
                    }
                }
            }
        }
    }
    assert!(judge.recalled > 1_000, "only {} lines were recalled", judge.recalled);
}

/// Heads, messages and values from which entries are put together.
const HEADS: [&str; 5] = [
    "2026-11-20 09:00:00,006 INFO app.llm: ",
    "[2026-11-20T09:00:00Z] [info] [worker-7] ",
    "at=INFO ts=2026-11-20T09:00:00.006Z logger=llm msg=completion ",
    "Nov 20 09:00:00 api-1 chat[411]: ",
    "WARN  llm.client - ",
];
const MESSAGES: [&str; 6] = [
    "completion ok provider=openai model=gpt-4.1 ",
    "answered by claude-sonnet-4-6 in 1.2s ",
    "HTTP Request: POST https://api.openai.com/v1/chat/completions \"HTTP/1.1 200 OK\" ",
    "call done provider=mistral model=mistral-large status=200 max_tokens=500 finish_reason=stop ",
    "handled 12 jobs ",
    "retrying after error, attempt 2 ",
];

fn values() -> impl Strategy<Value = String> {
    let number = prop_oneof![Just(0_u64), Just(1), Just(429), Just(500), Just(200), 0..10_000_u64];
    (number.clone(), number.clone(), number, "[0-9a-f]{12}").prop_map(|(sent, received, time, id)| {
        format!("prompt_tokens={sent} completion_tokens={received} latency_ms={time} request_id=req_{id}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn values_of_an_entry_are_its_own(
        lines in proptest::collection::vec((0..HEADS.len(), 0..MESSAGES.len(), values(), 0..60_u32), 1..60),
    ) {
        let mut judge = Judge::default();
        for (head, message, values, second) in lines {
            let head = HEADS[head].replace("09:00:00", &format!("09:00:{second:02}"));
            for level in [Level::Unknown, Level::Warn] {
                judge.compare(&format!("{head}{}{values}", MESSAGES[message]), Traffic::Llm, level);
            }
        }
    }
}

/// What a JSON line may tell of a call, beside its numbers and ids.
const ENDS: [&str; 6] = [
    r#""finish_reason":"stop","level":"info""#,
    r#""level":"info","msg":"cache refreshed""#,
    r#""finish_reason":"length","level":"info""#,
    r#""level":"error","error":{"message":"Rate limit reached. Please try again in 20s.","type":"rate_limit_error"}"#,
    r#""level":"warn","status":529,"error":"Overloaded""#,
    r#""level":"error","message":"You have hit your limit, which resets in 3 hours""#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn values_of_a_line_are_its_own(
        lines in proptest::collection::vec((0..ENDS.len(), values(), 0..60_u32, any::<bool>()), 1..60),
    ) {
        let mut judge = Judge::default();
        for (end, values, second, has_zone) in lines {
            let values = values.replace("request_id=req_", "request_id=\"req_").replace('=', "\":").replace(' ', ",\"");
            let zone = if has_zone { "Z" } else { "" };
            let time = format!("2026-11-20T09:00:{second:02}.006{zone}");
            let line = format!(r#"{{"time":"{time}","provider":"openai","model":"gpt-4.1","{values}",{}}}"#, ENDS[end]);
            for traffic in [Traffic::Llm, Traffic::Mixed] {
                judge.compare_line(&line, traffic, Level::Unknown);
            }
        }
    }
}
