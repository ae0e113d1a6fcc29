"""libexec/runc: what a container may not have on this machine is taken out of what CRI-O and docker ask for."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).resolve().parents[4] / "roles" / "lab" / "templates" / "runc.j2"
TRY = "(echo -999 >/proc/self/oom_score_adj) 2>/dev/null"
OURS = Path("/proc/self/oom_score_adj")
CONTROLLERS = (Path("/sys/fs/cgroup/cgroup.controllers"), Path("/sys/fs/cgroup/hugetlb"))


@pytest.mark.parametrize("compact", [True, False])
@pytest.mark.parametrize("words", [["create", "--bundle", "{}", "id"], ["--root", "/r", "run", "--bundle={}", "id"]])
@pytest.mark.parametrize(("asked", "lowered"), [(-998, True), (2, False), (1000, False)])
def test_a_container_gets_nothing_that_runc_cannot_give_it(
    tmp_path: Path, asked: int, lowered: bool, words: list[str], compact: bool
) -> None:
    config = tmp_path / "config.json"
    limits = [{"pageSize": "2MB", "limit": 0}, {"pageSize": "1GB", "limit": 0}]
    document = {"process": {"oomScoreAdj": asked, "args": ["a"]}, "linux": {"hugepageLimits": limits, "rdma": {}}}
    config.write_text(json.dumps(document, separators=(",", ":")) if compact else json.dumps(document, indent=2))
    said = called(tmp_path, [word.format(tmp_path) for word in words])
    assert said == [word.format(tmp_path) for word in words]
    can = subprocess.run(["sh", "-c", TRY], check=False).returncode == 0
    document["process"]["oomScoreAdj"] = int(OURS.read_text()) if lowered and not can else asked
    document["linux"]["hugepageLimits"] = limits if any(path.exists() for path in CONTROLLERS) else []
    assert json.loads(config.read_text()) == document


def test_other_commands_are_runcs_alone(tmp_path: Path) -> None:
    assert called(tmp_path, ["--root", "/r", "state", "id"]) == ["--root", "/r", "state", "id"]


def called(folder: Path, words: list[str]) -> list[str]:
    """The words with which it calls runc."""
    (folder / "bin").mkdir()
    for name, text in {"runc": "#!/bin/sh\nprintf '%s\\n' \"$@\"\n", "wrapper": TEMPLATE.read_text()}.items():
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        [folder / "bin" / "wrapper", *words], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()
