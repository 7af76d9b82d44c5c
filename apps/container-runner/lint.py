"""Lints and checks the format of the runner with a pinned ruff: `python3 lint.py`."""

import subprocess
import sys
from pathlib import Path

from tests.environment import python_with

RUFF = "ruff==0.17.6"


def main() -> int:
    """Runs both; 1 if either complains."""
    ruff = python_with(RUFF).with_name("ruff")
    here = Path(__file__).resolve().parent
    commands = (["check", "--quiet", "--no-cache"], ["format", "--check", "--quiet", "--no-cache"])
    return max(subprocess.run([ruff, *command, here], check=False).returncode for command in commands)


if __name__ == "__main__":
    sys.exit(main())
