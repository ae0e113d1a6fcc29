"""Prometheus and Kiali in a lab of their own: installed with the site, asked, drawn by the drill, removed whole."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest

from ..conftest import ROOT, Site
from ..support.cluster_api import Document, Ref
from ..support.labs import OwnLab
from ..support.neighbours import await_equal
from ..support.runs import Lab, Run

pytestmark = pytest.mark.acceptance

LAB = OwnLab(ROOT / ".lab-observability", "127.0.0.8")
PRESENT = ("-e", "observability_state=present")
HOME = "istio-system"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A lab that starts empty and has what the addons ask for at its mirror."""
    LAB.bring("absent")
    LAB.bring("started", lab_observability=True)
    yield Site(LAB.directory, LAB.address)
    LAB.bring("absent")


@pytest.fixture(scope="module")
def lab(site: Site) -> Lab:
    return LAB.runs()


@pytest.fixture(scope="module")
def before(lab: Lab) -> dict[Ref, Document]:
    """Every object before anything was installed."""
    return lab.listing()


@pytest.fixture(scope="module")
def installed(lab: Lab, before: dict[Ref, Document]) -> Run:
    """The whole site in the variant that is in the mesh throughout."""
    run = lab.run("site.yml", *PRESENT, "-e", "todo_variant=istio")
    assert run.code == 0, run.end()
    return run


@contextmanager
def forwarded(site: Site, name: str, port: int) -> Iterator[str]:
    """The URL of a Service as kubectl forwards it."""
    command = [site.directory / "bin" / "kubectl", "--kubeconfig", site.directory / "kubeconfig", "-n", HOME]
    command += ["port-forward", f"service/{name}", f":{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            found = re.search(r"127\.0\.0\.1:(\d+)", line)
            assert found, line
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.terminate()


def asked(url: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, None


def value(site: Site, expression: str, seconds: float = 90.0) -> list[dict[str, Any]]:
    """The result of an expression, once there is one: Prometheus looks from time to time."""
    end = time.monotonic() + seconds
    with forwarded(site, "prometheus", 9090) as url:
        while True:
            status, answer = asked(f"{url}/api/v1/query?{urlencode({'query': expression})}")
            assert status == 200
            if answer["data"]["result"]:
                return answer["data"]["result"]
            assert time.monotonic() < end, f"nothing within {seconds:.0f} s: {expression}"
            time.sleep(2)


def drill(lab: Lab, output: Path, variant: str) -> tuple[dict[str, Any], ElementTree.Element]:
    """The drill topology, which succeeds: its figures and its drawing."""
    run = lab.run("playbooks/drill.yml", "-e", "drill=topology", "-e", f"drills_output={output}", *PRESENT)
    print(run.output.partition("\ntopology (")[2].partition("\nPLAY RECAP")[0])
    assert run.code == 0, run.end()
    file = output / f"topology-{variant}"
    return json.loads(file.with_suffix(".json").read_text()), ElementTree.parse(file.with_suffix(".svg")).getroot()


def words(drawing: ElementTree.Element) -> set[str]:
    return {found.text or "" for found in drawing.iter(SVG + "text")}


def test_the_run_says_how_to_get_there(installed: Run) -> None:
    assert "port-forward service/kiali 20001" in installed.output
    assert "port-forward service/prometheus 9090" in installed.output


def test_a_second_run_changes_nothing(installed: Run, lab: Lab) -> None:
    again = lab.run("site.yml", *PRESENT, "-e", "todo_variant=istio")
    assert again.code == 0 and again.changed == 0 and not again.writes, again.end()


def test_kiali_is_open_to_who_may_forward_a_port(installed: Run, site: Site) -> None:
    with forwarded(site, "kiali", 20001) as url:
        assert asked(f"{url}/kiali/api/auth/info")[1]["strategy"] == "anonymous"
        status, namespaces = asked(f"{url}/kiali/api/namespaces")
        assert status == 200 and {"todo", HOME} <= {item["name"] for item in namespaces}


@pytest.mark.parametrize("expression", [
    'up{job="pods",namespace="todo",app="web"} == 1',
    'up{job="pods",namespace="istio-system",app="istio-ingressgateway"} == 1',
    'http_requests_total{namespace="todo",service="web"}',
    'up{job="pods",namespace="knative-serving",app="activator"} == 1',
])  # fmt: skip
def test_figures_come_from_everybody(installed: Run, site: Site, expression: str) -> None:
    assert value(site, expression)


def test_the_drill_draws_what_was_sent(installed: Run, lab: Lab, tmp_path: Path) -> None:
    found, drawing = drill(lab, tmp_path, "istio")
    assert found["met"] and len(found["checks"]) == 6
    edges = {(edge["source"], edge["target"]): edge["amount"] for edge in found["figures"]["edges"]}
    assert edges["istio-ingressgateway", "web"] == pytest.approx(400, rel=0.02)
    assert edges["web", "user v1"] + edges["web", "user v2"] == pytest.approx(200, rel=0.02)
    assert edges["web", "rule"] == pytest.approx(200, rel=0.02)
    assert edges["rule", "database"] > 0
    assert {"istio-ingressgateway", "web", "user v1", "user v2", "rule", "database"} <= words(drawing)


def test_at_a_port_of_the_nodes_kiali_asks_for_a_token_and_the_drill_has_one(
    installed: Run, lab: Lab, site: Site, tmp_path: Path
) -> None:
    run = lab.run("site.yml", "--tags", "observability", *PRESENT, "-e", "observability_access=node_port")
    assert run.code == 0, run.end()
    with forwarded(site, "kiali", 20001) as url:
        assert asked(f"{url}/kiali/api/auth/info")[1]["strategy"] == "token"
        assert asked(f"{url}/kiali/api/namespaces")[0] == 401
    service = json.loads(site.kubectl("get", "service", "kiali", "-n", HOME, "-o", "json"))["spec"]
    assert [port["port"] for port in service["ports"]] == [20001] and service["type"] == "NodePort"
    found, _drawing = drill(lab, tmp_path, "istio")
    assert found["met"]


def test_on_knative_queue_proxies_and_the_activator_are_in_it(
    installed: Run, lab: Lab, site: Site, tmp_path: Path
) -> None:
    run = lab.run("site.yml", *PRESENT, "-e", "todo_variant=knative")
    assert run.code == 0, run.end()
    found, drawing = drill(lab, tmp_path, "knative")
    assert found["met"]
    assert any(text.startswith("queue-proxy ") for text in words(drawing)) and "activator" in words(drawing)


def test_it_goes_alone_and_leaves_the_rest(installed: Run, lab: Lab, site: Site) -> None:
    run = lab.run("site.yml", "--tags", "observability", "-e", "observability_state=absent")
    assert run.code == 0, run.end()
    names = {ref.name for ref in lab.listing() if ref.kind in ("Deployment", "ClusterRole", "NetworkPolicy")}
    assert not {"kiali", "prometheus", "istio-system-kiali", "istio-system-prometheus"} & names
    assert site.kubectl("get", "deployment", "istiod", "-n", HOME)


def test_nothing_is_left(installed: Run, lab: Lab, before: dict[Ref, Document]) -> None:
    run = lab.run("site.yml", "--tags", "observability", *PRESENT)
    assert run.code == 0, run.end()
    removed = lab.run("playbooks/uninstall.yml", *PRESENT)
    assert removed.code == 0, removed.end()
    await_equal(lab, before)
