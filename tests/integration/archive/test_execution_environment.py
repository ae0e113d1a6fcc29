"""The execution environment: built by ansible-builder and buildah on a base made here, and run as its own user.

No container registry is asked: mmdebstrap makes the base. buildah runs the image, since runc may lack rights here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from plain_user import build_archive

from ..conftest import ROOT, Site

pytestmark = pytest.mark.acceptance

PLAYBOOKS = ("site", "images", "verify", "uninstall", "backup", "restore", "drill")
INCLUDED = "python3,python3-pip,python3-venv,ca-certificates"
BASE, IMAGE = "localhost/serverless-base:bookworm", "localhost/serverless-ee:test"
ENTRY = ("/opt/builder/bin/entrypoint", "dumb-init")


def call(*words: str | Path, folder: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command; buildah keeps its images in the folder of these tests."""
    storage = {"STORAGE_DRIVER": "vfs", "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf")}
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, **storage}, capture_output=True, text=True, check=False, timeout=1800
    )
    assert not check or done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A container of the image; its folder has the context that it was built of."""
    folder = tmp_path_factory.mktemp("execution-environment")
    places = "\n".join(f'{name} = "{folder / name}"' for name in ("graphroot", "runroot"))
    (folder / "storage.conf").write_text(f'[storage]\ndriver = "vfs"\n{places}\n', encoding="utf-8")
    build_archive(folder)
    shutil.copy(ROOT / "execution-environment.yml", folder)
    call(sys.executable, "-m", "venv", folder / "tools", folder=folder)
    call(folder / "tools" / "bin" / "pip", "install", "--quiet", "ansible-builder==3.2.0", folder=folder)
    call(folder / "tools" / "bin" / "ansible-builder", "create", "--context", "context", folder=folder)

    call("mmdebstrap", "--variant=minbase", f"--include={INCLUDED}", "bookworm", "base.tar", folder=folder)
    scratch = call("buildah", "from", "scratch", folder=folder).stdout.strip()
    call("buildah", "add", scratch, "base.tar", "/", folder=folder)
    call("buildah", "commit", "--rm", scratch, BASE, folder=folder)
    call(
        *("buildah", "build", "--isolation", "chroot", "--network", "host", "--build-arg", f"EE_BASE_IMAGE={BASE}"),
        *("-v", "/etc/ssl/certs:/etc/ssl/certs:ro", "--tag", IMAGE, "context"),
        folder=folder,
    )
    name = call("buildah", "from", IMAGE, folder=folder).stdout.strip()
    try:
        yield folder, name
    finally:
        call("buildah", "rm", "--all", folder=folder, check=False)
        call("buildah", "rmi", "--all", "--force", folder=folder, check=False)


def inside(container: tuple[Path, str], *words: str, mounts: tuple[str, ...] = ()) -> str:
    """What a command in it printed."""
    folder, name = container
    options = [word for mount in mounts for word in ("--volume", mount)]
    run = ("buildah", "run", "--isolation", "chroot", "--network", "host", *options, name, "--")
    return call(*run, *ENTRY, *words, folder=folder).stdout


def test_all_playbooks_and_their_documentation_are_in_it(container: tuple[Path, str]) -> None:
    done = inside(
        container, "ansible-playbook", "--syntax-check", *[f"selfhosted.serverless.{one}" for one in PLAYBOOKS]
    )
    assert done.count("playbook: /usr/share/ansible/collections/") == len(PLAYBOOKS)
    assert "selfhosted.serverless.kubeconfig" in inside(container, "ansible-doc", "-t", "inventory", "-l")
    assert "uid=1000" in inside(container, "id") and inside(container, "buildah", "--version")


def test_the_preflight_of_a_cluster_runs_in_it(container: tuple[Path, str], site: Site) -> None:
    """As docs/execution-environment.md has it, with the kubeconfig and the inventory's folder mounted."""
    folder, _name = container
    work, kube = folder / "work", folder / "kube"
    for path in (work, kube):
        path.mkdir()
        path.chmod(0o777)
    (work / "kubeconfig.yml").write_text("plugin: selfhosted.serverless.kubeconfig\n", encoding="utf-8")
    shutil.copy(site.directory / "kubeconfig", kube / "config")  # in a container of this test's own alone
    (kube / "config").chmod(0o644)
    mounts = (f"{kube}:/runner/.kube:ro", f"{work}:/work")
    said = inside(
        container,
        *("ansible-playbook", "selfhosted.serverless.site", "-i", "/work/kubeconfig.yml", "--check"),
        *("--tags", "registry_secret"),
        mounts=mounts,
    )
    assert "failed=0" in said
