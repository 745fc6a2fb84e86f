//! The escalation table: every failed call has its row, faults are reported, and the Prometheus rules agree.

use crate::alert::World;
use llm_triage::alert::{Kind, Row, RulesFormat, RulesOptions, SelfRow, Table, Trigger, parse, prometheus_rules};
use llm_triage::detect::HOLLOW_ROW;
use llm_triage::observation::Observation;
use llm_triage::taxonomy::{Category, Outcome, Owner, Severity, Status};
use llm_triage::time::Timestamp;
use std::process::Command;
use std::time::Duration;

/// Parses a failed call: a status, a category, an owner, and maybe a pattern (`like:`), a provider (`by:`) or a service
/// (`for:`).
fn failed(world: &World, text: &str) -> Observation {
    let mut seen = Observation { outcome: Outcome::Error, ..Observation::new(Timestamp::from_second(0)) };
    for word in text.split_whitespace() {
        match (word.split_once(':'), word) {
            (Some(("by", provider)), _) => seen.provider = world.provider(provider),
            (Some(("for", service)), _) => seen.service = service.into(),
            (Some(("like", pattern)), _) => seen.pattern = world.pattern(pattern),
            (_, "none") => seen.status = None,
            (_, "timeout") => seen.status = Some(Status::Timeout),
            (_, "connection") => seen.status = Some(Status::Connection),
            _ => set_from_word(&mut seen, word),
        }
    }
    seen
}

fn set_from_word(seen: &mut Observation, word: &str) {
    match (word.parse().ok().and_then(Status::from_number), Category::from_text(word), Owner::from_text(word)) {
        (Some(status), _, _) => seen.status = Some(status),
        (_, Some(category), _) => seen.category = category,
        (_, _, Some(owner)) => seen.owner = owner,
        _ => panic!("unknown word {word}"),
    }
}

fn row_of(world: &World, table: &Table, text: &str) -> String {
    table.row(table.row_of(&failed(world, text))).map_or_else(String::new, |row| row.id.clone())
}

#[test]
fn every_failed_call_has_the_row_of_the_table() {
    let world = World::new();
    let table = world.table("");
    for (text, row) in [
        ("401 auth account by:litellm", "gateway"),
        ("500 client-tool gateway by:openai", "gateway"),
        ("429 billing-account account", "billing"),
        ("402 billing-account account", "billing"),
        ("401 auth account", "auth"),
        ("403 auth account", "auth"),
        ("529 rate-limit-capacity provider", "overloaded"),
        ("529", "overloaded"),
        ("429 rate-limit-capacity provider like:anthropic-overloaded", "overloaded"),
        ("200 rate-limit-capacity provider like:anthropic-overloaded", "overloaded"),
        ("503 rate-limit-capacity provider like:anthropic-overloaded", "unavailable"),
        ("429 rate-limit-capacity account like:openai-rate-limit", "rate-limit"),
        ("413 rate-limit-capacity account", "rate-limit"),
        ("500 network-infrastructure provider", "server-error"),
        ("500 unknown unknown", "server-error"),
        ("500 model caller", "caller"),
        ("500 content-policy provider", "content-policy"),
        ("502 network-infrastructure provider", "unavailable"),
        ("503 unknown unknown", "unavailable"),
        ("504 network-infrastructure provider", "unavailable"),
        ("520 network-infrastructure provider", "unavailable"),
        ("524 network-infrastructure provider", "timeout"),
        ("408 network-infrastructure network", "timeout"),
        ("timeout network-infrastructure network", "timeout"),
        ("connection network-infrastructure network", "network"),
        ("none network-infrastructure network", "network"),
        ("200 provider-quirk provider like:deepseek-empty-choices", "hollow"),
        ("400 request-format caller like:openai-empty-messages", "caller"),
        ("200 streaming provider", "streaming"),
        ("400 content-policy caller", "content-policy"),
        ("503 content-policy provider", "content-policy"),
        ("400 request-format caller", "caller"),
        ("418 unknown unknown", "unknown"),
        ("none tool-use tool", "rest"),
        ("404 model provider", "rest"),
    ] {
        assert_eq!(row_of(&world, &table, text), row, "{text}");
    }
}

