"""The report of a run as a user has it: written whatever ends the run, against a real API server."""

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

import jsonschema
import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from api_server import ApiServer

ROOT = Path(__file__).resolve().parents[4]
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())
CANARY = "canary-4711-password"


class Runs:
    """Runs plays on hosts that stand for contexts of one API server; reports go to `reports`."""

    def __init__(self, directory: Path, server: ApiServer) -> None:
        self.directory, self.server = directory, server
        self.reports = directory / "reports"
        self.variables: dict[str, Any] = {"report_directory": str(self.reports)}
        self.hosts: dict[str, dict[str, Any]] = {"lab": {"serverless_context": "test"}}
        self.playbook: Path | None = None

    def start(self, tasks: list[dict[str, Any]], *options: str) -> subprocess.Popen[str]:
        inventory, file = self.directory / "inventory.yml", self.playbook or self.directory / "play.yml"
        inventory.write_text(yaml.safe_dump({"clusters": {"hosts": self.hosts, "vars": self.variables}}))
        if not self.playbook:
            play = {"name": "Try", "hosts": "clusters", "connection": "local", "gather_facts": False, "tasks": tasks}
            file.write_text(yaml.safe_dump([play]))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "KUBECONFIG": str(self.server.kubeconfig),
            "HOME": str(self.directory),
            "DATABASE_PASSWORD": CANARY,
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(file), "-i", str(inventory), *options]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            cwd=self.directory,
            start_new_session=True,
        )

    def run(self, tasks: list[dict[str, Any]], *options: str) -> tuple[int, str]:
        process = self.start(tasks, *options)
        output, _errors = process.communicate(timeout=120)
        return process.returncode, output

    def report(self, name: str = "report.json") -> dict[str, Any]:
        document = json.loads((self.reports / name).read_text())
        jsonschema.Draft202012Validator(SCHEMA).validate(document)
        return document

    def context(self, name: str = "report.json") -> dict[str, Any]:
        [context] = self.report(name)["contexts"]
        return context


@pytest.fixture
def runs(tmp_path: Path, api_server: ApiServer) -> Runs:
    return Runs(tmp_path, api_server)


def release(name: str, **options: Any) -> dict[str, Any]:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1"}}
    known = {"name": name, "namespace": name, "create_namespace": True, "definitions": [document], "timeout": 30}
    return {"name": "Apply it", "selfhosted.serverless.release": {**known, **options}}


def wait(seconds: int, expression: str = "data.x == '2'", namespace: str = "default") -> dict[str, Any]:
    target = {"api_version": "v1", "kind": "ConfigMap", "namespace": namespace, "name": "a", "expression": expression}
    return {"name": "Wait for it", "selfhosted.serverless.wait": {"for": [target], "timeout": seconds}}


def role(name: str, **variables: Any) -> dict[str, Any]:
    return {"ansible.builtin.include_role": {"name": f"selfhosted.serverless.{name}"}, "vars": variables}


def remove(name: str) -> dict[str, Any]:
    return {"selfhosted.serverless.release": {"name": name, "state": "absent", "timeout": 30}}


REPORT = role("report")


