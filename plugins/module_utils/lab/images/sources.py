# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the files of recipes are found, and what identifies their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import LabImageError
from .recipes import Entry


@dataclass(frozen=True)
class Sources:
    """The directories of the built components by name, and the role's own files (its files/images)."""

    components: Mapping[str, Path]
    own: Path

    def file(self, entry: Entry) -> Path:
        """Return the file behind an entry that is a file.

        Raises LabImageError if it is not there.
        """
        path = self._component(entry) / entry.file if entry.component else self.own / entry.own
        if not path.is_file():
            raise LabImageError(f"The image file {entry.path} comes from {path}, which is not there")
        return path

    def identity(self, entry: Entry) -> str:
        """Return what changes when the entry's content changes.

        The directory of a component is named by the key of everything that went into it (lab_build), so its name stands
        for the content of hundreds of megabytes; files of the role are hashed.
        """
        if entry.component:
            return f"{entry.component}/{self._component(entry).name}/{entry.file}"
        if entry.own:
            return hashlib.sha256(self.file(entry).read_bytes()).hexdigest()
        return ""

    def _component(self, entry: Entry) -> Path:
        try:
            return Path(self.components[entry.component])
        except KeyError:
            raise LabImageError(
                f"The image file {entry.path} comes from the component {entry.component}, whose directory was not "
                f"given; given are: {', '.join(self.components) or 'none'}"
            ) from None