/// Every failed call belongs to a row over failed calls.
#[test]
fn every_category_status_and_owner_has_a_row() {
    let world = World::new();
    let table = world.table("");
    let statuses =
        (100..600).map(|code| Some(Status::Http(code))).chain([None, Some(Status::Timeout), Some(Status::Connection)]);
    for status in statuses {
        for category in Category::ALL {
            for owner in Owner::ALL {
                let seen = Observation { status, category: *category, owner: *owner, ..failed(&world, "none") };
                let row = table.row(table.row_of(&seen)).expect("an id of this table");
                assert_eq!(row.kind, Kind::Errors, "{status:?} {category} {owner}");
                if *category == Category::BillingAccount {
                    assert!(matches!(row.id.as_str(), "billing" | "gateway"), "{status:?} {owner}: {}", row.id);
                }
            }
        }
    }
}

#[test]
fn the_shipped_rows_are_those_of_the_documentation() {
    let world = World::new();
    let table = world.table("");
    let line = |row: &Row| {
        let fires = match row.trigger {
            Trigger::AtOnce => "at once".to_owned(),
            Trigger::Sustained(length) => format!("{} s", length.as_secs()),
            Trigger::Burst(within) => format!("{} within {} s", row.failures, within.as_secs()),
        };
        format!("{} {fires} {}", row.alert_name, row.severity)
    };
    let errors: Vec<_> = table.rows().iter().filter(|row| row.kind == Kind::Errors).map(line).collect();
    assert_eq!(
        errors,
        [
            "LLMGateway 60 s warning",
            "LLMBilling at once critical",
            "LLMAuth at once critical",
            "LLMOverloaded 30 s warning",
            "LLMRateLimit 30 s warning",
            "LLMServerError 3 within 10 s warning",
            "LLMUnavailable 60 s warning",
            "LLMTimeout 60 s warning",
            "LLMNetwork 30 s warning",
            "LLMHollow 60 s warning",
            "LLMStreaming 60 s warning",
            "LLMContentPolicy 300 s info",
            "LLMCaller 300 s warning",
            "LLMUnknown 300 s info",
            "LLMRest 300 s warning",
        ]
    );
}

/// Code that depends on a shipped row names it once; the row must exist.
#[test]
fn rows_that_the_code_names_exist() {
    let world = World::new();
    let table = world.table("");
    let named = [Row::UNKNOWN, HOLLOW_ROW].into_iter().chain(SelfRow::ALL.iter().map(|row| row.as_str()));
    for id in named {
        assert!(table.by_name(id).is_some(), "{id}");
    }
}

#[test]
fn the_user_changes_rows_and_adds_rows_in_front() {
    let world = World::new();
    let table = world.table(
        r#"
        [[escalation]]
        id = "rate-limit"
        sustained = "45s"
        [[escalation]]
        id = "server-error"
        sustained = "20s"
        severity = "critical"
        [[escalation]]
        id = "checkout-auth"
        match = [{ category = "auth", service = ["checkout*", "!checkout-test"], provider = "openai" }]
        sustained = "0s"
        "#,
    );
    let row = |id: &str| table.by_name(id).and_then(|id| table.row(id)).expect("a row").clone();
    let limit = row("rate-limit");
    assert_eq!((limit.trigger, limit.severity), (Trigger::Sustained(Duration::from_secs(45)), Severity::Warning));
    // `sustained` replaces `within`.
    assert_eq!(row("server-error").trigger, Trigger::Sustained(Duration::from_secs(20)));
    assert_eq!(table.rows()[0].alert_name, "LLMCheckoutAuth");
    for (text, expected) in [
        ("401 auth by:openai for:checkout", "checkout-auth"),
        ("401 auth by:openai for:checkout-eu", "checkout-auth"),
        ("401 auth by:openai for:checkout-test", "auth"),
        ("401 auth by:anthropic for:checkout", "auth"),
        ("401 auth by:openai", "auth"),
    ] {
        assert_eq!(row_of(&world, &table, text), expected, "{text}");
    }
}

