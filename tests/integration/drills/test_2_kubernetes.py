"""The lessons by Kubernetes alone: each outcome by one command. The bounds are those that were promised."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..conftest import NAMESPACE, ROOT, until
from .conftest import Drills

SVG = "{http://www.w3.org/2000/svg}"


def environment(kubernetes: Drills, service: str) -> list[dict[str, Any]]:
    deployment = json.loads(kubernetes.site.kubectl("get", "deployment", service, "-n", NAMESPACE, "-o", "json"))
    return deployment["spec"]["template"]["spec"]["containers"][0]["env"]


def start_bad_version(kubernetes: Drills) -> subprocess.Popen[bytes]:
    """Start a drill, and return as soon as it has changed something."""
    before = environment(kubernetes, "rule")
    command = [
        Path(sys.executable).parent / "ansible-playbook", "-i", "inventories/lab", "playbooks/drill.yml",
        "-e", f"lab_directory={kubernetes.site.directory}", "-e", f"lab_address={kubernetes.site.address}",
        "-e", f"drills_output={kubernetes.output}", "-e", "drill=bad_version",
    ]  # fmt: skip
    drill = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    until("the bad version is rolled out", lambda: environment(kubernetes, "rule") != before, 60)
    return drill


def test_an_interrupted_drill_puts_back_what_it_has_changed(kubernetes: Drills) -> None:
    before = environment(kubernetes, "rule")
    drill = start_bad_version(kubernetes)
    drill.send_signal(signal.SIGINT)
    assert drill.wait(60) != 0
    until("the bad version is gone", lambda: environment(kubernetes, "rule") == before, 20)


def test_what_a_killed_drill_has_changed_is_put_back_by_the_next(kubernetes: Drills) -> None:
    before = environment(kubernetes, "rule")
    drill = start_bad_version(kubernetes)
    # Ansible's worker, which makes the drill, and then Ansible itself
    subprocess.run(["pkill", "-KILL", "-P", str(drill.pid)], check=True)
    drill.kill()
    drill.wait()
    done = kubernetes.run("pod_loss", "--check")
    assert done.returncode == 0, done.stdout[-4000:]
    assert environment(kubernetes, "rule") != before, "check mode puts nothing back"

    found = kubernetes.make("bad_version", drills_hold=5, drills_rate=20, drills_keep_alive=True)
    assert found.figures["requests"]["requests"] > 200, "twice the usual rate"
    assert f"had changed: Deployment {NAMESPACE}/rule" in found.run.stdout
    assert found.figures["requests"]["failed"] == 0
    assert found.figures["reason"].count("Readiness probe failed") == 1, "of this drill's pod alone"
    assert environment(kubernetes, "rule") == before
    assert kubernetes.is_as_before()


def test_a_pod_of_web_is_lost_and_no_request_fails(kubernetes: Drills) -> None:
    found = kubernetes.make("pod_loss")
    requests = found.figures["requests"]
    assert requests["failed"] == 0 and requests["requests"] >= 200
    rows = found.data["timeline"]["requests"]["rows"]
    seconds = rows[-1][0] - rows[0][0]
    assert abs(len(rows) - 1 - 10 * seconds) <= 1, "10 requests a second"
    deleted = next(at for at, label in found.data["timeline"]["events"] if label == "pod deleted")
    assert rows[0][0] < deleted < deleted + found.figures["seconds_replaced"] < rows[-1][0]
    assert kubernetes.is_as_before()


def test_web_goes_out_to_three_pods_and_back(kubernetes: Drills) -> None:
    found = kubernetes.make("scale_out", drills_load_workers=10)
    assert found.figures["seconds_to_3"] <= 180
    assert found.figures["seconds_back"] <= 360
    assert found.figures["load"]["failed"] == found.figures["visitor"]["failed"] == 0
    values = found.replicas("web ready")
    assert max(values) == 3 and values[-1] == 1
    words = {text.text for text in found.plot.iter(SVG + "text")}
    assert words >= {"load starts", "3 pods ready", "load stops", "back at 1 pod", "pods", "latency"}
