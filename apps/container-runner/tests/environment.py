"""Python environments with packages from the index: made once, kept in the user's cache."""

from __future__ import annotations

import fcntl
import functools
import os
import subprocess
import sys
import venv
from pathlib import Path


@functools.cache
def python_with(*packages: str) -> Path:
    """The Python of an environment that has these packages; fails with a sentence when pip does."""
    series = f"{sys.version_info.major}.{sys.version_info.minor}"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "portico" / "runner-tests" / f"{'-'.join(packages).replace('==', '-')}-python-{series}"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        python = folder / "venv" / "bin" / "python"
        if not (folder / "complete").exists():
            venv.create(folder / "venv", clear=True, with_pip=True)
            _install(python, packages)
            (folder / "complete").touch()
    return python


def _install(python: Path, packages: tuple[str, ...]) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"{', '.join(packages)} are needed from a Python package index, and pip could not install them: "
            f"{done.stderr.strip()[-2000:]}"
        )