#[test]
fn a_fault_names_the_row_the_problem_and_the_fix() {
    let world = World::new();
    for (text, fault) in [
        ("id = 'Auth'", "escalation row \"Auth\": an id is lower-case words joined by `-`"),
        ("id = 'mine'", "escalation row \"mine\": a new row needs a `match`"),
        ("id = 'mine'\nmatch = {}", "escalation row \"mine\": a new row needs a `match`"),
        (
            "id = 'auth'\nsustained = 'soon'",
            "escalation row \"auth\": sustained = \"soon\" is not a time in whole seconds, such as \"45s\"",
        ),
        ("id = 'auth'\nsustained = '2d'", "escalation row \"auth\": sustained = \"2d\" is too long: at most 60 minutes"),
        ("id = 'auth'\nsustained = '1s'\nwithin = '2s'", "escalation row \"auth\": give `sustained` or `within`, not both"),
        ("id = 'auth'\nshare = 1.5", "escalation row \"auth\": share = 1.5 is not between"),
        ("id = 'auth'\nfailures = 0", "escalation row \"auth\": failures = 0 is not between"),
        (
            "id = 'auth'\nmatch = { category = 'money' }",
            "escalation row \"auth\": unknown category \"money\"; known are content-policy",
        ),
        ("id = 'auth'\nmatch = { status = 999 }", "escalation row \"auth\": invalid status \"999\""),
        (
            "id = 'auth'\nmatch = { provider = 'opneai' }",
            "escalation row \"auth\": unknown provider \"opneai\"; known are unknown, openai",
        ),
        ("id = 'rest'\nmatch = { status = 400 }", "escalation row \"rest\": must match every failed call"),
        ("id = 'outage'\nmatch = { status = 400 }", "escalation row \"outage\": only rows over failed calls have a `match`"),
        ("id = 'absorbed'\nsustained = '0s'", "escalation row \"absorbed\": fires only when it lasts"),
        ("id = 'outage'\nkind = 'errors'", "escalation row \"outage\": the kind of a shipped row cannot be changed"),
        ("id = 'auth'\n[[escalation]]\nid = 'auth'", "escalation row \"auth\": is defined twice"),
        (
            "id = 'a'\nmatch = { pattern = 'no-such-*' }",
            "escalation row \"a\": one of its conditions matches no call: no pattern has this id",
        ),
        (
            "id = 'a'\nmatch = { tag = 'overlod' }",
            "escalation row \"a\": one of its conditions matches no call: no pattern has such a tag",
        ),
        (
            "id = 'a'\nmatch = { tag = 'overload', category = 'auth' }",
            "escalation row \"a\": one of its conditions matches no call: its patterns have another category",
        ),
        (
            "id = 'a'\nmatch = { source = 'web' }",
            "escalation row \"a\": one of its conditions matches no call: no source has this name",
        ),
        (
            "id = 'a'\nmatch = { status = [429, '!4xx'] }",
            "escalation row \"a\": one of its conditions matches no call: its statuses",
        ),
        (
            "id = 'a'\nmatch = { pattern = 'openai-rate-limit', category = 'auth' }",
            "escalation row \"a\": one of its conditions matches no call: its patterns have another category",
        ),
        (
            "id = 'a'\nmatch = { category = 'auth' }",
            "escalation row \"a\": takes every call of row \"auth\", which could never fire",
        ),
        (
            "id = 'a'\nmatch = { service = 'x' }\n[[escalation]]\nid = 'b'\nmatch = { service = 'x', status = 503 }",
            "escalation row \"b\": never fires: every call it matches belongs to row \"a\" before it",
        ),
    ] {
        let user = parse(&format!("[[escalation]]\n{text}")).expect("good TOML");
        let faults = Table::build(&user, world.names()).expect_err(text);
        assert!(faults.iter().any(|error| error.to_string().starts_with(fault)), "{text}: {faults:?}");
    }
    // A new row that replaces a disabled shipped row, and a new row that takes some of its calls, are valid.
    world.table("[[escalation]]\nid = 'a'\nmatch = { category = 'auth' }\n[[escalation]]\nid = 'auth'\nenabled = false");
    world.table("[[escalation]]\nid = 'a'\nmatch = { category = 'auth', status = 403 }");
    for (text, fault) in [
        ("id = 'auth'\nsustaind = '1s'", "unknown field `sustaind`"),
        ("id = 'auth'\nseverity = 'high'", "unknown variant `high`"),
        ("id = 'auth'\nmatch = { categroy = 'auth' }", "unknown field `categroy`"),
        ("id = 'auth'\nmatch = 3", "a table of keys, or a list of such tables"),
    ] {
        let error = parse(&format!("[[escalation]]\n{text}")).expect_err(text).to_string();
        assert!(error.contains(fault), "{text}: {error}");
    }
}

