"""The start: what the user's code may find of the runner (nothing), and what the runner needs (only Python)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OURS = sorted(path.stem for path in (ROOT / "portico_runner").glob("*.py") if path.stem != "__init__")

# Stands in for the client's entrypoint and reports what user code would see.
ENTRYPOINT = """
    import importlib, json, sys
    seen = {}
    for name in NAMES:
        try:
            seen[name] = getattr(importlib.import_module(name), "WHOSE", "theirs")
        except ImportError:
            seen[name] = None
    print(json.dumps({"seen": seen, "path": sys.path, "name": __name__, "main": sys.modules["__main__"].__name__}))
"""
RUNTIME = """
    def construct_webhook_callable(user_callable, webhook_config, io_manager):
        raise AssertionError
"""


class Started(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="runner-")
        self.addCleanup(folder.cleanup)
        self.image = Path(folder.name).resolve()

    def write(self, name: str, text: str) -> None:
        path = self.image / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def client(self, names: list[str]) -> None:
        self.write("pkg/modal/__init__.py", "")
        self.write("pkg/modal/_runtime/__init__.py", "")
        self.write("pkg/modal/_runtime/user_code_imports.py", RUNTIME)
        self.write("pkg/modal/_container_entrypoint.py", f"NAMES = {names!r}\n" + textwrap.dedent(ENTRYPOINT))

    def start(self, *flags: str, start: Path = ROOT / "start.py", **env: str) -> Any:
        path = os.pathsep.join((str(self.image / "pkg"), str(self.image / "root")))
        (self.image / "work").mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, *flags, str(start)],
            cwd=self.image / "work",
            env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "PORTICO_RUN_DIR": str(self.image), **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_user_code_sees_its_own_modules_under_the_names_of_ours(self) -> None:
        names = ["start", "portico_runner", "uvicorn", "h11", "starlette", *OURS]
        for name in names:
            self.write(f"root/{name}.py", "WHOSE = 'the user\\'s'")
        self.client(names)
        self.assertEqual(self.start()["seen"], dict.fromkeys(names, "the user's"))

    def test_user_code_finds_nothing_of_ours(self) -> None:
        names = ["start", "portico_runner", "uvicorn", "h11", "starlette", *OURS]
        self.client(names)
        self.assertEqual(self.start()["seen"], dict.fromkeys(names))

    def test_the_search_path_is_that_of_the_stock_entrypoint(self) -> None:
        self.client([])
        started = self.start()
        first = [str(self.image / name) for name in ("work", "pkg", "root")]
        self.assertEqual(started["path"][:3], first)
        self.assertNotIn(str(ROOT), started["path"])
        self.assertEqual((started["name"], started["main"]), ("__main__", "__main__"))
        if sys.version_info >= (3, 11):
            self.assertEqual(self.start("-P")["path"][:2], first[1:])

    def test_dependencies_come_last(self) -> None:
        self.client([])
        self.write(
            "runner/start.py", (ROOT / "start.py").read_text().replace("/__modal/deps", str(self.image / "deps"))
        )
        (self.image / "runner" / "portico_runner").symlink_to(ROOT / "portico_runner")
        (self.image / "deps").mkdir()
        self.assertEqual(self.start(start=self.image / "runner" / "start.py")["path"][-1], str(self.image / "deps"))

    def test_old_or_broken_servers_in_the_image_do_no_harm(self) -> None:
        for name in ("uvicorn", "h11", "starlette", "wsproto", "websockets", "httptools", "uvloop", "anyio"):
            self.write(f"root/{name}/__init__.py", "raise RuntimeError('nobody may import this')")
        self.client([])
        self.start()

    def test_the_runner_imports_the_standard_library_only(self) -> None:
        program = textwrap.dedent(
            f"""
            import sys
            sys.path.insert(0, {str(ROOT)!r})
            import portico_runner.entry
            print(sorted({{name.partition(".")[0] for name in sys.modules}} - sys.stdlib_module_names))
            """
        )
        done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.strip(), "['__main__', 'portico_runner']")

    def test_a_client_that_is_missing_is_a_failure_with_its_reason(self) -> None:
        done = subprocess.run(
            [sys.executable, "-I", str(ROOT / "start.py")], capture_output=True, text=True, timeout=60, check=False
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("No module named 'modal'", done.stderr)
