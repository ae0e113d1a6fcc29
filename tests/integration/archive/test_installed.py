"""The archive in an empty environment of a plain user, in the POSIX locale, from an empty folder, on the lab.

The user has the rights of the first ClusterRole of docs/rights.md alone, or those of the kubeconfig ARCHIVE_KUBECONFIG.
What that page does not speak of (backups, drills) is done by the lab's own user.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from plain_user import PlainUser, build_archive

from ..conftest import ROOT, Site, until
from ..firstrun.servers import FileServer, module_folder
from ..rights.test_rights import account, let_go, roles
from ..support.runs import Lab

pytestmark = pytest.mark.acceptance

HOSTS = ("docker.io", "gcr.io", "quay.io", "registry.k8s.io")
GROUP = ROOT / "inventories" / "lab" / "group_vars" / "clusters"


@pytest.fixture(scope="module")
def modules() -> Iterator[FileServer]:
    server = FileServer(module_folder())
    yield server
    server.stop()


@pytest.fixture(scope="module")
def kubeconfig(site: Site, lab_under_test: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """That of a user with few rights."""
    named = os.environ.get("ARCHIVE_KUBECONFIG")
    if named:
        yield Path(named)
        return
    role, name = roles()[0], "archive-user"
    try:
        yield account(site, lab_under_test, tmp_path_factory.mktemp("rights"), name, role).kubeconfig
    finally:
        let_go(site, name, role)


@pytest.fixture(scope="module")
def image(lab_under_test: Lab) -> str:
    """The application's image: nobody may not build here."""
    whole = {"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default"}
    run = lab_under_test.run("tests/integration/archive/build_image.yml", env=whole)
    told = re.search(r"todo_image=([^\s\"]+)", run.output)
    assert told, run.output[-4000:]
    return told[1]


@pytest.fixture(scope="module")
def user(
    site: Site, modules: FileServer, image: str, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PlainUser]:
    """Somebody with the archive, a kubeconfig, an inventory of one line, and a file of what is the lab's own."""
    folder = Path(tempfile.mkdtemp(prefix="serverless-plain-user-"))
    try:
        user = PlainUser.at(folder)
        user.install(build_archive(tmp_path_factory.mktemp("archive")))
        user.make_venv()
        shutil.copy(site.directory / "bin" / "kubectl", folder / "bin")
        (user.home / ".kube").mkdir()
        user.own(user.home / ".kube")
        for name, path in (("config", kubeconfig), ("whole", site.directory / "kubeconfig")):
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
            document["current-context"] = document["contexts"][0]["name"]
            for cluster in document["clusters"]:
                cluster["cluster"].pop("extensions", None)  # by which the lab would be told
            (user.home / ".kube" / name).write_text(yaml.safe_dump(document), encoding="utf-8")
            user.own(user.home / ".kube" / name)
        user.write("kubeconfig.yml", "plugin: selfhosted.serverless.kubeconfig\n")
        user.write("ca.crt", (site.directory / "pki" / "ca.crt").read_text(encoding="utf-8"))
        for name in ("image_map.yml", "resources.yml"):
            user.write(name, (GROUP / name).read_text(encoding="utf-8"))
        user.write("lab.yml", yaml.safe_dump(of_the_lab(site, modules, image, user), sort_keys=False))
        yield user
    finally:
        shutil.rmtree(folder)


def of_the_lab(site: Site, modules: FileServer, image: str, user: PlainUser) -> dict[str, Any]:
    """What a user of this cluster types."""
    content = yaml.safe_load((GROUP / "content.yml").read_text(encoding="utf-8"))
    registry = f"{site.address}:5001"
    return {
        "serverless_images": {
            "mode": "rewrite",
            "mirrors": {host: [f"{site.address}:5000/{host}"] for host in HOSTS},
            "registries": {registry: {"ca_file": str(user.work / "ca.crt")}},
            "map": "{{ __lab_image_map }}",
        },
        "serverless_registry": registry,
        "serverless_registry_username": "todo",
        "serverless_registry_password": {"env": "REGISTRY_PASSWORD"},
        "serverless_gateway_address": f"{site.address}:30080",
        "serverless_node_address": site.address,
        "serverless_content_places": ["go_module", "image"],
        "serverless_go_proxy": "http://{}:{}".format(*modules.address),
        "istio_gateway_service_type": "NodePort",
        "istio_gateway_http_nodeport": 30080,
        "istio_values": content["istio_values"],
        "image_prefetch_delivery": "references",
        "image_prefetch_lock_update": "all",
        "todo_image": image,
    }


def run(user: PlainUser, site: Site, playbook: str, *words: str, **env: str) -> str:
    """Run a playbook by its full name; it must end well."""
    password = (site.directory / "registry" / "password").read_text(encoding="utf-8").strip()
    files = [word for name in ("image_map.yml", "resources.yml", "lab.yml") for word in ("-e", f"@{name}")]
    begun = time.monotonic()
    done = user.run(
        *("ansible-playbook", f"selfhosted.serverless.{playbook}", "-i", "kubeconfig.yml", *files, *words),
        env={"REGISTRY_PASSWORD": password, **env},
        seconds=1500,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
    print(f"\n  {playbook}: {time.monotonic() - begun:.0f} s")
    return done.stdout


def test_a_plain_user_installs_verifies_and_removes_all_of_it(user: PlainUser, site: Site) -> None:
    typed = {file.name for file in user.work.iterdir()}
    before = user.installed()
    checked = run(user, site, "site", "--check", "--diff")
    assert "fatal: [" not in checked and "plan of release 'istio'" in checked
    run(user, site, "site", "-e", "report_directory=report")
    until("the application answers", lambda: site.request("/api/user").status == 200, 60)
    second = run(user, site, "site")
    assert re.search(r"changed=0 ", second), second[-4000:]
    run(user, site, "verify", "-e", "verify_form=short")
    run(user, site, "images")
    whole = str(user.home / ".kube" / "whole")
    run(user, site, "backup", "-e", "todo_backup_file=todo.dump", KUBECONFIG=whole)
    run(user, site, "restore", "-e", "todo_restore_file=todo.dump", KUBECONFIG=whole)
    run(user, site, "drill", "-e", "drill=cold_start", KUBECONFIG=whole)
    run(user, site, "uninstall")
    report = json.loads((user.work / "report" / "report.json").read_text(encoding="utf-8"))
    assert report
    # What was named, and the lock beside the inventory
    assert {file.name for file in user.work.iterdir()} == typed | {"report", "todo.dump", "images.lock.yml"}
    assert user.installed() == before
