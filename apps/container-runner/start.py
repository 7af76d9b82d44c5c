"""Starts the runner in a user's container: `python /__portico/runner/start.py`.

Python puts this file's folder first on the search path. User code must neither see it nor be hidden by it, so
it is replaced by what `python -m modal._container_entrypoint` would have put there, and the package is loaded
from its place under a name that no distribution has.
"""

import sys
import time

STARTED_AT = time.time()
PACKAGE = "_portico_runner"
DEPENDENCIES = "/__modal/deps"


def clean_search_path() -> str:
    """Leaves sys.path as the stock entrypoint would find it; returns the folder of this file."""
    import os

    here = os.path.dirname(os.path.abspath(__file__))
    if not getattr(sys.flags, "safe_path", False) and sys.path and os.path.abspath(sys.path[0]) == here:
        sys.path[0] = os.getcwd()
    # Last, so that whatever version the image has installed wins.
    if DEPENDENCIES not in sys.path and os.path.isdir(DEPENDENCIES):
        sys.path.append(DEPENDENCIES)
    return here


def load_package(here: str) -> None:
    """Makes the package importable without a search path that leads to it."""
    import importlib.util
    import os

    folder = os.path.join(here, "portico_runner")
    place = os.path.join(folder, "__init__.py")
    spec = importlib.util.spec_from_file_location(PACKAGE, place, submodule_search_locations=[folder])
    if spec is None or spec.loader is None:
        raise ImportError(f"the runner is not at {folder}")
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)


def main() -> None:
    """Becomes Modal's container entrypoint, with HTTP served beside it."""
    load_package(clean_search_path())
    from importlib import import_module

    import_module(f"{PACKAGE}.entry").run(STARTED_AT)


if __name__ == "__main__":
    main()
