# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A large blob in pieces, so that one slow connection does not hold up a copy: mirrors often limit each of them.

Source: OCI distribution specification, "Pulling blobs": a registry should support the Range header of RFC 9110.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path

from ..errors import ImageError
from ..registry.blobs import NoRanges, Progress, fetch_blob, fetch_span
from ..registry.client import Registry
from ..registry.manifests import Descriptor

PIECE = 8 * 1024 * 1024  # bytes; what a connection brings in some seconds
_READ = 1024 * 1024


@dataclass(frozen=True)
class Origin:
    """A registry and the repository of it that a blob comes from."""

    registry: Registry
    repository: str


class SplitBlob:
    """One blob on its way into a file. Thread-safe: each thread fetches one piece; the last to end puts them together.

    A piece that an earlier run left is continued. A registry that knows no ranges, and pieces that make another blob
    than they should, have the blob fetched in one stream.
    """

    def __init__(self, origin: Origin, blob: Descriptor, target: Path, progress: Progress, piece: int = PIECE) -> None:
        self._origin = origin
        self._blob = blob
        self._target = target
        self._progress = progress
        self.spans = [range(start, min(start + piece, blob.size)) for start in range(0, blob.size, piece)]
        self._lock = threading.Lock()
        self._left = len(self.spans)
        self._whole = False
        self._failure: ImageError | None = None

    def fetch(self, span: range) -> bool:
        """Fetch one of the spans; True when the blob is complete with it. Raises ImageError when all have ended."""
        if not self._whole and not self._failure:
            try:
                fetch_span(
                    self._origin.registry, self._origin.repository, self._blob, self._part(span), span, self._progress
                )
            except NoRanges:
                self._whole = True
            except ImageError as error:
                self._failure = error
        with self._lock:
            self._left -= 1
            if self._left:
                return False
        if self._failure:
            raise self._failure
        self._finish()
        return True

    def _finish(self) -> None:
        whole = self._target.with_name(f"{self._target.name}.part")
        complete = not self._whole and self._joined(whole)
        for span in self.spans:
            self._part(span).unlink(missing_ok=True)
        if complete:
            whole.replace(self._target)
            return
        whole.unlink(missing_ok=True)
        fetch_blob(self._origin.registry, self._origin.repository, self._blob, self._target, self._progress)

    def _joined(self, whole: Path) -> bool:
        """Write the pieces one behind the other; whether they make the blob."""
        sum_of = hashlib.sha256()
        with whole.open("wb") as file:
            for span in self.spans:
                with self._part(span).open("rb") as part:
                    while data := part.read(_READ):
                        sum_of.update(data)
                        file.write(data)
        return f"sha256:{sum_of.hexdigest()}" == self._blob.digest

    def _part(self, span: range) -> Path:
        return self._target.with_name(f"{self._target.name}.{span.start}.part")
