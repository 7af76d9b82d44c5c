"""The oldest client that is supported: the same functions are there to be replaced."""

from __future__ import annotations

import os
import unittest

from .container import OLDEST, StockContainer
from .test_web import CLASS, PRIVATE, WSGI

# Further versions, for whoever changes what is patched: PORTICO_TEST_CLIENTS="1.2.6 1.3.1 1.5.4".
VERSIONS = (OLDEST, *os.environ.get("PORTICO_TEST_CLIENTS", "").split())


class OtherClients(unittest.TestCase):
    def test_a_class_with_methods_and_hooks(self) -> None:
        for version in VERSIONS:
            with self.subTest(version=version), StockContainer(CLASS, version=version) as container:
                self.assertEqual(container.ready()["sockets"], {"one": "one.sock", "two": "two.sock"})
                self.assertEqual(container.get("/?q=3", name="one").json, {"one": 21})
                self.assertEqual(container.get(name="two").body, b"two 7")
                container.kill_switch()
                self.assertEqual(container.exit_code(), 0)
                self.assertTrue(container.output.endswith("EXIT hook\n"), container.output)

    def test_wsgi_and_ids(self) -> None:
        for version in VERSIONS:
            with self.subTest(version=version), StockContainer(WSGI, version=version) as container:
                container.ready()
                got = container.get("/?q=hi", headers=PRIVATE)
                self.assertEqual(got.body, b"flask hi 9.8.7.6 in-01ABC")
                upload = container.get("/upload", "POST", body=iter([b"ab", b"c"]), encode_chunked=True)
                self.assertEqual(upload.body, b"3 None")

    def test_failures_and_plain_functions(self) -> None:
        for version in VERSIONS:
            wanted = {"module": "broken_app", "name": "hello", "webhook": {"type": "FUNCTION"}}
            with self.subTest(version=version), StockContainer(wanted, version=version) as container:
                self.assertIn("a_package_that_nobody_has", container.event("failed")["message"])
            with (
                self.subTest(version=version),
                StockContainer({"module": "web_app", "name": "plain"}, version=version) as container,
            ):
                container.ready()
