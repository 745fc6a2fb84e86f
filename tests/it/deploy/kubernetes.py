"""Renders kustomizations, validates every object strictly, and prints the objects as JSON, one list per kustomization.

The Kubernetes schemas are those of the package kubernetes-validate; those of the Prometheus operator's two kinds are
below, as far as the manifests use them, and refuse any other key.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import jsonschema
import kubernetes_validate
import yaml

# The oldest that is still of use, and the newest that the package knows.
VERSIONS = ["1.27", "1.30", kubernetes_validate.latest_version()]

TEXT = {"type": "string"}
TEXTS = {"type": "object", "additionalProperties": TEXT}
DURATION = {"type": "string", "pattern": "^(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?$"}


def exact(required, **properties):
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def list_of(items):
    return {"type": "array", "items": items, "minItems": 1}


RELABELING = exact(["targetLabel"], sourceLabels=list_of(TEXT), targetLabel=TEXT, regex=TEXT, replacement=TEXT, action=TEXT)
SPECS = {
    "PodMonitor": exact(
        ["selector", "podMetricsEndpoints"],
        selector=exact([], matchLabels=TEXTS),
        podMetricsEndpoints=list_of(
            exact([], port=TEXT, path=TEXT, interval=DURATION, scrapeTimeout=DURATION, relabelings=list_of(RELABELING))
        ),
    ),
    "PrometheusRule": exact(
        ["groups"],
        groups=list_of(
            exact(
                ["name", "rules"],
                name=TEXT,
                interval=DURATION,
                rules=list_of(
                    {
                        **exact(["expr"], expr=TEXT, alert=TEXT, record=TEXT, labels=TEXTS, annotations=TEXTS, **{"for": DURATION}),
                        "oneOf": [{"required": ["alert"]}, {"required": ["record"]}],
                    }
                ),
            )
        ),
    ),
}
METADATA = exact(["name"], name=TEXT, namespace=TEXT, labels=TEXTS, annotations=TEXTS)


def validate(thing):
    if thing["kind"] in SPECS:
        schema = exact(["apiVersion", "kind", "metadata", "spec"], apiVersion={"const": "monitoring.coreos.com/v1"},
                       kind=TEXT, metadata=METADATA, spec=SPECS[thing["kind"]])
        jsonschema.validate(thing, schema)
    else:
        for version in VERSIONS:
            kubernetes_validate.validate(thing, version, strict=True)


def kubectl(*arguments, **more):
    return subprocess.run(["kubectl", *arguments], stdout=subprocess.PIPE, text=True, **more).stdout


def is_old():
    """Debian 12 has kubectl 1.20, with a kustomize that requires directories under `bases`."""
    minor = re.search(r"v1\.(\d+)", kubectl("version", "--client", stderr=subprocess.DEVNULL))
    return minor is not None and int(minor[1]) < 21


def for_old(root):
    for path in root.rglob("kustomization.yaml"):
        spec = yaml.safe_load(path.read_text())
        for resource in list(spec["resources"]):
            if (path.parent / resource).is_dir():
                spec["resources"].remove(resource)
                spec.setdefault("bases", []).append(resource)
        path.write_text(yaml.safe_dump(spec))


def main():
    root = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as temporary:
        if is_old():
            root = shutil.copytree(root, pathlib.Path(temporary) / "kubernetes")
            for_old(root)
        for folder in sys.argv[2:]:
            things = [it for it in yaml.safe_load_all(kubectl("kustomize", str(root / folder), check=True)) if it]
            for thing in things:
                try:
                    validate(thing)
                except Exception as error:
                    sys.exit(f"{folder}: {thing['kind']} {thing['metadata']['name']}: {error}")
            print(json.dumps(things))


main()
