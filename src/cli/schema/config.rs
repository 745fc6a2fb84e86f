//! The schema of the configuration. A test compares its keys with `deploy/config.toml`, which has every key.

use super::parts::{DIALECT, list, one_of, switch, table, text, texts};
use crate::taxonomy::{Category, Owner, Retry, Severity};
use serde_json::{Value, json};

pub(super) fn schema() -> Value {
    let properties = json!({
        "http": table("the HTTP server", &json!({
            "listen": with_default(text("address and port"), "127.0.0.1:10529"),
            "lifecycle": switch("every peer may request a reload, not only this machine", false),
            "url": text("the address of the daemon in links of alerts"),
        })),
        "state": table("saved state", &json!({"dir": text("the directory of the checkpoint")})),
        "source": table("the logs to read", &json!({"file": list(&file(), "files"), "tcp": list(&tcp(), "lines over TCP")})),
        "record": table("how records are read", &json!({
            "fields": {
                "type": "object",
                "description": "own field names by their meaning; they come before the built-in ones",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
        })),
        "provider": list(&provider(), "own providers, and more signs of known ones"),
        "patterns": table("the catalogue", &json!({"dirs": texts("directories of own patterns; they come before the shipped ones")})),
        "limits": table("limits", &json!({
            "max_line": size("of a longer line, only the head and the tail are read"),
            "tcp_buffer": size("the memory for unfinished lines of all TCP connections; beyond it they wait"),
            "series": {"type": "integer", "minimum": 1, "default": 2_000, "description": "per metric family, beyond the shipped providers"},
        })),
        "alerting": table("settings of all alerts", &json!({
            "by": list(&json!({"enum": ["provider", "service"]}), "the labels by which alerts are separate"),
            "runbook_url": text("the link of an alert; `{row}` is replaced by the row"),
        })),
        "escalation": list(&row(), "changes of shipped rows, and new rows before them"),
        "receiver": receivers(),
    });
    let mut schema = table("Every key is optional; an unknown key is an error.", &properties);
    schema["$schema"] = json!(DIALECT);
    schema["title"] = json!("llm-triage configuration");
    schema
}

fn with_default(mut schema: Value, default: &str) -> Value {
    schema["default"] = json!(default);
    schema
}

fn span(description: &str) -> Value {
    json!({"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$", "description": format!("{description}; as in 500ms, 10s, 5m, 4h")})
}

fn size(description: &str) -> Value {
    json!({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}], "description": format!("{description}; bytes, or as in 64KiB, 1MiB")})
}

