"""The runner's program: patches the client's runtime, then becomes its container entrypoint."""

from __future__ import annotations

import runpy

from .container import Container
from .events import Events
from .patches import patch
from .settings import read_settings

ENTRYPOINT = "modal._container_entrypoint"


def run(started_at: float) -> None:
    """Runs the stock entrypoint to its end; an exit before the container was ready is told as a failure."""
    settings = read_settings()
    events = Events(settings.run_dir)
    events.phase("python", started_at)
    container = Container(settings, events)
    try:
        patch(container)
        events.phase("imports")
        runpy.run_module(ENTRYPOINT, run_name="__main__", alter_sys=True)
    except BaseException as error:
        container.failed(error)
        raise
    container.failed("the container's program ended before it was ready")
