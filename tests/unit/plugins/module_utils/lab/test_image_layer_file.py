"""Layers: the same content gives the same bytes, in the form that container runtimes expect."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.layer_file import (
    LayerBlob,
    write_entries,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.recipes import Entry
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.sources import Sources

ENTRIES = (
    Entry("/usr/local/bin/tool", 0o755, own="tool"),
    Entry("/bin/tool", link="/usr/local/bin/tool"),
    Entry("/tmp", 0o1777, directory=True),
    Entry("/data", 0o700, owner=999, directory=True),
)


def write(directory: Path, entries: tuple[Entry, ...] = ENTRIES, time: int = 0) -> LayerBlob:
    """Write the entries from a file with a certain time."""
    directory.mkdir()
    (directory / "tool").write_bytes(b"#!/bin/sh\n")
    os.utime(directory / "tool", (time, time))
    return write_entries(directory / "layer.tar.gz", entries, Sources({}, directory))


def test_bytes_depend_on_content_alone(tmp_path: Path) -> None:
    first = write(tmp_path / "a", time=1)
    second = write(tmp_path / "b", tuple(reversed(ENTRIES)), time=2_000_000_000)
    assert first.path.read_bytes() == second.path.read_bytes()


def test_digests_are_those_of_the_file_and_of_the_tar_inside(tmp_path: Path) -> None:
    layer = write(tmp_path / "a")
    data = layer.path.read_bytes()
    assert layer.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert layer.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(data)).hexdigest()}"
    assert layer.size == len(data)


def test_entries_are_sorted_with_their_parents_and_numeric_owners(tmp_path: Path) -> None:
    with tarfile.open(write(tmp_path / "a").path) as layer:
        members = layer.getmembers()
        assert layer.extractfile("usr/local/bin/tool").read() == b"#!/bin/sh\n"
    names = ["bin", "bin/tool", "data", "tmp", "usr", "usr/local", "usr/local/bin", "usr/local/bin/tool"]
    assert [member.name for member in members] == names
    assert {(member.mtime, member.uname, member.gname) for member in members} == {(0, "", "")}
    found = {member.name: (member.mode, member.uid, member.gid) for member in members}
    assert found["tmp"] == (0o1777, 0, 0)
    assert found["data"] == (0o700, 999, 999)
    assert found["usr/local"] == (0o755, 0, 0)


def test_description_is_kept(tmp_path: Path) -> None:
    layer = write(tmp_path / "a")
    layer.save(tmp_path / "layer.json")
    assert LayerBlob.load(tmp_path / "layer.json", layer.path) == layer
