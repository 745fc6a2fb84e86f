//! Lines of a form that was learned give the same records as lines that are read member by member.

use llm_triage::record::{Forms, Level, Reader, Record};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::fs;
use std::path::Path;

fn shown(record: &Record<'_>) -> String {
    format!("{record:?} {:?}", record.facts())
}

fn read(reader: &Reader, line: &str) -> Vec<String> {
    let mut all = Vec::new();
    reader.read(line.as_bytes(), &[], None, |record| all.push(shown(record)));
    all
}

fn read_again(reader: &Reader, line: &str, forms: &mut Forms) -> Vec<String> {
    let mut all = Vec::new();
    let keep = |record: &Record<'_>| all.push(shown(record));
    let prefix = (None, Level::Unknown);
    if forms.walk(line.as_bytes()) {
        reader.read_known(&forms.found(line.as_bytes()), &[], prefix, keep);
    } else {
        reader.read_again(line.as_bytes(), &[], prefix, forms, keep);
    }
    all
}

#[test]
fn logs_of_real_loggers_give_the_same_records() {
    let (reader, mut forms) = (Reader::default(), Forms::default());
    let mut compared = 0;
    for folder in ["sdk-logs", "samples", "timeline"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
        for file in fs::read_dir(&path).expect("the folder exists") {
            let text = fs::read_to_string(file.expect("the folder can be listed").path()).expect("the file is text");
            for line in text.lines().filter(|line| line.starts_with('{')) {
                let expected = read(&reader, line);
                for _ in 0..2 {
                    assert_eq!(read_again(&reader, line, &mut forms), expected, "{line}");
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 1_000, "only {compared} lines were compared");
}

/// Keys that fill fields, that hold others, that are denied, and that mean nothing.
const KEYS: [&str; 22] = [
    "level",
    "msg",
    "time",
    "model",
    "status",
    "provider",
    "err",
    "error",
    "response",
    "message",
    "usage",
    "llm",
    "messages",
    "prompt",
    "input_tokens",
    "gen_ai.request.model",
    "attributes",
    "stack",
    "x",
    "nested",
    "a\\u0062",
    "",
];

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(vec![
            "1",
            "-2.5e3",
            "429",
            "true",
            "false",
            "null",
            "NaN",
            "\"\"",
            "\"error\"",
            "\"gpt-5\"",
            "\"a\\\"b\"",
            "\"{\\\"a\\\":1}\"",
            "\"\u{e9}\"",
            "[]",
            "[1,{\"a\":2}]",
            "{}",
            "1{2",
            "1\"2",
            "tr[ue",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        vec((select(KEYS.to_vec()), inner), 0..5).prop_map(|members| object(&members, ",", ":"))
    })
}

fn object(members: &[(&str, String)], comma: &str, colon: &str) -> String {
    let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\"{colon}{value}")).collect();
    format!("{{{}}}", members.join(comma))
}

fn line() -> impl Strategy<Value = String> {
    let members = vec((select(KEYS.to_vec()), value()), 0..7);
    (members, select(vec![",", ", ", ",\n "]), select(vec![":", ": "]))
        .prop_map(|(members, comma, colon)| object(&members, comma, colon))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Each line comes whole, with other values, and damaged, between lines of other forms.
    #[test]
    fn any_lines_give_the_same_records(
        lines in vec((line(), any::<prop::sample::Index>(), select(vec!["", "\"", "}", "{", "]", ",", "7", "\\"])), 1..12),
    ) {
        let (reader, mut forms) = (Reader::default(), Forms::default());
        for _ in 0..2 {
            for (line, place, text) in &lines {
                let at = line.floor_char_boundary(place.index(line.len() + 1));
                let (before, after) = line.split_at(at);
                let damaged = format!("{before}{text}{}", after.get(1..).unwrap_or_default());
                let other = line.replace('5', "6").replace("err", "war");
                for line in [line, &other, &damaged] {
                    prop_assert_eq!(read_again(&reader, line, &mut forms), read(&reader, line), "{}", line);
                }
            }
        }
    }
}

/// Services of one collector begin their lines alike, so that many texts follow one place.
#[test]
fn many_forms_branch_at_one_place() {
    let (reader, mut forms) = (Reader::default(), Forms::default());
    let keys = ["a", "page", "queue_1", "request.status", "usage", "err"];
    let mut known = 0;
    for round in 0..3 {
        for number in 0..60 {
            let key = keys[number % keys.len()];
            let line = format!(r#"{{"ts":{round},"level":"info","msg":"m","{key}{number}":{number},"model":"gpt-5"}}"#);
            known += usize::from(forms.walk(line.as_bytes()));
            assert_eq!(read_again(&reader, &line, &mut forms), read(&reader, &line), "{line}");
        }
    }
    assert!(known > 100, "only {known} of 180 lines had a known form");
}

/// More forms than are remembered, and then lines that are known again.
#[test]
fn forgotten_forms_are_learned_again() {
    let (reader, mut forms) = (Reader::default(), Forms::default());
    for number in 0..6_000 {
        let line = format!(r#"{{"level":"error","k{number}":1,"status":{},"model":"gpt-5"}}"#, 400 + number % 100);
        for _ in 0..2 {
            assert_eq!(read_again(&reader, &line, &mut forms), read(&reader, &line));
        }
    }
}
