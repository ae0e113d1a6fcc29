"""Runs the web service: `python -m todo.web`."""

from __future__ import annotations

from ..common import server
from .app import build

if __name__ == "__main__":
    server.main("web", build)
