# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: for every image where it comes from, or why it cannot be had. All images are asked for at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from ..errors import InvalidReference, PolicyError
from ..policy.policy import ImagePolicy
from ..reference.extract import Found
from ..reference.reference import Reference
from ..registry.clients import Clients
from .asking import ask_all
from .choice import BACKOFF, Failure, first_that_has, limited
from .inspection import Inspected
from .lock import Lock, Locked


@dataclass(frozen=True)
class Row:
    """One image of the plan.

    `image` is the name that pods use, `where` the places that need it, `source` the reference at which it was found
    (None: nowhere), `failures` what the other places said. `prefetch` says whether nodes are to have it, and
    `login` whether the registry that pods name wants one, so that only the kubelet, with the pull secret, can pull it.
    """

    image: Reference
    where: tuple[str, ...]
    source: Reference | None = None
    rule: str = ""
    inspected: Inspected | None = None
    failures: tuple[Failure, ...] = ()
    prefetch: bool = True
    login: bool = False

    @property
    def is_limited(self) -> bool:
        """Whether no place has it, and one may have it when its rate limit has ended."""
        return self.source is None and limited(self.failures)


@dataclass(frozen=True)
class Wish:
    """An image to plan: its name after the exact map, where it is needed, and whether nodes are to have it."""

    image: Reference
    where: tuple[str, ...]
    prefetch: bool


@dataclass(frozen=True)
class Plan:
    """All rows by name of the image. `doubtful` are texts that look like images, but are at no mirror."""

    rows: tuple[Row, ...]
    doubtful: tuple[Row, ...] = ()

    def locked(self) -> dict[str, Locked]:
        """Return what a lock is to keep of the images found; what one pushes to a registry of one's own changes."""
        return {
            str(row.image): Locked(row.inspected.digest, row.inspected.parts)
            for row in self.rows
            if row.inspected and row.source and not (row.login and row.source == row.image)
        }

    def chosen(self, policy: ImagePolicy) -> dict[str, str]:
        """Return the place of each image found that has several, as it is to stand in manifests."""
        found = [row for row in self.rows if row.source and policy.undecided(row.image)]
        return {str(row.image): str(row.source) for row in found}

    @property
    def missing(self) -> list[Row]:
        """The rows of images that cannot be had."""
        return [row for row in self.rows if row.source is None]


def wishes(found: Iterable[Found], policy: ImagePolicy, prefetch: bool = True) -> list[Wish]:
    """Return what the references found come to, each image once. Raises InvalidReference."""
    places: dict[Reference, list[str]] = {}
    for item in found:
        places.setdefault(policy.mapped(Reference.parse(item.reference)), []).append(item.where)
    return [Wish(image, tuple(dict.fromkeys(where)), prefetch) for image, where in places.items()]


def make_plan(
    found: Iterable[Found],
    policy: ImagePolicy,
    architectures: Collection[str],
    check_only: Iterable[Found] = (),
    report: Callable[[str], None] = lambda line: None,
    lock: Lock | None = None,
    context: str = "",
) -> Plan:
    """Ask all mirrors for all images and return what they said. Never raises for an image that is missing.

    `architectures` are those of the nodes, as Go names them; empty means whatever the images have. `check_only` are
    images that must be there but that no node needs (the base of a build). What `lock` has is asked for by its digest,
    with one request; `context` is whose earlier choice in it counts. Rate limits are waited for, as the policy says,
    where no other place has an image. Raises InvalidReference and PolicyError for what
    no registry has to be asked for.
    """
    items = list(found)
    sure = {policy.mapped(Reference.parse(item.reference)) for item in items if item.certain}
    wanted = {wish.image: wish for wish in wishes(check_only, policy, prefetch=False)}
    wanted.update({wish.image: wish for wish in wishes(items, policy)})
    sure.update(wish.image for wish in wanted.values() if not wish.prefetch)
    clients = Clients(policy, BACKOFF)

    def ask(wish: Wish) -> Row:
        return _ask(wish, policy, clients, architectures, lock or Lock(), context)

    rows = ask_all(list(wanted.values()), ask, clients, report)
    rows.sort(key=lambda row: row.image)
    doubtful = tuple(row for row in rows if row.source is None and row.image not in sure)
    return Plan(tuple(row for row in rows if row not in doubtful), doubtful)


def _ask(
    wish: Wish, policy: ImagePolicy, clients: Clients, architectures: Collection[str], lock: Lock, context: str
) -> Row:
    name = str(wish.image)
    before = lock.chosen.get(context, {}).get(name, "")
    try:
        answer = first_that_has(wish.image, policy, clients, architectures, lock.images.get(name), before)
    except (PolicyError, InvalidReference) as error:
        failures = (Failure("policy", "", "no rule", str(error)),)
        return Row(wish.image, wish.where, failures=failures, prefetch=wish.prefetch)
    if answer.candidate is None:
        return Row(wish.image, wish.where, failures=answer.failures, prefetch=wish.prefetch)
    source = answer.candidate.reference
    return Row(
        wish.image,
        wish.where,
        source,
        answer.candidate.rule,
        answer.inspected,
        answer.failures,
        wish.prefetch,
        _wants_pull_secret(wish.image, source, policy),
    )


def _wants_pull_secret(image: Reference, source: Reference, policy: ImagePolicy) -> bool:
    """Return whether pods name a registry with a login; the login of a mirror behind their backs is the node's."""
    named = image.registry == source.registry or policy.mode == "rewrite"
    return named and bool(policy.settings(source.registry).username)
