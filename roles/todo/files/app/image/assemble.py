"""Puts the root of the final image together: assemble.py APPLICATION PIP_REPORT ROOT, run in the build stage.

APPLICATION is the folder with the installed wheels and the application, PIP_REPORT what `pip install --report` wrote,
ROOT the folder to make. Nothing in ROOT depends on time, on the order of a directory, or on where it was built.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import site
import subprocess
import sys
import sysconfig
from pathlib import Path

import debian
import sbom
from root import Root

# What a service never imports, each a good part of the standard library's size
_STDLIB_UNUSED = (
    "_*test*.so",
    "_tkinter*",
    "__pycache__",
    "dist-packages",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "sitecustomize.py",
    "test",
    "tests",
    "tkinter",
    "turtledemo",
    "venv",
)
_PASSWD = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/nonexistent:/sbin/nologin\n"
_GROUP = "root:x:0:\nnonroot:x:65532:\n"
# The name service and the distribution's name; scanners of images look for the latter.
_ETC = ("/etc/debian_version", "/etc/host.conf", "/etc/ld.so.cache", "/etc/os-release")
_TRY = "import ssl, sqlite3, zoneinfo, todo.web.app, todo.user.app, todo.rule.sqlite_store, todo.rule.postgres_store"


def main(application: Path, report: Path, folder: Path) -> None:
    """Make `folder`. Raises on anything that is missing, which ends the build."""
    root = Root(folder)
    for file in _ETC:
        root.add(Path(file))
    _interpreter(root)
    root.add_tree(application, unused=("__pycache__",))
    root.add_libraries()
    root.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    root.write("/etc/passwd", _PASSWD)
    root.write("/etc/group", _GROUP)
    packages = debian.owners(root.copied)
    for package in packages:
        root.write(f"/var/lib/dpkg/status.d/{package.name}", package.paragraph)
        root.add(Path(f"/usr/share/doc/{package.name}/copyright"), optional=True)
    root.write("/usr/share/sbom/todo.cdx.json", sbom.document(application, report, packages))
    _compile(folder)
    _try_it(folder)
    temporary = folder / "tmp"
    temporary.mkdir()
    temporary.chmod(0o1777)
    root.settle()


def _interpreter(root: Root) -> None:
    """The interpreter under the names that scripts use, its standard library, and the way to the application."""
    real = Path(sys.executable).resolve()
    root.add(real)
    for name in ("python", "python3", real.name):
        root.link(f"/usr/local/bin/{name}", real)
    for name in sorted({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}):
        root.add_tree(
            Path(name), unused=(*_STDLIB_UNUSED, f"config-{sys.version_info.major}.{sys.version_info.minor}*")
        )
    root.write(f"{site.getsitepackages()[0]}/todo.pth", "/opt/todo\n")


def _compile(folder: Path) -> None:
    """Compile every module: a service that starts from zero should not. Hashed, not timed, so that builds are alike."""
    done = compileall.compile_dir(
        folder,
        maxlevels=30,
        quiet=1,
        stripdir=str(folder),
        prependdir="/",
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not done:
        raise SystemExit("a module cannot be compiled")


def _try_it(folder: Path) -> None:
    """Import the services with nothing but the new root, so that a library which is missing ends the build."""
    command = ["/usr/local/bin/python", "-I", "-B", "-c", _TRY]
    environment = {"PATH": "/usr/local/bin", "LANG": "C.UTF-8"}
    subprocess.run(command, check=True, env=environment, preexec_fn=lambda: os.chroot(folder))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
