//! Prometheus rules, written from the escalation table: the daemon alerts for one host, Prometheus for the fleet.
//!
//! Windows are never summed. Each node counts failed calls by row and measures its own storms; the rules take the nodes'
//! alerts and sum the counters. They use four metrics only: `llm_triage_row_errors_total`, `llm_triage_row_storm_seconds`,
//! `llm_triage_alert_state` and `llm_triage_requests_total`. An alert that any node raises is raised for the fleet, so with
//! one node both ways give the same alerts. The syntax works with Prometheus 2.42 and later.

use super::row::{runbook_url, when_it_clears, when_it_fires};
use crate::alert::table::{Kind, Row, Table, Trigger};
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
    /// Whether the daemons keep alerts per service. Counters by row have no service, so then only the daemons' own alerts
    /// are used.
    pub by_service: bool,
}

/// The default of [`RulesOptions::runbook_base`]: a template for the runbook page on the node with the most failures, at
/// the address that Prometheus scrapes.
pub const RUNBOOK_OF_A_NODE: &str = concat!(
    r#"http://{{ with printf "topk(1, llm_triage_row_errors_total{row='{row}',provider='%s'})" $labels.provider | query }}"#,
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

/// The template of the service, where alerts are kept per service.
fn service(row: &Row, options: &RulesOptions) -> &'static str {
    if options.by_service && row.kind != Kind::SelfCheck { " ({{ $labels.service }})" } else { "" }
}

/// The condition in `PromQL`. A storm is fired and cleared by the node that sees it, because no counter shows when it ends. Every part gives one element per provider, so that the parts can be joined and the alert has no
/// other labels.
fn expression(row: &Row, options: &RulesOptions) -> String {
    let raised = |by: &str| format!("max by ({by}) (llm_triage_alert_state{{row=\"{}\",state=\"firing\"}}) == 1", row.id);
    if options.by_service && row.kind != Kind::SelfCheck {
        return raised("provider, service");
    }
    let raised = raised("provider");
    match (row.kind, row.trigger) {
        (Kind::Errors, Trigger::AtOnce) => {
            format!("{raised}\nor\n{} > 0", increase(row, countable_span(row.keep_firing, 1, options)))
        }
        (Kind::Errors, Trigger::Burst(within)) => burst(row, &raised, within, countable_span(within, row.failures, options)),
        // Calls that stopped on one node may have moved to another node with their pod.
        (Kind::Silence, _) => {
            let calls = "sum by (provider) (increase(llm_triage_requests_total[5m])) > 0";
            format!("({raised})\nunless\n{calls}")
        }
        _ => raised,
    }
}

/// A burst over all nodes. Prometheus cannot see ten seconds between two scrapes, so it uses the shortest span in which it
/// can count, and scales the number of failures to that span. A shorter burst is raised by the node that sees it.
fn burst(row: &Row, raised: &str, within: Duration, span: Duration) -> String {
    let failures = increase(row, span);
    let calls = format!("sum by (provider) (increase(llm_triage_requests_total[{}]))", seconds(span));
    let enough = (f64::from(row.failures) * span.as_secs_f64() / within.as_secs_f64().max(1.0)).ceil();
    format!("{raised}\nor\n({failures} >= {enough} and {failures} / {calls} >= {})", row.share)
}

fn increase(row: &Row, span: Duration) -> String {
    format!("sum by (provider) (increase(llm_triage_row_errors_total{{row=\"{}\"}}[{}]))", row.id, seconds(span))
}

/// The shortest span that is long enough to count `failures`.
///
/// `increase()` extrapolates from the scrapes to the whole span: with *k* scrapes in it, by up to *k / (k - 1)*. With more
/// scrapes than failures, one failure too few is never rounded up to enough.
fn countable_span(span: Duration, failures: u32, options: &RulesOptions) -> Duration {
    span.max(options.scrape_interval.saturating_mul(failures.saturating_add(1)))
}

fn seconds(span: Duration) -> String {
    format!("{}s", span.as_secs().max(1))
}

/// Escapes the start of a Prometheus template.
fn literal(text: &str) -> String {
    text.replace("{{", "{ {")
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
