"""What happens in the container, told to the node-agent as JSON lines. Best effort: nobody listening is fine."""

from __future__ import annotations

import json
import os
import socket
import time


class Events:
    """A connection to `events.sock`; every failure is swallowed, since telling must not break running."""

    def __init__(self, run_dir: str) -> None:
        self._socket: socket.socket | None = None
        try:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(1.0)
            connection.connect(os.path.join(run_dir, "events.sock"))
            self._socket = connection
        except OSError:
            self._socket = None

    def tell(self, event: str, **fields: object) -> None:
        """Sends one event with the time of now (seconds since the epoch) unless `at` is given."""
        if self._socket is None:
            return
        line = json.dumps({"event": event, "at": time.time(), **fields}) + "\n"
        try:
            self._socket.sendall(line.encode())
        except OSError:
            self._socket = None

    def phase(self, name: str, at: float | None = None) -> None:
        """A part of the start that has just ended."""
        self.tell("phase", name=name, **({} if at is None else {"at": at}))
