"""Whether what lies in deploy/ is right, as far as no cluster and no Prometheus is needed: the Kubernetes manifests against the
schemas of the API, the configuration in them by expacti itself, dashboard and alert rules by their form.

    deploy.py EXPACTI        with kubernetes-validate and what it brings (PyYAML) on the path of modules
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent / "deploy"
# The oldest that knows all fields (appArmorProfile), and the newest that the package knows.
VERSIONS = ["1.30", "1.33", "1.37"]


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def kubernetes(expacti):
    folder = ROOT / "kubernetes"
    base = documents(folder / "kustomization.yaml")[0]
    named = set(base["resources"])
    there = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert named == there, f"kustomization.yaml names {named}, and there are {there}"
    kinds = {}
    for name in sorted(named):
        for document in documents(folder / name):
            for version in VERSIONS:
                kubernetes_validate.validate(document, version, strict=True)
            kinds.setdefault(document["kind"], []).append(document)
    assert not set(kinds) & {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"}, "the API server is never asked"

    pod = kinds["DaemonSet"][0]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    rights = container["securityContext"]
    assert rights["capabilities"]["drop"] == ["ALL"] and not rights["privileged"]
    readme = (folder / "README.md").read_text()
    for capability in rights["capabilities"]["add"]:
        assert f"`CAP_{capability}`" in readme, f"README.md does not say why CAP_{capability} is needed"
    explained = set(re.findall(r"`CAP_([A-Z_]+)`", readme))
    assert explained == set(rights["capabilities"]["add"]), f"README.md explains {explained}"
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}

    text = kinds["ConfigMap"][0]["data"]["expacti.toml"]
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(text)
        file.flush()
        subprocess.run([expacti, "config", "check", file.name], check=True, stdout=subprocess.DEVNULL)
    return len(kinds)


def metrics():
    """The names that the daemon writes, as its source has them."""
    source = ROOT.parent / "expacti-agent/src"
    files = ["daemon/metrics.rs", "daemon/office.rs", "api/operations.rs"]
    text = "".join((source / file).read_text() for file in files)
    kinds = dict(re.findall(r'family\(\s*"(expacti_[a-z_]+)",\s*"(\w+)"', text))
    kinds |= dict(re.findall(r"# TYPE (expacti_[a-z_]+) (\w+)", text))
    endings = {"counter": [""], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    return {name + ending for name, kind in kinds.items() for ending in endings[kind]}


def monitoring():
    folder = ROOT / "monitoring"
    given = metrics()
    for name in ("alerts.yml", "grafana-dashboard.json"):
        named = set(re.findall(r"\bexpacti_[a-z_]+\b", (folder / name).read_text()))
        assert named and named <= given, f"{name} names {sorted(named - given)}, which the daemon does not give"
    [groups] = documents(folder / "alerts.yml")
    names = set()
    for group in groups["groups"]:
        assert set(group) <= {"name", "interval", "rules"}
        for rule in group["rules"]:
            assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule
            assert rule["alert"] not in names, f"{rule['alert']} is there twice"
            names.add(rule["alert"])
            assert rule["labels"]["severity"] in ("critical", "warning", "info")
            assert rule["annotations"]["summary"] and rule["annotations"]["description"]
            assert rule["expr"].count("(") == rule["expr"].count(")"), rule["expr"]
            assert re.fullmatch(r"\d+[smh]", rule.get("for", "1s"))
    dashboard = json.loads((folder / "grafana-dashboard.json").read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)) > 0
    for panel in dashboard["panels"]:
        assert panel["targets"] and all(target["expr"] for target in panel["targets"]), panel["title"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
    return len(names), len(ids)


if __name__ == "__main__":
    kinds = kubernetes(sys.argv[1])
    alerts, panels = monitoring()
    print(f"{kinds} kinds of manifests, {alerts} alerts and {panels} panels are well-formed")
