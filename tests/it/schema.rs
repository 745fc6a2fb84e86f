//! The schemas have exactly the keys that the program reads and writes.

use crate::deploy::example;
use crate::{running, tool};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

fn schema(of: &str) -> Value {
    let output = running::program().args(["schema", of]).output().expect("the program runs");
    serde_json::from_slice(&output.stdout).expect("a schema is JSON")
}

fn from_toml(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Value>(text).unwrap_or_else(|error| panic!("{error}: {text}")))
        .expect("TOML is JSON")
}

/// Whether each of `values` is valid; `None` without the validator.
fn validate(schema: &Value, values: &[Value]) -> Option<Vec<bool>> {
    const SCRIPT: &str = "import json, sys, jsonschema
given = json.load(sys.stdin)
jsonschema.Draft202012Validator.check_schema(given['schema'])
validator = jsonschema.Draft202012Validator(given['schema'])
for value in given['values']:
    for error in validator.iter_errors(value): print(error.json_path, error.message[:200], file=sys.stderr)
print(json.dumps([validator.is_valid(value) for value in given['values']]))";
    let mut command = Command::new(tool::python("jsonschema")?);
    let (success, output) = tool::run(command.args(["-c", SCRIPT]), &json!({"schema": schema, "values": values}).to_string());
    assert!(success, "{output}");
    let valid = output.lines().find(|line| line.starts_with("[true") || line.starts_with("[false") || *line == "[]");
    Some(serde_json::from_str(valid.unwrap_or_else(|| panic!("{output}"))).expect("a list"))
}

/// The names of all properties in a schema.
fn names(schema: &Value, out: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                out.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| names(value, out));
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, out)),
        _ => {}
    }
}

#[test]
fn the_schema_of_the_configuration_has_the_keys_of_the_example() {
    let schema = schema("config");
    let shown = example::uncommented(&example::text());
    let mut keys = Vec::new();
    names(&schema, &mut keys);
    assert!(keys.len() > 60, "{keys:?}");
    let conditions = [
        "provider", "gateway", "model", "pattern", "tag", "source", "status", "category", "owner", "service", "retry", "ending",
    ];
    for key in keys.iter().filter(|key| !conditions.contains(&key.as_str())) {
        let is_shown =
            shown.contains(&format!("\n{key} = ")) || shown.contains(&format!("[{key}")) || shown.contains(&format!(".{key}]"));
        assert!(is_shown, "the schema has the key {key:?}, but deploy/config.toml has not");
    }
    let good = [from_toml(&shown), from_toml(&example::text()), json!({})];
    let bad = [
        json!({"http": {"lisen": "127.0.0.1:1"}}),
        json!({"source": {"file": [{"paths": "/var/log/x"}]}}),
        json!({"receiver": {"slack": [{"url": "https://hooks.example"}]}}),
        json!({"escalation": [{"sustained": "45s"}]}),
        json!({"escalation": [{"id": "auth", "severity": "dreadful"}]}),
    ];
    let Some(valid) = validate(&schema, &[&good[..], &bad].concat()) else { return };
    assert_eq!(valid, [[true; 3].to_vec(), [false; 5].to_vec()].concat());
}

#[test]
fn every_shipped_file_is_valid_by_the_schema_of_patterns() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns");
    let files = fs::read_dir(folder).expect("patterns/").map(|entry| entry.expect("an entry").path());
    let holds_patterns = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.ends_with(".toml")
            && !["providers.toml", "signals.toml", "escalation.toml", "fields.toml", "endings.toml", "names.toml"]
                .contains(&name.as_str())
    };
    let mut values: Vec<_> =
        files.filter(holds_patterns).map(|path| from_toml(&fs::read_to_string(path).expect("a file"))).collect();
    let shipped = values.len();
    values.push(from_toml("[[pattern]]\nid = 'http-500'\ndisabled = true"));
    values.push(from_toml("[[pattern]]\nid = 'half'\ntitle = 'no meaning'"));
    values.push(from_toml("[[pattern]]\nid = 'x'\nmesage = ['typing error']\ndisabled = true"));
    let Some(valid) = validate(&schema("patterns"), &values) else { return };
    assert!(shipped > 30 && valid[..=shipped].iter().all(|valid| *valid), "{valid:?}");
    assert_eq!(valid[shipped + 1..], [false, false]);
}

#[test]
fn every_report_is_valid_by_the_schema_of_reports() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let files = [
        "samples/checkout.jsonl",
        "samples/gateway.jsonl",
        "samples/batch.log",
        "samples/support-bot.log",
        "timeline/timeline.jsonl",
    ];
    let report = |files: &[&str]| -> Value {
        let mut command = running::program();
        command.args(["report", "--format", "json"]).args(files.iter().map(|file| samples.join(file)));
        serde_json::from_slice(&command.output().expect("the program runs").stdout).expect("a report is JSON")
    };
    let whole = report(&files);
    let lists = ["errors", "alerts", "windows", "findings"];
    assert!(lists.iter().all(|key| whole[key].as_array().is_some_and(|items| !items.is_empty())), "{whole}");
    let mut values: Vec<Value> = files.iter().map(|file| report(&[file])).chain([whole]).collect();
    let good = values.len();
    values.push(json!({"v": 1}));
    let mut wrong = values[0].clone();
    wrong["errors"][0]["owner"] = json!("the moon");
    values.push(wrong);
    let Some(valid) = validate(&schema("report"), &values) else { return };
    assert_eq!(valid, [vec![true; good], vec![false; 2]].concat());
    // No key of a report is missing in the schema.
    let mut known = Vec::new();
    names(&schema("report"), &mut known);
    let mut used = Vec::new();
    keys(&values[good - 1], &mut used);
    // The reasons of `skipped` are no keys of the format.
    let unknown: Vec<_> = used.iter().filter(|key| !known.contains(key)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// The keys of all objects in a value.
fn keys(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            out.extend(object.keys().cloned());
            object.iter().filter(|(key, _)| *key != "skipped").for_each(|(_, value)| keys(value, out));
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, out)),
        _ => {}
    }
}

#[test]
fn every_line_of_classify_is_valid_by_the_schema_of_verdicts() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/samples");
    let mut values = Vec::new();
    for file in ["checkout.jsonl", "gateway.jsonl", "batch.log", "support-bot.log"] {
        let output = running::program().arg("classify").arg(samples.join(file)).output().expect("the program runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        values.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a verdict is JSON")));
    }
    values.push(json!({"v": 1}));
    let Some(valid) = validate(&schema("verdict"), &values) else { return };
    assert!(valid.len() > 300 && valid[..valid.len() - 1].iter().all(|valid| *valid), "{valid:?}");
    assert_eq!(valid.last(), Some(&false));
}
