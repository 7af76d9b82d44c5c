"""One container without a container: the runner as a process, its door, its events, HTTP into its sockets."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from ..environment import python_with

NEWEST = "1.6.4"
OLDEST = "1.0.0"
FRAMEWORKS = ("fastapi", "flask")

HERE = Path(__file__).resolve().parent
START = HERE.parent.parent / "start.py"
APPS = HERE / "apps"
PATIENCE_SECONDS = 30.0


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("a.test", timeout=PATIENCE_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Answer:
    """A response that has been read."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class StockContainer:
    """Starts a function of `apps` with the real client; stops what it has started at its end."""

    def __init__(self, wanted: dict[str, Any], *, version: str = NEWEST, limit: int = 10, **env: str) -> None:
        self._wanted = wanted
        self._version = version
        self._env = {"PORTICO_MAX_CONCURRENT": str(limit), **env}
        self._opened = contextlib.ExitStack()
        self._changed = threading.Condition()
        self.events: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []

    def __enter__(self) -> StockContainer:
        with contextlib.ExitStack() as opened:
            self.folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="runner-"))
            python = str(python_with(f"modal=={self._version}", *FRAMEWORKS))
            self._listen(opened)
            self._open_door(opened, python)
            self._start(opened, python)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._opened.close()

    # What the tests do

    def ready(self) -> dict[str, Any]:
        """Waits until the runner says that it is ready."""
        return self.event("ready")

    def event(self, kind: str, name: str | None = None) -> dict[str, Any]:
        """Waits for an event."""
        found: list[dict[str, Any]] = []

        def happened() -> bool:
            found[:] = [each for each in self.events if each["event"] == kind and each.get("name") == name]
            return bool(found)

        self._until(happened, f"the event {kind}")
        return found[0]

    def called(self, call: str) -> list[dict[str, Any]]:
        """The calls of one kind at the door."""
        return [each for each in self.calls if each["call"] == call]

    def get(self, path: str = "/", method: str = "GET", name: str = "web", **options: Any) -> Answer:
        """One request on a connection of its own."""
        with contextlib.closing(self.connection(name)) as connection:
            connection.request(method, path, **options)
            return Answer(connection.getresponse())

    def connection(self, name: str = "web") -> UnixConnection:
        return UnixConnection(os.path.join(self.folder, f"{name}.sock"))

    def kill_switch(self) -> None:
        """What the node-agent does to drain a container."""
        assert self._door.stdin is not None
        self._door.stdin.write("kill\n")
        self._door.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait_until_caught(self, number: signal.Signals) -> None:
        """Waits until the process handles a signal."""

        def is_caught() -> bool:
            lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
            caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:"))
            return bool(caught >> (number - 1) & 1)

        self._until(is_caught, f"a handler of {number.name}")

    def exit_code(self) -> int:
        """Waits for the end."""
        return self._process.wait(PATIENCE_SECONDS)

    @property
    def output(self) -> str:
        return Path(self.folder, "output").read_text()

    def wait_for_output(self, text: str) -> None:
        self._until(lambda: text in self.output, f"{text!r} in the output")

    # What it is made of

    def _until(self, holds: Any, what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self._changed:
            while not holds():
                if time.monotonic() > deadline or (self._process.poll() is not None and self._settled()):
                    raise AssertionError(f"waited in vain for {what}\n{self.events}\n{self.calls}\n{self.output}")
                self._changed.wait(0.02)

    def _settled(self) -> bool:
        """Nothing more comes of a process that has ended a while ago."""
        now = time.monotonic()
        self._ended_at = getattr(self, "_ended_at", now)
        return now - self._ended_at > 1.0

    def _note(self, notes: list[dict[str, Any]], line: str) -> None:
        with self._changed:
            notes.append(json.loads(line))
            self._changed.notify_all()

    def _listen(self, opened: contextlib.ExitStack) -> None:
        listener = opened.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(os.path.join(self.folder, "events.sock"))
        listener.listen()

        def read() -> None:
            with contextlib.suppress(OSError), listener.accept()[0] as connection, connection.makefile() as lines:
                for line in lines:
                    self._note(self.events, line)

        threading.Thread(target=read, daemon=True).start()
        # Wakes a thread that still waits for a connection.
        opened.callback(listener.shutdown, socket.SHUT_RDWR)

    def _open_door(self, opened: contextlib.ExitStack, python: str) -> None:
        arguments = [os.path.join(self.folder, "door.sock"), os.path.join(self.folder, "arguments")]
        command = [python, str(HERE / "door.py"), *arguments, json.dumps(self._wanted)]
        self._door = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        opened.callback(self._close_door)
        assert self._door.stdout is not None
        lines = self._door.stdout
        self._note(self.calls, lines.readline())

        def read() -> None:
            for line in lines:
                self._note(self.calls, line)

        self._reader = threading.Thread(target=read, daemon=True)
        self._reader.start()

    def _close_door(self) -> None:
        assert self._door.stdin is not None and self._door.stdout is not None
        self._door.kill()
        self._door.wait()
        self._door.stdin.close()
        self._reader.join()
        self._door.stdout.close()

    def _start(self, opened: contextlib.ExitStack, python: str) -> None:
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(APPS),
            "MODAL_CONTAINER_ARGUMENTS_PATH": os.path.join(self.folder, "arguments"),
            "MODAL_SERVER_URL": f"unix://{self.folder}/door.sock",
            "MODAL_IS_REMOTE": "1",
            "MODAL_TASK_ID": "ta-TEST",
            "PORTICO_RUN_DIR": self.folder,
            **self._env,
        }
        command = [python, "-u", str(START)]
        with open(os.path.join(self.folder, "output"), "wb") as output:
            self._process = subprocess.Popen(
                command, cwd=self.folder, env=env, stdout=output, stderr=output, start_new_session=True
            )
        opened.callback(self._end)

    def _end(self) -> None:
        """Ends the process and what its app has started: a group of its own."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
