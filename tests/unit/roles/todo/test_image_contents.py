"""What goes into the application's image: files with what they need, and the bill of materials."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from todo_servers import APP

sys.path.insert(0, str(APP / "image"))

import debian  # noqa: E402
import sbom  # noqa: E402
from root import Root  # noqa: E402

REQUIREMENT = re.compile(r"^([\w.-]+)==([\w.]+) \\$|^\s+--hash=sha256:(\w{64})", re.MULTILINE)


@pytest.fixture
def installed(tmp_path):
    """The application as pip puts it, with only the records of the wheels, and pip's report of it."""
    application = tmp_path / "application"
    (application / "todo").mkdir(parents=True)
    shutil.copy(APP / "todo" / "__init__.py", application / "todo")
    report = []
    for name, version, digest in REQUIREMENT.findall((APP / "requirements.txt").read_text()):
        if name:
            found = importlib.metadata.distribution(name)
            assert found.version == version
            record = Path(found._path)
            shutil.copytree(record, application / record.name)
            report.append({"metadata": {"name": name}})
        elif "download_info" not in report[-1]:
            report[-1]["download_info"] = {"archive_info": {"hashes": {"sha256": digest}}}
    file = tmp_path / "report.json"
    file.write_text(json.dumps({"install": report}))
    return application, file


@pytest.mark.skipif(not Path("/var/lib/dpkg/status").exists(), reason="the packages are those of a Debian system")
def test_the_bill_of_materials_names_every_wheel_and_package(installed):
    application, report = installed
    python = Path(sys.executable).resolve()
    needed = subprocess.run(["ldd", python], capture_output=True, text=True, check=True).stdout
    libc = Path(os.path.realpath(re.search(r"(/\S+/libc\.so\.6)", needed).group(1)))
    packages = debian.owners({libc})
    assert [package.name for package in packages] == ["libc6"]
    text = sbom.document(application, report, packages)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None

    told = {component["name"]: component for component in json.loads(text)["components"]}
    wheels = {name.lower() for name, _version, _digest in REQUIREMENT.findall((APP / "requirements.txt").read_text())}
    assert set(told) == (wheels - {""}) | {"libc6", "python"}
    assert all(PackageURL.from_string(item["purl"]).to_string() == item["purl"] for item in told.values())
    assert told["httpx"]["purl"].startswith("pkg:pypi/httpx@")
    assert re.fullmatch(r"pkg:deb/debian/libc6@[^@?]+\?arch=\w+&distro=debian-\d+", told["libc6"]["purl"])
    assert all(len(told[name]["hashes"][0]["content"]) == 64 for name in wheels - {""})


def test_the_same_contents_have_the_same_bill(installed, tmp_path):
    application, report = installed
    first = sbom.document(application, report, [])
    again = tmp_path / "again"
    again.mkdir()
    for entry in sorted(application.iterdir(), reverse=True):  # another order in the directory
        shutil.copytree(entry, again / entry.name)
    assert sbom.document(again, report, []) == first
    shutil.rmtree(next(again.glob("httpx-*")))
    other = sbom.document(again, report, [])
    assert json.loads(other)["serialNumber"] != json.loads(first)["serialNumber"]


def test_owners_are_found_through_merged_folders(tmp_path):
    (tmp_path / "usr" / "lib").mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    library = tmp_path / "usr" / "lib" / "libx.so.1"
    library.touch()
    info = tmp_path / "dpkg" / "info"
    info.mkdir(parents=True)
    (info / "libx:amd64.list").write_text(f"/.\n{tmp_path}/lib\n{tmp_path}/lib/libx.so.1\n")
    (info / "other.list").write_text(f"/.\n{tmp_path}/lib\n{tmp_path}/lib/liby.so.1\n")
    (info.parent / "status").write_text(
        "Package: libx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2-3\nDescription: x\n more: y\n\n"
        "Package: other\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n"
    )
    (package,) = debian.owners({library}, info.parent)
    assert (package.name, package.version, package.architecture) == ("libx", "1:2-3", "amd64")
    assert package.paragraph.startswith("Package: libx\n") and package.paragraph.endswith(" more: y\n")
    assert debian.owners({tmp_path / "usr" / "lib"}, info.parent) == []


def test_a_program_comes_with_the_libraries_that_it_needs(tmp_path):
    python = Path(sys.executable).resolve()
    root = Root(tmp_path / "root")
    root.add(python)
    root.add_libraries()
    root.link("/usr/local/bin/a-name", python)
    root.settle()
    names = {path.name for path in root.copied}
    assert {"libc.so.6", "libm.so.6"} <= names and python.name in names
    for path in root.copied:
        here = root.folder / path.relative_to("/")
        assert here.lstat().st_mtime == 0
        assert here.is_symlink() == path.is_symlink() and (here.is_symlink() or here.read_bytes() == path.read_bytes())
    assert os.readlink(root.folder / "usr/local/bin/a-name") == str(python)
    assert {path.lstat().st_mtime for path in root.folder.rglob("*")} == {0}


def test_a_link_is_followed_and_what_is_unused_left_out(tmp_path):
    tree = tmp_path / "tree"
    (tree / "test").mkdir(parents=True)
    (tree / "test" / "x.py").touch()
    (tree / "_tkinter.so").touch()
    (tree / "kept.py").write_text("1")
    (tree / "linked.py").symlink_to("../elsewhere.py")
    (tmp_path / "elsewhere.py").write_text("2")
    root = Root(tmp_path / "root")
    root.add_tree(tree, unused=("test", "_tk*"))
    made = root.folder / tree.relative_to("/")
    assert {path.name for path in made.iterdir()} == {"kept.py", "linked.py"}
    assert (made / "linked.py").read_text() == "2"
    with pytest.raises(FileNotFoundError):
        root.add(tree / "nowhere")
