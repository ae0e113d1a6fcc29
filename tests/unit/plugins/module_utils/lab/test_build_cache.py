"""The cache of built components: complete or not there at all, and one builder at a time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build_cache import BuildCache


def silent(_line: str) -> None:
    """A report that nobody reads."""


def test_what_was_put_in_is_there_afterwards(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path)
    assert not cache.has("etcd", "k1", ["etcd"])
    with cache.filling("etcd", "k1", ["etcd"], silent) as scratch:
        (scratch / "etcd").write_text("binary")
    assert cache.has("etcd", "k1", ["etcd"])
    assert (tmp_path / "bin" / "etcd" / "k1" / "etcd").read_text() == "binary"
    with cache.filling("etcd", "k1", ["etcd"], silent) as scratch:
        assert scratch is None


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path)
    with pytest.raises(ValueError), cache.filling("etcd", "k1", ["etcd"], silent) as scratch:
        (scratch / "etcd").write_text("half a binary")
        raise ValueError
    assert not cache.has("etcd", "k1", ["etcd"])
    assert [path.name for path in (tmp_path / "bin" / "etcd").iterdir()] == ["k1.lock"]


def test_what_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    left = tmp_path / "bin" / "etcd" / "k1.part-dead"
    left.mkdir(parents=True)
    (left / "etcd").write_text("half a binary")
    with BuildCache(tmp_path).filling("etcd", "k1", ["etcd"], silent) as scratch:
        (scratch / "etcd").write_text("binary")
    assert not left.exists()


def test_a_link_to_what_has_gone_is_made_again(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path)
    directory = cache.directory("content", "k1")
    directory.mkdir(parents=True)
    (directory / "module").symlink_to(tmp_path / "gone")
    assert not cache.has("content", "k1", ["module"])
    with cache.filling("content", "k1", ["module"], silent) as scratch:
        (scratch / "module").symlink_to(tmp_path)
    assert cache.has("content", "k1", ["module"])


def test_a_second_run_waits_for_the_first_and_uses_its_work(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path)
    told = threading.Event()
    seen: list[Path | None] = []

    def second() -> None:
        with cache.filling("etcd", "k1", ["etcd"], lambda line: told.set()) as scratch:
            seen.append(scratch)

    with cache.filling("etcd", "k1", ["etcd"], silent) as scratch:
        thread = threading.Thread(target=second)
        thread.start()
        assert told.wait(10), "the second run did not say that it waits"
        (scratch / "etcd").write_text("binary")
    thread.join(10)
    assert seen == [None]
