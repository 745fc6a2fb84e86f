#!/usr/bin/env python3
"""Writes llm-triage.json, the dashboard: panels from this file, fixes and next steps from the catalogue.

deploy/grafana/build.py > deploy/grafana/llm-triage.json; needs Python 3.11, nothing else. For Grafana 11 and later.
"""

import json
import pathlib
import tomllib

PATTERNS = pathlib.Path(__file__).resolve().parent.parent.parent / "patterns"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
# Every query filters by the selected provider.
P = 'provider=~"$provider"'
RATE = "[$__rate_interval]"
RED, ORANGE, GREEN, BLUE = "red", "orange", "green", "blue"

panels = []
x = y = line_height = 0


def place(width, height):
    """Returns the next free position in rows of 24 columns."""
    global x, y, line_height
    if x + width > 24:
        x, y, line_height = 0, y + line_height, 0
    position = {"x": x, "y": y, "w": width, "h": height}
    x, line_height = x + width, max(line_height, height)
    return position


def section(title):
    global x, y, line_height
    x, y, line_height = 0, y + line_height, 0
    panels.append({"type": "row", "id": len(panels) + 1, "title": title, "collapsed": False,
                   "gridPos": place(24, 1), "panels": []})
    x, y, line_height = 0, y + 1, 0


def target(expr, legend="", ref="A", **more):
    return {"refId": ref, "datasource": SOURCE, "expr": expr, "legendFormat": legend or "__auto", **more}


def panel(kind, title, description, targets, size, unit="short", options=None, custom=None, **defaults):
    overrides = defaults.pop("overrides", [])
    more = {key: defaults.pop(key) for key in ("transformations", "links") if key in defaults}
    field = {"unit": unit, **defaults}
    if custom:
        field["custom"] = custom
    panels.append({
        "type": kind, "id": len(panels) + 1, "title": title, "description": description, "datasource": SOURCE,
        "gridPos": place(*size), "targets": targets, "options": options or {},
        "fieldConfig": {"defaults": field, "overrides": overrides}, **more,
    })


def steps(*pairs):
    """Colours for values from a threshold upwards."""
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for value, color in pairs]}


def graph(title, description, targets, size=(12, 8), unit="short", stacked=False, **more):
    custom = {"lineWidth": 1, "fillOpacity": 20 if stacked else 5, "showPoints": "never",
              "stacking": {"mode": "normal" if stacked else "none", "group": "A"}}
    options = {"legend": {"displayMode": "table", "placement": "right", "calcs": ["lastNotNull", "max"], "showLegend": True},
               "tooltip": {"mode": "multi", "sort": "desc"}}
    panel("timeseries", title, description, targets, size, unit, options, custom, min=0, **more)


def stat(title, description, expr, size=(4, 4), unit="short", thresholds=None, color="value", **more):
    options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": color,
               "graphMode": "area", "textMode": "auto"}
    panel("stat", title, description, [target(expr)], size, unit, options, thresholds=thresholds or steps((None, BLUE)), **more)


def bars(title, description, expr, legend, size=(8, 8), unit="short", **more):
    options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "orientation": "horizontal",
               "displayMode": "basic", "showUnfilled": True}
    panel("bargauge", title, description, [target(expr, legend, instant=True)], size, unit, options, min=0, **more)


def table(title, description, expr, size, columns, sort, overrides, **more):
    """`columns`: the labels in their order, with their headings; `Value` is the number."""
    arrange = {"id": "organize", "options": {
        "excludeByName": {"Time": True},
        "indexByName": {name: at for at, name in enumerate(columns)},
        "renameByName": columns,
    }}
    options = {"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": sort, "desc": True}]}
    panel("table", title, description, [target(expr, instant=True, format="table")], size, "short", options,
          {"align": "auto", "filterable": True}, transformations=[arrange], overrides=overrides, **more)


def override(name, **properties):
    ids = {"width": "custom.width", "wrap": "custom.cellOptions"}
    return {"matcher": {"id": "byName", "options": name},
            "properties": [{"id": ids.get(key, key), "value": value} for key, value in properties.items()]}


