# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building an image with one of the tools of builder.py, into an OCI layout on the controller.

Proxies and the package index reach the build through the environment: they may hold a login, which has no place in an
argument list. Source: buildah-build(1), podman-build(1), docker buildx build (predefined proxy arguments, which are
taken from the environment and are in no layer), nerdctl build.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from ..durations import elapsed
from ..http.proxies import environment_proxy
from ..http.redaction import conceal
from ..images.policy.settings import is_loopback
from .builder import Ask, Builder, BuilderError, ask_command
from .index import PYPI, authorities_of

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "FTP_PROXY")
_TOLD_LINES = 15
_LOOK_EVERY, TELL_EVERY = 0.5, 30.0  # seconds


@dataclass(frozen=True)
class Recipe:
    """What is built: folder of sources, Dockerfile, the base's reference and whether its registry has no TLS.

    `index` is the package index for pip, `ca_file` a bundle of authorities for it; '' for none.
    """

    sources: Path
    dockerfile: Path
    base: str
    base_plain_http: bool = False
    index: str = ""
    ca_file: str = ""


def build_layout(
    builder: Builder,
    recipe: Recipe,
    folder: Path,
    name: str,
    environ: Mapping[str, str] | None = None,
    ask: Ask = ask_command,
) -> Path:
    """Build an image and return the folder below `folder` with its OCI layout.

    `name` is a tag for this build alone, of letters and digits: not every tag may stand in a layout (podman refuses
    an underscore at its end, or two of them).

    Raises BuilderError with the tool's last words, and what its daemon may lack, or what is wrong with `ca_file`.
    """
    environment = _environment(builder, recipe, folder, os.environ if environ is None else environ)
    secret = folder / "ca.pem"
    secret.write_bytes(authorities_of(recipe.ca_file))
    image, layout = f"localhost/selfhosted-todo:{name}", folder / "layout"
    archive = folder / "image.tar"
    steps = _steps(builder, recipe, image, secret, archive, layout, environment)
    try:
        for words in steps:
            _run(builder, words, environment)
    except BuilderError as error:
        hints = _hints(builder, recipe, environment, ask)
        raise BuilderError("\n".join([str(error), *hints])) from None
    finally:
        if builder.kind != "nerdctl":  # which leaves no image
            subprocess.run(
                [builder.program, "rmi", image], env=environment, capture_output=True, timeout=60, check=False
            )
    if not layout.exists():
        _unpack(archive, layout)
    return layout


