"""Start, end and failure of containers with the newest client."""

from __future__ import annotations

import signal
import socket
import threading
import time
import unittest
from collections.abc import Callable
from contextlib import closing
from typing import Any

from .container import Answer, StockContainer
from .test_web import ASGI, CLASS, FASTAPI

PLAIN = {"module": "web_app", "name": "plain"}
SERVER = {"module": "server_app", "name": "Srv.*", "server": 8123}


def port_function(name: str) -> dict[str, Any]:
    webhook = {"type": "WEB_SERVER", "port": free_port(), "startup_timeout": 1 if name != "everywhere" else 10}
    return {"module": "port_app", "name": name, "webhook": webhook}


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


def meanwhile(work: Callable[[], Answer]) -> Callable[[], Answer]:
    """Starts a request; the result is had by calling what this returns."""
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(work()))
    thread.start()

    def result() -> Answer:
        thread.join()
        return answers[0]

    return result


class Ports(unittest.TestCase):
    def run_container(self, name: str) -> StockContainer:
        wanted = port_function(name)
        port = wanted["webhook"]["port"]
        container = StockContainer(wanted, TEST_PORT=str(port))
        self.enter(container)
        self.port = port
        return container

    def enter(self, container: StockContainer) -> None:
        container.__enter__()
        self.addCleanup(container.__exit__)

    def test_a_web_server_is_told_by_its_port_and_opens_no_socket(self) -> None:
        container = self.run_container("everywhere")
        told = container.ready()
        self.assertEqual((told["port"], told["ports"], told["sockets"]), (self.port, {"web": self.port}, {}))
        with closing(socket.create_connection(("127.0.0.1", self.port))) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.assertIn(b"200 OK", connection.recv(65536))
        container.kill_switch()
        self.assertEqual(container.exit_code(), 0)

    def test_one_that_listens_on_the_loopback_only_is_told_so(self) -> None:
        container = self.run_container("loopback")
        message = container.event("failed")["message"]
        self.assertIn(f"127.0.0.1:{self.port} only", message)
        self.assertEqual(container.exit_code(), 0)
        self.assertIn("Bind it to 0.0.0.0", container.called("TaskResult")[0]["exception"])

    def test_one_that_never_listens_is_told_so(self) -> None:
        container = self.run_container("silent")
        self.assertIn(f"Nothing listened on port {self.port} within 1 seconds", container.event("failed")["message"])
        self.assertEqual(container.exit_code(), 0)
        self.assertEqual(len(container.called("TaskResult")), 1)


class OtherKinds(unittest.TestCase):
    def test_a_plain_function_is_ready_when_it_asks_for_inputs(self) -> None:
        with StockContainer(PLAIN) as container:
            self.assertEqual(container.ready()["sockets"], {})
            container.kill_switch()
            self.assertEqual(container.exit_code(), 0)

    def test_a_server_class_tells_its_phases_only(self) -> None:
        with StockContainer(SERVER) as container:
            container.event("phase", "startup")
            container.wait_until_caught(signal.SIGTERM)
            self.assertEqual(len(container.called("ContainerServerLifecycleReady")), 1)
            container.signal(signal.SIGTERM)
            self.assertEqual(container.exit_code(), 0)
            self.assertIn("SERVER exit", container.output)
            self.assertEqual({each["event"] for each in container.events}, {"phase"})


