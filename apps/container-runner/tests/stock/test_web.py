"""Web functions of every kind with the newest client."""

from __future__ import annotations

import socket
import unittest
from contextlib import closing
from typing import Any

from portico_runner.frames import CLOSE, TEXT

from ..websocket_support import UPGRADE, frame
from .container import StockContainer

FASTAPI = {"module": "web_app", "name": "hello", "webhook": {"type": "FUNCTION", "method": "GET"}}
ASGI = {"module": "web_app", "name": "life", "webhook": {"type": "ASGI_APP"}}
WSGI = {"module": "web_app", "name": "flask", "webhook": {"type": "WSGI_APP"}}
CLASS = {"module": "web_app", "name": "Model.*", "methods": ["one", "two"]}
PRIVATE = {"portico-client-address": "9.8.7.6:54", "portico-request-id": "01ABC", "traceparent": "00-a-b-01"}


class ContainerCase(unittest.TestCase):
    """Tests that share one container."""

    wanted: dict[str, Any]

    @classmethod
    def setUpClass(cls) -> None:
        cls.container = cls.enterClassContext(StockContainer(cls.wanted))
        cls.told = cls.container.ready()

    if not hasattr(unittest.TestCase, "enterClassContext"):  # Python 3.10

        @classmethod
        def enterClassContext(cls, context: Any) -> Any:  # noqa: N802
            cls.addClassCleanup(context.__exit__, None, None, None)
            return context.__enter__()


class FastapiEndpoint(ContainerCase):
    wanted = FASTAPI

    def test_it_answers_as_on_modal(self) -> None:
        got = self.container.get("/?name=bob", headers=PRIVATE)
        self.assertEqual(got.json, {"hello": "bob", "local": False, "input": "in-01ABC"})
        self.assertEqual(self.container.get("/", "POST").status, 405)
        self.assertEqual(self.container.get("/", "HEAD").status, 405)
        self.assertEqual(self.container.get("/nowhere").status, 404)

    def test_cross_origin_requests_are_allowed(self) -> None:
        got = self.container.get(headers={"origin": "https://b.test"})
        self.assertEqual(got.headers["access-control-allow-origin"], "https://b.test")

    def test_what_is_told(self) -> None:
        self.assertEqual(self.told["sockets"], {"web": "web.sock"})
        self.assertIsNone(self.told["port"])
        phases = [each["name"] for each in self.container.events if each["event"] == "phase"]
        self.assertEqual(phases, ["python", "imports", "code", "startup"])
        times = [each["at"] for each in self.container.events]
        self.assertEqual(times, sorted(times))

    def test_the_door_hears_of_no_request(self) -> None:
        self.container.get()
        self.assertEqual(
            {each["call"] for each in self.container.calls}, {"listening", "ContainerHello", "FunctionGetInputs"}
        )


class AsgiApp(ContainerCase):
    wanted = ASGI

    def test_state_client_and_headers(self) -> None:
        got = self.container.get("/slow?seconds=0", headers=PRIVATE)
        self.assertEqual((got.json["state"], got.json["client"]), (42, "9.8.7.6"))
        self.assertEqual(got.json["headers"]["traceparent"], "00-a-b-01")
        self.assertFalse([name for name in got.json["headers"] if name.startswith("portico-")])
        self.assertEqual(got.headers["x-marked"], "yes")

    def test_bodies_of_both_framings(self) -> None:
        data = b"x" * 3_000_000
        for body, chunked in ((data, False), (iter([data[:5], data[5:]]), True)):
            got = self.container.get("/size", "POST", body=body, encode_chunked=chunked, headers=PRIVATE)
            self.assertEqual(got.json, {"size": len(data), "input": "in-01ABC", "call": "fc-01ABC"})

    def test_a_stream_comes_in_parts(self) -> None:
        with closing(self.container.connection()) as connection:
            connection.request("GET", "/stream")
            response = connection.getresponse()
            self.assertEqual([response.readline() for _ in range(3)], [b"part 0\n", b"part 1\n", b"part 2\n"])

    def test_one_connection_serves_many_requests(self) -> None:
        with closing(self.container.connection()) as connection:
            for number in range(20):
                connection.request("POST", "/size", body=b"x" * number)
                self.assertIn(b'{"size":%d,' % number, connection.getresponse().read())

    def test_an_exception_is_a_500_and_shown(self) -> None:
        got = self.container.get("/boom")
        self.assertEqual((got.status, got.body), (500, b"Internal Server Error"))
        self.container.wait_for_output("ValueError: boom in a handler")

    def test_websockets(self) -> None:
        with closing(self.container.connection()) as connection:
            connection.connect()
            sock: socket.socket = connection.sock
            sock.sendall(f"GET /ws HTTP/1.1\r\nhost: a.test\r\n{UPGRADE}\r\n".encode() + frame(TEXT, b"hello"))
            got = b""
            while b"bye" not in got:
                got += sock.recv(65536)
            self.assertTrue(got.startswith(b"HTTP/1.1 101 "))
            self.assertIn(bytes((0x80 | TEXT, 10)) + b"echo hello", got)
            self.assertTrue(got.endswith(bytes((0x80 | CLOSE, 5)) + (4001).to_bytes(2, "big") + b"bye"))


class WsgiApp(ContainerCase):
    wanted = WSGI

    def test_it_answers(self) -> None:
        self.assertEqual(self.container.get("/?q=hi", headers=PRIVATE).body, b"flask hi 9.8.7.6 in-01ABC")

    def test_uploads_of_both_framings(self) -> None:
        data = b"x" * 1_000_000
        self.assertEqual(self.container.get("/upload", "POST", body=data).body, b"1000000 None")
        chunks = iter([data[:1], data[1:]])
        self.assertEqual(self.container.get("/upload", "POST", body=chunks, encode_chunked=True).body, b"1000000 None")

    def test_generators_stream(self) -> None:
        got = self.container.get("/parts")
        self.assertEqual((got.body, got.headers["transfer-encoding"]), (b"part 0\npart 1\npart 2\n", "chunked"))

    def test_handlers_run_in_threads_at_once(self) -> None:
        self.assertTrue(self.container.get("/thread").body.startswith(b"WSGI"))

    def test_failures(self) -> None:
        self.assertEqual(self.container.get("/boom").status, 500)
        self.container.wait_for_output("ValueError: boom in flask")
        for _ in range(12):
            # More often than there are slots: none is lost when the response breaks off.
            self.assertEqual(self.container.get("/length").body, b"too")
        self.assertEqual(self.container.get("/?q=still").status, 200)


class ClassWithMethods(ContainerCase):
    wanted = CLASS

    def test_each_method_has_its_socket(self) -> None:
        self.assertEqual(self.told["sockets"], {"one": "one.sock", "two": "two.sock"})
        self.assertEqual(self.container.get("/?q=3", name="one").json, {"one": 21})
        self.assertEqual(self.container.get(name="two").body, b"two 7")
