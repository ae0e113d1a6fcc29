"""after CONDITION... -- COMMAND...: run the command in place of this process as soon as every condition holds.

A condition is tcp://HOST:PORT (something listens), unix://PATH (the same) or https://HOST:PORT/PATH (answers 200;
the certificate is checked against the file named by LAB_CA). There is no time limit:
the supervisor is the one who stops us.
"""

from __future__ import annotations

import os
import socket
import ssl
import sys
import time
import urllib.request
from urllib.parse import urlsplit

PAUSE_SECONDS = 0.1


def holds(condition: str) -> bool:
    """Try once."""
    url = urlsplit(condition)
    try:
        if url.scheme == "https":
            context = ssl.create_default_context(cafile=os.environ["LAB_CA"])
            with urllib.request.urlopen(condition, timeout=5, context=context) as answer:
                return answer.status == 200
        family, address = (
            (socket.AF_UNIX, url.path) if url.scheme == "unix" else (socket.AF_INET, (url.hostname, url.port))
        )
        with socket.socket(family) as probe:
            probe.settimeout(5)
            probe.connect(address)
        return True
    except OSError:
        return False


def main() -> None:
    """Wait, then become the command."""
    separator = sys.argv.index("--")
    for condition in sys.argv[1:separator]:
        while not holds(condition):
            time.sleep(PAUSE_SECONDS)
    command = sys.argv[separator + 1 :]
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
