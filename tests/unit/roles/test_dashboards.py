"""The dashboards for users of Grafana: their form, their queries by Prometheus' own parser, names that there are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from debian_programs import debian_program

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "unit" / "plugins" / "module_utils" / "content" / "support"))

from module_proxy import module_zip  # noqa: E402

FILES = sorted((ROOT / "roles" / "observability" / "files" / "dashboards").glob("*.json"))
METRICS = ROOT / "roles" / "todo" / "files" / "app" / "todo" / "common" / "metrics.py"
SERVING = "knative.dev/serving@v0.49.1"
# https://istio.io/latest/docs/reference/config/metrics/
ISTIO = {
    *("istio_requests_total", "istio_request_duration_milliseconds_bucket"),
    *("istio_tcp_sent_bytes_total", "istio_tcp_received_bytes_total"),
}
WORDS = {"sum", "by", "le", "rate", "histogram_quantile"}


def dashboard(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())


def expressions(file: Path) -> list[str]:
    return [target["expr"] for panel in dashboard(file)["panels"] for target in panel["targets"]]


def of_knative() -> set[str]:
    """The names of its instruments as an exporter of Prometheus writes them: suffixes by unit and kind."""
    folder = module_zip(SERVING).parents[5] / SERVING / "pkg"
    names = set()
    for file in folder.rglob("*.go"):
        names |= {name.replace(".", "_") for name in re.findall(r'"(kn\.[a-z_.]+)",\n', file.read_text())}
    timed = {
        f"{name}_seconds{end}" for name in names | {"http_server_request_duration"} for end in ("_count", "_bucket")
    }
    return names | timed


def of_application() -> set[str]:
    kinds = dict.fromkeys(("Counter", "Gauge", "Histogram"), ("",)) | {
        "Counter": ("_total",),
        "Histogram": ("_bucket",),
    }
    made = re.findall(r"= (Counter|Gauge|Histogram)\(\s*\"(\w+)\"", METRICS.read_text())
    return {name + end for kind, name in made for end in kinds[kind]}


def test_there_are_three_and_each_is_one() -> None:
    assert [file.stem for file in FILES] == ["application", "knative", "mesh"]
    assert len({dashboard(file)["uid"] for file in FILES}) == 3


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_its_form(file: Path) -> None:
    document = dashboard(file)
    assert document["title"] and document["schemaVersion"] >= 39
    variables = {variable["name"]: variable for variable in document["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus"
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
    for panel in document["panels"]:
        assert panel["title"] and panel["datasource"]["uid"] == "${datasource}"
        assert all(target["legendFormat"] for target in panel["targets"])
    for one, other in combinations((panel["gridPos"] for panel in document["panels"]), 2):
        assert one["y"] >= other["y"] + other["h"] or other["y"] >= one["y"] + one["h"] or one["x"] != other["x"]
    used = set(re.findall(r"\$(\w+)", " ".join(expressions(file)))) - {"__rate_interval"}
    assert used <= set(variables)


def test_prometheus_understands_the_queries(tmp_path: Path) -> None:
    rules = [
        {"record": f"a:{file.stem}_{at}", "expr": text.replace("$__rate_interval", "5m").replace("$namespace", "todo")}
        for file in FILES
        for at, text in enumerate(expressions(file))
    ]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    command = [debian_program("prometheus", "usr/bin/promtool"), "check", "rules", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and f"{len(rules)} rules found" in done.stdout, done.stdout + done.stderr


def test_there_are_such_figures() -> None:
    known = ISTIO | of_knative() | of_application()
    for file in FILES:
        for text in expressions(file):
            bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)|\"[^\"]*\"", " ", text)
            names = set(re.findall(r"[a-z_][a-z0-9_]+", bare)) - WORDS
            assert names and names <= known, (file.name, names - known)
