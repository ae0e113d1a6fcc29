# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the words of a failed image pull mean. Pure functions over texts of kubelets, containerd, CRI-O and Docker.

Sources: containerd core/remotes/docker and core/remotes/errors, kubelet pkg/kubelet/images, the error codes of the OCI
distribution spec, containers/image.
"""

from __future__ import annotations

import re

NEVER = "ErrImageNeverPull"
REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        NEVER,
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)

# Asked first: a registry that is away often answers in two sentences, one of which sounds final.
PASSING = re.compile(
    r"\b(408|425|429|5\d\d) (?-i:[A-Z])|\bstatus( code)?:? (408|425|429|5\d\d)\b"
    r"|toomanyrequests|too many requests|rate limit|connection refused|connection reset|broken pipe|no route to host"
    r"|network is unreachable|host is down|i/o timeout|handshake timeout|Timeout exceeded|context deadline exceeded"
    r"|request canceled|no such host|server misbehaving|temporary failure in name resolution|unexpected EOF|: EOF\b"
    r"|registry is unavailable|service unavailable|code = (Unavailable|DeadlineExceeded|ResourceExhausted)"
    r"|proxyconnect|connection timed out|use of closed network connection|short read|pull QPS exceeded",
    re.IGNORECASE,
)
FINAL = re.compile(
    r"not found|manifest unknown|manifest_unknown|name unknown|name_unknown|does not exist|no such image"
    r"|\b40[01345] (?-i:[A-Z])|denied|unauthorized|authentication required|no basic auth|insufficient_scope"
    r"|authorization failed|no match for platform|no matching manifest|no image found in (manifest list|image index)"
    r"|invalid reference format|couldn't parse image|could not parse image|invalid image name|must be lowercase"
    r"|x509:|certificate signed by unknown|gave HTTP response to HTTPS client|signature validation failed"
    r"|media type .* no longer supported|unsupported media type|exec format",
    re.IGNORECASE,
)
LIMIT = re.compile(
    r"\b429 (?-i:[A-Z])|\bstatus( code)?:? 429\b|toomanyrequests|too many requests|rate limit", re.IGNORECASE
)
_BARE_BACKOFF = re.compile(r'^Back-off pulling image "[^"]*"\.?$')


def has_cause(message: str) -> bool:
    """False for the sentence of older kubelets that only says that a pull is put off."""
    return bool(message) and not _BARE_BACKOFF.match(message.strip())


def cause_of(reason: str, message: str) -> str:
    """The cause of a failed pull, a key of CAUSES; `message` is the kubelet's or a controller's."""
    if reason == NEVER:
        return "image-never-pulled"
    if reason in ("InvalidImageName", "SignatureValidationFailed"):
        return "image-refused"
    if reason == "RegistryUnavailable":
        return "registry-away"
    return classify(message)


def is_rate_limit(message: str) -> bool:
    """Whether a registry says that it has been asked too often: that may last for hours."""
    return bool(LIMIT.search(_words(message)))


def classify(message: str) -> str:
    """The same from the words alone."""
    words = _words(message)
    if PASSING.search(words):
        return "registry-away"
    return "image-refused" if FINAL.search(words) else "image-unclear"


def _words(message: str) -> str:
    """Without quoted names and URLs: an image may be called 'denied:503'."""
    words = re.sub(r'"[^"]*"', '""', message.replace('\\"', '"'))
    return re.sub(r"https?://\S+|\S+@sha256:[0-9a-f]+", "", words)
