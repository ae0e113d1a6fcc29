"""What a user behind a closed network still has: a proxy of Go modules and an index of Python packages."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# As the protocol of module proxies has them, in the module cache too
MODULES = ("sigs.k8s.io/metrics-server@v0.9.0", "knative.dev/operator@v0.49.3", "knative.dev/operator@v0.50.0")


class FileServer:
    """A folder over plain HTTP; `asked` has the paths of all requests, `change` may give other bytes by the path."""

    def __init__(self, directory: Path) -> None:
        self.asked: list[str] = []
        self.change: Callable[[str, bytes], bytes] | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(directory), owner=self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.address: tuple[str, int] = ("127.0.0.1", self._server.server_address[1])

    def stop(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args: object, owner: FileServer, **keywords: object) -> None:
        self._owner = owner
        super().__init__(*args, **keywords)  # type: ignore[arg-type]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        self._owner.asked.append(self.path)
        place = Path(self.translate_path(self.path))
        if not self._owner.change or not place.is_file():
            return super().do_GET()
        body = self._owner.change(self.path, place.read_bytes())
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def module_folder() -> Path:
    """The downloads of the machine's module cache, with the modules that the shipped sets come out of."""
    subprocess.run(["go", "mod", "download", *MODULES], check=True, cwd="/", capture_output=True)
    found = subprocess.run(["go", "env", "GOMODCACHE"], check=True, capture_output=True, text=True)
    return Path(found.stdout.strip(), "cache", "download")


def package_folder(requirements: Path, directory: Path) -> Path:
    """An index, as PEP 503 has it, of the packages that a file of requirements names."""
    files = directory / "files"
    words = ["--only-binary=:all:", "--require-hashes", "--no-deps", f"--dest={files}", f"--requirement={requirements}"]
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *words], check=True)
    for file in files.iterdir():
        name = re.sub(r"[-_.]+", "-", file.name.partition("-")[0]).lower()
        page = directory / "simple" / name / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        with page.open("a") as text:
            text.write(f'<a href="/files/{file.name}">{file.name}</a>\n')
    return directory
