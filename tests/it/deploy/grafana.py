"""Reads the dashboard with Grafana's own schema (the foundation SDK) and prints keys that the schema does not know."""

import json
import sys

from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

# Keys that Grafana reads and its schema does not have: a variable's definition, and an annotation's texts from Prometheus.
BEYOND = {"definition", "step", "titleFormat", "textFormat", "tagKeys"}


def lost(before, after, path="dashboard"):
    """Returns the differences after reading and writing it with the schema."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in after:
                yield from lost(value, after[key], f"{path}.{key}")
            elif key not in BEYOND:
                yield f"{path}.{key}: unknown"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, (one, other) in enumerate(zip(before, after)):
            yield from lost(one, other, f"{path}[{at}]")
    elif before != after or type(before) is not type(after):
        yield f"{path}: {before!r} became {after!r}"


plugins.register_default_plugins()
dashboard = json.load(open(sys.argv[1], encoding="utf-8"))
faults = list(lost(dashboard, json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))))
sys.exit("\n".join(faults) if faults else 0)
