"""A token service on the address of the registry that it stands for."""

from __future__ import annotations

import json

from faulty_registry import FaultyRegistry, Handler


class TokenService:
    """Gives tokens that are good for some requests, on the registry's own address."""

    def __init__(self, registry: FaultyRegistry, uses: int) -> None:
        self.given: list[str] = []
        self._left = 0
        self._uses = uses
        self._registry = registry

    def __call__(self, handler: Handler) -> bool:
        if handler.path.startswith("/token"):
            self.given.append(handler.headers.get("Authorization", ""))
            self._left = self._uses
            handler.reply(200, json.dumps({"token": f"t{len(self.given)}", "expires_in": 300}).encode())
            return True
        if handler.headers.get("Authorization") == f"Bearer t{len(self.given)}" and self._left:
            self._left -= 1
            return False
        realm = f'Bearer realm="http://{self._registry.host}/token",service="registry",scope="repository:app:pull"'
        handler.reply(401, b"", {"WWW-Authenticate": realm})
        return True
