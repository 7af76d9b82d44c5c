"""The official client in an environment of its own, made once per version and kept in the user's cache."""

from __future__ import annotations

import fcntl
import functools
import os
import subprocess
import sys
import venv
from pathlib import Path

NEWEST = "1.6.4"
OLDEST = "1.0.0"
FRAMEWORKS = ("fastapi", "flask")


@functools.cache
def python_with(version: str) -> str:
    """The path of a Python that can import this version of the client; fails with a sentence when pip does."""
    series = f"{sys.version_info.major}.{sys.version_info.minor}"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "portico" / "runner-tests" / f"modal-{version}-python-{series}"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        python = folder / "venv" / "bin" / "python"
        if not (folder / "complete").exists():
            venv.create(folder / "venv", clear=True, with_pip=True)
            _install(str(python), f"modal=={version}", *FRAMEWORKS)
            (folder / "complete").touch()
    return str(python)


def _install(python: str, *packages: str) -> None:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"These tests need {', '.join(packages)} from a Python package index, and pip could not install them: "
            f"{done.stderr.strip()[-2000:]}"
        )
