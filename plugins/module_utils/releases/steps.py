# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the chosen releases may take the place of those that stand, and which sets lead there otherwise.

Pure: from what stands and what is wanted to the moves, or to a refusal with the way.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from ..versions import Version, one_step
from .choice import Chosen
from .sets import COMPONENTS, Releases, ReleaseSet, ReleaseSetError

# Those whose upstream allows one minor at a time; others have no such rule
BY_MINOR = frozenset({"istio", "knative_serving", "knative_net_istio", "knative_eventing"})


@dataclass(frozen=True)
class Standing:
    """One component as it stands.

    `version` is the one that was complete last, `begun` that of an upgrade that has begun and not ended, else ''.
    `seen` are the versions of objects that are there, as they say themselves, where they differ from these.
    """

    version: str
    begun: str = ""
    seen: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every version that something of the component may have."""
        return tuple(dict.fromkeys(filter(None, (self.version, self.begun, *self.seen))))

    @property
    def newest(self) -> str:
        """The newest version that was complete or that objects say themselves: what may not get older."""
        return functools.reduce(lambda one, other: other if _is_before(one, other) else one, self.seen, self.version)

    @property
    def oldest(self) -> str:
        """The oldest of these: from there the way begins."""
        return functools.reduce(lambda one, other: other if _is_before(other, one) else one, self.seen, self.version)

    def __str__(self) -> str:
        words = [self.version]
        if self.begun:
            words.append(f"(an upgrade to {self.begun} has begun)")
        words += [f"(there is {version} too)" for version in self.seen]
        return " ".join(words)


@dataclass(frozen=True)
class Move:
    """An upgrade of one component; `back` tells that it returns to what stood before an upgrade that has not ended."""

    component: str
    before: str
    after: str
    back: bool = False

    def __str__(self) -> str:
        return f"{COMPONENTS[self.component]} {self.before} → {self.after}" + (" (back)" if self.back else "")


def moves(
    releases: Releases, standing: Mapping[str, Standing], chosen: Chosen, allow_untried: bool = False
) -> tuple[list[Move], list[str]]:
    """The upgrades that the chosen releases mean, and what is untried of them.

    Components that do not stand need none. Raises ReleaseSetError for a step that is too wide, for one back, and for
    one between sets that is not known to work, unless `allow_untried`.
    """
    reasons: list[str] = []
    found: list[Move] = []
    for component, wanted in chosen.versions.items():
        there = standing.get(component)
        if there is None:
            continue
        why = _refusal(component, there, wanted)
        if why:
            reasons.append(f"{COMPONENTS[component]} {there} cannot become {wanted}: {why}")
        elif there.begun and wanted == there.version:
            found.append(Move(component, there.begun, wanted, back=True))
        elif wanted != there.version:
            found.append(Move(component, there.version, wanted))
    if reasons:
        raise ReleaseSetError(f"{'; '.join(reasons)}. {_advice(releases, standing, chosen)}")
    untried = _untried(releases, standing, chosen) if found else []
    if untried and not allow_untried:
        raise ReleaseSetError(
            "; ".join(untried) + ". serverless_release_untried: true goes on all the same, with a warning"
        )
    return found, untried


def is_downgrade(standing: Mapping[str, Standing], versions: Mapping[str, str]) -> bool:
    """Whether any component would get older."""
    return any(_is_before(versions[name], there.newest) for name, there in standing.items() if name in versions)


def _is_before(version: str, other: str) -> bool:
    try:
        return Version.parse(version).is_before(Version.parse(other))
    except ValueError:
        return False


def _refusal(component: str, there: Standing, wanted: str) -> str:
    if there.begun and wanted == there.version:
        return ""  # back to where it came from
    for version in there.all:
        try:
            why = one_step(version, wanted)
        except ValueError:
            continue  # a name such as latest, which nobody can compare
        if why and (component in BY_MINOR or why == "it is older"):
            return why if version == there.version else f"from {version} {why}"
    return ""


def _untried(releases: Releases, standing: Mapping[str, Standing], chosen: Chosen) -> list[str]:
    """A set that stands as it was given out, and from which nobody has gone to the chosen one."""
    versions = {component: there.version for component, there in standing.items() if not there.begun}
    whole = [one for one in releases.sets.values() if dict(one.versions) == versions]
    if not whole or any(one.name in (chosen.release.name, *chosen.release.upgrade_from) for one in whole):
        return []
    return [f"an upgrade from the set {whole[0].name} to the set {chosen.release.name} is not known to work"]


def _advice(releases: Releases, standing: Mapping[str, Standing], chosen: Chosen) -> str:
    if is_downgrade(standing, chosen.versions):
        return _stay(releases, standing)
    begun = [there for there in standing.values() if there.begun]
    if begun:
        return "First let the upgrade that has begun come to its end: run with the set that it was to"
    way = _way(releases, standing, chosen.release)
    if way:
        names = ", then ".join(f"serverless_release: {one.name}" for one in way)
        return f"Go there in steps, each with a run of its own: {names}"
    by_minor = [component for component in chosen.versions if component in standing and component in BY_MINOR]
    missing = [_gap(component, standing[component].oldest, chosen.versions[component]) for component in by_minor]
    return (
        "No sets of this collection lead there. Install what is between, one minor after the other "
        f"({'; '.join(filter(None, missing))}, with serverless_release_untried: true and the checksums in "
        "serverless_pins), or remove the component with uninstall.yml and install it anew"
    )


def _stay(releases: Releases, standing: Mapping[str, Standing]) -> str:
    fitting = [
        one.name
        for one in releases.sets.values()
        if not any(_refusal(component, there, one.versions[component]) for component, there in standing.items())
    ]
    options = [f"{component}_version: {there.newest}" for component, there in standing.items()]
    ways = [f"name a set that is not older (serverless_release: {' or '.join(fitting)})"] if fitting else []
    ways.append(f"keep what stands ({', '.join(options)})")
    return (
        f"To go on, {', or '.join(ways)}. To go back, remove the component with uninstall.yml and install the older "
        "one; what it has stored goes with it"
    )


def _way(releases: Releases, standing: Mapping[str, Standing], wanted: ReleaseSet) -> list[ReleaseSet]:
    """The shortest chain of sets from what stands to `wanted`, each a step that its data allows; [] for none."""
    queue = deque([[wanted]])
    while queue:
        chain = queue.popleft()
        if _all_allowed(standing, chain[0].versions):
            return chain
        known = {one.name for one in chain}
        queue.extend([[releases.sets[name], *chain] for name in chain[0].upgrade_from if name not in known])
    return []


def _all_allowed(standing: Mapping[str, Standing], after: Mapping[str, str]) -> bool:
    return not any(_refusal(component, there, after[component]) for component, there in standing.items())


def _gap(component: str, before: str, wanted: str) -> str:
    try:
        old, new = Version.parse(before), Version.parse(wanted)
    except ValueError:
        return ""
    missing = [f"{new.major}.{minor}" for minor in range(old.minor + 1, new.minor)] if old.major == new.major else []
    return f"{component}_version {', '.join(missing)}" if missing else ""
