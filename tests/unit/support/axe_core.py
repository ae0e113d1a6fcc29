"""axe-core, which looks for what keeps people from using a page, in a browser that shows it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from selenium.webdriver import Chrome

PIN = Path(__file__).with_name("axe.txt")


def axe_source() -> str:
    """axe-core's source, from the package that axe.txt pins; kept in the cache between runs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selfhosted-serverless", "axe")
    folder = cache / hashlib.sha256(PIN.read_bytes()).hexdigest()[:16]
    if not list(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", "--requirement", PIN, "--dest", folder]
        subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as package:
        (name,) = [name for name in package.namelist() if name.endswith("/axe.min.js")]
        return package.read(name).decode()


def findings(driver: Chrome, axe: str) -> list[str]:
    """Serious and critical findings: rule, and the places where it is broken."""
    driver.execute_script(axe)
    passes, *found = driver.execute_async_script(
        """
        const done = arguments[0];
        axe.run(document).then(({violations, passes}) => done([passes.length, ...violations
            .filter((rule) => ["serious", "critical"].includes(rule.impact))
            .map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.target).join(" ")}`)]));
        """
    )
    assert passes > 15, "axe-core did not look"
    return found
