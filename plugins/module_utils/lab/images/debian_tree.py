# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian root file systems, made by mmdebstrap, as layers of an image.

What is left out: paths that the recipe drops, devices, and what differs from one build to the next without being of
use (logs, caches, machine-id). A layer with a parent holds only what differs from the parent's tree.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import LabImageError
from .layer_file import LayerBlob, LayerWriter
from .recipes import Debian

_SUITE = "bookworm"
# Part of the package: without it the merged /usr is made by a script that pulls in all of Perl (35 MB).
_MERGED_USR_HOOKS = "/usr/share/mmdebstrap/hooks/maybe-merged-usr"
# In namespaces that end with this process: an interrupted build must leave no process and no mount, or clearing its
# folder later would reach through the mounts.
_CONTAINED = (
    "setpriv", "--pdeathsig=KILL",
    "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
)  # fmt: skip
# Different in every build, or of use only to the package manager of a running system.
_ALWAYS_DROPPED = (
    "dev/*", "proc/*", "sys/*", "run/*", "tmp/*", "var/cache/*", "var/log/*", "var/lib/apt/lists/*", "etc/machine-id",
    "etc/resolv.conf", "etc/hostname", "etc/*-", "var/lib/dpkg/*-old", "var/lib/systemd/*",
)  # fmt: skip
_WHITEOUT = ".wh."

Listing = Mapping[str, list[object]]


@dataclass(frozen=True)
class Tree:
    """A written tree: its layer, and the listing of the whole tree (path to type, mode, owners, link or hash)."""

    blob: LayerBlob
    listing: Listing


def make_root(debian: Debian, debian_sources: list[str], tar: Path) -> None:
    """Make the root file system as a tar file (about 20 s to 60 s); the temporary tree is made beside it.

    debian_sources are lines of a sources.list; without any, Debian's own are used.
    Raises LabImageError with the end of mmdebstrap's output.
    """
    program = shutil.which("mmdebstrap")
    if program is None:
        raise LabImageError("mmdebstrap is not installed; it makes the lab's Debian images: apt-get install mmdebstrap")
    command = [
        *_CONTAINED, program, "--mode=root", "--variant=minbase", "--format=tar", f"--hook-dir={_MERGED_USR_HOOKS}",
        '--aptopt=APT::Install-Recommends "false"', f"--include={','.join(debian.packages)}",
        *(f"--essential-hook={hook}" for hook in debian.essential_hooks),
        *(f"--customize-hook={hook}" for hook in debian.customize_hooks),
        _SUITE, str(tar), *debian_sources,
    ]  # fmt: skip
    # The same input shall give the same bytes: no times, no random order, one language.
    fixed = {"SOURCE_DATE_EPOCH": "0", "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    environment = {**os.environ, **fixed, "TMPDIR": str(tar.parent)}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise LabImageError(f"mmdebstrap could not make the root file system with {', '.join(debian.packages)}:\n{end}")


def write_tree(tar: Path, drop: Iterable[str], parent: Listing, layer: Path) -> Tree:
    """Write the layer of a root file system: what the parent's listing has not, and whiteouts for what has gone."""
    patterns = (*_ALWAYS_DROPPED, *drop)
    with tarfile.open(tar) as archive:
        members = {_name(member): member for member in archive}
        kept = {name: member for name, member in members.items() if name and not _matches(name, patterns)}
        listing = {name: _signature(archive, kept[name]) for name in sorted(kept)}
        writer = LayerWriter(layer)
        removed = _removed(parent, listing)
        changed = {name for name, signature in listing.items() if parent.get(name) != signature}
        folders = {str(folder) for name in changed | removed for folder in Path(name).parents} - {"."}
        for name in sorted(changed | removed | folders):
            if name in removed:
                folder, _slash, last = name.rpartition("/")
                writer.add(f"{folder}/{_WHITEOUT}{last}".lstrip("/"), kind=tarfile.REGTYPE, mode=0o644, uid=0, gid=0)
            else:
                _copy(archive, kept[name], name, writer)
        return Tree(writer.close(), listing)


def save_listing(listing: Listing, file: Path) -> None:
    """Write a listing as JSON."""
    file.write_text(json.dumps(listing), encoding="utf-8")


def load_listing(file: Path) -> Listing:
    """Read what `save_listing` wrote."""
    return json.loads(file.read_text(encoding="utf-8"))


def _name(member: tarfile.TarInfo) -> str:
    """Return the path without a leading ./; empty for the root itself."""
    return member.name.removeprefix(".").removeprefix("/")


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _signature(archive: tarfile.TarFile, member: tarfile.TarInfo) -> list[object]:
    kind = "file" if member.isreg() or member.islnk() else "link" if member.issym() else "directory"
    if not (member.isreg() or member.islnk() or member.issym() or member.isdir()):
        raise LabImageError(f"{member.name} in the root file system is neither file, link nor directory")
    content = member.linkname if member.issym() else ""
    if kind == "file":
        stream = archive.extractfile(member)
        content = hashlib.file_digest(stream, "sha256").hexdigest()
    return [kind, member.mode, member.uid, member.gid, content]


def _copy(archive: tarfile.TarFile, member: tarfile.TarInfo, name: str, writer: LayerWriter) -> None:
    """Copy one member; a hard link becomes a copy of its file, so that no order of entries can break it."""
    owner = {"mode": member.mode, "uid": member.uid, "gid": member.gid}
    if member.isdir():
        writer.add(name, kind=tarfile.DIRTYPE, **owner)
    elif member.issym():
        writer.add(name, kind=tarfile.SYMTYPE, link=member.linkname, **owner)
    else:
        target = member if member.isreg() else archive.getmember(member.linkname)
        writer.add(name, kind=tarfile.REGTYPE, content=archive.extractfile(target), size=target.size, **owner)


def _removed(parent: Listing, listing: Listing) -> set[str]:
    """Return the topmost paths that the parent has and the tree has not."""
    gone = {name for name in parent if name not in listing}
    return {name for name in gone if name.rpartition("/")[0] not in gone}
