# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of releases, how far apart two are, and whether an upgrade may go from one to the other at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:-([^+]+))?(?:[.+_~].*)?")


@dataclass(frozen=True)
class Version:
    """A version such as 1.30.5 or 1.31-alpha.b01690e; `pre` is what stands behind the hyphen."""

    major: int
    minor: int
    patch: int
    pre: str
    text: str

    @classmethod
    def parse(cls, text: str) -> Version:
        """Raises ValueError for what is no version."""
        found = _FORM.fullmatch(text)
        if not found:
            raise ValueError(f"{text!r} is no version")
        return cls(int(found[1]), int(found[2]), int(found[3] or 0), found[4] or "", text)

    @property
    def line(self) -> tuple[int, int]:
        """Major and minor."""
        return self.major, self.minor

    def is_before(self, other: Version) -> bool:
        """Whether this one is older. Of two previews of the same numbers neither is said to be."""
        mine, theirs = (self.major, self.minor, self.patch), (other.major, other.minor, other.patch)
        return mine < theirs or (mine == theirs and bool(self.pre) and not other.pre)

    def __str__(self) -> str:
        return self.text


def one_step(before: str, after: str) -> str:
    """Why `after` may not take the place of `before` at once; '' when it may: the same minor, or the next one.

    The rule of Knative (knative.dev/docs/install/upgrade: one minor at a time) and of Istio
    (istio.io/latest/docs/setup/upgrade). Neither goes back: what a newer one has stored an older one may not read.
    Raises ValueError for what is no version.
    """
    old, new = Version.parse(before), Version.parse(after)
    if new.is_before(old):
        return "it is older"
    if new.major != old.major:
        return "it is another major version"
    if new.minor - old.minor > 1:
        return f"it is {new.minor - old.minor} minors on, and only one at a time may be taken"
    return ""
