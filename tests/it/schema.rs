//! The schemas say what the program takes and writes: no key more, none less.

use crate::deploy::example;
use crate::{running, tool};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

fn schema(of: &str) -> Value {
    let output = running::program().args(["schema", of]).output().expect("it runs");
    serde_json::from_slice(&output.stdout).expect("a schema is JSON")
}

fn from_toml(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Value>(text).unwrap_or_else(|error| panic!("{error}: {text}")))
        .expect("TOML is JSON")
}

/// What a validator says: of each of `things` whether it is valid.
fn judge(schema: &Value, things: &[Value]) -> Option<Vec<bool>> {
    const JUDGE: &str = "import json, sys, jsonschema
it = json.load(sys.stdin)
jsonschema.Draft202012Validator.check_schema(it['schema'])
judge = jsonschema.Draft202012Validator(it['schema'])
for thing in it['things']:
    for error in judge.iter_errors(thing): print(error.json_path, error.message[:200], file=sys.stderr)
print(json.dumps([judge.is_valid(thing) for thing in it['things']]))";
    let mut command = Command::new(tool::python("jsonschema")?);
    let (good, said) = tool::run(command.args(["-c", JUDGE]), &json!({"schema": schema, "things": things}).to_string());
    assert!(good, "{said}");
    let verdicts = said.lines().find(|it| it.starts_with("[true") || it.starts_with("[false") || *it == "[]");
    Some(serde_json::from_str(verdicts.unwrap_or_else(|| panic!("{said}"))).expect("a list"))
}

/// Every name of a property anywhere in a schema.
fn names(schema: &Value, out: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                out.extend(properties.keys().cloned());
            }
            object.values().for_each(|it| names(it, out));
        }
        Value::Array(items) => items.iter().for_each(|it| names(it, out)),
        _ => {}
    }
}

#[test]
fn that_of_the_configuration_has_the_keys_of_the_example_which_has_all() {
    let schema = schema("config");
    let shown = example::uncommented(&example::text());
    let mut keys = Vec::new();
    names(&schema, &mut keys);
    assert!(keys.len() > 60, "{keys:?}");
    let conditions =
        ["provider", "gateway", "model", "pattern", "tag", "source", "status", "category", "owner", "service", "retry"];
    for key in keys.iter().filter(|it| !conditions.contains(&it.as_str())) {
        let there =
            shown.contains(&format!("\n{key} = ")) || shown.contains(&format!("[{key}")) || shown.contains(&format!(".{key}]"));
        assert!(there, "the schema has the key {key:?}, and the example has not");
    }
    let good = [from_toml(&shown), from_toml(&example::text()), json!({})];
    let bad = [
        json!({"http": {"lisen": "127.0.0.1:1"}}),
        json!({"source": {"file": [{"paths": "/var/log/x"}]}}),
        json!({"receiver": {"slack": [{"url": "https://hooks.example"}]}}),
        json!({"escalation": [{"sustained": "45s"}]}),
        json!({"escalation": [{"id": "auth", "severity": "dreadful"}]}),
    ];
    let Some(verdicts) = judge(&schema, &[&good[..], &bad].concat()) else { return };
    assert_eq!(verdicts, [[true; 3].to_vec(), [false; 5].to_vec()].concat());
}

#[test]
fn that_of_patterns_takes_every_file_of_ours() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns");
    let files = fs::read_dir(folder).expect("patterns/").map(|it| it.expect("an entry").path());
    let holds_patterns = |it: &std::path::PathBuf| {
        let name = it.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.ends_with(".toml") && !["providers.toml", "signals.toml", "escalation.toml"].contains(&name.as_str())
    };
    let mut things: Vec<_> =
        files.filter(holds_patterns).map(|it| from_toml(&fs::read_to_string(it).expect("a file"))).collect();
    let ours = things.len();
    things.push(from_toml("[[pattern]]\nid = 'http-500'\ndisabled = true"));
    things.push(from_toml("[[pattern]]\nid = 'half'\ntitle = 'no meaning'"));
    things.push(from_toml("[[pattern]]\nid = 'x'\nmesage = ['typing error']\ndisabled = true"));
    let Some(verdicts) = judge(&schema("patterns"), &things) else { return };
    assert!(ours > 30 && verdicts[..=ours].iter().all(|it| *it), "{verdicts:?}");
    assert_eq!(verdicts[ours + 1..], [false, false]);
}

#[test]
fn that_of_verdicts_takes_what_classify_writes() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/samples");
    let mut things = Vec::new();
    for file in ["checkout.jsonl", "gateway.jsonl", "batch.log", "support-bot.log"] {
        let output = running::program().arg("classify").arg(samples.join(file)).output().expect("it runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        things.extend(text.lines().map(|it| serde_json::from_str::<Value>(it).expect("a verdict is JSON")));
    }
    things.push(json!({"v": 1}));
    let Some(verdicts) = judge(&schema("verdict"), &things) else { return };
    assert!(verdicts.len() > 300 && verdicts[..verdicts.len() - 1].iter().all(|it| *it), "{verdicts:?}");
    assert_eq!(verdicts.last(), Some(&false));
}
