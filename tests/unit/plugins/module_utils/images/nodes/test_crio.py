"""A node with CRI-O: a process of that name that notes its signals, and a crictl that prints as CRI-O's does."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.crio import CrioNode
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.delivery import deliver, take_away
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.node import Wanted
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.registries_conf import FILE

# Notes with each SIGHUP what is in the file then
CRIO = """#!/bin/sh
trap 'cat "$1" >>"$2" 2>/dev/null || echo none >>"$2"' HUP
touch "$2"
while :; do sleep 0.02; done
"""
# Pulls nothing that the runtime was not told where to find
CRICTL = """#!/bin/sh
case "$1" in
  images) cat "$(dirname "$0")/images.json";;
  pull) grep -q mirror "$(dirname "$0")/read" || { echo "dial tcp: i/o timeout" >&2; exit 1; }
    cp "$(dirname "$0")/pulled.json" "$(dirname "$0")/images.json";;
  ps) echo '{"containers": []}';;
  rmi) echo '{"images": []}' >"$(dirname "$0")/images.json";;
esac
"""
NAME, DIGEST = "docker.io/library/a:1", "sha256:" + "a" * 64
FILES = {FILE: b'prefix = "docker.io"\nlocation = "mirror"\n'}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[CrioNode]:
    """A node that is this machine, with a crio that runs."""
    for name, text in {"crio": CRIO, "crictl": CRICTL}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    image = {"id": "c" * 64, "repoTags": [NAME], "repoDigests": [f"docker.io/library/a@{DIGEST}"]}
    (tmp_path / "images.json").write_text('{"images": []}')
    (tmp_path / "pulled.json").write_text(json.dumps({"images": [image]}))
    etc = tmp_path / "containers"
    # A shell cannot trap what was ignored when it began, as SIGHUP is under nohup
    heard = partial(signal.signal, signal.SIGHUP, signal.SIG_DFL)
    process = subprocess.Popen([tmp_path / "crio", etc / FILE, tmp_path / "read"], preexec_fn=heard)
    while not (tmp_path / "read").exists():
        time.sleep(0.01)
    yield CrioNode("n1", (), str(etc), crictl=(str(tmp_path / "crictl"),))
    process.kill()
    process.wait()


def test_settings_are_read_before_images_are_pulled_by_them_and_when_they_are_taken_away(
    node: CrioNode, tmp_path: Path
) -> None:
    wanted = [Wanted(NAME, NAME, DIGEST)]
    done = deliver(node, FILES, wanted, check=False, report=lambda line: None)
    assert done.pulled == [NAME]
    assert (tmp_path / "read").read_bytes() == FILES[FILE]
    assert not deliver(node, FILES, wanted, check=False, report=lambda line: None).changed
    assert (tmp_path / "read").read_bytes() == FILES[FILE]  # not once more
    assert take_away(node, check=False).removed == [NAME]
    assert (tmp_path / "read").read_bytes() == FILES[FILE] + b"none\n"


def test_settings_that_others_wrote_without_a_signal_count_when_an_image_is_pulled(
    node: CrioNode, tmp_path: Path
) -> None:
    deliver(node, FILES, [], check=False, report=lambda line: None)
    (tmp_path / "read").write_text("")
    done = deliver(node, FILES, [Wanted(NAME, NAME, DIGEST)], check=False, report=lambda line: None)
    assert (done.files, done.pulled) == ([], [NAME])
    assert (tmp_path / "read").read_bytes() == FILES[FILE]
