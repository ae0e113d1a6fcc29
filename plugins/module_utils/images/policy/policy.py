# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image policy: from the reference in a manifest to where the image may be taken from. Pure, no network.

First the exact map is applied, then the mirrors of the longest source that covers the reference, in their order.
Strict: an origin is asked only where it is listed among its own mirrors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ...http.redaction import without_login
from ..errors import InvalidReference, PolicyError
from ..reference.reference import HOST, REPOSITORY, Reference, canonical, split_registry
from .mirrors import Mirror, covers
from .presets import PRESETS
from .settings import KEY_HINT, RegistrySettings

MODES = ("runtime", "rewrite")
_KEYS = {"mirrors", "map", "mode", "registries", "preset", "lock", "strict"}
# Seconds. Limits of 100 pulls an hour are common; so a copy of some hundred images comes to its end.
RATE_LIMIT_WAIT = 3 * 3600.0
NONE_CHOSEN: Mapping[Reference, Reference] = MappingProxyType({})


@dataclass(frozen=True)
class Candidate:
    """A place where an image may be, and the rule that gave it in words for people."""

    reference: Reference
    rule: str


@dataclass(frozen=True)
class ImagePolicy:
    """The checked content of `serverless_images`.

    In mode runtime the nodes' container runtime is told the mirrors and references stay as they are (after the exact
    map); in mode rewrite the references themselves are changed to the first mirror that has the image. `lock` is the
    path of the file that says what that must be, None where nothing is said of it. `strict` has nodes refuse every
    registry that is not named here; it binds all that run on them, so it must be asked for. `rate_limit_wait` is for
    how many seconds a request waits for the rate limits of registries where no other place is left to ask.
    """

    mirrors: Mapping[str, tuple[Mirror, ...]] = field(default_factory=dict)
    exact: Mapping[Reference, Reference] = field(default_factory=dict)
    mode: str = "runtime"
    registries: Mapping[str, RegistrySettings] = field(default_factory=dict)
    lock: str | None = None
    strict: bool = False
    rate_limit_wait: float = RATE_LIMIT_WAIT

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | None, rate_limit_wait: float = RATE_LIMIT_WAIT) -> ImagePolicy:
        """Return the policy of a dictionary as in `serverless_images`; an empty one lets images come from their origin.

        `rate_limit_wait` is `serverless_rate_limit_wait`. Raises PolicyError, which says what to write instead.
        """
        config = config or {}
        unknown = sorted(set(config) - _KEYS)
        if unknown:
            raise PolicyError(
                f"serverless_images has unknown keys {', '.join(unknown)}; allowed are {', '.join(sorted(_KEYS))}"
            )
        mode = config.get("mode") or "runtime"
        if mode not in MODES:
            raise PolicyError(f"serverless_images.mode is {mode!r}; it must be one of {', '.join(MODES)}")
        preset = config.get("preset") or "none"
        if preset not in PRESETS:
            raise PolicyError(f"serverless_images.preset is {preset!r}; it must be one of {', '.join(sorted(PRESETS))}")
        strict = config.get("strict", False)
        if not isinstance(strict, bool):
            raise PolicyError(f"serverless_images.strict is {strict!r}; it must be true or false")
        if rate_limit_wait < 0:
            raise PolicyError(f"serverless_rate_limit_wait is {rate_limit_wait}; it must be seconds, 0 for no wait")
        # Mirrors written out take the place of the preset's for their source.
        policy = cls(
            mirrors={**_all_mirrors(PRESETS[preset]), **_all_mirrors(_dictionary(config, "mirrors"))},
            exact=dict(_exact(key, value) for key, value in _dictionary(config, "map").items()),
            mode=mode,
            registries={
                canonical(host): RegistrySettings.from_config(canonical(host), settings)
                for host, settings in _dictionary(config, "registries").items()
            },
            lock=None if config.get("lock") is None else str(config["lock"]),
            strict=strict,
            rate_limit_wait=float(rate_limit_wait),
        )
        policy._check_mode()
        return policy

    def settings(self, host: str) -> RegistrySettings:
        """Return how a registry is reached."""
        return self.registries.get(host) or RegistrySettings(host)

    def hosts(self) -> set[str]:
        """Return every registry that the policy names: of sources, mirrors, targets of the exact map, and settings."""
        sources = {source.partition("/")[0] for source in self.mirrors}
        mirrors = {mirror.host for entries in self.mirrors.values() for mirror in entries}
        return {*sources, *mirrors, *self.registries, *(target.registry for target in self.exact.values())}

    def mapped(self, reference: Reference) -> Reference:
        """Return the reference after the exact map. With a digest, the tag beside it does not matter."""
        return self.exact.get(reference.exact, reference)

    def candidates(self, reference: Reference) -> list[Candidate]:
        """Return where an image may be taken from, best first, never empty. Raises PolicyError if no rule covers it."""
        wanted = self.mapped(reference)
        mirrors = self._mirrors_of(wanted)
        if mirrors:
            return [Candidate(self._named(mirror.apply(wanted)), str(mirror)) for mirror in mirrors]
        if wanted.registry in self.registries:
            return [Candidate(wanted, "its own registry")]
        if any(mirror.host == wanted.registry for entries in self.mirrors.values() for mirror in entries):
            return [Candidate(wanted, "named at the mirror")]
        if not self.mirrors and not self.strict:
            return [Candidate(wanted, "origin")]
        raise PolicyError(
            f"no rule says where {wanted} may come from; add {wanted.registry} to serverless_images.mirrors "
            f"(with {wanted.registry!r} itself in its list to allow the origin)"
        )

    def undecided(self, reference: Reference) -> bool:
        """Return whether only the registries can tell what is to stand in a manifest. Raises PolicyError."""
        return self.mode == "rewrite" and len(self.candidates(reference)) > 1

    def deliverable(self, reference: str, chosen: Mapping[Reference, Reference] = NONE_CHOSEN) -> str:
        """Return what is to stand in a manifest instead of a reference; the same text where nothing changes.

        `chosen` has the place of each image that is undecided, by its name after the exact map. Raises PolicyError
        (mode rewrite: no rule, or undecided and not in it) and InvalidReference.
        """
        parsed = Reference.parse(reference)
        wanted = self.mapped(parsed)
        if self.undecided(parsed):
            if wanted not in chosen:
                raise PolicyError(f"none of its mirrors is known to have {wanted}")
            wanted = chosen[wanted]
        elif self.mode == "rewrite":
            wanted = self.candidates(parsed)[0].reference
        return reference if wanted == parsed else str(wanted)

    def origin_of(self, reference: str) -> str:
        """Return in words where an image that runs under this name comes from, all places where it may be several."""
        try:
            parsed = Reference.parse(reference)
            found = self.candidates(parsed)
        except (PolicyError, InvalidReference):
            return "no rule"
        if self.mode == "rewrite":  # a name that was not rewritten is asked for as it is
            found = [candidate for candidate in found if candidate.reference == parsed]
        return " or ".join(candidate.rule for candidate in found) or "its own name"

    def _mirrors_of(self, reference: Reference) -> tuple[Mirror, ...]:
        sources = [source for source in self.mirrors if covers(source, reference)]
        return self.mirrors[max(sources, key=len)] if sources else ()

    def _named(self, reference: Reference) -> Reference:
        """Return a place in a mirror. Raises PolicyError where its name, rewritten, would be that of another image."""
        if self.mode == "rewrite" and split_registry(reference.name)[0] != reference.registry:
            raise PolicyError(
                f"serverless_images.mirrors: {reference.registry} has neither a dot nor a port, so nodes would ask "
                f"docker.io for {reference.name}; write {reference.registry}:443 (or another port), or mode: runtime"
            )
        return reference

    def _check_mode(self) -> None:
        if self.mode != "runtime":
            return
        for entries in self.mirrors.values():
            for mirror in entries:
                if mirror.prefix is None:
                    raise PolicyError(
                        f"serverless_images.mirrors: {mirror.place} for {mirror.source} cannot be told to a container "
                        "runtime, which sends a whole registry elsewhere; use mode: rewrite"
                    )


