//! Records that are alike are judged once: a cached verdict must be equal to a fresh one.

use llm_triage::classify::{Catalog, Classifier, Traffic, Verdict, VerdictCache};
use llm_triage::record::Reader;
use proptest::collection::vec;
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

fn classifier() -> Classifier {
    Classifier::new(Arc::new(Catalog::shipped().expect("the shipped patterns are tested")))
}

/// The verdict on each record of an entry.
fn verdicts(reader: &Reader, entry: &str, mut judge: impl FnMut(&llm_triage::record::Record<'_>) -> String) -> Vec<String> {
    let mut all = Vec::new();
    reader.read(entry.as_bytes(), &[], None, |record| all.push(judge(record)));
    all
}

fn shown(verdict: &Verdict<'_>) -> String {
    format!("{verdict:?}")
}

#[test]
fn a_cached_verdict_is_equal_to_a_fresh_one() {
    let (classifier, mut cache) = (classifier(), VerdictCache::default());
    let reader = Reader::default();
    let mut failures = 0;
    for folder in ["sdk-logs", "samples", "timeline"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
        for file in fs::read_dir(&path).expect("the folder exists") {
            let path = file.expect("the folder can be listed").path();
            if path.to_string_lossy().contains(".truth.") {
                continue;
            }
            let text = fs::read_to_string(path).expect("the file is text");
            for line in text.lines().filter(|line| !line.is_empty()) {
                for traffic in [Traffic::Llm, Traffic::Mixed] {
                    let found = verdicts(&reader, line, |record| shown(&classifier.classify(record, traffic)));
                    failures += usize::from(found.iter().any(|shown| shown.contains("outcome: Error")));
                    for _ in 0..4 {
                        let cached =
                            verdicts(&reader, line, |record| shown(&classifier.classify_again(record, traffic, &mut cache)));
                        assert_eq!(cached, found, "{line}");
                    }
                }
            }
        }
    }
    assert!(failures > 1_000, "only {failures} failures were compared");
}

/// Lines that differ from each other in one field only.
#[test]
fn a_line_that_differs_in_one_field_gets_its_own_verdict() {
    let (classifier, mut cache) = (classifier(), VerdictCache::default());
    let reader = Reader::default();
    let line = |with: &str| {
        format!(
            r#"{{"timestamp":"2026-11-20T09:00:00Z","level":"error","provider":"openai","status_code":429,"error":"Rate limit reached. Please try again in 2h."{with}}}"#
        )
    };
    let lines = [
        "",
        r#","request_id":"req_aaaaaaaaaaaa""#,
        r#","request_id":"req_bbbbbbbbbbbb""#,
        r#","model":"gpt-5""#,
        r#","model":"gpt-5-mini""#,
        r#","service":"checkout""#,
        r#","host":"node-1""#,
        r#","host":"api.anthropic.com""#,
        r#","latency_ms":120"#,
        r#","code":"insufficient_quota""#,
        r#","error_type":"insufficient_quota""#,
        r#","error_code":"insufficient_quota""#,
        r#","key_alias":"batch""#,
        r#","retry_after":30"#,
        r#","retry_after_ms":30"#,
        r#","upstream_status":529"#,
        r#","base_url":"https://api.deepseek.com/v1""#,
    ]
    .map(line);
    // Each changes one field.
    let changed = [
        (":00:00Z", ":30:00Z"),
        (r#""timestamp":"2026-11-20T09:00:00Z","#, ""),
        (r#""level":"error""#, r#""level":"info""#),
        ("openai", "anthropic"),
        ("openai", "my own"),
        ("429", "529"),
        ("status_code", "upstream_status"),
        ("Rate limit", "Speed limit"),
        ("2h", "30s"),
        (r#""provider":"openai""#, r#""model":"gpt-5""#),
        (r#""provider":"openai""#, r#""model":"claude-opus-4-6""#),
        (r#""error":"#, r#""message":"#),
        (r#""error":"#, r#""reason":"#),
    ]
    .map(|(from, to)| line("").replace(from, to));
    for line in lines.iter().chain(&changed).cycle().take(3 * (lines.len() + changed.len())) {
        let found = verdicts(&reader, line, |record| shown(&classifier.classify(record, Traffic::Llm)));
        let cached = verdicts(&reader, line, |record| shown(&classifier.classify_again(record, Traffic::Llm, &mut cache)));
        assert_eq!(cached, found, "{line}");
    }
}

/// Parts of records of good calls, and of some that are none: each is left out, or has one of these values.
const PARTS: [&[&str]; 18] = [
    &[r#""level":"info""#, r#""level":"debug""#, r#""level":"warning""#, r#""level":"error""#],
    &[r#""time":"2026-11-20T09:00:00Z""#, r#""time":"2026-11-20 09:00:07""#, r#""time":"soon""#],
    &[r#""event":"llm_call""#, r#""event":"embedding""#, r#""event":"claude_code.api_request""#],
    &[r#""msg":"llm call done""#, r#""msg":"calling model""#, r#""msg":"stream ended without finish_reason""#],
    &[r#""provider":"openai""#, r#""provider":"anthropic""#, r#""provider":"my own""#],
    &[r#""model":"gpt-5""#, r#""model":"claude-opus-4-6""#, r#""model":"sk-proj-abcdefghijkl1234567""#],
    &[r#""status_code":200"#, r#""status_code":204"#, r#""status_code":404"#, r#""status_code":"ok""#],
    &[r#""latency_ms":120"#, r#""latency_ms":7"#, r#""latency_ms":"slow""#, r#""duration":1.5"#],
    &[r#""input_tokens":10"#, r#""input_tokens":11"#, r#""input_tokens":-1"#],
    &[r#""output_tokens":5"#, r#""output_tokens":0"#, r#""output_tokens":4096"#],
    &[
        r#""finish_reason":"stop""#,
        r#""finish_reason":"length""#,
        r#""finish_reason":null"#,
        r#""finish_reason":"content_filter""#,
    ],
    &[r#""max_tokens":5"#, r#""max_tokens":4096"#, r#""content":"""#],
    &[r#""request_id":"req_aaaaaaaaaaaa""#, r#""request_id":"req_bbbbbbbbbbbb""#, r#""request_id":"x""#],
    &[r#""service":"checkout""#, r#""service":"search""#],
    &[r#""host":"node-1""#, r#""host":"node-2""#, r#""host":"api.deepseek.com""#],
    &[r#""trace_id":"4bf92f3577b34da6a3ce929d0e0e4736""#, r#""trace_id":"00""#],
    &[r#""span_id":"00f067aa0ba902b7""#, r#""span_id":"0000000000000000""#],
    &[
        r#""end_time":"2026-11-20T09:00:08Z""#,
        r#""error":null"#,
        r#""error":"boom""#,
        r#""success":true"#,
        r#""success":false"#,
    ],
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Each record comes several times, among others that differ from it in a few parts.
    #[test]
    fn good_calls_that_are_alike_get_the_verdict_of_each_alone(
        first in vec(0..6_usize, PARTS.len()..=PARTS.len()),
        changes in vec((0..PARTS.len(), 0..6_usize), 1..8),
    ) {
        static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(classifier);
        let (reader, mut cache) = (Reader::default(), VerdictCache::default());
        let line = |choice: &[usize]| {
            let parts = PARTS.iter().zip(choice).filter_map(|(values, at)| values.get(*at).copied());
            format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
        };
        let mut lines = vec![line(&first)];
        for (part, value) in changes {
            let mut changed = first.clone();
            changed[part] = value;
            lines.push(line(&changed));
        }
        for line in lines.iter().cycle().take(lines.len() * 4) {
            for traffic in [Traffic::Llm, Traffic::Mixed] {
                let found = verdicts(&reader, line, |record| shown(&CLASSIFIER.classify(record, traffic)));
                let cached = verdicts(&reader, line, |record| shown(&CLASSIFIER.classify_again(record, traffic, &mut cache)));
                prop_assert_eq!(cached, found, "{}", line);
            }
        }
    }
}
