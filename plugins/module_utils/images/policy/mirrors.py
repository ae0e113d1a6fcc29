# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mirrors of source registries: the forms in which they are written, and what they make of a reference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...http.redaction import without_login
from ..errors import PolicyError
from ..reference.reference import HOST, REPOSITORY, Reference, canonical

_LOGIN_HINT = "; a login stands under serverless_images.registries"
_PLACE = re.compile(rf"(?:{HOST.pattern})(?:/(?:{REPOSITORY.pattern}))?")


@dataclass(frozen=True)
class Mirror:
    """One mirror of a source, which is a registry, or a registry and the begin of a path.

    `form` is prefix (`place` takes the place of the source), host (only the registry is replaced) or flat (`place` and
    the last component of the path). A mirror that is the source itself is the origin.
    """

    source: str
    form: str
    place: str

    @classmethod
    def from_config(cls, source: str, entry: Any) -> Mirror:
        """Check one entry of `mirrors` of the image policy. Raises PolicyError."""
        where = f"serverless_images.mirrors[{source!r}]"
        form, place = "prefix", entry
        if isinstance(entry, Mapping) and len(entry) == 1:
            form, place = next(iter(entry.items()))
        if not isinstance(place, str) or form not in ("prefix", "host", "flat"):
            raise PolicyError(
                f"{where}: {_shown(entry)} is no mirror; write 'host/path' to put in place of {source}, "
                "{host: HOST} to replace the registry alone, {flat: 'host/path'} to keep only the last part of the path"
            )
        if not _PLACE.fullmatch(place) or (form == "host" and "/" in place):
            raise PolicyError(
                f"{where}: {_shown(place)} must be host or host:port{'' if form == 'host' else ', then a path'}"
                f"{_LOGIN_HINT if '@' in place else ''}"
            )
        host, slash, path = place.partition("/")
        return cls(source, form, f"{canonical(host)}{slash}{path}")

    @property
    def host(self) -> str:
        """The registry to ask."""
        return self.place.partition("/")[0]

    @property
    def is_origin(self) -> bool:
        return self.place == self.source

    @property
    def prefix(self) -> str | None:
        """Path below which the mirror holds the whole source registry; None where that cannot be said so simply."""
        if self.form == "flat" or "/" in self.source:
            return None
        return self.place.partition("/")[2]

    def apply(self, reference: Reference) -> Reference:
        """Return where this mirror has an image of its source. Raises PolicyError where no name would be left."""
        if self.form == "host":
            return reference.with_name(self.place, reference.repository)
        if self.form == "flat":
            rest = reference.repository.rpartition("/")[2]
        else:
            rest = reference.name.removeprefix(self.source).removeprefix("/")
        registry, _slash, path = self.place.partition("/")
        repository = f"{path}/{rest}".strip("/")
        if not repository:
            raise PolicyError(
                f"serverless_images.mirrors[{self.source!r}]: {self.place} takes the place of the whole name of "
                f"{reference} and so leaves none; write {{host: {registry}}}, or host/path as it is called there"
            )
        return reference.with_name(registry, repository)

    def __str__(self) -> str:
        return "origin" if self.is_origin else f"mirror {self.place}"


def _shown(entry: Any) -> str:
    """Return what was written, without what may be a credential."""
    if isinstance(entry, Mapping):
        return f"a dictionary with {', '.join(map(str, entry)) or 'nothing'}"
    return repr(without_login(entry) if isinstance(entry, str) else entry)


def covers(source: str, reference: Reference) -> bool:
    """Return whether a source is the reference's registry, or begins its path too."""
    return reference.name == source or reference.name.startswith(f"{source}/")