def _dictionary(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = config.get(key) or {}
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise PolicyError(f"serverless_images.{key} must be a dictionary with texts as keys, not {_form(value)}")
    return value


def _form(value: Any) -> str:
    """What a value is, without what it holds: that may be a password."""
    return "a dictionary with another key" if isinstance(value, Mapping) else f"of type {type(value).__name__}"


def _all_mirrors(config: Mapping[str, Any]) -> dict[str, tuple[Mirror, ...]]:
    found: dict[str, tuple[Mirror, ...]] = {}
    for key, entries in config.items():
        if _source(key) in found:
            raise PolicyError(f"serverless_images.mirrors names {_source(key)} twice, also as {key!r}; write one list")
        found[_source(key)] = _mirrors(key, entries)
    return found


def _source(key: str) -> str:
    host, separator, rest = key.rstrip("/").partition("/")
    if not HOST.fullmatch(host) or (separator and not REPOSITORY.fullmatch(rest)):
        raise PolicyError(
            f"serverless_images.mirrors: {without_login(key)!r} is no host, host:port or host/path (without tag); "
            f"{KEY_HINT}"
        )
    return f"{canonical(host)}{separator}{rest}"


def _mirrors(key: str, entries: Any) -> tuple[Mirror, ...]:
    if not isinstance(entries, (list, tuple)) or not entries:
        raise PolicyError(f"serverless_images.mirrors[{key!r}] must be a list with at least one mirror")
    return tuple(Mirror.from_config(_source(key), entry) for entry in entries)


def _exact(key: str, value: Any) -> tuple[Reference, Reference]:
    try:
        source, target = Reference.parse(key), Reference.parse(str(value))
    except InvalidReference as error:
        raise PolicyError(f"serverless_images.map: {error}") from error
    return source.exact, target
