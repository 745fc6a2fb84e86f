//! The configuration. A test holds it to `deploy/config.toml`, which shows every key.

use super::parts::{DIALECT, list, one_of, switch, table, text, texts};
use crate::taxonomy::{Category, Owner, Retry, Severity};
use serde_json::{Value, json};

pub(super) fn schema() -> Value {
    let properties = json!({
        "http": table("where it serves", &json!({
            "listen": with_default(text("address and port"), "127.0.0.1:10529"),
            "lifecycle": switch("every peer may reload, not only this machine", false),
            "url": text("how others reach it, for links in alerts"),
        })),
        "state": table("what it keeps", &json!({"dir": text("the directory of the checkpoint")})),
        "source": table("what it reads", &json!({"file": list(&file(), "files"), "tcp": list(&tcp(), "lines over TCP")})),
        "record": table("how records are read", &json!({
            "fields": {
                "type": "object",
                "description": "own field names by what they hold, in front of those that are known",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
        })),
        "provider": list(&provider(), "own providers, and further signs of known ones"),
        "patterns": table("the catalogue", &json!({"dirs": texts("directories of own patterns, in front of the shipped ones")})),
        "limits": table("what it takes at most", &json!({
            "max_line": size("a longer line is read by its head and its tail"),
            "tcp_buffer": size("what all TCP peers together may have on the way or unfinished; beyond it they wait"),
            "series": {"type": "integer", "minimum": 1, "default": 2_000, "description": "per metric family, beyond the shipped providers"},
        })),
        "alerting": table("what all alerts have", &json!({
            "by": list(&json!({"enum": ["provider", "service"]}), "what an alert is told apart by"),
            "runbook_url": text("where alerts link to; `{row}` stands for the row"),
        })),
        "escalation": list(&row(), "changes of shipped rows, and rows in front of them"),
        "receiver": receivers(),
    });
    let mut schema = table("Every key is optional; a key that is not here is refused.", &properties);
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

/// What every kind of source has, and `more`.
fn source(description: &str, more: Value) -> Value {
    let mut properties = json!({
        "name": text("the label `source` of metrics"),
        "grain": one_of(["auto", "call", "attempt"], "what a record counts as"),
        "traffic": one_of(["llm", "mixed"], "whether only LLM clients write there"),
        "timezone": text("of stamps without a zone: Asia/Tokyo"),
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
            "exclude": texts("paths that are left out"),
            "start_at": one_of(["beginning", "end"], "of files that are there at the first start ever"),
        }),
    )
}

fn tcp() -> Value {
    source(
        "lines over TCP, each ended by a newline",
        json!({
            "listen": text("address and port"),
            "max_connections": {"type": "integer", "minimum": 1, "default": 256, "description": "at the same time"},
            "idle": span("a peer that says nothing for so long is let go"),
            "cert_file": text("peers speak TLS with this certificate, in PEM; relative: beside this file, or in the credentials directory"),
            "key_file": text("the certificate's private key, in PEM"),
        }),
    )
}

fn provider() -> Value {
    let properties = json!({
        "id": {"type": "string", "pattern": "^[a-z0-9_.-]{1,32}$", "description": "the value of the label `provider`"},
        "name": text("the name people use"),
        "aliases": texts("other spellings on input"),
        "hosts": texts("host names: exact, or `.suffix`, or with one `*`"),
        "models": texts("prefixes of model names that only it has"),
        "namespaces": texts("namespaces of exception classes and names of loggers"),
        "vocabulary": texts("words that only its errors use"),
        "wording": texts("words that it coined and others repeat"),
        "status_page": text("where one looks when it is down"),
        "relay": switch("it passes other providers' failures on", false),
        "self_hosted": switch("it runs on one's own machines", false),
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
        "id": text("of a shipped row, to change it, or of a new one"),
        "enabled": switch("false: the row is not there", true),
        "kind": text("what the row watches; `errors` in a row of one's own"),
        "match": table("failed calls that are of this row: all of these", &conditions),
        "sustained": span("how long the trouble must last; `0s` fires at once"),
        "within": span("instead of `sustained`: the time within which `failures` calls must fail"),
        "failures": {"type": "integer", "minimum": 1, "description": "the fewest failed calls"},
        "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "description": "the share of calls from which on it is trouble"},
        "keep_firing": span("how long after the trouble it clears"),
        "severity": one_of(Severity::ALL.iter().map(|word| word.as_str()), "how bad it is"),
        "title": text("what is wrong, in a few words"),
        "action": text("what to do first"),
        "escalate_to": text("who or what comes next"),
        "fix": text("what mends it"),
    });
    let mut table = table("a row of the escalation table", &properties);
    table["required"] = json!(["id"]);
    table
}

fn receivers() -> Value {
    // What each kind has beside its own keys.
    let receiver = |description: &str, shared: &[&str], own: Value| {
        let all = json!({
            "name": text("the label `receiver`"),
            "min_severity": one_of(Severity::ALL.iter().map(|word| word.as_str()), "nothing below is sent"),
            "rows": texts("only these rows; all when empty"),
            "timeout": span("how long one answer may take"),
            "repeat": span("after how long a firing alert is told again"),
            "ca_file": text("a file with further root certificates"),
            "bearer_token_file": text("a file with a bearer token"),
            "url": text("the address"),
            "url_file": text("a file with the address, where it is a secret"),
        });
        let mut properties = own;
        for key in shared {
            properties[*key] = all[*key].clone();
        }
        list(&table(description, &properties), description)
    };
    const TOLD: [&str; 4] = ["name", "min_severity", "rows", "repeat"];
    let with = |more: &[&'static str]| [&TOLD[..], more].concat();
    table(
        "who is told",
        &json!({
            "alertmanager": receiver(
                "an Alertmanager cluster",
                &["name", "min_severity", "rows", "timeout", "ca_file", "bearer_token_file"],
                json!({"urls": texts("the address of every member")}),
            ),
            "webhook": receiver(
                "whatever takes Alertmanager's webhook payload",
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
                json!({"command": texts("the program and its arguments; no shell is asked")}),
            ),
            "stdout": receiver("a line per change on standard output", &TOLD, json!({})),
            "heartbeat": receiver(
                "an address that is asked for while all is well",
                &["name", "timeout", "ca_file", "url", "url_file"],
                json!({"interval": span("how often")}),
            ),
        }),
    )
}
