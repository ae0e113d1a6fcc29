# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a release that is to be present."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...objects import ObjectRef
from .existing import ExistingPolicy


@dataclass(frozen=True)
class PresentOptions:
    """A release that is to be present; the meanings are those of the release module's options.

    `namespace` is that of documents which name none. `role` is whose options are named in messages. `generated` are
    the Secrets with random values, each with the keys that hold them.

    With `upgrade`, what stood in another version is kept until `settle` has found the new one ready. With
    `minor_steps`, an installation that is adopted may be one minor older at the most. `last` are matchers of what
    changes only when the rest is rolled out. `keep` are matchers of objects that stay although they are wanted no more,
    with `keep_while` (rules as in leaving/dependents.py) only as long as there is something that a rule describes.
    """

    release: str
    namespace: str | None = None
    record_namespace: str = "kube-system"
    version: str = ""
    requires: tuple[str, ...] = ()
    ignore_fields: list[dict[str, Any]] = field(default_factory=list)
    force_conflicts: bool = False
    prune: bool = True
    check_mode: bool = False
    role: str = ""
    upgrade: bool = False
    minor_steps: bool = False
    last: list[dict[str, Any]] = field(default_factory=list)
    keep: list[dict[str, Any]] = field(default_factory=list)
    keep_while: list[dict[str, Any]] = field(default_factory=list)
    existing: ExistingPolicy = field(default_factory=ExistingPolicy)
    generated: Mapping[ObjectRef, frozenset[str]] = field(default_factory=dict)

    @property
    def data(self) -> frozenset[ObjectRef]:
        """The objects, beside volume claims, whose content cannot be made again."""
        return frozenset(self.generated)
