"""All three services on this machine: `python -m todo`, then open http://127.0.0.1:8080.

To-dos are kept in todo.sqlite3 in the current folder unless the settings name another database.
"""

from __future__ import annotations

import asyncio
import os
import sys

from .common import hosts, listeners, logs, server, settings
from .common.listeners import Listener
from .rule import app as rule
from .user import app as user
from .web import app as web

_HOST = "127.0.0.1"


def main() -> None:
    """Serve web on PORT (default 8080) and the services behind it on the two ports above. Exits with 1 on a failure."""
    logs.configure("todo", settings.text("LOG_LEVEL", "INFO").upper())
    try:
        port = settings.integer("PORT", 8080, 1, 65533)
        os.environ.setdefault("ALLOWED_HOSTS", hosts.LOOPBACK)
        os.environ.setdefault("RULE_URL", f"http://{_HOST}:{port + 1}")
        os.environ.setdefault("USER_URL", f"http://{_HOST}:{port + 2}")
        served = [
            Listener(web.build(), _HOST, port),
            Listener(rule.build(), _HOST, port + 1),
            Listener(user.build(), _HOST, port + 2),
            *listeners.of_metrics(_HOST),
        ]
    except settings.SettingError as error:
        sys.exit(str(error))
    print(f"open http://{_HOST}:{port}", file=sys.stderr)
    if not asyncio.run(server.serve(served)):
        sys.exit(1)


if __name__ == "__main__":
    main()
