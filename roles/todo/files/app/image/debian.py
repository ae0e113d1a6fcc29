"""Which Debian packages files belong to, from dpkg's own records (see dpkg(1), /var/lib/dpkg)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_DPKG = Path("/var/lib/dpkg")


@dataclass(frozen=True, order=True)
class Package:
    """An installed package. `paragraph` is its record in dpkg's status file."""

    name: str
    version: str
    architecture: str
    paragraph: str


def owners(files: Iterable[Path], dpkg: Path = _DPKG) -> list[Package]:
    """The packages that these files (by their real paths) belong to, sorted by name; files of none do not count."""
    wanted = {str(file) for file in files}
    names = {record.stem.partition(":")[0] for record in (dpkg / "info").glob("*.list") if _lists(record, wanted)}
    packages = [_package(text) for text in (dpkg / "status").read_text(encoding="utf-8").split("\n\n") if text.strip()]
    return sorted(package for package in packages if package.name in names)


def _lists(record: Path, wanted: set[str]) -> bool:
    """Whether a package's list of files has one of them; lists may name /lib what is /usr/lib by now."""
    for line in record.read_text(encoding="utf-8").splitlines():
        folder, name = os.path.split(line)
        if line in wanted or f"{os.path.realpath(folder)}/{name}" in wanted:
            return True
    return False


def _package(text: str) -> Package:
    fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line and not line.startswith(" "))
    return Package(fields["Package"], fields["Version"], fields["Architecture"], text.strip() + "\n")
