"""Runs the user service: `python -m todo.user`."""

from __future__ import annotations

from ..common import server
from .app import build

if __name__ == "__main__":
    server.main("user", build)
