"""Root file systems as layers: what is left out, and what a layer with a parent holds."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images import debian_tree
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.debian_tree import Tree, write_tree
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.errors import LabImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.recipes import Debian

BASE = {"etc": None, "etc/passwd": b"root", "usr": None, "usr/bin": None, "usr/bin/sh": b"shell"}


def root(path: Path, files: Mapping[str, bytes | None], hard_links: Mapping[str, str] | None = None) -> Path:
    """A root file system as mmdebstrap writes it: names begin with ./, None is a directory."""
    with tarfile.open(path, "w") as tar:
        top = tarfile.TarInfo("./")
        top.type = tarfile.DIRTYPE
        tar.addfile(top)
        for name, content in files.items():
            info = tarfile.TarInfo(f"./{name}")
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        for name, target in (hard_links or {}).items():
            info = tarfile.TarInfo(f"./{name}")
            info.type, info.linkname = tarfile.LNKTYPE, f"./{target}"
            tar.addfile(info)
    return path


def names(tree: Tree) -> list[str]:
    """The paths in a tree's layer."""
    with tarfile.open(tree.blob.path) as layer:
        return layer.getnames()


def test_without_a_parent_all_but_what_is_dropped_is_there(tmp_path: Path) -> None:
    files = {**BASE, "dev": None, "dev/null": b"", "usr/share": None, "usr/share/doc": None, "usr/share/doc/x": b"x"}
    tree = write_tree(root(tmp_path / "r", files), ["usr/share/doc/*"], {}, tmp_path / "l")
    expected = ["dev", "etc", "etc/passwd", "usr", "usr/bin", "usr/bin/sh", "usr/share", "usr/share/doc"]
    assert names(tree) == expected


def test_with_a_parent_only_the_difference_is_there(tmp_path: Path) -> None:
    base = write_tree(root(tmp_path / "r1", BASE), [], {}, tmp_path / "l1")
    files = {**BASE, "etc/passwd": b"root and more", "usr/bin/python": b"python"}
    tree = write_tree(root(tmp_path / "r2", files), [], base.listing, tmp_path / "l2")
    assert names(tree) == ["etc", "etc/passwd", "usr", "usr/bin", "usr/bin/python"]


def test_what_the_parent_has_too_much_is_whited_out_once(tmp_path: Path) -> None:
    base = write_tree(root(tmp_path / "r1", BASE), [], {}, tmp_path / "l1")
    files = {"etc": None, "etc/passwd": b"root", "usr": None}
    tree = write_tree(root(tmp_path / "r2", files), [], base.listing, tmp_path / "l2")
    assert names(tree) == ["usr", "usr/.wh.bin"]


def test_a_hard_link_becomes_a_file_even_if_its_target_is_dropped(tmp_path: Path) -> None:
    tar = root(tmp_path / "r", BASE, {"usr/bin/ash": "usr/bin/sh"})
    tree = write_tree(tar, ["usr/bin/sh"], {}, tmp_path / "l")
    with tarfile.open(tree.blob.path) as layer:
        assert layer.extractfile("usr/bin/ash").read() == b"shell"


def test_a_missing_mmdebstrap_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabImageError, match="apt-get install mmdebstrap"):
        debian_tree.make_root(Debian(("curl",)), [], tmp_path / "root.tar")
