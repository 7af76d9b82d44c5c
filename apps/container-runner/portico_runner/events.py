"""What happens in the container, told to the node-agent as JSON lines. Best effort: nobody listening is fine."""

from __future__ import annotations

import json
import os
import socket
import threading
import time

SEND_TIMEOUT_SECONDS = 1.0


class Events:
    """A connection to `events.sock`. Every failure is swallowed: telling must not break running."""

    def __init__(self, run_dir: str) -> None:
        self._path = os.path.join(run_dir, "events.sock")
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def tell(self, event: str, **fields: object) -> None:
        """Sends one event, with the time of now (seconds since the epoch) unless `at` is given."""
        line = (json.dumps({"event": event, "at": time.time(), **fields}) + "\n").encode()
        with self._lock:
            # The second attempt is for a node-agent that has restarted.
            for _ in range(2):
                if self._send(line):
                    return

    def phase(self, name: str, at: float | None = None) -> None:
        """A part of the start that has ended now, or at the time given."""
        self.tell("phase", name=name, **({} if at is None else {"at": at}))

    def _send(self, line: bytes) -> bool:
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self._socket.settimeout(SEND_TIMEOUT_SECONDS)
                self._socket.connect(self._path)
            self._socket.sendall(line)
        except OSError:
            if self._socket is not None:
                self._socket.close()
                self._socket = None
            return False
        return True