def texts(pairs):
    """Value mappings that show a text instead of an id."""
    return [{"type": "value", "options": {key: {"text": text, "index": at} for at, (key, text) in enumerate(pairs)}}]


def catalogue():
    """Fixes by pattern, next steps by row."""
    fixes, rows = [], []
    for path in sorted(PATTERNS.glob("*.toml")):
        data = tomllib.loads(path.read_text())
        fixes += [(it["id"], it["fix"]) for it in data.get("pattern", [])]
        rows += [(it["id"], f"{it['action']} Escalation: {it['escalate_to']}.") for it in data.get("escalation", [])]
    return sorted(fixes), rows


FIXES, ROWS = catalogue()
WRAPPED = {"type": "auto", "wrapText": True}
DRILL = [{"title": "Only ${__field.labels.provider}", "url": "/d/llm-triage?${__url_time_range}&var-provider=${__field.labels.provider}"}]
ROW_DRILL = [{"title": "Only ${__data.fields.Provider}", "url": "/d/llm-triage?${__url_time_range}&var-provider=${__data.fields.Provider}"}]
FAILING = steps((None, GREEN), (0.02, "yellow"), (0.1, ORANGE), (0.5, RED))

section("Is any provider failing now?")
stat("Alerts firing", "Rows of the escalation table that fire now, over all nodes. 0 is good.",
     f'count(max by (row, provider) (llm_triage_alert_state{{state=~"firing|reopened",{P}}}) == 1) or vector(0)',
     thresholds=steps((None, GREEN), (1, RED)), color="background")
stat("Calls a minute", "LLM calls with a known end.", f"60 * sum(rate(llm_triage_requests_total{{{P}}}[5m]))", decimals=1)
stat("Failing, 5 minutes", "Failed calls divided by all calls.",
     f'sum(rate(llm_triage_requests_total{{outcome="error",{P}}}[5m])) / (sum(rate(llm_triage_requests_total{{{P}}}[5m])) > 0)',
     unit="percentunit", thresholds=FAILING, color="background", decimals=1, noValue="no calls")
bars("Failing share by provider, 5 minutes", "A ratio of sums over the fleet. Click to see one provider only.",
     f'sum by (provider) (rate(llm_triage_requests_total{{outcome="error",{P}}}[5m])) / (sum by (provider) (rate(llm_triage_requests_total{{{P}}}[5m])) > 0)',
     "{{provider}}", size=(12, 8), unit="percentunit", max=1, thresholds=FAILING, links=[], overrides=[
         {"matcher": {"id": "byType", "options": "number"}, "properties": [{"id": "links", "value": DRILL}]}])
table("Firing now, and what to do", "Each alert with its next step; the page docs/runbooks/<row>.md has more.",
      f'label_replace(max by (row, provider, severity) (llm_triage_alert_state{{state=~"firing|reopened",{P}}}) == 1, "step", "$1", "row", "(.*)")',
      (24, 6), {"provider": "Provider", "row": "Row", "severity": "Severity", "step": "Next step", "Value": "Firing"}, "Severity",
      [override("Next step", mappings=texts(ROWS), width=900, wrap=WRAPPED), override("Provider", links=ROW_DRILL),
       override("Firing", **{"custom.hidden": True})], noValue="nothing is firing")
graph("Failed calls by provider and status", "The dots are exemplars: request ids for the provider's support.",
      [target(f"sum by (provider, status) (rate(llm_triage_errors_total{{{P}}}{RATE})) > 0", "{{provider}} {{status}}", exemplar=True)],
      unit="reqps", stacked=True)
graph("Calls by provider", "Successful calls only.",
      [target(f'sum by (provider) (rate(llm_triage_requests_total{{outcome="success",{P}}}{RATE})) > 0', "{{provider}}")],
      unit="reqps", stacked=True)
graph("Sliding windows of each node", "The failed share on the node with the highest one: windows are never summed.",
      [target(f"max by (provider, window) (llm_triage_window_error_ratio{{{P}}})", "{{provider}} {{window}}")], unit="percentunit")
