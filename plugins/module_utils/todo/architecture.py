# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the application's image runs on the cluster's nodes: a build makes it for one architecture, the builder's."""

from __future__ import annotations

from collections.abc import Collection

from ..images.reference.machine import architecture_of
from .builder import Ask, Builder, BuilderError, ask_command

# What tells the architecture of a builder that may be another machine, or a virtual one
_QUESTIONS = {
    "docker": ("version", "--format", "{{.Server.Arch}}"),
    "podman": ("info", "--format", "{{.Host.Arch}}"),
}


def built_for(builder: Builder, ask: Ask = ask_command) -> str:
    """Return the architecture that a builder makes images for, as images name it."""
    question = _QUESTIONS.get(builder.kind)
    told = ask([builder.program, *question]) if question else None
    return architecture_of(told or "")


def check_nodes(image: str, has: Collection[str], nodes: Collection[str]) -> str:
    """Return a warning about nodes that cannot run an image of these architectures, '' for none.

    `image` says in words which image, and whose architecture it has. Raises BuilderError where no node can run it.
    """
    lacking = sorted(set(nodes) - set(has))
    if not lacking:
        return ""
    told = f"{image} is for {', '.join(sorted(has)) or 'none'}"
    if set(nodes) & set(has):
        return (
            f"{told}: its pods fail on nodes of {', '.join(lacking)}. Keep them away from there, or set todo_image to "
            "an image of all architectures."
        )
    raise BuilderError(
        f"{told}, and the cluster's nodes are of {', '.join(lacking)}. Build it on a machine of that architecture into "
        "a todo_repository of its own, or set todo_image to an image that has it."
    )
