# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking the package index before a build begins, which would try it for minutes, long after the first change."""

from __future__ import annotations

import re
from pathlib import Path

try:
    import urllib3
except ImportError:  # told when the pools are made
    urllib3 = None  # type: ignore[assignment]

from ..content.download import login_of, shown, without_login
from ..content.errors import ContentError
from ..http.authorities import read_authorities
from ..http.errors import HttpSetupError
from ..http.failures import describe
from ..http.pools import USER_AGENT, Pools
from ..http.tls import tls_context
from .builder import BuilderError

PYPI = "https://pypi.org/simple"  # pip's own default
CONNECT, ANSWER = 10.0, 20.0  # seconds
TRIES = 2
_NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
_REFUSALS = (401, 403, 404, 407)


def check_index(index: str, requirements: Path, ca_file: str = "") -> None:
    """Ask an index ('' for pip's default) for the first package of a file of requirements.

    Raises BuilderError where it cannot be reached or refuses; whatever may pass is left to pip.
    """
    found = _NAME.search(requirements.read_text(encoding="utf-8"))
    if not found:
        return
    base = (index or PYPI).rstrip("/")
    try:
        named = shown(base)
    except ContentError:
        raise BuilderError("the package index of the application's build (todo_pip_index_url) is no URL") from None
    url = f"{base}/{re.sub(r'[-_.]+', '-', found[1]).lower()}/"
    reason = _refusal(url, authorities_of(ca_file))
    if reason:
        raise BuilderError(
            f"the package index {named}, which the application's build needs, gives nothing: {reason}. "
            "Set todo_pip_index_url (or PIP_INDEX_URL) to one that can be reached, or todo_image to an image that is "
            "there already"
        )


def authorities_of(ca_file: str) -> bytes:
    """The certificates that pip is to trust besides the system's, b'' for none. Raises BuilderError."""
    try:
        return read_authorities(ca_file) if ca_file else b""
    except HttpSetupError as error:
        raise BuilderError(
            f"the file {ca_file} with the certificates that the application's build is to trust {error}. "
            "Set todo_build_ca_file to a file in PEM form, or to '' for the system's own"
        ) from None


def _refusal(url: str, authorities: bytes) -> str:
    reason = ""
    for _attempt in range(TRIES):
        try:
            pools = Pools(tls_context(authorities), 1)
            answer = pools.request(
                "GET",
                without_login(url),
                connect=CONNECT,
                read=ANSWER,
                headers={"User-Agent": USER_AGENT, **login_of(url)},
                preload_content=False,
            )
        except HttpSetupError as error:
            return str(error)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            failure = describe(error)
            reason = failure.text
            if failure.kind.is_permanent:
                break
        else:
            answer.close()
            return f"HTTP {answer.status} {answer.reason or ''}".strip() if answer.status in _REFUSALS else ""
    return reason