graph("Open storms", "How long each problem has lasted; a row fires when its storm is long enough.",
      [target(f"max by (row, provider) (llm_triage_row_storm_seconds{{{P}}}) > 0", "{{provider}} {{row}}")], unit="s")

section("Who can fix it?")
bars("Failed calls by owner", "caller: our code; account: key, billing, limits in a console; provider, gateway, network, tool.",
     f"sum by (owner) (increase(llm_triage_errors_total{{{P}}}[$__range])) > 0", "{{owner}}", decimals=0)
bars("Does a retry help?", "By failed calls. Retries of calls with `no` cost time and money.",
     f"sum by (retry) (increase(llm_triage_errors_total{{{P}}}[$__range])) > 0", "retry: {{retry}}", decimals=0)
stat("Retryable share", "Relative to the failed calls.",
     f'sum(increase(llm_triage_errors_total{{retry="yes",{P}}}[$__range])) / (sum(increase(llm_triage_errors_total{{{P}}}[$__range])) > 0)',
     size=(8, 4), unit="percentunit", decimals=0, noValue="none failed")
stat("Absorbed", "Failed attempts inside calls, per minute: SDKs and fallbacks hide them from the application.",
     f"60 * sum(rate(llm_triage_attempt_errors_total{{{P}}}[5m]))", size=(8, 4), decimals=1)
graph("429: quota used up, or throttled?", "Waiting does not restore quota or money; it does restore limits that refill.",
      [target(f'sum by (provider) (rate(llm_triage_errors_total{{category="billing-account",{P}}}{RATE}))', "{{provider}}: quota, money", "A"),
       target(f'sum by (provider) (rate(llm_triage_errors_total{{category="rate-limit-capacity",{P}}}{RATE}))', "{{provider}}: throttled, overloaded", "B")],
      unit="reqps")
graph("Failed calls by service", "The service that made the call.",
      [target(f'topk(10, sum by (service, provider) (rate(llm_triage_service_errors_total{{service=~"$service",{P}}}{RATE})) > 0)', "{{service}} → {{provider}}")],
      unit="reqps", stacked=True)

section("What should we do?")
table("The leading errors and their fixes", "By failed calls in the selected time. For details: llm-triage explain ID.",
      f'label_replace(topk(15, sum by (pattern, provider) (increase(llm_triage_pattern_matches_total{{{P}}}[$__range])) > 0), "fix", "$1", "pattern", "(.*)")',
      (24, 10), {"provider": "Provider", "pattern": "Error", "Value": "Failed calls", "fix": "Fix"}, "Failed calls",
      [override("Fix", mappings=texts(FIXES), width=900, wrap=WRAPPED), override("Failed calls", decimals=0, width=110),
       override("Provider", links=ROW_DRILL, width=130)])
graph("Waits that providers asked for", "Retry-After and similar headers; the 90th percentile.",
      [target(f"histogram_quantile(0.9, sum by (provider, le) (rate(llm_triage_retry_after_seconds_bucket{{{P}}}{RATE})))", "{{provider}}")], unit="s")
# The series starts with the first change, so increase() does not see that change.
graph("Changes of alerts", "How often rows started to fire and were resolved, since the start of the daemons.",
      [target(f'sum by (row, provider, to) (llm_triage_alert_transitions_total{{to=~"firing|resolved",{P}}})', "{{provider}} {{row}} {{to}}")])

section("What exactly fails?")
graph("Failed calls by category", "", [target(f"sum by (category) (rate(llm_triage_errors_total{{{P}}}{RATE})) > 0", "{{category}}")],
      unit="reqps", stacked=True)
graph("Failing share by model", "If only one model fails, it is not an outage of the provider.",
      [target(f'topk(10, sum by (provider, model) (rate(llm_triage_model_requests_total{{outcome="error",model=~"$model",{P}}}{RATE})) / '
              f'(sum by (provider, model) (rate(llm_triage_model_requests_total{{model=~"$model",{P}}}{RATE})) > 0))', "{{provider}} {{model}}")],
      unit="percentunit")
graph("Failed calls by model and category", "",
      [target(f'topk(10, sum by (model, category) (rate(llm_triage_model_errors_total{{model=~"$model",{P}}}{RATE})) > 0)', "{{model}} {{category}}")],
      unit="reqps", stacked=True)
