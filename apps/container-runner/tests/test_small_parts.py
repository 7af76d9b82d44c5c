"""Settings, ids, ports: the small parts."""

from __future__ import annotations

import socket
import sys
import types
import unittest
from typing import Any

from portico_runner.context_ids import context_ids_setter
from portico_runner.patches import terminated
from portico_runner.ports import address_or_loopback, clear_about_loopback, count_connections
from portico_runner.settings import DEFAULT_RUN_DIR, Settings, read_settings
from portico_runner.web_function import WebFunction


class ReadSettings(unittest.TestCase):
    def test_defaults(self) -> None:
        self.assertEqual(read_settings({}), Settings(DEFAULT_RUN_DIR, 1, None))

    def test_values(self) -> None:
        environ = {"PORTICO_RUN_DIR": "/r", "PORTICO_MAX_CONCURRENT": "8", "PORTICO_DRAIN_SECONDS": "0.5"}
        self.assertEqual(read_settings(environ), Settings("/r", 8, 0.5))

    def test_nonsense_is_the_default(self) -> None:
        for text in ("", "-3", "0", "many", "nan", "inf"):
            environ = {"PORTICO_MAX_CONCURRENT": text, "PORTICO_DRAIN_SECONDS": "nan"}
            self.assertEqual(read_settings(environ), Settings(DEFAULT_RUN_DIR, 1, None), text)


class ContextIds(unittest.TestCase):
    def client(self, set_ids: Any) -> None:
        module = types.ModuleType("modal._runtime.execution_context")
        module._set_current_context_ids = set_ids  # type: ignore[attr-defined]
        names = {"modal": types.ModuleType("modal"), "modal._runtime": types.ModuleType("modal._runtime")}
        sys.modules.update({**names, "modal._runtime.execution_context": module})
        for name in (*names, "modal._runtime.execution_context"):
            self.addCleanup(sys.modules.pop, name, None)

    def test_two_lists_and_three(self) -> None:
        calls: list[Any] = []
        self.client(lambda inputs, functions: calls.append((inputs, functions)))
        context_ids_setter()("01ABC")
        self.client(lambda inputs, functions, tokens: calls.append((inputs, functions, tokens)))
        context_ids_setter()("fc-01ABC")
        context_ids_setter()("1-2-3")
        self.assertEqual(calls[0], (["in-01ABC"], ["fc-01ABC"]))
        self.assertEqual(calls[1], (["in-01ABC"], ["fc-01ABC"], [""]))
        self.assertEqual(calls[2][0], ["in-123"])

    def test_without_a_name_each_request_has_its_own(self) -> None:
        calls: list[str] = []
        self.client(lambda inputs, functions: calls.extend(inputs))
        set_ids = context_ids_setter()
        set_ids("")
        set_ids("")
        self.assertEqual(len(set(calls)), 2)
        self.assertTrue(all(call.startswith("in-") and call.count("-") == 1 for call in calls))

    def test_a_client_without_ids_is_fine(self) -> None:
        self.assertIsNone(context_ids_setter()("x"))


class Ports(unittest.TestCase):
    def listen(self, address: str) -> socket.socket:
        listener = socket.create_server((address, 0))
        self.addCleanup(listener.close)
        return listener

    def test_a_container_without_a_network_has_its_loopback(self) -> None:
        def stock(interface: bytes) -> str:
            if interface != b"eth0":
                raise OSError("no such device")
            return "10.0.0.2"

        self.assertEqual(address_or_loopback(stock)(b"eth0"), "10.0.0.2")
        self.assertEqual(address_or_loopback(stock)(b"eth1"), "127.0.0.1")

    def test_what_is_wrong_is_said(self) -> None:
        def stock(host: str, port: int, *, timeout: float) -> None:
            raise TimeoutError("the client's own text")

        wait = clear_about_loopback(stock)
        port = self.listen("127.0.0.1").getsockname()[1]
        with self.assertRaisesRegex(TimeoutError, f"127.0.0.1:{port} only.*0.0.0.0"):
            wait("127.0.0.2", port, timeout=1)
        with self.assertRaisesRegex(TimeoutError, "Nothing listened on port 1 within 2.5 seconds"):
            wait("127.0.0.2", 1, timeout=2.5)

    def test_a_port_that_opens_is_fine(self) -> None:
        self.assertIsNone(clear_about_loopback(lambda host, port, *, timeout: None)("127.0.0.1", 1, timeout=1))

    def test_connections_to_a_port_are_counted(self) -> None:
        listener = self.listen("127.0.0.1")
        address = listener.getsockname()
        self.assertEqual(count_connections(address[1]), 0)
        with socket.create_connection(address):
            accepted, _ = listener.accept()
            self.assertEqual(count_connections(address[1]), 1)
            accepted.close()


class Names(unittest.TestCase):
    def test_sockets_are_short_and_plain(self) -> None:
        def socket_name(name: str) -> str:
            return WebFunction(name, None, None, 0).socket_name  # type: ignore[arg-type]

        self.assertEqual(socket_name("predict"), "predict.sock")
        for name in ("größe", "x" * 200, "a-b", "../up"):
            # What the node-agent takes for the name of a socket.
            self.assertRegex(socket_name(name), r"^[A-Za-z0-9_]{1,40}\.sock$")
        self.assertNotEqual(socket_name("größe"), socket_name("grösse"))


class Wsgi(unittest.TestCase):
    def test_an_app_reads_bodies_without_a_length(self) -> None:
        seen: dict[str, Any] = {}
        terminated(lambda environ, start: seen.update(environ))({"HTTP_TRANSFER_ENCODING": "chunked", "X": 1}, None)  # type: ignore[arg-type]
        self.assertEqual(seen, {"wsgi.input_terminated": True, "X": 1})
