//! `docs/configuration.md`, generated from the types of the options by way of their JSON Schema: every key with its type, default
//! and meaning. `UPDATE=1 cargo test --test it generated` writes it again.

use crate::running;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const INTRODUCTION: &str = "# Configuration

Generated from the types of the options; `llm-triage schema config` prints the same as a JSON Schema for editors. [deploy/config.toml](../deploy/config.toml) shows every
key in a file with comments, and [daemon.md](daemon.md#configuration) says where the file is and how it is checked. Every key is optional, and an unknown key is an error.

A *time* is `30s`, `5m` or `1h30m`; a *size* is `64KiB` or `1MiB`. Several `[[tables]]` of one name may stand in a file.
";

#[test]
fn the_generated_page_of_the_configuration_has_every_key() {
    let output = running::program().args(["schema", "config"]).output().expect("the program runs");
    let schema: Value = serde_json::from_slice(&output.stdout).expect("a schema is JSON");
    let mut page = INTRODUCTION.to_owned();
    write_table(&mut page, &mut Vec::new(), &schema, false);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).expect("docs can be written");
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == page, "docs/configuration.md is out of date; run UPDATE=1 cargo test --test it generated");
}

/// A section for a table with its keys, then one for each table inside it.
fn write_table(page: &mut String, path: &mut Vec<String>, schema: &Value, is_list: bool) {
    let Some(properties) = schema["properties"].as_object() else {
        // A table with any keys.
        let about = schema["description"].as_str().unwrap_or_default();
        write!(page, "\n## `[{}]`\n\n{about} Any key: {}.\n", path.join("."), type_of(&schema["additionalProperties"]))
            .expect("a String grows");
        return;
    };
    let (keys, tables): (Vec<_>, Vec<_>) = properties.iter().partition(|(_, schema)| table_of(schema).is_none());
    if !keys.is_empty() {
        let (open, close) = if is_list { ("[[", "]]") } else { ("[", "]") };
        let about = schema["description"].as_str().unwrap_or_default();
        write!(page, "\n## `{open}{}{close}`\n\n{about}\n\n", path.join(".")).expect("a String grows");
        page.push_str("| key | type | default | meaning |\n| --- | --- | --- | --- |\n");
    }
    for (key, schema) in keys {
        let about = schema["description"].as_str().unwrap_or_default();
        let (name, kind, default, about) = (format!("`{key}`"), type_of(schema), default_of(schema), cell(about));
        assert!(!about.is_empty() && !kind.is_empty(), "{}.{key} says nothing about itself: {schema}", path.join("."));
        writeln!(page, "| {name} | {kind} | {default} | {about} |").expect("a String grows");
    }
    for (key, schema) in tables {
        let (table, is_list) = table_of(schema).expect("a table");
        path.push(key.clone());
        write_table(page, path, table, is_list);
        path.pop();
    }
}

/// The table that a key holds, and whether it holds several. Short tables that stand in one line are values.
fn table_of(schema: &Value) -> Option<(&Value, bool)> {
    let is_table = |schema: &Value| schema["type"] == "object";
    if is_table(schema) {
        return Some((schema, false));
    }
    let items = &schema["items"];
    is_table(items).then_some((items, true))
}

fn type_of(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<_> = words.iter().map(|word| format!("`{}`", word.as_str().unwrap_or_default())).collect();
        return words.join(", ");
    }
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    let is_size = |part: &Value| part["pattern"].as_str().is_some_and(|pattern| pattern.contains("[bB]"));
    match schema["type"].as_str().unwrap_or_default() {
        "string" if pattern.contains("[a-z]+,?") => "time".to_owned(),
        "string" => "text".to_owned(),
        "boolean" => "`true`, `false`".to_owned(),
        "integer" | "number" => range(schema),
        "array" => match type_of(&schema["items"]).as_str() {
            "text" => "list of texts".to_owned(),
            items => format!("list of {items}"),
        },
        "object" => format!("table with {}", keys_of(schema)),
        _ => match schema["anyOf"].as_array().map(Vec::as_slice) {
            Some(parts) if parts.iter().any(is_size) => "size".to_owned(),
            Some([table, ..]) if table["type"] == "object" => format!("table, or list of tables, with {}", keys_of(table)),
            _ => String::new(),
        },
    }
}

fn keys_of(table: &Value) -> String {
    let keys = table["properties"].as_object().into_iter().flat_map(|keys| keys.keys());
    keys.map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

fn range(schema: &Value) -> String {
    let bound = |key: &str| schema[key].as_f64().map(|bound| bound.to_string());
    let least = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|bound| format!("above {bound}")));
    match (least, bound("maximum")) {
        (Some(least), Some(most)) => format!("number, {least} to {most}"),
        (Some(least), None) => format!("number, {least} or more"),
        _ => "number".to_owned(),
    }
}

fn default_of(schema: &Value) -> String {
    match &schema["default"] {
        Value::Null => String::new(),
        Value::String(text) if text.is_empty() => String::new(),
        value => format!("`{}`", cell(&value.to_string())),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
