# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node reached by commands: its files, and what every container runtime on it must be able to do."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO

from ..errors import ImageError
from ..layout.layout import Layout
from ..policy.policy import ImagePolicy

PULL_LIMIT = 1800  # seconds for one image
COMMAND_LIMIT = 60  # seconds for anything else

# Prints each file that is there as "<bytes> <path>", a line break, and the bytes. The count may have blanks before it:
# Docker Desktop's "node" is the controller, where wc may be that of macOS.
_READ = 'for f in "$@"; do if [ -f "$f" ]; then echo "$(wc -c < "$f") $f"; cat "$f"; fi; done'
# Writes standard input to a file in one step.
_WRITE = 'mkdir -p "$(dirname "$1")" && cat > "$1.part" && chmod "$2" "$1.part" && mv "$1.part" "$1"'
# Removes files, then the directories below the first argument that nothing is left in.
_REMOVE = (
    'base=$1; shift; for f in "$@"; do rm -f "$f"; d=$(dirname "$f"); '
    '[ "$d" = "$base" ] || rmdir "$d" 2>/dev/null || true; done'
)


Moved = Callable[[int], None]  # called with the number of bytes that have just moved


class NodeError(ImageError):
    """A command on a node failed; the text says which node and what the command said."""


@dataclass(frozen=True)
class Wanted:
    """An image for a node: the name under which it is looked up, where it was found, its digest, and its bytes."""

    name: str
    source: str
    digest: str
    size: int = 0


@dataclass(frozen=True)
class Node(ABC):
    """A node: the words that run a command on it, and the directory of its runtime's registry settings.

    `remote_shell`: the words hand the command to a shell on the node (ssh, minikube ssh), so it is quoted once more.
    """

    name: str
    exec: tuple[str, ...]
    certs_dir: str
    remote_shell: bool = False

    @abstractmethod
    def files(self, policy: ImagePolicy) -> dict[str, bytes]:
        """Return registry settings by path below certs_dir. Raises PolicyError for what the runtime cannot be told."""

    def reload(self) -> None:  # noqa: B027 - most runtimes read their settings at each pull
        """Have the runtime read its registry settings again, where it does not by itself. Raises NodeError."""

    @abstractmethod
    def names(self) -> set[str]:
        """Return the names of all images there."""

    @abstractmethod
    def lacking(self, images: Iterable[Wanted], layout: Layout | None = None) -> list[str]:
        """Return the names that do not stand for the wanted digest there."""

    @abstractmethod
    def pull(self, image: Wanted) -> None:
        """Have the runtime pull an image through its mirrors. Raises NodeError."""

    @abstractmethod
    def load(self, layout: Layout, names: Iterable[str], moved: Moved) -> None:
        """Have the runtime take images out of a layout on the controller. Raises NodeError."""

    @abstractmethod
    def removable(self, names: Iterable[str], *, ended_count: bool = True) -> list[str]:
        """Return those of our names, and what the runtime made of them, that no container uses.

        Without `ended_count` only containers that have not ended use theirs, where the runtime gives the others' away.
        """

    @abstractmethod
    def remove_images(self, names: Iterable[str]) -> None:
        """Take names of images away; the runtime then drops what no other name needs."""

    @abstractmethod
    def pin(self, names: Iterable[str]) -> None:
        """Keep images from the kubelet's collection of unused ones, where the runtime can."""

    def run(self, command: Iterable[str], data: bytes | None = None, limit: float = COMMAND_LIMIT) -> bytes:
        """Run a command on the node and return what it prints. Raises NodeError."""
        words = self._words(command)
        shown = shlex.join(words if len(words) < 12 else [*words[:12], "..."])
        try:
            done = subprocess.run(
                words, input=data if data is not None else b"", capture_output=True, timeout=limit, check=False
            )
        except FileNotFoundError:
            raise NodeError(f"node {self.name}: there is no command {words[0]}") from None
        except subprocess.TimeoutExpired:
            raise NodeError(f"node {self.name}: no end within {limit:.0f} s: {shown}") from None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise NodeError(f"node {self.name}: {shown} failed ({done.returncode}): {' '.join(said)}")
        return done.stdout

    def feed(self, command: Iterable[str], write: Callable[[IO[bytes]], None], moved: Moved) -> None:
        """Run a command on the node whose standard input is written by a function. Raises NodeError."""
        words = self._words(command)
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
            try:
                with process.stdin as stream:  # type: ignore[union-attr]
                    write(_Counted(stream, moved))  # type: ignore[arg-type]
            except BrokenPipeError:
                pass  # it ended early; its own words follow
            except BaseException:
                process.kill()
                raise
            finally:
                code = process.wait()
            said.seek(0)
            if code:
                last = said.read().decode("utf-8", "replace").strip().splitlines()[-1:]
                raise NodeError(f"node {self.name}: {shlex.join(words)} failed ({code}): {' '.join(last)}")

    def read_files(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the files below certs_dir that are there, by name."""
        output = self.run(["sh", "-c", _READ, "sh", *(self._path(name) for name in names)])
        files = {}
        while output:
            head, _break, output = output.partition(b"\n")
            size, _space, path = head.decode().lstrip().partition(" ")
            files[path.removeprefix(f"{self.certs_dir}/")] = output[: int(size)]
            output = output[int(size) :]
        return files

    def write_file(self, name: str, content: bytes, mode: str = "0644") -> None:
        """Write a file below certs_dir in one step."""
        self.run(["sh", "-c", _WRITE, "sh", self._path(name), mode], content)

    def remove_files(self, names: Iterable[str]) -> None:
        """Remove files below certs_dir, and directories that are then empty."""
        self.run(["sh", "-c", _REMOVE, "sh", self.certs_dir, *(self._path(name) for name in names)])

    def _words(self, command: Iterable[str]) -> list[str]:
        return [*self.exec, shlex.join(command)] if self.remote_shell else [*self.exec, *command]

    def _path(self, name: str) -> str:
        return f"{self.certs_dir}/{name}"


@dataclass(frozen=True)
class _Counted:
    """A stream to write to that tells how much was written."""

    stream: IO[bytes]
    moved: Moved

    def write(self, data: bytes) -> int:
        written = self.stream.write(data)
        self.moved(len(data))
        return written
