# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders out of Go modules: from the user's module cache, or from module proxies over plain HTTP.

The protocol is that of https://go.dev/ref/mod#goproxy-protocol: the zip lies at <proxy>/<module>/@v/<version>.zip.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .away import Away
from .download import OTHERS_FOLLOW, HttpRefusal, Patience, Unreachable, download, shown
from .errors import ContentError
from .go_proxies import DIRECT, OFF, GoProxy, escaped, module_cache, with_login
from .module_zip import LARGEST_ZIP, ModuleZip
from .store import Store
from .transfers import Transfer

_GONE = (404, 410)  # the statuses that the protocol has for "not here", after which the next proxy is asked


class GoModule:
    """One version of a module, 'path@version'. `sum` is its h1 sum where it is known; then all else is refused."""

    def __init__(self, module_at_version: str, sum_: str = "") -> None:
        self.module, at, self.version = module_at_version.partition("@")
        if not (self.module and at and self.version):
            raise ContentError(f"go_module '{module_at_version}' must be written as path@version")
        self.name = module_at_version
        self.sum = sum_

    def cached(self, path: str) -> Path | None:
        """The file or folder in the user's own module cache, None where the module is not in it."""
        directory = module_cache() / f"{escaped(self.module)}@{escaped(self.version)}"
        return directory / path if directory.is_dir() else None

    def fetched(
        self,
        path: str,
        keep: Callable[[Path], Path],
        store: Store,
        proxies: list[GoProxy],
        patience: Patience,
        transfer: Transfer,
        away: Away,
    ) -> Path:
        """What `keep` makes of the file or folder `path`, out of the module's zip, which is fetched if missing.

        Contexts and runs that want the same module share one zip. Raises ContentError with the reason of each proxy.
        """
        key = hashlib.sha256(f"{self.name} {self.sum}".encode()).hexdigest()[:32]
        scratch = store.scratch()
        began = time.time()
        try:
            with store.alone(key):
                zip_file = store.directory / f"{key}.zip"
                if not zip_file.exists():
                    self._bring(_Way(zip_file, store, transfer, away, began), proxies, patience)
                archive = ModuleZip(zip_file, self.name)
            try:
                transfer.source = self.name
                archive.extract(path, scratch / "content")
                return keep(scratch / "content")
            except ContentError:
                zip_file.unlink(missing_ok=True)  # it may be damaged, or without a sum another module's
                raise
            finally:
                archive.close()
        finally:
            shutil.rmtree(scratch)

    def _bring(self, way: _Way, proxies: list[GoProxy], patience: Patience) -> None:
        said = []
        for number, proxy in enumerate(proxies):
            last = number == len(proxies) - 1
            try:
                self._from(proxy, way, patience if last else OTHERS_FOLLOW)
                return way.away.forget(proxy.host)
            except ContentError as error:
                if isinstance(error, Unreachable) and proxy.host:
                    way.away.note(proxy.host, error.reason)
                said.append(str(error))
                is_gone = isinstance(error, HttpRefusal) and error.status in _GONE
                if not is_gone and not isinstance(error, _AskNext) and not proxy.any_failure:
                    if not last:
                        said.append("GOPROXY has a comma after it, so that the proxies that follow are not asked")
                    break
        raise ContentError("; ".join(said))

    def _from(self, proxy: GoProxy, way: _Way, patience: Patience) -> None:
        if proxy.url == OFF:
            raise _AskNext("GOPROXY says off: no module may be fetched")
        if proxy.url == DIRECT:
            raise _AskNext("GOPROXY says direct: version control is not asked for content")
        url = f"{proxy.url}/{escaped(self.module)}/@v/{escaped(self.version)}.zip"
        # Whoever waited for another file of the module has seen that nobody answers.
        if way.away.knows(proxy.host, way.began):
            raise Unreachable(f"{shown(url)}: {proxy.host} did not answer a moment ago")
        partial = way.store.directory / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.part"
        if urlsplit(url).scheme == "file":
            source = Path(unquote(urlsplit(url).path))
            if not source.is_file():
                raise _AskNext(f"{url}: there is no such file")
            shutil.copyfile(source, partial)
        else:
            way.transfer.source = proxy.host
            download(with_login(url), partial, patience, way.transfer, LARGEST_ZIP)
        try:
            self._verify(partial, shown(url))
        except ContentError:
            partial.unlink()
            raise
        partial.replace(way.zip_file)

    def _verify(self, partial: Path, url: str) -> None:
        try:
            archive = ModuleZip(partial, self.name)
            try:
                found = archive.sum()
            finally:
                archive.close()
        except ContentError as error:
            raise _AskNext(f"{url}: {error}") from error
        if self.sum and found != self.sum:
            raise _AskNext(f"{url}: the module's sum is {found}, not {self.sum}")


@dataclass(frozen=True)
class _Way:
    """Where a zip goes, and what is told on the way; `began` is when somebody first wanted it."""

    zip_file: Path
    store: Store
    transfer: Transfer
    away: Away
    began: float


class _AskNext(ContentError):
    """An entry of the list that has not the module, or sends something else: the checksum decides, so the next may."""
