"""Starts the runner in a user's container without leaving a trace on the module search path."""

import importlib.util
import os
import sys
import time

STARTED_AT = time.time()
HERE = os.path.dirname(os.path.abspath(__file__))

# `python /__portico/runner/start.py` put our folder first: user code must not see it.
if sys.path and os.path.abspath(sys.path[0]) == HERE:
    del sys.path[0]
# Modal's run-time dependencies come last, so that whatever the image has installed wins.
if os.path.isdir("/__modal/deps") and "/__modal/deps" not in sys.path:
    sys.path.append("/__modal/deps")

spec = importlib.util.spec_from_file_location(
    "portico_runner",
    os.path.join(HERE, "portico_runner", "__init__.py"),
    submodule_search_locations=[os.path.join(HERE, "portico_runner")],
)
package = importlib.util.module_from_spec(spec)
sys.modules["portico_runner"] = package
spec.loader.exec_module(package)

from portico_runner.entry import run  # noqa: E402

run(STARTED_AT)
