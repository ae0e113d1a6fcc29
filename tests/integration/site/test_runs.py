"""Runs of the playbook on an installed site: what stops one, what it must not tell, what each tag does alone."""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest

from ..conftest import Site

ROLES = ("image_prefetch", "registry_secret", "metrics_server", "istio", "knative", "todo")
MISSING = "registry.k8s.io/metrics-server/metrics-server:v9.9.9"


def recap(output: str) -> dict[str, int]:
    """The numbers of the play recap's line."""
    found = re.findall(r"^lab\s+: (.*)$", output, re.MULTILINE)
    assert found, output[-4000:]
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", found[-1])}


@pytest.mark.parametrize("role", ROLES)
def test_a_tag_alone_changes_nothing_on_a_finished_site(site: Site, role: str) -> None:
    done = site.playbook("site.yml", "--tags", role)
    assert done.returncode == 0, done.stdout[-4000:]
    assert recap(done.stdout)["changed"] == 0


def test_an_image_that_the_mirror_lacks_stops_the_run_before_any_change(site: Site) -> None:
    done = site.playbook("site.yml", "-e", f'{{"image_prefetch_extra_images": ["{MISSING}"]}}')
    assert done.returncode != 0
    assert recap(done.stdout)["changed"] == 0
    # The image, the mirror that was asked, and why it is not to be had there
    assert MISSING in done.stdout
    assert f"{site.address}:5000" in done.stdout
    assert "not found" in done.stdout


@contextmanager
def watched_command_lines(seen: set[str]) -> Iterator[None]:
    """Collect the command lines of all processes of the machine, again and again, until the block ends."""
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:  # the process has ended
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def test_the_registry_password_is_told_nowhere(site: Site) -> None:
    canary = (site.directory / "registry" / "password").read_text().strip()
    assert len(canary) >= 16
    command_lines: set[str] = set()
    site.kubectl("delete", "secret", "registry", "-n", "todo")
    reports = site.directory / "work" / "reports"
    options = ["-vvvv", "--diff", "--tags", "image_prefetch,registry_secret,todo", "-e", f"report_directory={reports}"]
    with watched_command_lines(command_lines):
        done = site.playbook("site.yml", *options)
    assert done.returncode == 0, done.stdout[-4000:]
    assert recap(done.stdout)["changed"] == 1, "the secret was to be written anew"
    assert command_lines and (reports / "report.json").exists()
    secrets = (canary, base64.b64encode(f"todo:{canary}".encode()).decode())
    told = {"the output": done.stdout + done.stderr, "a command line": "\n".join(command_lines)}
    assert not [where for where, text in told.items() if any(secret in text for secret in secrets)]
    told_files = [
        *files(Path("/tmp"), apart_from=site.directory),
        *files(Path.home() / ".ansible", apart_from=site.directory),
        *files(site.directory / "log"),
        *files(site.directory / "work"),
    ]
    leaks = [str(file) for file in told_files if any(holds(file, secret.encode()) for secret in secrets)]
    assert not leaks


def files(folder: Path, apart_from: Path | None = None) -> Iterator[Path]:
    """All paths below a folder; the lab's own store, where the secret has to be, can be left out."""
    for directory, names, entries in os.walk(folder):
        here = Path(directory)
        names[:] = [name for name in names if here / name != apart_from]
        yield from (here / entry for entry in entries)


def holds(file: Path, text: bytes) -> bool:
    """Whether a regular file of a size that can be a log holds a text."""
    try:
        return file.is_file() and not file.is_symlink() and file.stat().st_size < 50e6 and text in file.read_bytes()
    except OSError:  # gone, or no reading of it
        return False


def test_images_of_pods_and_of_further_manifests_are_planned_on_request(site: Site, tmp_path: Path) -> None:
    manifest = tmp_path / "further.yaml"
    manifest.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
        "spec: {containers: [{name: c, image: registry.k8s.io/pause:3.10.2}]}\n"
    )
    wanted = {"image_prefetch_from_pods": True, "image_prefetch_manifests": [str(manifest)]}
    options = ["site.yml", "--check", "--tags", "image_prefetch", "-e", json.dumps(wanted)]
    done = site.playbook(*options)
    assert done.returncode == 0, done.stdout[-4000:]
    planned = re.findall(r"^\s*(\S+)\s+(?:mirror|its own)", done.stdout, re.MULTILINE)
    assert any(name.startswith("registry.k8s.io/coredns/") for name in planned), planned
    assert "registry.k8s.io/pause:3.10.2" in planned


def test_a_report_has_every_image_of_the_site_with_its_digest_and_size(site: Site, tmp_path: Path) -> None:
    """Of a run that plans no images: what it tells of them is in the lock."""
    done = site.playbook("site.yml", "--tags", "metrics_server", "-e", f"report_directory={tmp_path}")
    assert done.returncode == 0, done.stdout[-4000:]
    assert f"\nReport:\n  {tmp_path}/report.html\n" in done.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    schema = json.loads((Path(__file__).resolve().parents[3] / "docs" / "report.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(report)
    [context] = report["contexts"]
    assert (report["run"]["outcome"], context["host"], context["counts"].keys()) == ("complete", "lab", {"keep"})
    installed = {release["name"] for release in context["releases"]}
    assert {"metrics-server", "istio", "knative-serving", "todo"} <= installed
    ours = [row for row in context["images"] if row["image"].startswith(("docker.io/istio/", "gcr.io/knative"))]
    assert len(ours) > 5 and all(row["digest"].startswith("sha256:") and row["size"] > 1e5 for row in ours), ours
    assert all(row["from"] for row in context["images"])
    assert context["addresses"]["urls"] and context["stopped"] is None
    times = [link["alone"] + link["idle"] for link in report["run"]["critical_path"]]
    assert abs(sum(times) - report["run"]["seconds"]) < 0.1
    page = (tmp_path / "report.html").read_text()
    assert all(url in page for url in context["addresses"]["urls"])
