"""What ansible-test runs in place of the bootstrap script that it would download: pip from the interpreter itself.

It is called like get-pip.py, with the packages to install as arguments; so sanity tests need a package index only.
"""

from __future__ import annotations

import subprocess
import sys

# In a process of its own, because it switches the user's pip settings off.
subprocess.run([sys.executable, "-m", "ensurepip"], check=True)
packages = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *packages], check=True)