/// The keys of every kind of source, and `more`.
fn source(description: &str, more: Value) -> Value {
    let mut properties = json!({
        "name": text("the label `source` of metrics"),
        "grain": one_of(["auto", "call", "attempt"], "what a record counts as"),
        "traffic": one_of(["llm", "mixed"], "whether only LLM clients and gateways write there"),
        "timezone": text("the time zone of timestamps without one: Asia/Tokyo"),
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        properties[key] = value.clone();
    }
    table(description, &properties)
}

fn file() -> Value {
    source(
        "files that match a pattern",
        json!({
            "paths": texts("paths, with *, ** and ? in them"),
            "exclude": texts("paths that are not read"),
            "start_at": one_of(["beginning", "end"], "where to start in files that exist at the very first start"),
        }),
    )
}

fn tcp() -> Value {
    source(
        "lines over TCP, each ended by a newline",
        json!({
            "listen": text("address and port"),
            "max_connections": {"type": "integer", "minimum": 1, "default": 256, "description": "at the same time"},
            "idle": span("a connection that sends nothing for this long is closed"),
            "cert_file": text("the TLS certificate, in PEM; a relative path is relative to this file or to the credentials directory"),
            "key_file": text("the certificate's private key, in PEM"),
        }),
    )
}

fn provider() -> Value {
    let properties = json!({
        "id": {"type": "string", "pattern": "^[a-z0-9_.-]{1,32}$", "description": "the value of the label `provider`"},
        "name": text("the display name"),
        "aliases": texts("other spellings on input"),
        "hosts": texts("host names: exact, or `.suffix`, or with one `*`"),
        "models": texts("prefixes of model names that only this provider has"),
        "namespaces": texts("namespaces of exception classes and names of loggers"),
        "vocabulary": texts("words that only its errors contain"),
        "wording": texts("words from its errors that other providers repeat"),
        "status_page": text("the address of its status page"),
        "relay": switch("it forwards requests to other providers", false),
        "self_hosted": switch("it runs on your own machines", false),
    });
    let mut table = table("a provider or gateway", &properties);
    table["required"] = json!(["id"]);
    table
}

fn row() -> Value {
    let any = |words: Value| json!({"anyOf": [words, {"type": "array", "items": words}]});
    let name = || any(json!({"type": "string"}));
    let conditions = json!({
        "provider": name(), "gateway": name(), "service": name(), "model": name(), "pattern": name(), "tag": name(), "source": name(),
        "status": any(json!({"type": ["integer", "string"]})),
        "category": any(json!({"enum": Category::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>()})),
        "owner": any(json!({"enum": Owner::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>()})),
        "retry": any(json!({"enum": Retry::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>()})),
    });
    let properties = json!({
        "id": text("the id of a shipped row to change, or of a new row"),
        "enabled": switch("false: the row is off", true),
        "kind": text("what the row watches; `errors` in a row of your own"),
        "match": table("the failed calls of this row: all conditions must match", &conditions),
        "sustained": span("how long the failures must last; `0s` fires at once"),
        "within": span("instead of `sustained`: the time within which `failures` calls must fail"),
        "failures": {"type": "integer", "minimum": 1, "description": "the fewest failed calls"},
        "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "description": "the least share of failed calls"},
        "keep_firing": span("how long after the last failures the alert still fires"),
        "severity": one_of(Severity::ALL.iter().map(|word| word.as_str()), "the severity"),
        "title": text("what is wrong, in a few words"),
        "action": text("what to do first"),
        "escalate_to": text("who or what to escalate to"),
        "fix": text("the fix"),
    });
    let mut table = table("a row of the escalation table", &properties);
    table["required"] = json!(["id"]);
    table
}

fn receivers() -> Value {
    // Every kind has its own keys and some of the shared ones.
    let receiver = |description: &str, shared: &[&str], own: Value| {
        let all = json!({
            "name": text("the label `receiver`"),
            "min_severity": one_of(Severity::ALL.iter().map(|word| word.as_str()), "alerts below it are not sent"),
            "rows": texts("only these rows; all rows if empty"),
            "timeout": span("how long one request may take"),
            "repeat": span("how often a firing alert is notified again"),
            "ca_file": text("a file with further root certificates"),
            "bearer_token_file": text("a file with a bearer token"),
            "url": text("the address"),
            "url_file": text("a file with the address, if it is secret"),
        });
        let mut properties = own;
        for key in shared {
            properties[*key] = all[*key].clone();
        }
        list(&table(description, &properties), description)
    };
    const ALERT_KEYS: [&str; 4] = ["name", "min_severity", "rows", "repeat"];
    let with = |more: &[&'static str]| [&ALERT_KEYS[..], more].concat();
    table(
        "the receivers of alerts",
        &json!({
            "alertmanager": receiver(
                "an Alertmanager cluster",
                &["name", "min_severity", "rows", "timeout", "ca_file", "bearer_token_file"],
                json!({"urls": texts("the address of every member")}),
            ),
            "webhook": receiver(
                "a receiver of the webhook payload of Alertmanager",
                &with(&["timeout", "ca_file", "bearer_token_file", "url", "url_file"]),
                json!({}),
            ),
            "slack": receiver("a Slack channel, by an incoming webhook", &with(&["timeout", "ca_file", "url_file"]), json!({})),
            "pagerduty": receiver(
                "a PagerDuty service, by an Events v2 integration",
                &with(&["timeout", "ca_file", "url"]),
                json!({"routing_key_file": text("a file with the integration's routing key")}),
            ),
            "command": receiver(
                "a command that gets the webhook's payload on its standard input",
                &with(&["timeout"]),
                json!({"command": texts("the program and its arguments; no shell is used")}),
            ),
            "stdout": receiver("a line per change on standard output", &ALERT_KEYS, json!({})),
            "heartbeat": receiver(
                "an address that is requested while everything works",
                &["name", "timeout", "ca_file", "url", "url_file"],
                json!({"interval": span("how often")}),
            ),
        }),
    )
}
