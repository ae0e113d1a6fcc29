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

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from ..errors import ImageError, PolicyError, Reason, RegistryError
from ..policy.policy import Candidate, ImagePolicy
from ..reference.reference import Reference
from ..registry.backoff import Backoff
from ..registry.clients import Clients
from ..registry.cooldown import HINT
from .asking import ask_all
from .inspection import Inspected, confirm, inspect
from .lock import Lock, Locked

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

    @property
    def is_limited(self) -> bool:
        """Whether no place has it, and one may have it when its rate limit has ended."""
        return self.candidate is None and limited(self.failures)


def limited(failures: Collection[Failure]) -> bool:
    """Return whether a rate limit is among the reasons."""
    return any(failure.reason == Reason.RATE_LIMIT for failure in failures)


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
    report: Callable[[str], None] = lambda line: None,
) -> dict[Reference, Answer]:
    """Return, of all these images, the answer of those that a place has; all are asked for at once.

    Rate limits are waited for where no other place has an image, told by `report`.

    The values say whether it is certain that a reference is an image; what only looks like one may be nowhere. Raises
    PolicyError with every other image that no place has. `context` is whose earlier choice in the lock counts.
    """
    before = lock.chosen.get(context, {})
    clients = Clients(policy, BACKOFF)

    def ask(image: Reference) -> Answer:
        locked, kept = lock.images.get(str(image)), before.get(str(image), "")
        return first_that_has(image, policy, clients, architectures, locked, kept)

    found = dict(zip(wanted, ask_all(list(wanted), ask, clients, report), strict=True))
    nowhere = [image for image, answer in found.items() if answer.candidate is None and wanted[image]]
    if nowhere:
        reasons = [f"{image}: {'; '.join(map(str, found[image].failures))}" for image in sorted(nowhere)]
        hint = [HINT] if any(found[image].is_limited for image in nowhere) else []
        raise PolicyError("\n".join(["no mirror has", *reasons, *hint]))
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
