# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node reached by commands: its files, and the images that its containerd has."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from .errors import ImageError

_PULL_LIMIT = 1800  # seconds for one image
_COMMAND_LIMIT = 60  # seconds for anything else
# The label that containerd's CRI plugin tells the kubelet as pinned (containerd internal/cri/labels)
PINNED = "io.cri-containerd.pinned=pinned"
_KEYS = {"name", "exec", "certs_dir", "address", "namespace", "ctr"}

# Prints each file that is there as "<bytes> <path>", a line break, and the bytes.
_READ = 'for f in "$@"; do if [ -f "$f" ]; then echo "$(wc -c < "$f") $f"; cat "$f"; fi; done'
# Writes standard input to a file in one step.
_WRITE = 'mkdir -p "$(dirname "$1")" && cat > "$1.part" && chmod "$2" "$1.part" && mv "$1.part" "$1"'
# Removes files, then the directories below the first argument that nothing is left in.
_REMOVE = (
    'base=$1; shift; for f in "$@"; do rm -f "$f"; d=$(dirname "$f"); '
    '[ "$d" = "$base" ] || rmdir "$d" 2>/dev/null || true; done'
)


class NodeError(ImageError):
    """A command on a node failed; the text says which node and what the command said."""


@dataclass(frozen=True)
class Node:
    """A node: the words that run a command on it, containerd's config_path, socket and namespace, and its ctr."""

    name: str
    exec: tuple[str, ...]
    certs_dir: str = "/etc/containerd/certs.d"
    address: str = "/run/containerd/containerd.sock"
    namespace: str = "k8s.io"
    ctr: tuple[str, ...] = ("ctr",)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Node:
        """Check one entry of image_prefetch_nodes. Raises NodeError."""
        unknown = sorted(set(config) - _KEYS)
        if unknown or not config.get("name") or not isinstance(config.get("exec"), (list, tuple)):
            raise NodeError(
                f"node {config.get('name') or config}: name and exec (a list of words) are needed, certs_dir, address, "
                f"namespace and ctr may follow; unknown: {', '.join(unknown) or 'none'}"
            )
        values = {
            key: tuple(map(str, value)) if key in ("exec", "ctr") else str(value) for key, value in config.items()
        }
        return cls(**values)

    def run(self, command: Iterable[str], data: bytes | None = None, limit: float = _COMMAND_LIMIT) -> bytes:
        """Run a command on the node and return what it prints. Raises NodeError."""
        words = [*self.exec, *command]
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

    def feed(self, command: Iterable[str], write: Callable[[IO[bytes]], None]) -> None:
        """Run a command on the node whose standard input is written by a function. Raises NodeError."""
        words = [*self.exec, *command]
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
            try:
                with process.stdin as stream:  # type: ignore[union-attr]
                    write(stream)
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
            size, _space, path = head.decode().partition(" ")
            files[path.removeprefix(f"{self.certs_dir}/")] = output[: int(size)]
            output = output[int(size) :]
        return files

    def write_file(self, name: str, content: bytes, mode: str = "0644") -> None:
        """Write a file below certs_dir in one step."""
        self.run(["sh", "-c", _WRITE, "sh", self._path(name), mode], content)

    def remove_files(self, names: Iterable[str]) -> None:
        """Remove files below certs_dir, and directories that are then empty."""
        self.run(["sh", "-c", _REMOVE, "sh", self.certs_dir, *(self._path(name) for name in names)])

    def images(self) -> dict[str, str]:
        """Return the digests of the images that containerd has, by name."""
        lines = self._ctr("images", "ls").decode().splitlines()[1:]
        return {words[0]: words[2] for words in map(str.split, lines) if len(words) > 2}

    def images_in_use(self) -> set[str]:
        """Return the names of the images that containers were made of."""
        lines = self._ctr("containers", "ls").decode().splitlines()[1:]
        return {words[1] for words in map(str.split, lines) if len(words) > 1}

    def pull(self, image: str) -> None:
        """Have containerd pull an image through its mirrors."""
        self._ctr("images", "pull", "--hosts-dir", self.certs_dir, image, limit=_PULL_LIMIT)

    def import_images(self, write: Callable[[IO[bytes]], None]) -> None:
        """Have containerd take images from an archive in OCI layout, under the names that it gives them."""
        self.feed([*self._ctr_words(), "images", "import", "-"], write)

    def pin(self, images: Iterable[str]) -> None:
        """Keep images from the kubelet's collection of unused ones."""
        for image in images:
            self._ctr("images", "label", image, PINNED)

    def remove_images(self, images: Iterable[str]) -> None:
        """Take names of images away from containerd, which then drops what no other name needs."""
        self._ctr("images", "rm", *images)

    def _ctr(self, *words: str, limit: float = _COMMAND_LIMIT) -> bytes:
        return self.run([*self._ctr_words(), *words], limit=limit)

    def _ctr_words(self) -> list[str]:
        return [*self.ctr, "--address", self.address, "--namespace", self.namespace]

    def _path(self, name: str) -> str:
        return f"{self.certs_dir}/{name}"
