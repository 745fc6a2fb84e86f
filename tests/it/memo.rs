//! Repeated failures are judged once: a cached verdict must be equal to a fresh one.

use llm_triage::classify::{Catalog, Classifier, Traffic, Verdict, VerdictCache};
use llm_triage::record::Reader;
use std::fs;
use std::path::Path;
use std::sync::Arc;

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
                    for _ in 0..2 {
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