class Failures(unittest.TestCase):
    def fails(self, wanted: dict[str, Any], message: str) -> StockContainer:
        with StockContainer(wanted) as container:
            self.assertRegex(container.event("failed")["message"], message)
            self.assertEqual(container.exit_code(), 0)
            self.assertEqual([each["status"] for each in container.called("TaskResult")], [2])
            self.assertEqual([each["event"] for each in container.events if each["event"] != "phase"], ["failed"])
        return container

    def test_an_import_error(self) -> None:
        wanted = {"module": "broken_app", "name": "hello", "webhook": {"type": "FUNCTION"}}
        self.fails(wanted, "^ModuleNotFoundError: No module named 'a_package_that_nobody_has'$")

    def test_an_enter_hook_that_raises(self) -> None:
        self.fails(
            {"module": "web_app", "name": "Broken.*", "methods": ["one"]}, "^RuntimeError: enter hook is broken$"
        )

    def test_a_lifespan_that_fails_gives_its_reason(self) -> None:
        wanted = {"module": "web_app", "name": "bad_lifespan", "webhook": {"type": "ASGI_APP"}}
        self.fails(wanted, "ASGI lifespan startup failed: RuntimeError: no lifespan today$")

    def test_a_definition_whose_event_loop_would_not_run(self) -> None:
        self.fails({**FASTAPI, "max_concurrent_inputs": 0}, "max_concurrent_inputs below 2")

    def test_a_door_that_is_gone_is_a_failure_too(self) -> None:
        with StockContainer(FASTAPI, MODAL_CONTAINER_ARGUMENTS_PATH="/nowhere") as container:
            self.assertIn("/nowhere", container.event("failed")["message"])
            self.assertEqual(container.exit_code(), 1)


class Drain(unittest.TestCase):
    def test_what_runs_ends_and_then_the_stock_shutdown_follows(self) -> None:
        with StockContainer(ASGI) as container:
            container.ready()
            running = meanwhile(lambda: container.get("/slow?seconds=1"))
            with closing(container.connection()) as idle:
                idle.request("GET", "/slow?seconds=0")
                self.assertEqual(Answer(idle.getresponse()).status, 200)
                self.drain(container)
                idle.request("GET", "/slow?seconds=0")
                refused = Answer(idle.getresponse())
            self.assertEqual((refused.status, refused.headers["portico-busy"]), (503, "1"))
            got = running()
            self.assertEqual((got.status, got.headers["connection"]), (200, "close"))
            self.assertEqual(container.exit_code(), 0)
            self.assertIn("LIFESPAN stop", container.output)
            self.assertNotIn("Traceback", container.output)

    def drain(self, container: StockContainer) -> None:
        """Until the container says that it is busy."""
        container.kill_switch()
        deadline = time.monotonic() + 5
        while container.get("/slow?seconds=0").status == 200 and time.monotonic() < deadline:
            pass

    def test_exit_hooks_run_after_the_drain(self) -> None:
        with StockContainer(CLASS) as container:
            container.ready()
            self.assertEqual(container.get(name="two").status, 200)
            since = time.monotonic()
            container.kill_switch()
            self.assertEqual(container.exit_code(), 0)
            self.assertGreater(time.monotonic() - since, 0.5)
            self.assertTrue(container.output.endswith("EXIT hook\n"), container.output)

    def test_requests_that_outlast_the_grace_are_cut_off(self) -> None:
        with StockContainer({**ASGI, "timeout": 1}) as container:
            container.ready()
            running = meanwhile(lambda: container.get("/slow?seconds=60"))
            self.drain(container)
            self.assertEqual(running().status, 500)
            self.assertEqual(container.exit_code(), 0)
            self.assertIn("LIFESPAN stop", container.output)

    def test_signals_end_it_sooner(self) -> None:
        for number, first in ((signal.SIGINT, None), (signal.SIGTERM, self.drain)):
            with self.subTest(number=number), StockContainer(ASGI) as container:
                container.ready()
                running = meanwhile(lambda container=container: container.get("/slow?seconds=60"))
                self.assertEqual(container.get("/slow?seconds=0").status, 200)
                if first:
                    first(container)
                container.signal(number)
                self.assertEqual(running().status, 500)
                self.assertEqual(container.exit_code(), 0)
                self.assertIn("LIFESPAN stop", container.output)


class Limit(unittest.TestCase):
    def test_the_users_own_limit_is_kept_although_the_client_is_told_of_more(self) -> None:
        with StockContainer(ASGI, limit=1) as container:
            container.ready()
            with closing(container.connection()) as connection:
                connection.request("GET", "/slow?seconds=0.5")
                refused = [container.get("/slow?seconds=0") for _ in range(3)]
                self.assertEqual(Answer(connection.getresponse()).status, 200)
            self.assertEqual([got.status for got in refused], [503] * 3)
            self.assertEqual(container.get("/slow?seconds=0").status, 200)
