//! Prometheus rules, written from the escalation table: the daemon alerts for one host, Prometheus for the fleet.
//!
//! Windows are never summed. An alert that any node raises is raised for the fleet, so with one node both ways give the same
//! alerts. The rules use three metrics only: `llm_triage_alert_state`, `llm_triage_row_last_failure_timestamp_seconds` and
//! `llm_triage_requests_total`. The syntax works with Prometheus 2.42 and later.

use super::row::{runbook_url, when_it_clears, when_it_fires};
use crate::alert::table::{Kind, Row, Table, Trigger};
use crate::redact::inert;
use std::time::Duration;

/// The file format of the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RulesFormat {
    /// A rule file for Prometheus, Thanos or Mimir.
    #[default]
    Prometheus,
    /// A `PrometheusRule` for the Prometheus operator.
    PrometheusRule,
}

/// Options of `llm-triage rules`.
#[derive(Clone, Debug)]
pub struct RulesOptions {
    /// The scrape interval of the daemons. A counter needs a few scrapes to show an increase.
    pub scrape_interval: Duration,
    /// The file format.
    pub format: RulesFormat,
    /// The prefix of `docs/runbooks/<row>.md`, a URL that ends in `/`; or a URL with `{row}`.
    pub runbook_base: String,
    /// Whether the daemons keep alerts per service.
    pub by_service: bool,
}

/// The default of [`RulesOptions::runbook_base`]: a template for the runbook page on the node with the latest failure, at
/// the address that Prometheus scrapes.
pub const RUNBOOK_OF_A_NODE: &str = concat!(
    r#"http://{{ with printf "topk(1, llm_triage_row_last_failure_timestamp_seconds{row='{row}',provider='%s'})" $labels.provider | query }}"#,
    r#"{{ . | first | label "instance" }}{{ else }}127.0.0.1:10529{{ end }}/runbooks/{row}"#
);

impl Default for RulesOptions {
    fn default() -> Self {
        Self {
            scrape_interval: Duration::from_secs(30),
            format: RulesFormat::default(),
            runbook_base: String::new(),
            by_service: false,
        }
    }
}

/// Recording rules for dashboards: the sum of the nodes' counters, and the longest storm of any node.
const RECORDED: [(&str, &str); 2] = [
    ("row_provider:llm_triage_row_errors:rate5m", "sum by (row, provider) (rate(llm_triage_row_errors_total[5m]))"),
    ("row_provider:llm_triage_row_storm_seconds:max", "max by (row, provider) (llm_triage_row_storm_seconds) > 0"),
];

/// One alerting rule for each row that raises alerts, and the recording rules, as YAML.
pub fn prometheus_rules(table: &Table, options: &RulesOptions) -> String {
    let mut yaml =
        String::from("# Written by `llm-triage rules` from the escalation table; change the table, not this file.\n");
    let indent = match options.format {
        RulesFormat::Prometheus => "",
        RulesFormat::PrometheusRule => {
            yaml.push_str("apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: llm-triage\nspec:\n");
            "  "
        }
    };
    let mut lines = vec!["groups:".to_owned(), "  - name: llm-triage".to_owned(), "    rules:".to_owned()];
    for row in table.rows().iter().filter(|row| row.enabled) {
        lines.extend(rule(row, options));
    }
    lines.extend(["  - name: llm-triage-recording", "    rules:"].map(str::to_owned));
    for (record, expression) in RECORDED {
        lines.extend([format!("      - record: {record}"), format!("        expr: {expression}")]);
    }
    for line in lines {
        yaml.extend([indent, &line, "\n"]);
    }
    yaml
}

fn rule(row: &Row, options: &RulesOptions) -> Vec<String> {
    let mut lines = vec![format!("      - alert: {}", row.alert_name), "        expr: |".to_owned()];
    lines.extend(expression(row, options).lines().map(|line| format!("          {line}")));
    lines.push("        labels:".to_owned());
    lines.push(format!("          row: {}", quoted(&row.id)));
    lines.push(format!("          severity: {}", row.severity));
    lines.push("        annotations:".to_owned());
    for (key, text) in annotations(row, options) {
        lines.push(format!("          {key}: {}", quoted(&text)));
    }
    lines
}

fn annotations(row: &Row, options: &RulesOptions) -> [(&'static str, String); 6] {
    let seen = ["At least one node of the fleet sees it.".to_owned(), when_it_fires(row)];
    let seen: Vec<String> = seen.into_iter().filter(|sentence| !sentence.is_empty()).collect();
    [
        ("summary", format!("{{{{ $labels.provider }}}}{}: {}", service(row, options), literal(&row.title))),
        ("description", format!("{} It clears {}.", seen.join(" "), when_it_clears(row))),
        ("next_step", literal(&row.next_step())),
        ("fix", literal(&row.fix)),
        ("evidence", "GET /api/v1/alerts on a node that sees it: models, services, an example, request ids.".to_owned()),
        ("runbook_url", runbook_url(&options.runbook_base, &row.id)),
    ]
}

/// A service has its name from a log: nothing in it may mention people, be markup or become a link in a chat.
const SERVICE: &str =
    r#" ({{ $labels.service | reReplaceAll "[<>@*]" "_" | reReplaceAll "://" "[:]//" | reReplaceAll "[]][(]" "] (" }})"#;

/// The template of the service, where alerts are kept per service.
fn service(row: &Row, options: &RulesOptions) -> &'static str {
    if options.by_service && row.kind != Kind::SelfCheck { SERVICE } else { "" }
}

/// The condition in `PromQL`: an alert that a node raised. It has one element per provider and no other label.
fn expression(row: &Row, options: &RulesOptions) -> String {
    let by = if options.by_service && row.kind != Kind::SelfCheck { "provider, service" } else { "provider" };
    let raised = format!("max by ({by}) (llm_triage_alert_state{{row=\"{}\",state=\"firing\"}}) == 1", row.id);
    match (row.kind, row.trigger) {
        // A node without calls keeps its alert for a day. The other nodes show that the trouble is over.
        (Kind::Errors, Trigger::AtOnce) => {
            let keep = row.keep_firing.as_secs();
            let span = countable_span(row.keep_firing, options);
            let failed = format!("max by (provider) (llm_triage_row_last_failure_timestamp_seconds{{row=\"{}\"}})", row.id);
            let works = format!("sum by (provider) (increase(llm_triage_requests_total{{outcome=\"success\"}}[{span}])) > 0");
            format!("({raised})\nunless on (provider)\n(time() - {failed} > {keep} and on (provider) {works})")
        }
        // Calls that stopped on one node may have moved to another node with their pod.
        (Kind::Silence, _) if !options.by_service => {
            let span = countable_span(Duration::from_mins(5), options);
            format!("({raised})\nunless\nsum by (provider) (increase(llm_triage_requests_total[{span}])) > 0")
        }
        _ => raised,
    }
}

/// A span with at least four scrapes, because a counter needs two to show an increase.
fn countable_span(span: Duration, options: &RulesOptions) -> String {
    seconds(span.max(options.scrape_interval.saturating_mul(4)))
}

fn seconds(span: Duration) -> String {
    format!("{}s", span.as_secs().max(1))
}

/// The text without the start of a Prometheus template, and inert in chats.
fn literal(text: &str) -> String {
    inert(text).replace("{{", "{ {")
}

/// A YAML string in double quotes.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
