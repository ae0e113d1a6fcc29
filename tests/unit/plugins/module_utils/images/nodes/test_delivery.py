"""Delivery to a node: files for real, containerd played by a small ctr (the lab's scenarios have the real one)."""

from __future__ import annotations

import base64
import json
import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.containerd import (
    FILTERS,
    ContainerdNode,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.containerd_hosts import (
    host_files,
    without_login,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.delivery import (
    deliver,
    take_away,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.delivery_record import RECORD
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.docker import DockerNode
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.lingering import (
    PATIENCE,
    images_of_pods,
    take_away_lingering,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.node import NodeError, Wanted
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.runtimes import node_from_config
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from quick_clock import QuickClock
from throwaway_pki import Pki

# Keeps "name digest" lines in $STORE; pulls what $REMOTE lists, when nothing holds it; $USED are images of containers,
# which run unless the fourth word of their line is "ended". Prints as ctr does.
CTR = r"""#!/bin/sh
shift 4
case "$1 $2" in
  "images ls") if [ "$3" != -q ]; then
      echo "REF TYPE DIGEST SIZE"; awk '{print $1, "t", $2, "1 MiB"}' "$STORE"; exit; fi
    shift 3; echo "$# filters" >> "$STORE.asked"; [ "$#" -gt 0 ] || { awk '{print $1}' "$STORE"; exit; }
    for i; do awk -v f="$i" 'f == "name==" $1 ",target.digest==" $2 {print $1}' "$STORE"; done;;
  "images pull") if [ -s "$STORE.away" ]; then sed -n 1p "$STORE.away" >&2; sed -i 1d "$STORE.away"; exit 1; fi
    while [ -e "$STORE.hold" ]; do sleep 0.02; done; exec 9>"$STORE.lock"; flock 9
    grep "^$5 " "$REMOTE" > "$STORE.line" || { echo "ctr: $5: not found" >&2; exit 1; }
    grep -v "^$5 " "$STORE" > "$STORE.new"; cat "$STORE.line" >> "$STORE.new"; mv "$STORE.new" "$STORE";;
  "images rm") shift 2; for i; do grep -v "^$i " "$STORE" > "$STORE.new"; mv "$STORE.new" "$STORE"; done;;
  "containers ls") echo "CONTAINER IMAGE RUNTIME"; cat "$USED";;
  "tasks ls") echo "TASK PID STATUS"; awk '{print $1, NR, $4 == "ended" ? "STOPPED" : "RUNNING"}' "$USED";;
esac
"""
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
FILES = {"docker.io/hosts.toml": b'server = "http://m/v2/docker.io"\n'}
IMAGES = {"docker.io/library/a:1": A, "gcr.io/b/c:1": B}
WANTED = [Wanted(name, f"m.io/{name}", digest) for name, digest in IMAGES.items()]


class LocalNode:
    """A folder of the test as a node."""

    def __init__(self, directory: Path) -> None:
        self.store, self.remote, self.used = directory / "store", directory / "remote", directory / "used"
        for file in (self.store, self.remote, self.used):
            file.touch()
        self.has(self.remote, IMAGES)
        self.certs = directory / "certs.d"
        ctr = directory / "ctr"
        ctr.write_text(CTR)
        ctr.chmod(0o755)
        environment = [f"STORE={self.store}", f"REMOTE={self.remote}", f"USED={self.used}"]
        self.node = ContainerdNode("n1", ("env", *environment), str(self.certs), ctr=(str(ctr),))

    @staticmethod
    def has(file: Path, images: dict[str, str]) -> None:
        """Put images into a list."""
        file.write_text("".join(f"{name} {digest}\n" for name, digest in images.items()))


@pytest.fixture
def local(tmp_path: Path) -> LocalNode:
    return LocalNode(tmp_path)


def bring(local: LocalNode, check: bool = False, files: dict[str, bytes] | None = None):
    lines: list[str] = []
    done = deliver(local.node, FILES if files is None else files, WANTED, check=check, report=lines.append)
    return done, lines


def test_once_and_again(local: LocalNode) -> None:
    foreseen, lines = bring(local, check=True)
    assert foreseen.changed
    assert not lines
    assert not local.certs.exists()
    done, lines = bring(local)
    assert [change.name for change in done.files] == ["docker.io/hosts.toml"]
    assert done.pulled == sorted(IMAGES)
    assert lines[-1].startswith("n1: 2/2 ")
    assert (local.certs / "docker.io/hosts.toml").read_bytes() == FILES["docker.io/hosts.toml"]
    again, lines = bring(local)
    assert not again.changed
    assert not lines


def test_progress_is_told_while_images_are_pulled(local: LocalNode) -> None:
    hold = local.store.with_name("store.hold")
    hold.touch()
    lines: list[str] = []

    def report(line: str) -> None:
        lines.append(line)
        hold.unlink(missing_ok=True)

    wanted = [Wanted(image.name, image.source, image.digest, 2_000_000) for image in WANTED]
    deliver(local.node, FILES, wanted, check=False, report=report, period=0.05)
    assert lines[0].startswith("n1: 0/2 images, 0.0 of 4.0 MB, 0.0 MB/s; pulling docker.io/library/a:1, gcr.io/b/c:1")
    assert lines[-1] == "n1: 2/2 images pulled"


AWAY = (
    "ctr: failed to resolve reference: unexpected status from HEAD request to http://m/v2/a: 503 Service Unavailable",
    'ctr: failed to do request: Head "http://m/v2/a": dial tcp 127.0.0.1:5000: connect: connection refused',
)


@pytest.mark.parametrize("said", AWAY, ids=["503", "stopped"])
def test_a_registry_that_is_away_for_a_moment_is_asked_again(local: LocalNode, said: str) -> None:
    local.store.with_name("store.away").write_text(f"{said}\n" * 4)
    backoff = Backoff(patience=20.0, first_pause=0.05, longest_pause=0.1)
    wanted = WANTED[:1]
    done = deliver(local.node, FILES, wanted, check=False, report=lambda line: None, backoff=backoff)
    assert done.pulled == [wanted[0].name]


@pytest.mark.parametrize(("said", "left"), [(AWAY[0], 0), ("ctr: m.io/a: not found", 8)])
def test_patience_with_a_registry_ends_and_what_it_does_not_have_is_asked_for_once(
    local: LocalNode, said: str, left: int
) -> None:
    answers = local.store.with_name("store.away")
    answers.write_text(f"{said}\n" * 9)
    backoff = Backoff(patience=0.3 if left else 0.1, first_pause=0.05, longest_pause=0.05)
    with pytest.raises(NodeError, match=said.rpartition(": ")[2]):
        deliver(local.node, FILES, WANTED[:1], check=False, report=lambda line: None, backoff=backoff)
    assert len(answers.read_text().splitlines()) >= left


LIMITED = (
    "ctr: failed to resolve reference: unexpected status from HEAD request to http://m/v2/a: 429 Too Many Requests",
    "Error response from daemon: toomanyrequests: You have reached your pull rate limit.",
)


@pytest.mark.parametrize("said", LIMITED, ids=["containerd", "docker"])
def test_a_rate_limit_of_an_hour_is_waited_for_and_told(local: LocalNode, said: str) -> None:
    quick = QuickClock()
    local.store.with_name("store.away").write_text(f"{said}\n" * 60)
    lines: list[str] = []
    wanted = WANTED[:1]
    backoff = Backoff(clock=quick.clock)
    done = deliver(local.node, FILES, wanted, check=False, report=lines.append, period=0.01, backoff=backoff)
    assert done.pulled == [wanted[0].name]
    assert 1500 < quick.passed < 3700  # sixty refusals, a minute apart at most
    assert any("whose registry limits requests, again at " in line for line in lines)


@pytest.mark.parametrize("wait", [0, 600])
def test_a_rate_limit_that_is_not_waited_for_says_how_to(local: LocalNode, wait: int) -> None:
    quick = QuickClock()
    local.store.with_name("store.away").write_text(f"{LIMITED[0]}\n" * 60)
    backoff = Backoff(clock=quick.clock)
    with pytest.raises(NodeError, match="429 Too Many Requests\n.*serverless_rate_limit_wait"):
        deliver(
            local.node,
            FILES,
            WANTED[:1],
            check=False,
            report=lambda line: None,
            backoff=backoff,
            rate_limit_wait=wait,
        )
    assert quick.passed <= max(wait, 20)


def test_what_an_earlier_delivery_brought_and_this_one_does_not_want_is_named(local: LocalNode) -> None:
    bring(local)
    for check in (True, False):
        done = deliver(local.node, FILES, WANTED[:1], check=check, report=lambda line: None)
        assert not done.changed and done.left == [WANTED[1].name]


def test_another_digest_is_pulled_anew(local: LocalNode) -> None:
    bring(local)
    LocalNode.has(local.store, {**IMAGES, "gcr.io/b/c:1": A})
    assert bring(local)[0].pulled == ["gcr.io/b/c:1"]


def test_many_images_are_asked_for_by_commands_of_some_length(local: LocalNode) -> None:
    many = [Wanted(f"m.example/a:{number}", "", A) for number in range(2 * FILTERS + 1)]
    LocalNode.has(local.store, {image.name: image.digest for image in many[1:]})
    assert local.node.lacking(many) == ["m.example/a:0"]
    asked = Path(f"{local.store}.asked").read_text().split("\n")
    assert asked == [f"{FILTERS} filters", f"{FILTERS} filters", "1 filters", ""]


def test_absent_takes_away_what_was_brought_and_nothing_else(local: LocalNode) -> None:
    (local.certs / "docker.io").mkdir(parents=True)
    (local.certs / "docker.io/hosts.toml").write_text("# the owner's\n")
    LocalNode.has(local.store, {"docker.io/library/a:1": A})
    bring(local, files={**FILES, "gcr.io/hosts.toml": b"x"})
    done = take_away(local.node, check=False)
    assert done.removed == ["gcr.io/b/c:1"]  # the other one was there before
    assert (local.certs / "docker.io/hosts.toml").read_text() == "# the owner's\n"
    assert sorted(path.name for path in local.certs.rglob("*")) == ["docker.io", "hosts.toml"]
    assert not take_away(local.node, check=False).changed


def test_images_in_use_stay_until_they_are_not(local: LocalNode) -> None:
    bring(local)
    local.used.write_text("c1 gcr.io/b/c:1 runc\n")
    done = take_away(local.node, check=False)
    assert (done.removed, done.kept) == (["docker.io/library/a:1"], ["gcr.io/b/c:1"])
    assert json.loads((local.certs / RECORD).read_text()) == {"files": {}, "images": ["gcr.io/b/c:1"]}
    local.used.write_text("")
    assert take_away(local.node, check=False).removed == ["gcr.io/b/c:1"]
    assert not (local.certs / RECORD).exists()


def pod(image: str) -> dict[str, Any]:
    return {"spec": {"initContainers": [{"name": "first", "image": image}], "containers": [{"name": "main"}]}}


def test_containers_of_removed_pods_are_waited_for(local: LocalNode) -> None:
    bring(local)
    local.used.write_text("c1 gcr.io/b/c:1 runc\nc2 docker.io/library/a:1 runc\n")
    done = take_away(local.node, check=False)
    quick, lines = QuickClock(), []

    def sleep(seconds: float) -> None:
        quick.clock.sleep(seconds)
        if quick.passed > 40:  # the kubelet comes by
            local.used.write_text("c2 docker.io/library/a:1 runc\n")

    clock = replace(quick.clock, sleep=sleep)
    named = images_of_pods([pod("a:1"), pod("No:Image:At/All")])
    take_away_lingering([(local.node, done)], named, lines.append, replace(PATIENCE, clock=clock))
    assert (done.removed, done.kept) == (["gcr.io/b/c:1"], ["docker.io/library/a:1"])
    assert 40 < quick.passed < 50 and len(lines) == 1
    assert not take_away(local.node, check=False).changed


def test_containers_of_removed_pods_that_have_ended_are_not_waited_for(local: LocalNode) -> None:
    """Those of pods that are there keep theirs: the kubelet may start them again."""
    bring(local)
    local.used.write_text("c1 gcr.io/b/c:1 runc ended\nc2 docker.io/library/a:1 runc ended\n")
    done, quick, lines = take_away(local.node, check=False), QuickClock(), []
    assert not done.removed
    patience = replace(PATIENCE, clock=quick.clock)
    take_away_lingering([(local.node, done)], images_of_pods([pod("a:1")]), lines.append, patience)
    assert (done.removed, done.kept) == (["gcr.io/b/c:1"], ["docker.io/library/a:1"])
    assert quick.passed == 0


def test_containers_that_no_pod_owns_are_waited_for_no_longer_than_the_kubelet_takes(local: LocalNode) -> None:
    bring(local)
    local.used.write_text("c1 gcr.io/b/c:1 runc\n")
    done, quick = take_away(local.node, check=False), QuickClock()
    take_away_lingering([(local.node, done)], set(), lambda line: None, replace(PATIENCE, clock=quick.clock))
    assert done.kept == ["gcr.io/b/c:1"] and 90 <= quick.passed < 100


def test_images_of_running_pods_are_not_waited_for(local: LocalNode) -> None:
    bring(local)
    local.used.write_text("c1 gcr.io/b/c:1 runc\n")
    done, quick = take_away(local.node, check=False), QuickClock()
    named = images_of_pods([pod("gcr.io/b/c:1")])
    take_away_lingering([(local.node, done)], named, lambda line: None, replace(PATIENCE, clock=quick.clock))
    assert done.kept == ["gcr.io/b/c:1"] and not quick.passed


def test_a_mirror_that_is_wanted_no_more_goes(local: LocalNode) -> None:
    bring(local, files={**FILES, "gcr.io/hosts.toml": b"x\n"})
    assert [change.name for change in bring(local)[0].files] == ["gcr.io/hosts.toml"]
    assert not (local.certs / "gcr.io").exists()


def test_a_pull_that_fails_and_one_that_brings_something_else(local: LocalNode) -> None:
    LocalNode.has(local.remote, {"gcr.io/b/c:1": B})
    with pytest.raises(NodeError, match="ctr: docker.io/library/a:1: not found"):
        bring(local)
    LocalNode.has(local.remote, {"docker.io/library/a:1": B})
    with pytest.raises(NodeError, match="do not stand for the planned images: docker.io/library/a:1"):
        bring(local)


def test_the_record_is_read_where_wc_is_that_of_macos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wc").write_text('#!/bin/sh\nPATH=${PATH#*:}; printf "%8d\\n" "$(wc "$@")"\n')
    (tmp_path / "wc").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    desktop = DockerNode("docker-desktop", (), str(tmp_path / "certs.d"))
    desktop.write_file("m.example/ca.crt", b"1\n22 3\n")
    assert desktop.read_files(["m.example/ca.crt", RECORD]) == {"m.example/ca.crt": b"1\n22 3\n"}


def test_a_node_that_cannot_be_reached(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="node n1: there is no command no-such-runner"):
        take_away(ContainerdNode("n1", ("no-such-runner",)), check=False)
    with pytest.raises(NodeError, match="name and exec"):
        node_from_config({"name": "n1", "exec": "docker exec"})


def test_hosts_files(pki: Pki) -> None:
    mirrors = {"docker.io": ["127.0.0.1:5000/docker.io", "m.io", "docker.io"], "gcr.io": [{"host": "own.io:5001"}]}
    registries = {
        "own.io:5001": {"ca_file": str(pki.ca_certificate)},
        "private.io": {"username": "u", "password": {"value": "p"}},
    }
    files = host_files(ImagePolicy.from_config({"mirrors": mirrors, "registries": registries}))
    assert sorted(files) == [
        "docker.io/hosts.toml",
        "gcr.io/hosts.toml",
        "gcr.io/own.io_5001_.crt",
        "own.io_5001_/hosts.toml",
        "own.io_5001_/own.io_5001_.crt",
    ]
    lines = files["docker.io/hosts.toml"].decode().splitlines()[1:]
    assert lines == [
        'server = "https://registry-1.docker.io"',
        'capabilities = ["pull", "resolve"]',
        "",
        '[host."http://127.0.0.1:5000/v2/docker.io"]',
        '  capabilities = ["pull", "resolve"]',
        "  override_path = true",
        "",
        '[host."https://m.io"]',
        '  capabilities = ["pull", "resolve"]',
    ]
    assert 'server = "https://own.io:5001"\n' in files["gcr.io/hosts.toml"].decode()
    assert 'ca = "own.io_5001_.crt"\n' in files["gcr.io/hosts.toml"].decode()


def test_a_mirrors_login_is_written_for_root_alone_and_not_shown(local: LocalNode) -> None:
    login = {"username": "u", "password": {"value": "canary"}}
    config = {
        "mirrors": {"docker.io": ["one.io/docker.io", "two.io"], "gcr.io": ["gcr.io"]},
        "registries": {"one.io": login, "two.io": login, "gcr.io": login},
    }
    files = host_files(ImagePolicy.from_config(config))
    parsed = tomllib.loads(files["docker.io/hosts.toml"].decode())
    header = {"authorization": "Basic " + base64.b64encode(b"u:canary").decode()}
    assert parsed["server"] == "https://two.io"
    assert parsed["header"] == header == parsed["host"]["https://one.io/v2/docker.io"]["header"]
    # The kubelet comes to a registry's own name with the pull secret.
    assert b"authorization" not in files["gcr.io/hosts.toml"]

    bring(local, files=files)
    assert (local.certs / "docker.io/hosts.toml").stat().st_mode & 0o777 == 0o600
    assert (local.certs / "gcr.io/hosts.toml").stat().st_mode & 0o777 == 0o644
    shown = without_login(files["docker.io/hosts.toml"].decode())
    assert shown.count("authorization = (not shown)") == 2
    assert header["authorization"] not in shown


def test_the_names_that_the_cri_plugin_adds_go_with_the_image(local: LocalNode) -> None:
    bring(local)
    there = {
        **IMAGES,
        "sha256:" + "1" * 64: A,
        f"docker.io/library/a@{A}": A,
        "sha256:" + "2" * 64: B,
        "other.io/b:2": B,
    }
    local.has(local.store, there)
    take_away(local.node, check=False)
    # What somebody else named too keeps its content, and so the ID under which the kubelet knows it.
    assert set(local.node.images()) == {"sha256:" + "2" * 64, "other.io/b:2"}
