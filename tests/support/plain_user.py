"""A user without rights who has the collection from its archive: nothing at home, the POSIX locale, umask 077."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections/selfhosted/serverless"
PROGRAMS = ("ansible-doc", "ansible-galaxy", "ansible-inventory", "ansible-playbook")
NOBODY = 65534


def build_archive(folder: Path) -> Path:
    """The archive of the checkout, as `ansible-galaxy collection build` makes it."""
    program = Path(sys.executable).with_name("ansible-galaxy")
    command = [program, "collection", "build", "--output-path", folder, ROOT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = folder.glob("*.tar.gz")
    return archive


def plain_python() -> str:
    """An interpreter of this version that anybody may start; '' where there is none."""
    for candidate in (
        sys.executable,
        shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/usr/local/bin"),
    ):
        if candidate and all(parent.stat().st_mode & 0o001 for parent in Path(candidate).resolve().parents):
            return candidate
    return ""


@dataclass(frozen=True)
class PlainUser:
    """Below `folder`: `home`, `work` (where commands run), `bin`. Where the tests are root, commands run as nobody."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> PlainUser:
        """Make the folders, and Ansible's programs with an interpreter that the user may start."""
        user = cls(folder)
        for name in ("home", "work", "bin"):
            (folder / name).mkdir(parents=True)
        folder.chmod(0o755)
        for program in PROGRAMS:
            script = Path(sys.executable).with_name(program).read_text(encoding="utf-8").partition("\n")[2]
            file = folder / "bin" / program
            file.write_text(f"#!{user.python}\n{script}", encoding="utf-8")
            file.chmod(0o755)
        for name in ("home", "work"):
            user.own(folder / name)
        return user

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def venv(self) -> Path:
        """The user's own Python environment, if make_venv was called."""
        return self.home / "serverless"

    def make_venv(self) -> None:
        """Make an empty environment with what the archive's requirements.txt names."""
        of_the_machine = {
            name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "http"))
        }
        requirements = self.collection / "requirements.txt"
        shutil.rmtree(self.folder / "bin")
        (self.folder / "bin").mkdir()
        for words in (
            (self.python, "-m", "venv", self.venv),
            (self.venv / "bin" / "pip", "install", "--quiet", "--requirement", requirements),
        ):
            done = self.run(*words, env=of_the_machine, seconds=1200)
            assert done.returncode == 0, done.stdout + done.stderr

    @property
    def collection(self) -> Path:
        """Where ansible-galaxy installs it for a user who says nothing."""
        return self.home / ".ansible" / "collections" / COLLECTION

    @property
    def other(self) -> bool:
        """Whether commands run as another user than the tests."""
        return os.geteuid() == 0 and bool(plain_python())

    @property
    def python(self) -> str:
        return plain_python() if self.other else sys.executable

    def own(self, path: Path) -> None:
        """Give a file or folder to the user."""
        if self.other:
            os.chown(path, NOBODY, NOBODY)

    def write(self, name: str, text: str) -> Path:
        """Write a file into the folder that commands are run in."""
        file = self.work / name
        file.write_text(text, encoding="utf-8")
        self.own(file)
        return file

    def run(
        self, *words: str | Path, env: Mapping[str, str] | None = None, seconds: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a command with nothing in its environment but PATH, HOME and the POSIX locale."""
        rights = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if self.other else []
        return subprocess.run(
            [*rights, *words],
            cwd=self.work,
            env={
                "PATH": f"{self.venv / 'bin'}:{self.folder / 'bin'}:/usr/local/bin:/usr/bin:/bin:/usr/sbin",
                # Without an environment of its own, this one's packages
                **({} if self.venv.exists() else {"PYTHONPATH": sysconfig.get_path("purelib")}),
                "HOME": str(self.home),
                "LANG": "POSIX",
                **(env or {}),
            },
            umask=0o077,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=seconds,
        )

    def install(self, archive: Path) -> None:
        """Install the collection from its archive."""
        mine = self.work / archive.name
        shutil.copyfile(archive, mine)
        self.own(mine)
        done = self.run("ansible-galaxy", "collection", "install", "--offline", mine.name)
        assert done.returncode == 0, done.stdout + done.stderr
        mine.unlink()

    def installed(self) -> dict[str, tuple[int, int]]:
        """Size and time of each file of the installed collection, but what Python compiled."""
        files = (path for path in self.collection.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {
            str(path.relative_to(self.collection)): (path.stat().st_size, path.stat().st_mtime_ns) for path in files
        }
