"""verify as a user meets it: in a playbook, against a real API server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.leaving.policy import LeavingPolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.leaving.rehearsal import AbsentOptions
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.absent import remove_releases
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify import probe
from api_server import ApiServer, running_api_server
from releases import deployment, document, namespace
from standing import stand, within

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from plays import play  # noqa: E402

ROOT = Path(__file__).resolve().parents[4]
QUICK = [
    "api-server", "nodes", "clocks", "metrics", "workloads", "certificates",
    "injection", "gateway", "domain", "pull-secret", "application",
]  # fmt: skip
FULL = [*QUICK[:-1], "brokers", QUICK[-1], "images", "dns", "events", "split", "serving"]


def verify(directory: Path, server: ApiServer, *options: str, **arguments: Any) -> tuple[dict[str, Any], str]:
    given = {"context": "test", "kubeconfig": str(server.kubeconfig), **arguments}
    return play(directory, [{"selfhosted.serverless.verify": given}], "-v", *options)


@pytest.fixture(scope="module")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A control plane of this file's own, with one node that is Ready."""
    with running_api_server(tmp_path_factory.mktemp("verify")) as server:
        tell(Cluster.connect("test", str(server.kubeconfig)), "one", "True")
        yield server


def tell(cluster: Cluster, name: str, ready: str) -> None:
    """What a kubelet of Linux tells of its node."""
    cluster.apply(document("v1", "Node", name), manager="someone")
    info = {"architecture": "amd64", "operatingSystem": "linux", "containerRuntimeVersion": "containerd://2"}
    blank = ("bootID", "kernelVersion", "kubeProxyVersion", "kubeletVersion", "machineID", "osImage", "systemUUID")
    condition = {"type": "Ready", "status": ready, "reason": "KubeletSaysSo"}
    status = {"nodeInfo": {**dict.fromkeys(blank, ""), **info}, "conditions": [condition]}
    path = f"/api/v1/nodes/{name}/status"
    cluster.transport.call("PATCH", path, body={"status": status}, content_type="application/merge-patch+json")


def test_a_fact_is_one_line_and_the_result_has_them_all(tmp_path: Path, api_server: ApiServer) -> None:
    result, text = verify(tmp_path, api_server, form="short")
    assert [fact["name"] for fact in result["facts"]] == QUICK
    assert (result["changed"], result["problem"], result["files"]) == (False, "", [])
    assert set(result["facts"][0]) == {"name", "ok", "skipped", "text", "figures", "cause", "remedy", "seconds"}
    lines = [line.split() for line in text.partition("ok: [localhost]")[0].splitlines()]
    for fact in result["facts"]:
        state = "skipped" if fact["skipped"] else "ok"
        assert lines.count(["test:", state, fact["name"], *fact["text"].split()]) == 1, fact


def test_check_mode_tells_what_would_be_asked(tmp_path: Path, api_server: ApiServer, cluster: Cluster) -> None:
    result, text = verify(tmp_path, api_server, "--check", form="full")
    assert result["would_ask"] == FULL and result["facts"] == []
    assert "would make a Knative service, and ask it from zero pods and warm" in text
    assert "would make a Knative" not in verify(tmp_path, api_server, "--check", form="short")[1]
    assert cluster.get("v1", "Namespace", "serverless-verify") is None


def test_what_does_not_hold_fails_the_task_in_one_line_unless_it_is_only_to_be_told(
    tmp_path: Path, api_server: ApiServer, cluster: Cluster
) -> None:
    tell(cluster, "one", "Unknown")
    try:
        result, text = verify(tmp_path, api_server, form="short")
        assert "fatal: [localhost]: FAILED!" in text
        assert result["msg"].startswith("context 'test': 1 of 11 facts does not hold: nodes: node one is not")
        assert ". Remedy: see its kubelet and runtime: " in result["msg"] and "\n" not in result["msg"]
        assert [fact["name"] for fact in result["facts"] if not fact["ok"]] == ["nodes"]
        result, text = verify(tmp_path, api_server, form="short", fail=False)
        assert "FAILED!" not in text and result["problem"].startswith("1 of 11 facts does not hold: nodes: ")
    finally:
        tell(cluster, "one", "True")


