"""The stock entrypoint with one function replaced: where a web application is wrapped, ours opens a server for it."""

from __future__ import annotations

import inspect
import itertools
import os
import runpy
import time
from typing import Any, Callable

from .events import Events
from .gate import Gate
from .server import Server


class Runner:
    """What the replaced functions share."""

    def __init__(self, run_dir: str, limit: int, events: Events) -> None:
        self.run_dir = run_dir
        self.gate = Gate(limit)
        self.events = events
        self.sockets: dict[str, str] = {}
        self.pending_name = ""
        self.pending_port = 0

    def tell_ready(self) -> None:
        """Told again whenever a further web method is served; the last word holds all of them."""
        self.events.tell("ready", sockets=self.sockets, port=self.pending_port or None)


def run(started_at: float) -> None:
    """Patches the client's runtime, then becomes it."""
    run_dir = os.environ.get("PORTICO_RUN_DIR", "/__portico/run")
    events = Events(run_dir)
    events.phase("python", started_at)
    runner = Runner(run_dir, max(1, int(os.environ.get("PORTICO_MAX_CONCURRENT", "1"))), events)
    _patch_web(runner)
    events.phase("imports")
    try:
        runpy.run_module("modal._container_entrypoint", run_name="__main__", alter_sys=True)
    except SystemExit:
        raise
    except BaseException as error:
        events.tell("failed", message=repr(error))
        raise


def _patch_web(runner: Runner) -> None:
    import modal._runtime.asgi as asgi
    import modal._runtime.user_code_imports as imports

    stock_construct = imports.construct_webhook_callable
    stock_wrapper = asgi.asgi_app_wrapper

    def construct(user_defined_callable: Any, webhook_config: Any, container_io_manager: Any) -> Any:
        name = getattr(user_defined_callable, "__name__", "")
        runner.pending_name = name if inspect.ismethod(user_defined_callable) else ""
        runner.pending_port = webhook_config.web_server_port
        return stock_construct(user_defined_callable, webhook_config, container_io_manager)

    def wrap(app: Any, container_io_manager: Any) -> Any:
        callable_, lifespan = stock_wrapper(app, container_io_manager)
        _serve_beside(runner, app, lifespan, runner.pending_name, runner.pending_port)
        return callable_, lifespan

    imports.construct_webhook_callable = construct
    asgi.asgi_app_wrapper = wrap


def _serve_beside(runner: Runner, app: Any, lifespan: Any, name: str, port: int) -> None:
    """Opens the server after the app's lifespan start-up and drains it before its shutdown."""
    stock_startup, stock_shutdown = lifespan.lifespan_startup, lifespan.lifespan_shutdown
    file_name = f"{name or 'web'}.sock"
    server = Server(app, os.path.join(runner.run_dir, file_name), runner.gate, lifespan.state, _context_setter())

    async def startup() -> None:
        await stock_startup()
        runner.events.phase("startup")
        if not port:
            await server.open()
            runner.sockets[name] = file_name
        runner.tell_ready()

    async def shutdown() -> None:
        await server.close()
        await stock_shutdown()

    lifespan.lifespan_startup, lifespan.lifespan_shutdown = startup, shutdown


def _context_setter() -> Callable[[str], Callable[[], None]]:
    """Sets the ids that `modal.current_input_id()` and its like give, whatever the client's version."""
    try:
        from modal._runtime import execution_context

        set_ids = execution_context._set_current_context_ids
        count = len(inspect.signature(set_ids).parameters)
    except (ImportError, AttributeError):
        return lambda _request_id: lambda: None
    numbers = itertools.count(1)

    def set_context(request_id: str) -> Callable[[], None]:
        opaque = request_id or f"{int(time.time() * 1000):x}{next(numbers):x}"
        return set_ids(*([f"in-{opaque}"], [f"fc-{opaque}"], [""])[:count])

    return set_context
