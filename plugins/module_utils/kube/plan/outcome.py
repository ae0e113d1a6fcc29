# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release did, object by object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..objects import ObjectRef


@dataclass
class Outcome:
    """Lists of object references by verdict; `differences` are {before, after, ...} texts for --diff."""

    created: list[ObjectRef] = field(default_factory=list)
    configured: list[ObjectRef] = field(default_factory=list)
    unchanged: list[ObjectRef] = field(default_factory=list)
    pruned: list[ObjectRef] = field(default_factory=list)
    deleted: list[ObjectRef] = field(default_factory=list)
    returned: list[ObjectRef] = field(default_factory=list)
    kept: list[ObjectRef] = field(default_factory=list)
    wait: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    differences: list[dict[str, str]] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.created or self.configured or self.pruned or self.deleted or self.returned)

    def as_result(self) -> dict[str, Any]:
        """The part of a task result that describes the objects."""
        names = ("created", "configured", "unchanged", "pruned", "deleted", "returned", "kept")
        result: dict[str, Any] = {name: sorted(str(ref) for ref in getattr(self, name)) for name in names}
        return {"changed": self.changed, "wait": self.wait, **result}
