"""The application's image: the same from the same sources, small, and with nothing in it but the application."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from ..conftest import NAMESPACE, Site

# The role's own tasks: look for the image, build it where it is missing, push it
BUILD = """
- hosts: clusters
  connection: local
  gather_facts: false
  tasks:
    - name: Have the image
      ansible.builtin.include_role:
        name: selfhosted.serverless.todo
        tasks_from: image
    - name: Tell what it is called
      ansible.builtin.copy:
        content: "{{ __todo_image }}"
        dest: "{{ told }}"
        mode: "0600"
"""
LOOK = """
import importlib.util, json, os, pathlib, sys
names = ("sh", "bash", "pip", "pip3", "apt", "apt-get", "dpkg", "gcc", "cc", "ld", "busybox", "curl")
try:
    pathlib.Path("/opt/todo/written").touch()
    written = True
except OSError:
    written = False
print(json.dumps({
    "user": os.getuid(),
    "isolated": sys.flags.isolated,
    "programs": sorted({name for name in names for path in os.defpath.split(":") + ["/usr/local/bin"]
                        if os.path.exists(f"{path}/{name}")}),
    "pip": importlib.util.find_spec("pip") is not None,
    "written": written,
    "uncompiled": sorted(str(file) for file in pathlib.Path("/opt/todo").rglob("*.py")
                         if not pathlib.Path(importlib.util.cache_from_source(str(file))).exists()),
    "sbom": json.loads(pathlib.Path("/usr/share/sbom/todo.cdx.json").read_text()),
}))
"""
LARGEST = 60e6  # bytes as pulled, all layers together; the base alone has about as many


def deployed(site: Site) -> str:
    """The reference of the image that web runs."""
    (image,) = {
        container["image"]
        for pod in site.pods("web")
        for container in pod["spec"]["containers"]
        if "/todo/app@" in container["image"]
    }
    return image


def build(site: Site, folder: Path, repository: str) -> tuple[str, int]:
    """Have the image in a repository; its reference, and how many tasks changed something."""
    playbook, told = folder / "build.yml", folder / "told"
    playbook.write_text(BUILD)
    done = site.playbook(str(playbook), "-e", f"told={told}", "-e", f"todo_repository={repository}")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return told.read_text(), done.stdout.count("\nchanged: ")


def test_two_builds_from_scratch_have_one_digest(site: Site, tmp_path: Path) -> None:
    digests = set()
    for _build in range(2):
        image, _changed = build(site, tmp_path, f"test/{uuid.uuid4().hex}")
        digests.add(image.partition("@")[2])
    assert len(digests) == 1
    assert digests == {deployed(site).partition("@")[2]}


def test_an_image_that_is_there_is_not_built_again(site: Site, tmp_path: Path) -> None:
    repository = f"test/{uuid.uuid4().hex}"
    first, built = build(site, tmp_path, repository)
    (tmp_path / "told").unlink()
    second, again = build(site, tmp_path, repository)
    assert second == first
    # All that is left is to write what the image is called.
    assert built > again == 1


@pytest.fixture(scope="module")
def inside(site: Site) -> dict:
    """What a look into the running container of web finds."""
    pod = site.pods("web")[0]
    (container,) = [container["name"] for container in pod["spec"]["containers"] if "/todo/app@" in container["image"]]
    found = site.kubectl(
        "exec", "-n", NAMESPACE, pod["metadata"]["name"], "-c", container, "--", "python3", "-I", "-c", LOOK
    )
    return json.loads(found)


def test_nothing_but_the_application_is_in_it(inside: dict) -> None:
    assert inside["user"] == 65532
    assert inside["programs"] == []
    assert (inside["pip"], inside["written"], inside["isolated"]) == (False, False, 1)
    assert inside["uncompiled"] == []


def test_its_bill_of_materials_names_the_wheels_and_the_packages(inside: dict) -> None:
    names = {component["name"] for component in inside["sbom"]["components"]}
    assert {"starlette", "uvicorn", "asyncpg", "httpx", "prometheus-client", "python", "libc6"} <= names
    assert not names & {"pip", "setuptools", "apt", "dpkg", "bash"}


def test_it_is_small(site: Site) -> None:
    digest = deployed(site).partition("@")[2]
    sizes = {
        image["sizeBytes"]
        for node in site.objects("nodes")
        for image in node["status"]["images"]
        if any(name.endswith(digest) for name in image["names"])
    }
    print(f"the application's image: {max(sizes) / 1e6:.0f} MB")
    assert max(sizes) < LARGEST
