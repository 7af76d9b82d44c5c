"""What the node-agent tells the runner by environment variables; the only place that reads them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

DEFAULT_RUN_DIR = "/__portico/run"


class Settings(NamedTuple):
    """The runner's settings."""

    run_dir: str
    """Folder of door.sock and events.sock; the web sockets are made there."""

    max_concurrent: int
    """The user's real limit of requests at once, at least 1."""

    drain_seconds: float | None
    """How long running requests may take to end once the container drains; None: the function's timeout."""


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Reads the settings; what is missing or malformed gets its default, since a container should start."""
    limit = _number(environ.get("PORTICO_MAX_CONCURRENT"))
    return Settings(
        run_dir=environ.get("PORTICO_RUN_DIR") or DEFAULT_RUN_DIR,
        max_concurrent=max(1, int(limit or 1)),
        drain_seconds=_number(environ.get("PORTICO_DRAIN_SECONDS")),
    )


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