fn rules(format: RulesFormat) -> String {
    let world = World::new();
    let runbook_base = "https://example.com/llm-triage/".to_owned();
    prometheus_rules(
        &world.table(""),
        &RulesOptions { scrape_interval: Duration::from_secs(15), format, runbook_base, by_service: false },
    )
}

#[test]
fn rules_name_only_the_three_metrics_of_the_contract() {
    let text = rules(RulesFormat::Prometheus);
    // Recording rules have their own names.
    let text: String = text.lines().filter(|line| !line.contains("- record: ")).flat_map(|line| [line, "\n"]).collect();
    // The recording rules are for dashboards.
    let text = text.split("llm-triage-recording").next().unwrap_or_default();
    let known = ["llm_triage_row_last_failure_timestamp_seconds", "llm_triage_alert_state", "llm_triage_requests_total"];
    for name in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|name| name.starts_with("llm_triage_")) {
        // A fix may name other metrics: they are in annotations, in back quotes.
        assert!(known.contains(&name) || text.contains(&format!("`{name}`")), "{name}");
    }
    assert!(
        rules(RulesFormat::PrometheusRule).contains("kind: PrometheusRule\nmetadata:\n  name: llm-triage\nspec:\n  groups:\n")
    );
}

#[test]
fn rules_are_per_service_where_the_daemons_are() {
    let world = World::new();
    let text = prometheus_rules(&world.table(""), &RulesOptions { by_service: true, ..RulesOptions::default() });
    assert!(text.contains(r#"max by (provider, service) (llm_triage_alert_state{row="auth",state="firing"}) == 1"#), "{text}");
    assert!(text.contains(r#"summary: "{{ $labels.provider }} ({{ $labels.service | reReplaceAll"#), "{text}");
    assert!(!text.contains("row=\"auth\"}["), "counters by row have no service");
}

/// Runs `promtool` if it is installed or `PROMTOOL` names it: the rules are well formed and fire when the daemon does.
/// Annotations end in chats with unknown markup.
#[test]
fn nothing_in_an_annotation_of_a_rule_mentions_people_or_makes_a_link() {
    let world = World::new();
    let table = world.table(
        "[[escalation]]\nid = 'caller'\ntitle = '<!channel> @here *now*'\naction = '[Look](http://x.example) <@U1>'\nfix = '<b>'\n",
    );
    let options = RulesOptions { by_service: true, ..RulesOptions::default() };
    let text = prometheus_rules(&table, &options);
    let annotations: Vec<&str> = text.lines().filter(|line| line.starts_with("          ") && line.contains(": \"")).collect();
    assert!(annotations.len() > 50, "{text}");
    for line in annotations {
        // A service is named by a log, so the template itself replaces such characters.
        let line = line.replace(r#"reReplaceAll \"[<>@*]\" \"_\""#, "");
        assert!(!line.contains(['<', '>', '@', '*']) && !line.contains("]("), "{line}");
    }
    assert_eq!(text.matches("{{ $labels.service }}").count(), 0, "each service is defused");
    assert!(text.contains(r#"$labels.service | reReplaceAll \"[<>@*]\" \"_\" | reReplaceAll \"://\" \"[:]//\""#), "{text}");
}

#[test]
fn promtool_accepts_the_rules() {
    let promtool = std::env::var_os("PROMTOOL").unwrap_or_else(|| "promtool".into());
    if Command::new(&promtool).arg("--version").output().is_err() {
        assert!(std::env::var_os("PROMTOOL").is_none(), "PROMTOOL does not run");
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join("rules.yml"), rules(RulesFormat::Prometheus)).expect("written");
    std::fs::write(dir.path().join("test.yml"), include_str!("../data/rules/test.yml")).expect("written");
    for args in [["check", "rules", "rules.yml"], ["test", "rules", "test.yml"]] {
        let output = Command::new(&promtool).args(args).current_dir(dir.path()).output().expect("promtool runs");
        let output_text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {output_text}");
    }
}