def test_the_end_of_the_site_passes_over_a_node_that_is_not_ready(
    tmp_path: Path, api_server: ApiServer, cluster: Cluster
) -> None:
    """Another one is, and the run has served it; the whole form names the node."""
    tell(cluster, "down", "Unknown")
    try:
        result, text = verify(tmp_path, api_server, form="short")
    finally:
        cluster.delete("v1", "Node", "down")
    assert result["problem"] == "" and "FAILED!" not in text
    assert "passed over: node down is not Ready" in " ".join(text.split())


def test_the_facts_as_files(tmp_path: Path, api_server: ApiServer) -> None:
    result, _text = verify(tmp_path, api_server, form="short", report_directory=str(tmp_path / "reports"))
    assert [Path(file).name for file in result["files"]] == ["verify-test.json", "verify-test.xml"]
    told = json.loads(Path(result["files"][0]).read_text())
    assert [fact["name"] for fact in told["facts"]] == QUICK and told["form"] == "short"
    assert len(list(ElementTree.parse(result["files"][1]).getroot().iter("testcase"))) == len(QUICK)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"split_requests": 0}, "split_requests is 0; write a number above 0 (verify_split_requests)"),
        ({"warm_requests": -1}, "warm_requests is -1"),
        ({"timeout": 0}, "timeout is 0"),
        ({"metrics_seconds": 0}, "metrics_seconds is 0.0"),
        ({"clock_seconds": 0}, "clock_seconds is 0.0"),
        ({"certificate_days": 0}, "certificate_days is 0.0"),
        ({"form": "long"}, "value of form must be one of: short, full, got: long"),
        ({"user_traffic": {"v1": "half"}}, "invalid literal"),
        ({"context": "none"}, "there is no context 'none' in"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, api_server: ApiServer, arguments: dict[str, Any], said: str) -> None:
    assert said in verify(tmp_path, api_server, **{"form": "short", **arguments})[1]


def test_the_full_form_needs_a_namespace_of_its_own(tmp_path: Path, api_server: ApiServer, cluster: Cluster) -> None:
    cluster.apply(namespace("theirs"), manager="someone")
    result, _text = verify(tmp_path, api_server, form="full", namespace="theirs")
    assert result["msg"] == (
        "context 'test': the namespace theirs is there and not of verification; write another name as verify_namespace"
    )
    assert cluster.get("v1", "Namespace", "theirs") is not None
    assert cluster.get("coordination.k8s.io/v1", "Lease", "selfhosted-serverless", "kube-system") is None, (
        "lock is free"
    )


def test_probes_that_no_node_runs_are_told_and_taken_away(
    tmp_path: Path, api_server: ApiServer, cluster: Cluster
) -> None:
    result, _text = verify(tmp_path, api_server, form="full", image="proxy:1", timeout=5, pull=False)
    facts = {fact["name"]: fact for fact in result["facts"]}
    assert [name for name, fact in facts.items() if not fact["ok"]] == ["dns"]
    assert "Pod serverless-verify/echo" in facts["dns"]["cause"]
    assert facts["images"]["text"].startswith("no registry was asked (verify_pull)")
    assert cluster.get("v1", "Namespace", "serverless-verify") is None
    assert cluster.get("coordination.k8s.io/v1", "Lease", "selfhosted-serverless", "kube-system") is None, (
        "lock is free"
    )


