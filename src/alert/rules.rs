//! Rules for Prometheus, written from the same table: what the daemon says of one host, Prometheus says of the fleet.
//!
//! Windows are never summed. Each node counts failed calls by row and measures its own storms; the rules sum the counters
//! and take the longest storm, over `llm_triage_row_errors_total`, `llm_triage_row_storm_seconds`,
//! `llm_triage_alert_state` and `llm_triage_requests_total` alone. An alert that any node has raised is raised for the
//! fleet, so one node alone gives the same alerts by either way. No syntax newer than Prometheus 2.42.

use super::spec::Kind;
use super::table::{Row, Table, Trigger};
use super::text::runbook_url;
use std::time::Duration;

/// Who reads the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RulesFormat {
    /// A rule file of Prometheus, Thanos or Mimir.
    #[default]
    Prometheus,
    /// A `PrometheusRule` of the Prometheus operator.
    PrometheusRule,
}

/// How rules are written.
#[derive(Clone, Debug)]
pub struct RulesOptions {
    /// How often the daemons are scraped; counters cannot be read over less than a few of these.
    pub scrape_interval: Duration,
    /// Who reads them.
    pub format: RulesFormat,
    /// What stands before `docs/runbooks/<row>.md`: an address that ends in `/`.
    pub runbook_base: String,
    /// Whether the daemons keep their alerts per service, which counters by row do not tell apart.
    pub by_service: bool,
}

/// The page on a row, on the node that saw most of its failures, as a template: what Prometheus scrapes it by is how to reach
/// it. For [`RulesOptions::runbook_base`] where nothing better is known.
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

/// What a fleet's rows come to, for dashboards: counters are summed, and the longest storm of any node counts.
const RECORDED: [(&str, &str); 2] = [
    ("row_provider:llm_triage_row_errors:rate5m", "sum by (row, provider) (rate(llm_triage_row_errors_total[5m]))"),
    ("row_provider:llm_triage_row_storm_seconds:max", "max by (row, provider) (llm_triage_row_storm_seconds) > 0"),
];

/// One alerting rule for every row that raises alerts, and a few recording rules, as YAML.
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
    for row in table.rows().iter().filter(|it| it.enabled) {
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
    lines.extend(expression(row, options).lines().map(|it| format!("          {it}")));
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
    let keep = row.keep_firing.as_secs() / 60;
    [
        ("summary", format!("{{{{ $labels.provider }}}}{}: {}", service(row, options), literal(&row.title))),
        (
            "description",
            format!("At least one node of the fleet sees it. {} It clears about {keep} minutes after it is over.", when(row)),
        ),
        ("next_step", literal(&row.next_step())),
        ("fix", literal(&row.fix)),
        ("evidence", "GET /api/v1/alerts on a node that sees it: models, services, an example, request ids.".to_owned()),
        ("runbook_url", runbook_url(&options.runbook_base, &row.id)),
    ]
}

/// Whose calls, as a template, where alerts are kept per service.
fn service(row: &Row, options: &RulesOptions) -> &'static str {
    if options.by_service && row.kind != Kind::Ourselves { " ({{ $labels.service }})" } else { "" }
}

pub(super) fn when(row: &Row) -> String {
    let failures = row.failures;
    match (row.kind, row.trigger) {
        (Kind::Silence | Kind::Blind | Kind::Ourselves, _) => String::new(),
        (_, Trigger::AtOnce) => "It fires at the first failure.".to_owned(),
        (_, Trigger::Sustained(length)) => {
            format!("It fires after {} s with at least {failures} failures.", length.as_secs())
        }
        (_, Trigger::Burst(within)) => format!("It fires at {failures} failures within {} s.", within.as_secs()),
    }
}

/// The condition. Every part gives one element per provider, so that the parts join and the alert has no other labels.
fn expression(row: &Row, options: &RulesOptions) -> String {
    let raised = |by: &str| format!("max by ({by}) (llm_triage_alert_state{{row=\"{}\",state=\"firing\"}}) == 1", row.id);
    if options.by_service && row.kind != Kind::Ourselves {
        return raised("provider, service");
    }
    let raised = raised("provider");
    match (row.kind, row.trigger) {
        (Kind::Errors, Trigger::AtOnce) => {
            format!("{raised}\nor\n{} > 0", increase(row, readable(row.keep_firing, 1, options)))
        }
        (Kind::Errors, Trigger::Sustained(length)) => {
            let failures = increase(row, readable(row.keep_firing + length, row.failures, options));
            format!("{raised}\nor\n({} and {failures} >= {})", storm(row, length), row.failures)
        }
        (Kind::Errors, Trigger::Burst(within)) => burst(row, &raised, within, readable(within, row.failures, options)),
        (Kind::Outage, Trigger::Sustained(length)) => {
            let span = seconds(readable(row.keep_firing + length, row.failures, options));
            let failures = format!("sum by (provider) (increase(llm_triage_requests_total{{outcome=\"error\"}}[{span}]))");
            // Where successes are never logged, nobody can say that nine calls in ten fail.
            let seen = "sum by (provider) (llm_triage_requests_total{outcome=\"success\"}) > 0";
            format!("{raised}\nor\n({} and {failures} >= {} and {seen})", storm(row, length), row.failures)
        }
        // A provider that one node does not hear of any more may be called from another: pods move.
        (Kind::Silence, _) => {
            let calls = "sum by (provider) (increase(llm_triage_requests_total[5m])) > 0";
            format!("({raised})\nunless\n{calls}")
        }
        _ => raised,
    }
}

/// Enough failures of all nodes together, and enough of their calls. Prometheus cannot see ten seconds between two
/// scrapes: it looks over the shortest span that it can count in, and asks for so many as would be enough of them in all
/// of it. A burst that is shorter is told by the node that sees it.
fn burst(row: &Row, raised: &str, within: Duration, span: Duration) -> String {
    let failures = increase(row, span);
    let calls = format!("sum by (provider) (increase(llm_triage_requests_total[{}]))", seconds(span));
    let enough = (f64::from(row.failures) * span.as_secs_f64() / within.as_secs_f64().max(1.0)).ceil();
    format!("{raised}\nor\n({failures} >= {enough} and {failures} / {calls} >= {})", row.share)
}

/// The longest storm of any node, remembered for as long as the daemon keeps firing after its end.
fn storm(row: &Row, length: Duration) -> String {
    let keep = seconds(row.keep_firing.max(Duration::from_secs(1)));
    format!(
        "max by (provider) (max_over_time(llm_triage_row_storm_seconds{{row=\"{}\"}}[{keep}])) >= {}",
        row.id,
        length.as_secs()
    )
}

fn increase(row: &Row, span: Duration) -> String {
    format!("sum by (provider) (increase(llm_triage_row_errors_total{{row=\"{}\"}}[{}]))", row.id, seconds(span))
}

/// `increase()` stretches what it saw between the scrapes over the whole span: with *k* scrapes in it, by up to *k / (k -
/// 1)*. Only with more scrapes than the failures asked for can one failure too few not be taken for enough.
fn readable(span: Duration, failures: u32, options: &RulesOptions) -> Duration {
    span.max(options.scrape_interval.saturating_mul(failures.saturating_add(1)))
}

fn seconds(span: Duration) -> String {
    format!("{}s", span.as_secs().max(1))
}

/// Text in which Prometheus' templates find nothing to fill in.
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