@contextmanager
def alone(image: str, tell: Callable[[str], None], folder: Path | None = None) -> Iterator[None]:
    """Hold the lock of one image among all runs on this machine, so that it is built once; `tell` who wait."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = folder or Path(cache, "selfhosted-serverless", "builds").expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / hashlib.sha256(image.encode()).hexdigest()[:32]).open("a") as file:
        told = -TELL_EVERY
        start = time.monotonic()
        while not _locked(file.fileno()):
            if (passed := time.monotonic() - start) - told >= TELL_EVERY:
                told = passed
                tell(f"another run builds {image}; waiting for it, {elapsed(passed)}")
            time.sleep(_LOOK_EVERY)
        yield


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _environment(builder: Builder, recipe: Recipe, folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    environment = {**environ, "BASE": recipe.base, "PIP_INDEX_URL": recipe.index}
    if builder.kind in ("buildah", "podman"):
        # Only the base's own registry may be spoken to without TLS, and only where the image policy says so.
        host = json.dumps(recipe.base.partition("/")[0])
        table = f"[[registry]]\nlocation = {host}\ninsecure = true\n" if recipe.base_plain_http else ""
        conf = folder / "registries.conf"
        conf.write_text(f"unqualified-search-registries = []\n{table}", encoding="utf-8")
        environment["CONTAINERS_REGISTRIES_CONF"] = str(conf)
    if builder.kind == "docker":
        environment["DOCKER_BUILDKIT"] = "1"
    return environment


def _steps(
    builder: Builder,
    recipe: Recipe,
    image: str,
    secret: Path,
    archive: Path,
    layout: Path,
    environment: Mapping[str, str],
) -> list[list[str]]:
    """Return the commands that build the image and write it to the archive or the layout."""
    program = builder.program
    common = [
        "--build-arg=BASE",
        "--build-arg=PIP_INDEX_URL",
        f"--secret=id=ca,src={secret}",
        f"--file={recipe.dockerfile}",
        f"--tag={image}",
        str(recipe.sources),
    ]
    if builder.kind in ("buildah", "podman"):
        pull = "--pull-always" if builder.kind == "buildah" else "--pull=always"
        # Fixed times: the same sources make the same digest. These tools hand the proxies on by themselves.
        words = ["--isolation=chroot", "--network=host", pull, "--format=oci", "--timestamp=0", *common]
        # podman on another machine (podman machine) writes archives alone.
        save = (
            [program, "push", image, f"oci:{layout}:{image.rpartition(':')[2]}"]
            if builder.kind == "buildah"
            else [program, "save", "--format=oci-archive", f"--output={archive}", image]
        )
        return [[program, "build", *words], save]
    given = [name for name in (*PROXIES, *map(str.lower, PROXIES)) if environment.get(name)]
    proxies = [f"--build-arg={name}" for name in given]
    if builder.kind == "nerdctl":
        return [[program, "build", f"--output=type=oci,dest={archive}", *proxies, *common]]
    # Loaded into docker whichever builder is in use, and without an attestation beside the image.
    words = [f"--builder={builder.buildx}", "--load", "--provenance=false", "--network=host", "--pull"]
    return [
        [program, "buildx", "build", *words, *proxies, *common],
        [program, "save", f"--output={archive}", image],
    ]


def _run(builder: Builder, words: Sequence[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        list(words),
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        secrets = _secrets(environment)
        said = conceal(done.stdout, secrets).decode("utf-8", "replace")
        for value in secrets:  # however short
            said = said.replace(value, "***")
        last = "\n".join(said.strip().splitlines()[-_TOLD_LINES:])
        name = builder.kind if builder.kind == builder.program else f"{builder.program} ({builder.kind})"
        raise BuilderError(f"{name} {words[1]} failed ({done.returncode}):\n{last}")


def _hints(builder: Builder, recipe: Recipe, environment: Mapping[str, str], ask: Ask) -> list[str]:
    """Return what keeps docker's daemon from the base image, and a build from the index, which this machine reaches."""
    if builder.kind == "buildah":
        return []
    host = recipe.base.partition("/")[0]
    scheme = "http" if recipe.base_plain_http else "https"
    try:
        info = json.loads(ask([builder.program, "info", "--format", "{{json .}}"]) or "{}")
    except ValueError:
        info = {}
    hints = []
    proxy = environment_proxy(recipe.index or PYPI, environment)
    if proxy and is_loopback(proxy.host) and not _has_our_network(builder, info):
        hints.append(
            f"The build does not run in this machine's network, so that the proxy {proxy} leads nowhere there: have "
            "the proxy listen on an address of this machine and name that one, or install buildah."
        )
    if builder.kind != "docker":
        return hints
    if environment_proxy(f"{scheme}://{host}", environment) and not (info.get("HttpProxy") or info.get("HttpsProxy")):
        hints.append(
            f"This machine reaches {host} through a proxy, docker's daemon has none: it pulls the base image itself. "
            'Set "proxies" in its daemon.json (or its settings), restart it, or install buildah.'
        )
    if recipe.base_plain_http and not is_loopback(host):
        hints.append(f'{host} is spoken to without TLS: "insecure-registries" in docker\'s daemon.json must name it.')
    return hints


def _has_our_network(builder: Builder, info: Mapping[str, Any]) -> bool:
    """Return whether a build in the network of the host is in that of this machine.

    Docker Desktop, podman's machine and a docker without root have one of their own for it, and nerdctl gives each
    build one.
    """
    if builder.kind == "podman":
        return not (info.get("host") or {}).get("serviceIsRemote")
    is_rootless = any("rootless" in str(option) for option in info.get("SecurityOptions") or [])
    return builder.kind == "docker" and not is_rootless and info.get("OperatingSystem") != "Docker Desktop"


def _secrets(environment: Mapping[str, str]) -> list[str]:
    """Return the parts of addresses in the environment that are a login."""
    values = [environment.get(name, "") for name in ("PIP_INDEX_URL", *PROXIES, *map(str.lower, PROXIES))]
    logins = {value.partition("://")[2].rpartition("@")[0] for value in values if "@" in value}
    parts = {*logins, *(login.partition(":")[2] for login in logins)}
    # Tools tell them as they sent them, too: decoded, or as a header (see conceal)
    return sorted({*parts, *map(unquote, parts)} - {""}, key=len, reverse=True)


def _unpack(archive: Path, layout: Path) -> None:
    """Unpack an OCI layout: plain files below its folder. TarFile's own filters came with Python 3.11.4."""
    layout.mkdir(mode=0o700)
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = PurePosixPath(member.name).parts
            content = tar.extractfile(member) if member.isfile() and not {"..", "/"} & set(parts) else None
            if content:
                target = layout.joinpath(*parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with content, target.open("wb") as file:
                    shutil.copyfileobj(content, file)
