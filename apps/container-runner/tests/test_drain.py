"""The end of a container: nothing new, what runs ends, the router notices, then the stock shutdown."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from typing import Any

from portico_runner.container import Container
from portico_runner.drain import LINGER_SECONDS
from portico_runner.events import Events
from portico_runner.settings import Settings
from portico_runner.web_function import WebFunction

from .support import Client, ServerCase, answer, request, soon, until


class Lifespan:
    """What the client's LifespanManager offers."""

    def __init__(self, log: list[str], name: str, fails: bool = False) -> None:
        self.state: dict[str, Any] = {"name": name}
        self._log = log
        self._name = name
        self._fails = fails

    async def lifespan_startup(self) -> None:
        if self._fails:
            raise RuntimeError("no start")
        self._log.append(f"start {self._name}")

    async def lifespan_shutdown(self) -> None:
        self._log.append(f"stop {self._name}")


class ContainerCase(ServerCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.log: list[str] = []
        self.go = asyncio.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(self.folder, "events.sock"))
        self.listener.listen()
        self.listener.settimeout(5)
        self.addCleanup(self.listener.close)

    def container(self, drain_seconds: float | None = None) -> Container:
        container = Container(Settings(self.folder, 2, drain_seconds), Events(self.folder))
        self.gate = container.gate
        return container

    def add(self, container: Container, name: str, port: int = 0, fails: bool = False) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/slow":
                await self.go.wait()
            self.log.append(f"answer {name}")
            await answer(send, scope["state"]["name"].encode())

        lifespan = Lifespan(self.log, name, fails)
        container.add(WebFunction(name, app, lifespan, port, ["the reason"] if fails else []))
        return lifespan

    def events(self) -> list[dict[str, Any]]:
        connection, _ = self.listener.accept()
        with connection:
            connection.settimeout(0.2)
            data = b""
            try:
                while more := connection.recv(65536):
                    data += more
            except TimeoutError:
                pass
        return [json.loads(line) for line in data.splitlines()]


