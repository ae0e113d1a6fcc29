# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.files import Wanted, WantedFile, ensure_files

WANTED = Wanted(
    folders={"etc": 0o755, "run": 0o700},
    links={"etc/tool": "/usr/bin/tool"},
    files=(WantedFile("etc/a", "one\n"), WantedFile("etc/key", "secret\n", 0o600)),
)


def test_everything_is_made_once(tmp_path: Path) -> None:
    assert [difference.path for difference in ensure_files(tmp_path, WANTED)] == [
        "etc",
        "run",
        "etc/tool",
        "etc/a",
        "etc/key",
    ]
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "etc/key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "etc/tool").readlink() == Path("/usr/bin/tool")
    assert ensure_files(tmp_path, WANTED) == []


def test_differences_are_put_right_and_shown(tmp_path: Path) -> None:
    ensure_files(tmp_path, WANTED)
    (tmp_path / "etc/a").write_text("two\n")
    (tmp_path / "etc/key").chmod(0o644)
    (tmp_path / "etc/tool").unlink()
    (tmp_path / "etc/tool").write_text("in the way")
    found = ensure_files(tmp_path, WANTED)
    assert [(difference.path, difference.before) for difference in found] == [
        ("etc/tool", ""),
        ("etc/a", "two\n"),
        ("etc/key", "secret\n"),
    ]
    assert ensure_files(tmp_path, WANTED) == []
    assert sorted(path.name for path in (tmp_path / "etc").iterdir()) == ["a", "key", "tool"]


def test_a_look_writes_nothing(tmp_path: Path) -> None:
    assert len(ensure_files(tmp_path, WANTED, only_look=True)) == 5
    assert list(tmp_path.iterdir()) == []
