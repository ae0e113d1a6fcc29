"""What is in the archive: what users need, and nothing of development, tests and the lab."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
MAY_BE = (
    "CHANGELOG.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "README.zh-CN.md",
    "bindep.txt",
    "changelogs/c*.yaml",
    "docs/*.json",
    "docs/*.md",
    "docs/images/*.png",
    "docs/images/*.svg",
    "docs/zh-CN/*.yml",
    "execution-environment.yml",
    "inventories/*.yml",
    "meta/*.yml",
    "playbooks/*.yml",
    "plugins/*.py",
    "plugins/*/*.yml",
    "requirements.txt",
    "roles/*",
)
# The lab, whatever kind of file it is; what a user's cluster may be told by it is elsewhere
LAB = re.compile(
    r"(^|/)(lab(/|\.(yml|md)$)|lab_[a-z_]+\.py$)|^inventories/kubeconfig/(group|host)_vars/|__pycache__|\.pyc$"
)
LARGEST = 1_500_000  # bytes; it was 2.2 MB with tests and lab


@pytest.fixture(scope="module")
def files(archive: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(archive) as opened:
        return {member.name: member for member in opened.getmembers() if not member.isdir()}


def test_the_archive_holds_what_may_be_in_it(archive: Path, files: dict[str, tarfile.TarInfo]) -> None:
    strangers = [name for name in files if not any(fnmatch.fnmatchcase(name, pattern) for pattern in MAY_BE)]
    assert not strangers
    assert not [name for name in files if LAB.search(name)]
    assert not [name for name in files if Path(name).name.startswith(".") and Path(name).name != ".dockerignore"]
    assert archive.stat().st_size < LARGEST
    print(f"\n  {archive.name}: {len(files)} files, {archive.stat().st_size / 1e6:.2f} MB")


def test_nothing_that_users_need_is_left_out(files: dict[str, tarfile.TarInfo]) -> None:
    """Every tracked file of these folders but the lab's; no link, whose target may be elsewhere."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = ("docs/", "inventories/", "meta/", "playbooks/", "plugins/", "roles/")
    wanted = {name for name in listed.split("\0") if name.startswith(folders) and not LAB.search(f"{name}")}
    wanted = {name for name in wanted if (ROOT / name).is_file() and not name.startswith("inventories/lab/")}
    assert not wanted - set(files)
    assert {"LICENSE", "requirements.txt", "README.md", "README.zh-CN.md", "bindep.txt"} <= set(files)
    assert not [name for name, member in files.items() if member.issym()]


def test_nothing_imports_what_is_left_out(archive: Path, files: dict[str, tarfile.TarInfo]) -> None:
    modules = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in files}
    packages = {name.rpartition(".")[0] for name in modules} | modules
    own = re.compile(r"^\s*(?:from|import) ansible_collections\.selfhosted\.serverless\.([\w.]+)", re.MULTILINE)
    relative = re.compile(r"^\s*from (\.+)([\w.]*) import", re.MULTILINE)
    missing = set()
    with tarfile.open(archive) as opened:
        for name in files:
            if not name.startswith("plugins/") or not name.endswith(".py"):
                continue
            text = opened.extractfile(name).read().decode()  # type: ignore[union-attr]
            for found in own.findall(text):
                if found not in packages:
                    missing.add((name, found))
            for dots, found in relative.findall(text):
                parts = name.split("/")[: -len(dots)]
                if ".".join([*parts, *filter(None, [found])]) not in packages:
                    missing.add((name, dots + found))
    assert not missing


def test_the_archive_says_what_it_is(archive: Path) -> None:
    with tarfile.open(archive) as opened:
        info = json.load(opened.extractfile("MANIFEST.json"))["collection_info"]  # type: ignore[arg-type]
        runtime = yaml.safe_load(opened.extractfile("meta/runtime.yml"))  # type: ignore[arg-type]
        names = set(opened.getnames())
    assert info["license_file"] == "LICENSE" and not info["dependencies"] and info["version"] in archive.name
    grouped = {f"plugins/modules/{name}.py" for name in runtime["action_groups"]["cluster"]}
    assert grouped <= names


def test_the_execution_environment_has_what_the_collection_needs(archive: Path) -> None:
    """The versions that stand in two files are the same."""
    definition = yaml.safe_load((ROOT / "execution-environment.yml").read_text(encoding="utf-8"))
    (collection,) = definition["dependencies"]["galaxy"]["collections"]
    assert Path(collection["name"]).name == archive.name == definition["additional_build_files"][0]["src"]
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert definition["dependencies"]["ansible_core"]["package_pip"] in requirements
    named = yaml.safe_load((ROOT / "meta" / "execution-environment.yml").read_text(encoding="utf-8"))["dependencies"]
    assert all((ROOT / file).is_file() for file in named.values())