def test_a_run_that_comes_to_its_end(runs: Runs, name: str) -> None:
    status, output = runs.run([role("preflight"), release(name), wait(10, "data.x == '1'", name), REPORT])
    assert status == 0, output
    report, context = runs.report(), runs.context()
    assert (report["run"]["outcome"], report["run"]["play"], report["run"]["check"]) == ("complete", "Try", False)
    assert report["run"]["software"]["collection"] and report["run"]["software"]["ansible_core"]
    assert (context["host"], context["context"]) == ("lab", "test")
    assert context["counts"] == {"create": 2}
    objects = [item["object"] for item in context["changes"][0]["objects"]]
    assert objects == [f"Namespace {name}", f"ConfigMap {name}/a"]
    assert {"name": name, "version": "", "objects": 2} in context["releases"]
    assert [(step["name"], step["role"], step["outcome"]) for step in context["steps"]] == [
        ("Check the inventory and reach the cluster", "preflight", "ok"),
        ("Apply it", "", "changed"),
        ("Wait for it", "", "ok"),
        ("Report what stands on the cluster", "report", "ok"),
    ]
    assert 0 < context["waited"] < report["run"]["seconds"]
    assert runs.context("lab.json") == context
    assert (runs.reports / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert f"\nReport:\n  {runs.reports}/report.html\n" in output and "This run: 2 created in" in output
    assert sorted(path.name for path in runs.reports.iterdir()) == ["lab.json", "report.html", "report.json"]
    runs.run([remove(name)])


def test_a_failed_action_leaves_a_report_that_says_where_and_why(runs: Runs, name: str) -> None:
    status, output = runs.run([release(name), wait(1), REPORT])
    assert status == 2
    context = runs.context()
    assert context["outcome"] == "failed" and context["counts"] == {"create": 2}
    assert context["stopped"]["name"] == "Wait for it"
    assert context["stopped"]["why"].startswith("context 'test': not fulfilled after 1 s:")
    assert context["steps"][1]["waited"] >= 0.9
    assert f"The report of this run, failed: {runs.reports}/report.html" in output
    runs.run([remove(name)])


@pytest.mark.parametrize(
    "task",
    [
        {"ansible.builtin.fail": {"msg": "not of ours"}},
        {"name": "Apply it", "selfhosted.serverless.release": {"name": "{{ nothing_of_this_name }}"}},
    ],
)
def test_a_task_that_the_journal_does_not_see_is_said_to_be_one(runs: Runs, task: dict[str, Any]) -> None:
    status, _output = runs.run([role("preflight"), task, REPORT])
    assert status == 2
    context = runs.context()
    assert context["outcome"] == "stopped" and context["stopped"]["role"] == "preflight"
    assert "a task of another kind did" in context["stopped"]["why"]


def test_wrong_arguments_are_a_failure_too(runs: Runs) -> None:
    runs.run([{"name": "Apply it", "selfhosted.serverless.release": {"name": "x", "colour": "blue"}}, REPORT])
    stopped = runs.context()["stopped"]
    assert stopped["name"] == "Apply it" and "colour" in stopped["why"]


def waiting(runs: Runs) -> subprocess.Popen[str]:
    """A run that has begun to wait for what never comes."""
    process = runs.start([wait(60), REPORT])
    deadline = time.monotonic() + 60
    while not (runs.reports / "report.json").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    return process


def test_ctrl_c_leaves_a_report(runs: Runs) -> None:
    process = waiting(runs)
    os.kill(process.pid, signal.SIGINT)
    output, _errors = process.communicate(timeout=60)
    context = runs.context()
    assert context["outcome"] == "stopped" and context["steps"][0]["outcome"] == "interrupted"
    assert "interrupted in this step" in context["stopped"]["why"]
    assert "The report of this run, stopped:" in output


def test_a_killed_run_leaves_no_report_of_an_earlier_one(runs: Runs) -> None:
    runs.run([REPORT])
    assert runs.report()["run"]["outcome"] == "complete"
    (runs.reports / "report.json").unlink()
    process = waiting(runs)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    report = runs.report()
    assert report["run"]["outcome"] == "running" and report["run"]["ended"] is None
    assert runs.report("lab.json")["run"]["outcome"] == "running"


def test_contexts_have_one_report_together_and_one_each(runs: Runs, name: str) -> None:
    runs.hosts = {"a": {"serverless_context": "test"}, "b/ü": {"serverless_context": "gone"}}
    status, _output = runs.run([release(name), wait(10, "data.x == '1'", name), REPORT])
    assert status == 2
    report = runs.report()
    assert {one["host"]: one["outcome"] for one in report["contexts"]} == {"a": "complete", "b/ü": "failed"}
    assert report["run"]["outcome"] == "failed"
    assert "there is no context 'gone'" in report["contexts"][1]["stopped"]["why"]
    assert runs.context("a.json")["outcome"] == "complete"
    [other] = {path.name for path in runs.reports.iterdir()} - {"a.json", "report.json", "report.html"}
    assert other.startswith("b__-") and runs.context(other)["outcome"] == "failed"
    runs.run([remove(name)], "--limit", "a")


def test_hosts_whose_inventory_names_other_folders_have_reports_of_their_own(runs: Runs) -> None:
    runs.hosts = {host: {"serverless_context": "test"} for host in ("a", "b")}
    runs.variables = {"report_directory": f"{runs.reports}/{{{{ inventory_hostname }}}}"}
    runs.run([REPORT])
    assert runs.context("a/report.json")["host"] == "a" and runs.context("b/report.json")["host"] == "b"


def test_a_folder_that_cannot_be_written_is_told_first(runs: Runs, cluster: Cluster, name: str) -> None:
    runs.reports.write_text("a file")
    status, output = runs.run([release(name), REPORT])
    assert status == 2 and cluster.get("v1", "Namespace", name) is None
    words = " ".join(output.split())
    assert f"report_directory is {runs.reports}, and nothing can be written there:" in words
    assert "Name a folder that you may write in; nothing was changed" in words


def test_a_play_without_the_role_writes_nothing(runs: Runs, name: str) -> None:
    status, _output = runs.run([release(name), wait(1)])
    assert status == 2 and not runs.reports.exists()
    runs.run([remove(name)])


def test_without_a_folder_nothing_is_written_and_that_is_said(runs: Runs) -> None:
    runs.variables = {}
    status, output = runs.run([REPORT])
    assert status == 0 and not runs.reports.exists()
    assert "\nReport:\n  none is written; report_directory=FOLDER" in output


def test_a_folder_that_only_the_role_is_told_counts_as_well(runs: Runs) -> None:
    runs.variables = {}
    status, output = runs.run([role("report", report_directory="reports")])
    assert status == 0, output
    assert runs.context()["outcome"] == "complete"


def test_check_mode_tells_what_would_be_done(runs: Runs, cluster: Cluster, name: str) -> None:
    status, output = runs.run([release(name), REPORT], "--check", "--diff")
    assert status == 0 and cluster.get("v1", "Namespace", name) is None
    assert runs.report()["run"]["check"] is True and runs.context()["counts"] == {"create": 2}
    assert "This run: would be: 2 created in" in output
    assert "would be: 2 created" in (runs.reports / "report.html").read_text()


def test_what_a_verification_found_is_told_and_kept(runs: Runs) -> None:
    facts = [
        {"name": "gateway", "ok": False, "text": "no answer at 127.0.0.1:1", "figures": {}, "remedy": "start its pod"},
        {"name": "nodes", "ok": True, "text": "1 of 1 Ready", "figures": {"ready": 1}},
        {"name": "events", "ok": None, "text": "Eventing is not installed"},
    ]
    status, output = runs.run([{"ansible.builtin.set_fact": {"__serverless_verify": {"facts": facts}}}, REPORT])
    assert status == 0, output
    assert "Verified: 1 of 2 facts hold\n  gateway: no answer at 127.0.0.1:1\n    start its pod\n" in output
    assert [fact["ok"] for fact in runs.context()["verification"]] == [False, True, None]


@pytest.fixture
def pod(cluster: Cluster, name: str) -> Iterator[str]:
    """The image of a pod, on a node that says its architecture."""
    image = "gcr.io/some/image:1"
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/arch": "amd64"}}}
    spec = {"containers": [{"name": "c", "image": image}], "automountServiceAccountToken": False}
    metadata = {"name": name, "namespace": "default"}
    cluster.apply(node, manager="someone")
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, manager="someone")
    yield image
    cluster.delete("v1", "Pod", name, "default")
    cluster.delete("v1", "Node", name)


