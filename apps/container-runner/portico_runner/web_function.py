"""One web function of a container, as it is served."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from .exchange import App
from .server import Server

FUNCTION_NAME = "web"
"""The name under which a web function that is no method of a class is told."""

_file_name = re.compile(r"[A-Za-z0-9_]{1,40}").fullmatch


class WebFunction:
    """One web function or web method: an app to serve on a socket, or a port of the user's own server."""

    def __init__(self, name: str, app: App, lifespan: Any, port: int, notes: Sequence[str] = ()) -> None:
        self.name = name
        self.app = app
        self.lifespan = lifespan
        self.port = port
        self.notes = notes
        """Why the lifespan failed, first what the app said."""
        self.server: Server | None = None
        self.started = False

    @property
    def socket_name(self) -> str:
        """Short and plain, since the path of a socket may have 107 bytes in all."""
        if _file_name(self.name):
            return f"{self.name}.sock"
        return f"m_{hashlib.sha256(self.name.encode()).hexdigest()[:12]}.sock"
