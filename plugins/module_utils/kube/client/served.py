# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells a kind that is gone from a server that does not answer for it at the moment."""

from __future__ import annotations

from collections.abc import Callable

from ..deadline import Deadline
from ..errors import ApiError
from .backoff import worth_retrying
from .discovery import Discovery, Resource


class WhileServed:
    """Retry as `retry_if` says, but not a bare 404 of a kind that a discovery which is read then lacks.

    `is_gone` is what was found. It is asked once: the lists of a server flicker while a CRD goes or comes.
    """

    def __init__(
        self,
        discovery: Discovery,
        resource: Resource,
        deadline: Deadline | None,
        retry_if: Callable[[ApiError], bool] = worth_retrying,
    ) -> None:
        self._discovery = discovery
        self._resource = resource
        self._deadline = deadline
        self._retry_if = retry_if
        self.is_gone = False

    def __call__(self, error: ApiError) -> bool:
        if error.is_not_from_kubernetes:
            self._discovery.refresh(self._deadline)
            wanted = self._resource
            self.is_gone = self._discovery.look_up(wanted.api_version, wanted.kind, self._deadline) is None
        return self._retry_if(error) and not self.is_gone