graph("How long calls take", "Successful calls with a logged duration; median and 95th percentile.",
      [target(f'histogram_quantile(0.5, sum by (provider, le) (rate(llm_triage_request_duration_seconds_bucket{{outcome="success",{P}}}{RATE})))', "{{provider}} p50", "A"),
       target(f'histogram_quantile(0.95, sum by (provider, le) (rate(llm_triage_request_duration_seconds_bucket{{outcome="success",{P}}}{RATE})))', "{{provider}} p95", "B")],
      unit="s")
graph("Errors that no pattern matches", "llm-triage suggest writes the stub of a pattern for each group.",
      [target(f"sum by (provider) (increase(llm_triage_unknown_errors_total{{{P}}}[$__range])) > 0", "{{provider}}: calls", "A"),
       target(f"max by (provider) (llm_triage_unknown_groups{{{P}}})", "{{provider}}: groups on one node", "B")])
graph("Failed attempts inside calls", "An httpx line, an SDK's retry, an entry of a fallback list: not counted as calls.",
      [target(f"sum by (provider, status) (rate(llm_triage_attempt_errors_total{{{P}}}{RATE})) > 0", "{{provider}} {{status}}")],
      unit="reqps", stacked=True)

section("Which agent, which service, which model?")
CALLERS = [
    ("agent and service", "service", "{{service}}", 'service=~"$service"',
     "A coding agent that pushes its telemetry is a service with its own name: claude-code, codex, gemini-cli."),
    ("model", "provider, model", "{{provider}} {{model}}", 'model=~"$model"',
     "High for one model only: use another one. High for all of a provider: its own trouble, or the key."),
]
for what, labels, legend, selected, description in CALLERS:
    family = f"llm_triage_{labels.split()[-1]}_requests_total"
    calls = f"sum by ({labels}) (increase({family}{{{selected},{P}}}[$__range])) > 0"
    failed = f'sum by ({labels}) (increase({family}{{outcome="error",{selected},{P}}}[$__range]))'
    bars(f"Calls by {what}", description, f"topk(15, {calls})", legend, size=(6, 9), decimals=0)
    bars(f"Failing share by {what}, selected time", description, f"topk(15, {failed} / ({calls}))", legend,
         size=(6, 9), unit="percentunit", max=1, thresholds=FAILING)
for what, labels, legend, selected, _ in CALLERS:
    family = f"llm_triage_{labels.split()[-1]}_requests_total"
    graph(f"Calls of each {what}", "", [target(f"topk(10, sum by ({labels}) (rate({family}{{{selected},{P}}}{RATE})) > 0)", legend)], unit="reqps", stacked=True)

section("Is llm-triage itself healthy?")
NODES = 'instance=~"$instance"'
stat("Nodes", "Daemons that are scraped.", f"count(llm_triage_build_info{{{NODES}}})", thresholds=steps((None, GREEN)))
stat("Down", "Targets that do not answer.", 'count(up{job=~".*llm-triage.*"} == 0) or vector(0)',
     thresholds=steps((None, GREEN), (1, RED)), color="background")
stat("Behind", "The largest delay between the time of an event and its arrival.",
     f"max(llm_triage_source_event_lag_seconds{{{NODES}}})", unit="s", thresholds=steps((None, GREEN), (60, ORANGE), (300, RED)))
stat("Patterns", "Loaded patterns on the node with the fewest.", f"min(llm_triage_patterns_loaded{{{NODES}}})",
     thresholds=steps((None, RED), (100, GREEN)))
stat("Configuration", "Whether every node applied its last reload.", f"min(llm_triage_config_last_reload_successful{{{NODES}}})",
     thresholds=steps((None, RED), (1, GREEN)), mappings=texts([("1", "applied"), ("0", "refused")]), color="background")
stat("Oldest checkpoint", "The time that a crash would repeat.", f"max(llm_triage_checkpoint_age_seconds{{{NODES}}})", unit="s",
     thresholds=steps((None, GREEN), (30, ORANGE), (120, RED)))
