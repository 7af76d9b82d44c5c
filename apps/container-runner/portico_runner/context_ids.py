"""The ids that `modal.current_input_id()` and its like give inside a request, whatever the client's version."""

from __future__ import annotations

import inspect
import itertools
import time
from collections.abc import Callable

SetIds = Callable[[str], None]
"""Sets the ids of the request that the running task serves, from the router's name for it (may be empty)."""


def context_ids_setter() -> SetIds:
    """Finds the client's way to set the ids; without one, nothing is set."""
    try:
        from modal._runtime.execution_context import _set_current_context_ids as set_ids
    except ImportError:
        return lambda _request_id: None
    # Inputs and calls up to client 1.0, then also attempt tokens.
    count = len(inspect.signature(set_ids).parameters)
    numbers = itertools.count(1)
    since = int(time.time() * 1000)

    def set_for(request_id: str) -> None:
        opaque = _opaque(request_id) or f"{since:x}{next(numbers):x}"
        set_ids(*([f"in-{opaque}"], [f"fc-{opaque}"], [""])[:count])

    return set_for


def _opaque(request_id: str) -> str:
    """What follows the prefix: ids hold exactly one dash."""
    if request_id.startswith(("fc-", "in-")):
        request_id = request_id[3:]
    return request_id.replace("-", "")
