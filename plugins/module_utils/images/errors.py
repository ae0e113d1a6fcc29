# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with an image, each kind with its own reason."""

from __future__ import annotations

from enum import StrEnum

from ..http.redaction import redact


class Reason(StrEnum):
    """Why a registry did not give what was asked for; the values stand in the table of the plan."""

    NOT_FOUND = "not found"
    FORBIDDEN = "forbidden"
    LOGIN = "login refused"
    RATE_LIMIT = "rate limit"
    TLS = "TLS"
    DNS = "name not resolved"
    REFUSED = "connection refused"
    PROXY = "proxy"
    TIMEOUT = "timeout"
    BROKEN = "connection broken"
    SERVER = "server error"
    DIGEST = "wrong digest"
    PLATFORM = "architecture missing"
    PROTOCOL = "unexpected answer"


class ImageError(Exception):
    """Something about an image is wrong; the text says what, where and what to do."""


class InvalidReference(ImageError):
    """A text that is no image reference."""


class PolicyError(ImageError):
    """The image policy (serverless_images) is written wrongly, or has no rule for an image."""


class LayoutError(ImageError):
    """A directory is no OCI image layout, or lacks or damages a blob."""


class RegistryError(ImageError):
    """A registry did not give or take something.

    `reason` is the class of failure, `registry` the host asked, `detail` what the registry or the system said,
    without what looks like a credential, `retry_after` seconds until a rate limit ends, where the registry told,
    `status` that of the answer that refused, 0 without one.
    """

    def __init__(
        self, reason: Reason, registry: str, detail: str, retry_after: float | None = None, status: int = 0
    ) -> None:
        self.reason = reason
        self.registry = registry
        self.detail = redact(detail)
        self.retry_after = retry_after
        self.status = status
        super().__init__(f"{registry}: {reason}: {self.detail}")