def test_images_are_printed_on_request_and_kept_in_any_case(runs: Runs, pod: str) -> None:
    for wanted in (False, True):
        status, output = runs.run([REPORT], "-e", json.dumps({"report_images": wanted}))
        assert status == 0, output
        assert (f"  {pod}  from origin (configured)" in output) is wanted
        assert pod in [row["image"] for row in runs.context()["images"]]


def test_digest_and_size_of_images_come_from_the_lock(runs: Runs, pod: str) -> None:
    lock = runs.directory / "images.lock.yml"
    digests = ["sha256:" + letter * 64 for letter in "ab"]
    part = {"digest": digests[1], "size": 1234}
    lock.write_text(yaml.safe_dump({"images": {pod: {"digest": digests[0], "platforms": {"amd64": part}}}}))
    status, output = runs.run([REPORT])
    assert status == 0, output
    [row] = [row for row in runs.context()["images"] if row["image"] == pod]
    assert (row["digest"], row["size"], row["runs"]) == (digests[0], 1234, True)

    lock.write_text("images: damaged")
    status, output = runs.run([REPORT])
    [row] = [row for row in runs.context()["images"] if row["image"] == pod]
    assert status == 0 and (row["digest"], row["size"]) == ("", None)
    [warning] = runs.context()["warnings"]
    assert warning["text"].startswith(f"the lock {lock} is damaged")


