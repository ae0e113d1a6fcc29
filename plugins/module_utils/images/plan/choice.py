# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of its places an image is taken from: the first, in their order, that has it.

The plan and the rewriting of manifests both ask here, each for itself: a role that is run alone has no plan to read,
and what an earlier run chose may be gone from that mirror. With the same policy, lock and architectures both get
the same answer, which is why the lock stands in the policy.

What stood in manifests before (the lock keeps it) is asked first, and stays while it serves: otherwise a mirror that is
away for a moment would have every workload rolled over to the next one, and back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..errors import ImageError, PolicyError, Reason, RegistryError
from ..policy.policy import Candidate, ImagePolicy
from ..reference.reference import Reference
from ..registry.backoff import Backoff
from ..registry.clients import Clients
from .inspection import Inspected, confirm, inspect
from .lock import Lock, Locked

WORKERS = 24
# A preflight is to be quick: one second try for what a second try can mend.
BACKOFF = Backoff(attempts=2, longest_pause=10.0, read_timeout=15.0)


@dataclass(frozen=True)
class Failure:
    """Why one place does not give an image: the rule that led there, the reference asked for, reason and detail."""

    rule: str
    place: str
    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.place} ({self.rule}): {self.reason}: {self.detail}" if self.place else self.detail


@dataclass(frozen=True)
class Answer:
    """The place that has an image and what it is (None: no place has it), and what the places before it said."""

    candidate: Candidate | None
    inspected: Inspected | None
    failures: tuple[Failure, ...]


def first_that_has(
    image: Reference,
    policy: ImagePolicy,
    clients: Clients,
    architectures: Collection[str],
    locked: Locked | None,
    before: str = "",
) -> Answer:
    """Ask an image's places one after the other. `image` is its name after the exact map.

    `before` is the place that was chosen before; it is asked first where the policy still has it. What is locked is
    asked for by its digest, with one request; anything else under the same tag is refused. Raises PolicyError where no
    rule covers the image.
    """
    failures: list[Failure] = []
    # In mode runtime the nodes keep to the order of the policy, whatever is found here.
    kept = before if policy.undecided(image) else ""
    for candidate in sorted(policy.candidates(image), key=lambda candidate: str(candidate.reference) != kept):
        place = str(candidate.reference)
        try:
            inspected = inspected_at(clients, candidate.reference, architectures, locked)
        except RegistryError as error:
            failures.append(Failure(candidate.rule, place, str(error.reason), error.detail))
        except ImageError as error:
            failures.append(Failure(candidate.rule, place, "settings", str(error)))
        else:
            return Answer(candidate, inspected, tuple(failures))
    return Answer(None, None, tuple(failures))


def choose(
    wanted: Mapping[Reference, bool],
    policy: ImagePolicy,
    architectures: Collection[str],
    lock: Lock,
    context: str = "",
) -> dict[Reference, Answer]:
    """Return, of all these images, the answer of those that a place has; all are asked for at once.

    The values say whether it is certain that a reference is an image; what only looks like one may be nowhere. Raises
    PolicyError with every other image that no place has. `context` is whose earlier choice in the lock counts.
    """
    before = lock.chosen.get(context, {})
    clients = Clients(policy, BACKOFF)
    with ThreadPoolExecutor(WORKERS) as pool:
        answers = pool.map(
            lambda image: first_that_has(
                image, policy, clients, architectures, lock.images.get(str(image)), before.get(str(image), "")
            ),
            wanted,
        )
        found = dict(zip(wanted, answers, strict=True))
    nowhere = [image for image, answer in found.items() if answer.candidate is None and wanted[image]]
    if nowhere:
        reasons = [f"{image}: {'; '.join(map(str, found[image].failures))}" for image in sorted(nowhere)]
        raise PolicyError("no mirror has\n" + "\n".join(reasons))
    return {image: answer for image, answer in found.items() if answer.candidate}


def inspected_at(
    clients: Clients, reference: Reference, architectures: Collection[str], locked: Locked | None
) -> Inspected:
    """Return what an image is at one place; anything but what is locked is refused. Raises ImageError."""
    registry = clients.of(reference.registry)
    if locked and locked.platforms and set(architectures) <= set(locked.platforms):
        return confirm(registry, reference, locked, architectures)
    inspected = inspect(registry, reference, architectures)
    if locked and inspected.digest != locked.digest:
        raise registry.error(Reason.DIGEST, f"{reference} is {inspected.digest}, the lock says {locked.digest}")
    return inspected