def test_ctrl_c_takes_away_what_was_made(tmp_path: Path, api_server: ApiServer, cluster: Cluster) -> None:
    arguments = {"context": "test", "kubeconfig": str(api_server.kubeconfig), "image": "proxy:1"}
    file = tmp_path / "play.yml"
    tasks = [{"selfhosted.serverless.verify": arguments}]
    file.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    command = [Path(sys.executable).with_name("ansible-playbook"), file, "-i", "localhost,", "-c", "local"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        limit = time.monotonic() + 60
        while not cluster.list("v1", "Pod", "serverless-verify") and time.monotonic() < limit:
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=120)[0]
        assert process.returncode != 0
        left = cluster.list("v1", "Namespace", label_selector=f"{probe.LABEL}={probe.VALUE}")
        assert left == [], output
    finally:
        process.kill()


def test_the_role_gives_every_option_to_the_action_under_its_name() -> None:
    """So that flipping one of the role is flipping that of the action, which other tests do."""
    options = set(yaml.safe_load((ROOT / "roles/verify/defaults/main.yml").read_text()))
    tasks = yaml.safe_load((ROOT / "roles/verify/tasks/main.yml").read_text())
    given = tasks[0]["selfhosted.serverless.verify"]
    assert {name for name, value in given.items() if value == f"{{{{ verify_{name} }}}}"} == {
        option.removeprefix("verify_") for option in options - {"verify_at_end"}
    }
    assert given["fail"] == "{{ __verify_fail }}" and tasks[0]["register"] == "__serverless_verify"


def playbook(server: ApiServer, directory: Path, name: str, *options: str) -> tuple[int, str]:
    """A playbook of the collection on the test's API server."""
    hosts = {"clusters": {"hosts": {"test": {"serverless_kubeconfig": str(server.kubeconfig)}}}}
    (directory / "hosts.yml").write_text(yaml.safe_dump(hosts))
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")), str(ROOT / "playbooks" / name),
        "-i", str(directory / "hosts.yml"), "-e", f"ansible_python_interpreter={sys.executable}", *options,
    ]  # fmt: skip
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=180, cwd=ROOT)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("wanted", "told", "untold"),
    [
        ("short", "skipped application the to-do application is not installed", "skipped serving"),
        ("none", "Report what stands on the cluster", "api-server"),
        ("full", "skipped serving Knative Serving is not installed", "FAILED"),
    ],
)
def test_the_end_of_the_site(
    tmp_path: Path, api_server: ApiServer, cluster: Cluster, wanted: str, told: str, untold: str
) -> None:
    """By its tag alone, and after the report."""
    code, text = playbook(api_server, tmp_path, "site.yml", "--tags", "verify", "-e", f"verify_at_end={wanted}")
    words = " ".join(text.split())
    assert code == 0, text[-3000:]
    assert told in words and untold not in words


def test_what_does_not_hold_fails_the_site_after_its_report(
    tmp_path: Path, api_server: ApiServer, cluster: Cluster, name: str
) -> None:
    """Nothing schedules the pods of this deployment."""
    stand(cluster, name, [namespace(name), within(deployment("waiting", replicas=1), name)])
    try:
        code, text = playbook(api_server, tmp_path, "site.yml", "--tags", "verify")
    finally:
        remove_releases(cluster, [AbsentOptions(name, LeavingPolicy())], print)
    assert code != 0
    report, judged = text.index("TASK [selfhosted.serverless.report"), text.index("1 of 11 facts does not hold: workl")
    assert report < judged
    assert text[judged:].count("TASK [") == 0, "it is the last that is said"


def test_the_playbook_asks_all_of_it_and_its_form_can_be_chosen(tmp_path: Path, api_server: ApiServer) -> None:
    code, text = playbook(api_server, tmp_path, "verify.yml", "-e", "verify_image=proxy:1", "--check")
    assert code == 0 and "would send an event through a Broker" in text
    code, text = playbook(api_server, tmp_path, "verify.yml", "-e", "verify_form=short", "--tags", "verify")
    assert code == 0 and "application" in text and "serving" not in text
