"""The files of a run's reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.files import host_file, write_reports


@pytest.mark.parametrize("host", ["lab", "docker-desktop", "a.b_c-1", "0"])
def test_a_plain_host_has_its_name(host: str) -> None:
    assert host_file(host) == f"{host}.json"


@pytest.mark.parametrize(
    "host",
    [
        "report",
        "REPORT",
        "../x",
        "/etc/passwd",
        "a b",
        ".hidden",
        "",
        "a\n",
        "ü",
        "x" * 300,
        "-x",
        "arn:aws:eks:1:c/a",
        "\udce9",
    ],
)
def test_any_other_host_has_a_file_of_its_own_inside_the_folder(host: str) -> None:
    name = host_file(host)
    assert Path("/folder", name).resolve().parent == Path("/folder") and len(name) < 120
    assert name.lower() not in ("report.json", "report.html") and not name.startswith(".") and name.isascii()
    assert name != host_file(host + "x")


def test_files_of_an_earlier_run_are_replaced_and_others_stay(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    write_reports(folder, {"run": 1}, "<p>one", {"x": {"host": 1}, "y": {"host": 1}})
    (folder / "notes.txt").write_text("mine")
    written = write_reports(folder, {"run": 2}, "<p>zwei: ü", {"x": {"host": "ü"}})
    assert sorted(path.name for path in written) == ["report.html", "report.json", "x.json"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "notes.txt",
        "report.html",
        "report.json",
        "x.json",
        "y.json",
    ]
    assert json.loads((folder / "report.json").read_text()) == {"run": 2}
    assert (folder / "report.html").read_text() == "<p>zwei: ü" and "ü" in (folder / "x.json").read_text()


def test_what_cannot_be_written_is_an_error_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    with pytest.raises(OSError, match="report.json"):
        write_reports(tmp_path, {}, "", {})
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