def test_what_to_do_next_is_what_the_options_say(runs: Runs, name: str) -> None:
    commands = role("report", report_verify=["verify me"], report_remove=["remove me"])
    _status, output = runs.run([release(name), commands])
    assert "\nVerify it:\n  verify me\n\nRemove it all:\n  remove me\n" in output
    assert runs.context()["commands"] == {"verify": ["verify me"], "remove": ["remove me"]}
    runs.run([remove(name), REPORT])
    assert runs.context()["commands"]["verify"][0].startswith("ansible-playbook -i ")


def test_no_credential_comes_into_a_report(runs: Runs, name: str) -> None:
    secret = {"name": "env", "keys": {"password": {"env": "DATABASE_PASSWORD"}}}
    hidden = {**release(f"{name}-x", manifests=[f"/{CANARY}"]), "no_log": True}
    runs.run([release(name, secrets=[secret]), hidden, REPORT], "--diff")
    texts = [path.read_text() for path in runs.reports.iterdir()]
    assert len(texts) == 3 and not any(CANARY in text for text in texts)
    assert "no_log" in runs.context()["stopped"]["why"]
    kubeconfig = runs.server.kubeconfig.read_text()
    assert not any(text in kubeconfig for text in [runs.context()["stopped"]["why"]])
    runs.run([remove(name)])


def test_a_failure_that_the_task_ignores_is_told_and_stops_nothing(runs: Runs) -> None:
    status, _output = runs.run([{**wait(1), "ignore_errors": True}, REPORT])
    context = runs.context()
    assert status == 0 and context["outcome"] == "complete"
    assert context["steps"][0]["outcome"] == "failed, and the run went on"


def test_a_step_is_of_the_outermost_role_that_included_its_own(runs: Runs) -> None:
    for outer, inner in (("outer", "middle"), ("middle", "selfhosted.serverless.preflight")):
        tasks = runs.directory / "roles" / outer / "tasks"
        tasks.mkdir(parents=True)
        (tasks / "main.yml").write_text(yaml.safe_dump([{"ansible.builtin.include_role": {"name": inner}}]))
    status, output = runs.run([{"ansible.builtin.include_role": {"name": "outer"}}, REPORT])
    assert status == 0, output
    assert [(step["role"], step["within"]) for step in runs.context()["steps"]] == [
        ("preflight", "outer"),
        ("report", "report"),
    ]


@pytest.mark.parametrize("way", ["roles", "import_role"])
def test_a_play_may_name_the_role_in_other_ways(runs: Runs, way: str) -> None:
    """A run that fails before its report is known to have one."""
    runs.playbook = runs.directory / "own.yml"
    play: dict[str, Any] = {"hosts": "clusters", "connection": "local", "gather_facts": False}
    report = "selfhosted.serverless.report"
    if way == "roles":
        play |= {"pre_tasks": [wait(1)], "roles": [report]}
    else:
        play |= {"tasks": [wait(1), {"block": [{"ansible.builtin.import_role": {"name": report}}]}]}
    runs.playbook.write_text(yaml.safe_dump([play]))
    status, _output = runs.run([])
    assert status == 2 and runs.context()["outcome"] == "failed"


def test_a_later_play_with_the_report_leaves_one_whatever_the_first_did(runs: Runs) -> None:
    runs.playbook = runs.directory / "own.yml"
    play: dict[str, Any] = {"hosts": "clusters", "connection": "local", "gather_facts": False}
    plays = [{**play, "name": "Look", "tasks": [role("preflight")]}, {**play, "name": "Do", "tasks": [wait(1), REPORT]}]
    runs.playbook.write_text(yaml.safe_dump(plays))
    status, _output = runs.run([])
    report = runs.report()
    assert status == 2 and (report["run"]["outcome"], report["run"]["play"]) == ("failed", "Do")
    assert [step["action"] for step in report["contexts"][0]["steps"]] == ["preflight", "wait"]


def test_the_playbooks_of_the_collection_have_reports(runs: Runs) -> None:
    runs.playbook = ROOT / "playbooks" / "uninstall.yml"
    runs.variables |= {"serverless_work_dir": str(runs.directory / "work")}
    status, output = runs.run([], "--tags", "istio")
    assert status == 0, output
    context = runs.context()
    releases = context["changes"][0]["release"].split(", ")  # by whichever provider
    assert context["outcome"] == "complete" and releases[0] == "istio"
    parts = {step["within"] for step in context["steps"]}
    assert {"preflight", "report", ""} == parts
