//! The example configuration: good as it is, each default in it is the default, and no key is left out.

use llm_triage::config::{Config, Flags, json_schema};
use llm_triage::delivery::ReceiverOptions;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// What stands above this heading are defaults, and below it examples.
const EXAMPLES: &str = "# ---- Examples";

pub(crate) fn text() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/config.toml")).expect("the example")
}

/// With every line in force that could be.
pub(crate) fn uncommented(text: &str) -> String {
    let in_force = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => rest.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(|line| in_force(line) + "\n").collect()
}

fn read(text: &str) -> Config {
    Config::from_text(None, text, &Flags::default(), None).unwrap_or_else(|error| panic!("{error}"))
}

/// Keys without a default, which stand with those that have one.
fn without_examples(defaults: &str) -> String {
    ["timezone", "runbook_url", "url"]
        .iter()
        .fold(defaults.to_owned(), |text, key| text.replace(&format!("\n#{key} ="), &format!("\n# {key} =")))
}

#[test]
fn every_default_that_it_shows_is_the_default() {
    let text = text();
    let (defaults, _) = text.split_once(EXAMPLES).expect("the heading");
    let shown = read(&uncommented(&without_examples(defaults)));
    assert_eq!(format!("{shown:?}"), format!("{:?}", read(&text)));
    assert_eq!(uncommented(defaults).matches(" = ").count(), 18, "and they were in force");
}

#[test]
fn its_examples_are_good_ones() {
    let dir = tempfile::tempdir().expect("a directory");
    for secret in ["slack-url", "pagerduty-key", "alertmanager-password"] {
        std::fs::write(dir.path().join(secret), "https://hooks.slack.example/services/T0/B0/x").expect("a file");
    }
    let all: String =
        uncommented(&text()).lines().filter(|line| !line.contains('…')).map(|line| line.to_owned() + "\n").collect();
    std::fs::write(dir.path().join("config.toml"), all).expect("a file");
    let mut command = crate::running::program();
    let output = command.args(["check", "--config", "config.toml"]).current_dir(dir.path()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    for word in ["app: files", "TCP on 127.0.0.1:10530", "pods: files", "(traffic mixed,", "pagerduty", "5 within 30s"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

/// The keys that `config` itself reads. The schema is derived from the types that read them.
fn own_keys() -> BTreeSet<String> {
    fn add(schema: &Value, keys: &mut BTreeSet<String>) {
        for (key, value) in schema["properties"].as_object().into_iter().flatten() {
            keys.insert(key.clone());
            add(value, keys);
            add(&value["items"], keys);
        }
    }
    let mut schema = json_schema();
    for foreign in ["provider", "escalation", "receiver"] {
        schema["properties"][foreign] = Value::Null;
    }
    let mut keys = BTreeSet::new();
    add(&schema, &mut keys);
    keys
}

/// Keys as the sources name them: a new one must be shown here.
#[test]
fn no_key_is_left_out() {
    let source = |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path);
    let fields = |text: String, end: &str| -> BTreeSet<String> {
        let text = text.split(end).next().unwrap_or_default().to_owned();
        let fields = text.lines().filter_map(|line| line.strip_prefix("    pub ")?.split_once(": "));
        fields.map(|(name, _)| name.to_owned()).filter(|name| !name.contains(' ')).collect()
    };
    let mut keys = own_keys();
    for kind in ReceiverOptions::KINDS {
        keys.insert((*kind).to_owned());
        keys.extend(fields(source(&format!("src/delivery/receiver/{kind}.rs")), "\nimpl "));
    }
    keys.extend(fields(source("src/alert/table/spec.rs"), "impl RowSpec"));
    keys.extend(fields(source("src/taxonomy/provider.rs"), "pub enum ProviderError"));
    keys.remove("conditions");
    keys.insert("match".to_owned());
    assert!(keys.len() > 50, "{keys:?}");
    let shown = uncommented(&text());
    let missing: Vec<_> = keys
        .iter()
        .filter(|key| {
            !shown.contains(&format!("\n{key} = "))
                && !shown.contains(&format!("[{key}"))
                && !shown.contains(&format!(".{key}]"))
        })
        .collect();
    assert!(missing.is_empty(), "deploy/config.toml does not show {missing:?}");
}
