"""What the runner knows about its container: the web functions it serves, and whether it is ready, or has failed."""

from __future__ import annotations

import contextvars
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from .context_ids import SetIds
from .drain import Drain
from .events import Events
from .gate import Gate
from .server import Server
from .settings import Settings
from .web_function import FUNCTION_NAME, WebFunction

DEFAULT_GRACE_SECONDS = 300.0


class Container:
    """The web functions of this container and their common gate, and what the node-agent is told."""

    def __init__(self, settings: Settings, events: Events) -> None:
        self._settings = settings
        self._functions: list[WebFunction] = []
        self._drain: Drain | None = None
        self._told = False
        self.events = events
        self.gate = Gate(settings.max_concurrent)
        self.set_ids: SetIds = lambda _request_id: None
        self.grace_seconds = DEFAULT_GRACE_SECONDS if settings.drain_seconds is None else settings.drain_seconds

    def use_timeout(self, seconds: int) -> None:
        """The function's own limit: no request runs longer, so no drain has to, unless a setting says otherwise."""
        if seconds > 0 and self._settings.drain_seconds is None:
            self.grace_seconds = float(seconds)

    def add(self, function: WebFunction) -> None:
        """Serves a function from the end of its lifespan start-up to the beginning of its shutdown."""
        self._functions.append(function)
        lifespan = function.lifespan
        startup: Callable[[], Awaitable[None]] = lifespan.lifespan_startup
        shutdown: Callable[[], Awaitable[None]] = lifespan.lifespan_shutdown

        async def start_and_open() -> None:
            try:
                await startup()
            except Exception as error:
                # The kind of the error is the client's, the reason is the app's.
                error.args = (f"{error}: {function.notes[0]}",) if function.notes else error.args
                raise
            await self._open(function)

        def drain_and_stop() -> Awaitable[None]:
            # A SIGINT unwinds the stock entrypoint by this exception: it asks for the end now, not for a drain.
            hurried = isinstance(sys.exc_info()[1], KeyboardInterrupt)
            return self._drain_then(function, shutdown, 0.0 if hurried else self.grace_seconds)

        lifespan.lifespan_startup, lifespan.lifespan_shutdown = start_and_open, drain_and_stop

    def rename(self, lifespan: Any, name: str) -> None:
        """The client's own name for the function that has this lifespan; empty for one that is no method."""
        for function in self._functions:
            if function.lifespan is lifespan:
                function.name = name or FUNCTION_NAME

    def ready(self) -> None:
        """Everything has started. Said once."""
        if self._told:
            return
        self.started()
        ports = {function.name: function.port for function in self._functions if function.port}
        sockets = {function.name: function.socket_name for function in self._functions if function.server}
        self.events.tell("ready", sockets=sockets, port=next(iter(ports.values()), None), ports=ports)

    def started(self) -> None:
        """The user's start-up code has run; whether the container is ready is for others to say."""
        self._told = True
        self.events.phase("startup")

    def failed(self, error: BaseException | str) -> None:
        """The start has failed; nothing is said of what happens after the container was ready."""
        if self._told:
            return
        self._told = True
        if isinstance(error, BaseException):
            error = "".join(traceback.format_exception_only(type(error), error)).strip()
        self.events.tell("failed", message=error)

    async def _open(self, function: WebFunction) -> None:
        if not function.port:
            self.gate.use_context(contextvars.copy_context())
            function.server = Server(function.app, self.gate, function.lifespan.state, self.set_ids)
            await function.server.open(os.path.join(self._settings.run_dir, function.socket_name))
        function.started = True
        if all(each.started for each in self._functions):
            self.ready()

    async def _drain_then(self, function: WebFunction, shutdown: Callable[[], Awaitable[None]], grace: float) -> None:
        # Without a start there is nothing to stop; the client would wait for an answer, or fail a second time.
        if not function.started:
            return
        if self._drain is None:
            self._drain = Drain(self.gate, grace)
        with self._drain.hurried_by(signal.SIGTERM):
            await self._drain.run(function)
        await shutdown()
