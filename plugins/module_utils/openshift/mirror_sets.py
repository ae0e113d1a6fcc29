# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that tell the nodes of OpenShift the mirrors: ImageDigestMirrorSet and ImageTagMirrorSet.

The Machine Config Operator owns the files on the nodes and writes /etc/containers/registries.conf out of these. Of all
entries there only the most precise one counts for an image (containers-registries.conf(5)), so ours name single
repositories, those of the plan: what others run, and OpenShift's own images, go on as before.

Sources: openshift/api config/v1 types_image_digest_mirror_set.go and types_image_tag_mirror_set.go; openshift/
runtime-utils pkg/registries (what the operator makes of them); openshift/machine-config-operator pkg/controller/
container-runtime-config/helpers.go (what it refuses) and pkg/daemon/drain.go (when it drains nodes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..images.policy.policy import ImagePolicy
from ..images.reference.reference import Reference

API_VERSION = "config.openshift.io/v1"
DIGEST, TAG = "ImageDigestMirrorSet", "ImageTagMirrorSet"
FIELDS = {DIGEST: "imageDigestMirrors", TAG: "imageTagMirrors"}
# What they were before 4.13: for digests alone, and never without the source itself
POLICY_API_VERSION, POLICY = "operator.openshift.io/v1alpha1", "ImageContentSourcePolicy"
NAME = "selfhosted-serverless"
NEVER, ALLOW = "NeverContactSource", "AllowContactingSource"


@dataclass(frozen=True)
class Entry:
    """One source with its mirrors, in their order. `kind` is whose references it is for: DIGEST or TAG."""

    kind: str
    source: str
    mirrors: tuple[str, ...]
    never: bool = False
    of: str = ""

    @property
    def told(self) -> tuple[str, str, tuple[str, ...], bool]:
        """What it says, whosever it is."""
        return self.kind, self.source, self.mirrors, self.never


def entries_of(policy: ImagePolicy, images: Iterable[str]) -> list[Entry]:
    """Return what the nodes must be told so that these images (references as they stand in pods) come from mirrors.

    References by digest decide on ImageDigestMirrorSet, those by tag on ImageTagMirrorSet. Where the policy does not
    list the origin, the source is blocked as a whole, so both are told: pods of others that name the other form would
    have no place left. Raises PolicyError where no rule covers an image.
    """
    kinds: dict[str, set[str]] = {}
    places: dict[str, list[str]] = {}
    for reference in map(Reference.parse, images if policy.mode == "runtime" else ()):
        found = [candidate.reference.name for candidate in policy.candidates(reference)]
        if found != [reference.name]:
            kinds.setdefault(reference.name, set()).add(DIGEST if reference.digest else TAG)
            places[reference.name] = found
    entries = []
    for source in sorted(kinds):
        never = source not in places[source]
        mirrors = tuple(dict.fromkeys(place for place in places[source] if place != source))
        entries += [Entry(kind, source, mirrors, never) for kind in (DIGEST, TAG) if kind in kinds[source] or never]
    return entries


def early_origins(policy: ImagePolicy, images: Iterable[str]) -> list[str]:
    """Return the repositories whose origin the policy asks before a mirror, which these objects cannot say."""
    found = set()
    for reference in map(Reference.parse, images if policy.mode == "runtime" else ()):
        names = [candidate.reference.name for candidate in policy.candidates(reference)]
        if reference.name in names[:-1]:
            found.add(reference.name)
    return sorted(found)


def entries_in(objects: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """Return the entries of live ImageDigestMirrorSets, ImageTagMirrorSets and ImageContentSourcePolicies."""
    found = []
    for item in objects:
        name, spec = f"{item['kind']} {item['metadata']['name']}", item.get("spec") or {}
        kind = DIGEST if item["kind"] == POLICY else item["kind"]
        for entry in spec.get("repositoryDigestMirrors" if item["kind"] == POLICY else FIELDS[kind]) or []:
            # A set without a real mirror is none: runtime-utils' addMirrorSet
            mirrors = tuple(mirror for mirror in entry.get("mirrors") or [] if mirror != entry["source"])
            if mirrors:
                found.append(Entry(kind, entry["source"], mirrors, entry.get("mirrorSourcePolicy") == NEVER, name))
    return found


def documents_of(wanted: Iterable[Entry], others: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return the objects that say what others do not say already, one for each kind; none where nothing is left."""
    said = {entry.told for entry in others}
    documents = []
    for kind, field in FIELDS.items():
        entries = [entry for entry in wanted if entry.kind == kind and entry.told not in said]
        if entries:
            sets = [
                {
                    "source": entry.source,
                    "mirrors": list(entry.mirrors),
                    "mirrorSourcePolicy": NEVER if entry.never else ALLOW,
                }
                for entry in entries
            ]
            documents.append(
                {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": NAME}, "spec": {field: sets}}
            )
    return documents


def conflicts(wanted: Iterable[Entry], others: Iterable[Entry]) -> list[str]:
    """Return why the operator would refuse all mirrors of the cluster, those of others too; [] where it would not.

    It does where one source has two policies, in whatever objects (helpers.go, validateRegistriesConfScopes).
    """
    others = list(others)
    words = {True: NEVER, False: ALLOW}
    found = {
        f"{other.source}: {other.of} says {words[other.never]}, serverless_images.mirrors amounts to "
        f"{words[entry.never]}, and for one source only one of them is allowed"
        for entry in wanted
        for other in others
        if other.source == entry.source and other.never != entry.never
    }
    return sorted(found)


def overlaps(wanted: Iterable[Entry], others: Iterable[Entry]) -> list[str]:
    """Return what changes for pods of others that use the same repositories, in words; nothing of it is refused."""
    found = set()
    others = list(others)
    for entry in wanted:
        for other in others:
            if other.source == entry.source and other.kind == entry.kind and other.mirrors != entry.mirrors:
                found.add(f"{entry.source}: {other.of} has other mirrors; OpenShift asks both, in an order of its own")
            elif entry.source.startswith(f"{other.source}/") or _is_below(entry.source, other.source):
                found.add(f"{entry.source}: {other.of} has mirrors of {other.source}, which count there no more")
    return sorted(found)


def drains(before: Iterable[Entry], after: Iterable[Entry]) -> list[str]:
    """Return why the operator would drain nodes to change one into the other, in words; [] where it would not.

    It does not for mirrors of digests that are added, and does for all else (drain.go,
    isSafeContainerRegistryConfChanges). Since OpenShift 4.7 no such change reboots a node.
    """
    old, new = _by_source(before), _by_source(after)
    reasons = [f"{source} is taken away" for source in old if source not in new]
    for source, (mirrors, blocked) in new.items():
        former, was_blocked = old.get(source, (set(), blocked))
        if blocked != was_blocked:
            reasons.append(f"{source} is {'closed' if blocked else 'opened'}")
        elif former - mirrors:
            reasons.append(f"mirrors of {source} are taken away")
        elif any(kind == TAG for kind, _mirror in mirrors - former):
            reasons.append(f"{source} gets mirrors of tags")
    return sorted(reasons)


def is_told(before: Iterable[Entry], after: Iterable[Entry]) -> bool:
    """Return whether the nodes would be told the same, so that nothing is rolled out."""
    return _by_source(before) == _by_source(after)


def _by_source(entries: Iterable[Entry]) -> dict[str, tuple[set[tuple[str, str]], bool]]:
    """What registries.conf would have of each source: (kind, mirror), and whether it is blocked."""
    found: dict[str, tuple[set[tuple[str, str]], bool]] = {}
    for entry in entries:
        mirrors, blocked = found.get(entry.source, (set(), False))
        found[entry.source] = (mirrors | {(entry.kind, mirror) for mirror in entry.mirrors}, blocked or entry.never)
    return found


def _is_below(source: str, wildcard: str) -> bool:
    """Whether a source is of a host below *.example.com."""
    return wildcard.startswith("*.") and source.partition("/")[0].endswith(wildcard[1:])
