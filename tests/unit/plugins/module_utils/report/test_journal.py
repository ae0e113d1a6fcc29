"""The journal of a run: written by many processes, read whatever became of it."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
import time
from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.report.journal import Journal, read_journals

HEAD = {"event": "play", "at": 1.0, "host": "a"}


def write_some(directory: Path, process: int) -> None:
    journal = Journal(directory, "a")
    for number in range(100):
        journal.append({"event": "end", "at": 2.0, "step": f"{process}-{number}", "notes": {"text": "x" * 5000}})


def test_processes_that_write_at_the_same_time_do_not_tear_each_others_lines(tmp_path: Path) -> None:
    Journal(tmp_path, "a").append(HEAD)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=write_some, args=(tmp_path, number)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    [records] = read_journals(tmp_path)
    assert {record["step"] for record in records[1:]} == {f"{a}-{b}" for a in range(4) for b in range(100)}
    assert all(record["notes"]["text"] == "x" * 5000 for record in records[1:])


def test_hosts_have_files_of_their_own_and_are_read_by_their_names(tmp_path: Path) -> None:
    for at, host in ((3.0, "../../etc/passwd"), (2.0, "b"), (4.0, "a\udce9/\n")):
        Journal(tmp_path, host).append({**HEAD, "at": at, "host": host})
    assert [records[0]["host"] for records in read_journals(tmp_path)] == ["../../etc/passwd", "a\udce9/\n", "b"]
    assert {path.parent for path in tmp_path.rglob("*")} == {tmp_path}


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Journal(tmp_path, "a").append(HEAD)
    finally:
        os.umask(before)
    [file] = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_lines_that_are_torn_or_none_of_ours_are_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "a")
    journal.append(HEAD, {"event": "begin", "at": 2, "step": "1"})
    [file] = tmp_path.iterdir()
    with file.open("ab") as stream:
        stream.write(b'[1]\n{"at": 3}\n{"event": "end", "at": "x"}\n\xff\n\n{"event": "end", "at": 3.0, "st')
    [records] = read_journals(tmp_path)
    assert (
        [record["event"] for record in records] == ["play", "begin"] == [record["event"] for record in journal.read()]
    )


def test_a_journal_without_its_first_line_is_none(tmp_path: Path) -> None:
    Journal(tmp_path, "a").append({"event": "begin", "at": 2, "step": "1"})
    assert read_journals(tmp_path) == []
    assert read_journals(tmp_path / "nowhere") == []


def test_that_it_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "gone", "a")
    journal.append(HEAD)
    assert not journal.is_new("play") and journal.read() == []


def test_a_play_is_new_once_on_each_host(tmp_path: Path) -> None:
    asked = [Journal(tmp_path, host).is_new(play) for host in ("a", "b") for play in ("1", "2", "1")]
    assert asked == [True, True, False] * 2
    assert read_journals(tmp_path) == []


def test_values_that_json_does_not_know_are_told_as_text(tmp_path: Path) -> None:
    Journal(tmp_path, "a").append({**HEAD, "directory": Path("/x")})
    assert read_journals(tmp_path)[0][0]["directory"] == "/x"


def test_a_step_costs_less_than_a_millisecond(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "a")
    step = {"event": "end", "at": 2.0, "step": "1", "name": "Wait until it is ready", "error": "", "warnings": []}
    assert len(json.dumps(step)) > 90
    spent = []
    for number in range(200):
        start = time.process_time()
        journal.append({**step, "event": "begin", "number": number})
        journal.append({**step, "number": number})
        spent.append(time.process_time() - start)
    assert sorted(spent)[100] < 0.001
