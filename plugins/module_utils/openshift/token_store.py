# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of a run, kept in files of mode 0600 for its tasks and for its end.

Each task of Ansible is a process of its own, and a login for each would take a second, and be a token that somebody
has to revoke. The files lie in Ansible's folder of the run, which nobody else may read and which goes with the run.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

_PREFIX, _SUFFIX = "serverless-login-", ".json"


@dataclass(frozen=True)
class KeptToken:
    """A token, and by which context of which kubeconfig (a path or a list of them) it can be revoked."""

    context: str
    kubeconfig: str
    token: str = field(repr=False)


class TokenStore:
    """The token of one login; `key` says whose it is and holds no credential. Without a directory nothing is kept."""

    def __init__(self, directory: Path | None, key: str) -> None:
        checksum = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        self._path = directory / f"{_PREFIX}{checksum}{_SUFFIX}" if directory else None

    def token(self, refused: str, obtain: Callable[[], KeptToken]) -> str:
        """The kept token unless it is the `refused` one, else what `obtain` gives, which is kept.

        Of several processes that want one at once, the first obtains it.
        """
        if self._path is None:
            return obtain().token
        with _alone(self._path):
            kept = _read(self._path)
            if kept is None or kept.token == refused:
                kept = obtain()
                _write(self._path, kept)
            return kept.token


def take_all(directory: str | Path) -> Iterator[KeptToken]:
    """Every token that is kept there, each removed from its file before it is given."""
    for path in sorted(Path(directory).glob(f"{_PREFIX}*{_SUFFIX}")):
        kept = _read(path)
        path.unlink(missing_ok=True)
        if kept is not None:
            yield kept


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    handle = os.open(path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read(path: Path) -> KeptToken | None:
    try:
        return KeptToken(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _write(path: Path, kept: KeptToken) -> None:
    """Replace the file in one step, so that a reader has the old or the new one whole."""
    partial = path.with_suffix(".part")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(kept), file)
    os.replace(partial, path)