graph("Lines by source", "", [target(f"sum by (source) (rate(llm_triage_source_lines_total{{{NODES}}}{RATE}))", "{{source}}")], unit="cps")
graph("Records by outcome", "`other` means: not about an LLM call.",
      [target(f"sum by (source, outcome) (rate(llm_triage_records_total{{{NODES}}}{RATE}))", "{{source}} {{outcome}}")], unit="cps", stacked=True)
graph("Unread and lost", "Bytes that are not read yet, and bytes that are lost.",
      [target(f"sum by (instance, source) (llm_triage_source_lag_bytes{{{NODES}}})", "{{instance}} {{source}} unread", "A"),
       target(f"sum by (instance, source, reason) (increase(llm_triage_source_lost_bytes_total{{{NODES}}}[$__range])) > 0 or vector(0)", "{{instance}} {{source}} lost: {{reason}}", "B")],
      unit="bytes")
graph("Not understood", "Lines without a record, and records of level error without a recognised LLM call.",
      [target(f"sum by (source, reason) (rate(llm_triage_lines_discarded_total{{{NODES}}}{RATE})) > 0 or vector(0)", "{{source}}: {{reason}}", "A"),
       target(f"sum by (source) (rate(llm_triage_unrecognised_errors_total{{{NODES}}}{RATE}))", "{{source}}: unrecognised errors", "B")], unit="cps")
graph("Notifications", "Empty if Prometheus raises the alerts.",
      [target(f"sum by (receiver, result) (increase(llm_triage_notifications_total{{{NODES}}}[$__range]))", "{{receiver}} {{result}}", "A"),
       target(f"sum by (receiver) (llm_triage_notification_queue_length{{{NODES}}})", "{{receiver}} waiting", "B")])
graph("Memory", "", [target(f'process_resident_memory_bytes{{job=~".*llm-triage.*",{NODES}}}', "{{instance}}")], size=(6, 8), unit="bytes")
graph("CPU", "Relative to one core.", [target(f'rate(process_cpu_seconds_total{{job=~".*llm-triage.*",{NODES}}}{RATE})', "{{instance}}")], size=(6, 8), unit="percentunit")


def variable(name, label, query):
    return {"type": "query", "name": name, "label": label, "datasource": SOURCE, "definition": query,
            "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1, "multi": True, "includeAll": True,
            "allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}, "options": []}


def annotation(name, expr, color, title):
    return {"name": name, "datasource": SOURCE, "enable": True, "iconColor": color, "expr": expr, "step": "30s",
            "titleFormat": title, "textFormat": "{{row}}, {{severity}}", "tagKeys": "provider,row,severity"}


dashboard = {
    "uid": "llm-triage",
    "title": "LLM calls: what fails, whose it is, what to do",
    "description": "Written by deploy/grafana/build.py. Made for the metrics of llm-triage.",
    "tags": ["llm", "llm-triage"],
    "schemaVersion": 41,
    "version": 1,
    "editable": True,
    "graphTooltip": 1,
    "refresh": "30s",
    "time": {"from": "now-3h", "to": "now"},
    "timezone": "",
    "templating": {"list": [
        {"type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus", "refresh": 1, "options": [],
         "current": {}, "multi": False, "includeAll": False},
        variable("provider", "Provider", "label_values(llm_triage_requests_total, provider)"),
        variable("model", "Model", 'label_values(llm_triage_model_requests_total{provider=~"$provider"}, model)'),
        variable("service", "Service", 'label_values(llm_triage_service_requests_total{provider=~"$provider"}, service)'),
        variable("instance", "Node", "label_values(llm_triage_build_info, instance)"),
    ]},
    "annotations": {"list": [
        annotation("Alerts", 'max by (alertname, provider, row, severity) (ALERTS{alertname=~"LLM.*",alertstate="firing"})', RED, "{{alertname}} {{provider}}"),
        annotation("Restarts", 'changes(process_start_time_seconds{job=~".*llm-triage.*"}[1m]) > 0', BLUE, "llm-triage on {{instance}} started"),
    ]},
    "links": [],
    "panels": panels,
}
print(json.dumps(dashboard, indent=1, ensure_ascii=False))