class Draining(ContainerCase):
    async def slow_request(self, name: str = "web.sock") -> Client:
        client = await self.connect(name)
        await client.send(request(path="/slow"))
        await until(lambda: self.gate.running > 0)
        return client

    async def test_running_requests_end_and_new_ones_go_elsewhere(self) -> None:
        container = self.container()
        lifespan = self.add(container, "web")
        await lifespan.lifespan_startup()
        idle, running = await self.connect(), await self.slow_request()
        shutdown = asyncio.ensure_future(lifespan.lifespan_shutdown())
        await until(lambda: self.gate.draining)
        for client in (idle, await self.connect()):
            got = await client.get()
            self.assertEqual((got.status, got.headers["portico-busy"]), (503, "1"))
            self.assertEqual(got.headers["connection"], "close")
            self.assertEqual(await client.ended(), b"")
        self.go.set()
        got = await running.response()
        self.assertEqual((got.body, got.headers["connection"]), (b"web", "close"))
        await soon(shutdown)
        self.assertEqual(self.log, ["start web", "answer web", "stop web"])
        with self.assertRaises(OSError):
            await self.connect()

    async def test_it_lingers_even_if_nothing_runs(self) -> None:
        container = self.container()
        lifespan = self.add(container, "web")
        await lifespan.lifespan_startup()
        idle = await self.connect()
        since = time.monotonic()
        shutdown = asyncio.ensure_future(lifespan.lifespan_shutdown())
        await until(lambda: self.gate.draining)
        self.assertEqual((await (await self.connect()).get()).status, 503)
        await soon(shutdown)
        self.assertGreaterEqual(time.monotonic() - since, LINGER_SECONDS)
        self.assertEqual(await idle.ended(), b"")

    async def test_the_methods_of_a_class_drain_together(self) -> None:
        container = self.container()
        one, two = self.add(container, "one"), self.add(container, "two")
        await one.lifespan_startup()
        await two.lifespan_startup()
        running = await self.slow_request("two.sock")
        first = asyncio.ensure_future(one.lifespan_shutdown())
        await until(lambda: self.gate.draining)
        self.assertEqual((await (await self.connect("two.sock")).get()).status, 503)
        self.go.set()
        self.assertEqual((await running.response()).body, b"two")
        await soon(first)
        await soon(two.lifespan_shutdown())
        self.assertEqual(self.log, ["start one", "start two", "answer two", "stop one", "stop two"])

    async def test_after_the_grace_what_runs_is_cut_off(self) -> None:
        container = self.container(drain_seconds=0.05)
        lifespan = self.add(container, "web")
        await lifespan.lifespan_startup()
        running = await self.slow_request()
        await soon(lifespan.lifespan_shutdown())
        got = await running.response()
        self.assertEqual(got.status, 500)
        self.assertIn(b"the container stopped", got.body)
        self.assertEqual(self.log, ["start web", "stop web"])
        self.assertNotIn("Traceback", self.errors.getvalue())

    async def test_a_sigint_does_not_wait(self) -> None:
        container = self.container()
        lifespan = self.add(container, "web")
        await lifespan.lifespan_startup()
        await self.slow_request()
        since = time.monotonic()
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            shutdown = lifespan.lifespan_shutdown()
        await soon(shutdown)
        self.assertLess(time.monotonic() - since, LINGER_SECONDS)
        self.assertEqual(self.log, ["start web", "stop web"])

    async def test_a_sigterm_ends_the_grace(self) -> None:
        container = self.container()
        lifespan = self.add(container, "web")
        await lifespan.lifespan_startup()
        running = await self.slow_request()
        shutdown = asyncio.ensure_future(lifespan.lifespan_shutdown())
        await until(lambda: self.gate.draining)
        os.kill(os.getpid(), signal.SIGTERM)
        self.assertEqual((await running.response()).status, 500)
        await soon(shutdown)
        self.assertEqual(self.log, ["start web", "stop web"])
        self.assertIs(signal.getsignal(signal.SIGTERM), signal.SIG_DFL)

    async def test_a_response_that_is_still_on_its_way_is_not_lost(self) -> None:
        size = 200_000
        container = self.container()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await answer(send, b"x" * size)

        lifespan = Lifespan(self.log, "web")
        container.add(WebFunction("web", app, lifespan, 0))
        await lifespan.lifespan_startup()
        # A peer with a small receive buffer that reads late.
        peer = socket.socket(socket.AF_UNIX)
        self.addCleanup(peer.close)
        peer.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(peer, os.path.join(self.folder, "web.sock"))
        for connection in [each async for each in self.connections(container)]:
            connection._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        await loop.sock_sendall(peer, request())
        await until(lambda: any(c.outbox.has_unsent for c in container._functions[0].server.connections))
        shutdown = asyncio.ensure_future(lifespan.lifespan_shutdown())
        await asyncio.wait([shutdown], timeout=LINGER_SECONDS + 0.2)
        self.assertFalse(shutdown.done())
        got = b""
        while more := await soon(loop.sock_recv(peer, 65536)):
            got += more
        self.assertEqual(len(got.partition(b"\r\n\r\n")[2]), size)
        await soon(shutdown)

    async def connections(self, container: Container) -> Any:
        server = container._functions[0].server
        assert server is not None
        await until(lambda: bool(server.connections))
        for connection in server.connections:
            yield connection

    async def test_a_function_that_never_started_is_not_stopped(self) -> None:
        container = self.container()
        lifespan = self.add(container, "web", fails=True)
        with self.assertRaisesRegex(RuntimeError, "no start: the reason"):
            await lifespan.lifespan_startup()
        await soon(lifespan.lifespan_shutdown())
        self.assertEqual(self.log, [])

    async def test_a_port_drains_until_nobody_is_connected(self) -> None:
        held: list[Any] = []
        program = await asyncio.start_server(lambda *streams: held.append(streams), "127.0.0.1", 0)
        port = program.sockets[0].getsockname()[1]
        container = self.container()
        lifespan = self.add(container, "web", port=port)
        await lifespan.lifespan_startup()
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        shutdown = asyncio.ensure_future(lifespan.lifespan_shutdown())
        await asyncio.wait([shutdown], timeout=LINGER_SECONDS + 0.2)
        self.assertFalse(shutdown.done())
        writer.transport.abort()
        held[0][1].transport.abort()
        await soon(shutdown)
        self.assertEqual(self.log, ["start web", "stop web"])
        program.close()


class Telling(ContainerCase):
    async def test_ready_is_told_once_when_everything_is_served(self) -> None:
        container = self.container()
        one, two = self.add(container, "one"), self.add(container, "a_very_long_name_" * 5)
        port = self.add(container, "port", port=8000)
        await one.lifespan_startup()
        await two.lifespan_startup()
        await port.lifespan_startup()
        container.ready()
        container.failed("too late")
        told = self.events()
        self.assertEqual([(each["event"], each.get("name")) for each in told], [("phase", "startup"), ("ready", None)])
        ready = told[-1]
        self.assertEqual(ready["sockets"]["one"], "one.sock")
        self.assertEqual((ready["port"], ready["ports"]), (8000, {"port": 8000}))
        self.assertLess(abs(ready["at"] - time.time()), 60)
        for name in ready["sockets"].values():
            self.assertTrue(os.path.exists(os.path.join(self.folder, name)))
            self.assertLess(len(name), 50)

    async def test_a_failure_is_told_once_with_its_kind(self) -> None:
        container = self.container()
        container.failed(ModuleNotFoundError("No module named 'x'"))
        container.failed("again")
        told = self.events()
        self.assertEqual([each["event"] for each in told], ["failed"])
        self.assertEqual(told[0]["message"], "ModuleNotFoundError: No module named 'x'")

    async def test_nobody_who_listens_is_fine_and_a_listener_that_returns_is_told(self) -> None:
        events = Events(os.path.join(self.folder, "nowhere"))
        events.phase("python", 1.5)
        events = Events(self.folder)
        events.phase("python", 1.5)
        self.assertEqual(self.events(), [{"event": "phase", "at": 1.5, "name": "python"}])
        # The listener has closed that connection; the first line after it may be lost in the old one.
        events.phase("imports")
        events.phase("code")
        self.assertIn("code", [each["name"] for each in self.events()])
