"""Request heads: what is taken and what is refused."""

from __future__ import annotations

import unittest

from portico_runner.head import BadRequest, parse_head

GOOD = b"GET /a HTTP/1.1\r\nHost: a.test"


def with_line(line: bytes) -> bytes:
    return GOOD + b"\r\n" + line


class Taken(unittest.TestCase):
    def test_names_become_lower_case_and_values_lose_their_outer_space(self) -> None:
        head = parse_head(b"POST /x?y=1 HTTP/1.1\r\nHost:a.test\r\nX-Thing: \t v w \t")
        self.assertEqual((head.method, head.target), ("POST", b"/x?y=1"))
        self.assertEqual(head.headers, [(b"host", b"a.test"), (b"x-thing", b"v w")])

    def test_private_headers_are_taken_out(self) -> None:
        head = parse_head(with_line(b"Portico-Request-Id: 7\r\nportico-unknown: x\r\ntraceparent: t"))
        self.assertEqual(head.private, {b"portico-request-id": b"7", b"portico-unknown": b"x"})
        self.assertEqual(head.headers[1:], [(b"traceparent", b"t")])

    def test_a_target_that_is_not_ascii_is_escaped(self) -> None:
        self.assertEqual(parse_head("GET /ä?ö HTTP/1.1\r\nhost: a".encode()).target, b"/%C3%A4?%C3%B6")

    def test_connection_options_may_come_in_several_lines(self) -> None:
        head = parse_head(with_line(b"connection: Upgrade\r\nConnection: keep-alive, CLOSE"))
        self.assertEqual(head.connection, (b"upgrade", b"keep-alive", b"close"))
        self.assertFalse(head.keep_alive)

    def test_bytes_above_ascii_are_kept_in_values(self) -> None:
        self.assertIn((b"x", b"\xe4"), parse_head(with_line(b"x: \xe4")).headers)


class Refused(unittest.TestCase):
    BAD = (
        b"GET /a",
        b"GET  /a HTTP/1.1\r\nhost: a",
        b"GET /a b HTTP/1.1\r\nhost: a",
        b" GET /a HTTP/1.1\r\nhost: a",
        b"G@T /a HTTP/1.1\r\nhost: a",
        b"GET a HTTP/1.1\r\nhost: a",
        b"GET http://a/ HTTP/1.1\r\nhost: a",
        b"GET * HTTP/1.1\r\nhost: a",
        b"GET /\x00 HTTP/1.1\r\nhost: a",
        b"GET /\x7f HTTP/1.1\r\nhost: a",
        b"GET /a HTTP/1.1",
        with_line(b"host: b"),
        with_line(b"no colon"),
        with_line(b"token"),
        with_line(b": empty"),
        with_line(b"space : v"),
        with_line(b" folded: v"),
        with_line(b"x: a\r\n\tfolded"),
        with_line(b"x: a\nb: c"),
        with_line(b"x: a\rb"),
        with_line(b"x: a\x00b"),
        with_line(b"x\xe4: a"),
        with_line(b"content-length: +1"),
        with_line(b"content-length: -1"),
        with_line(b"content-length: 1, 1"),
        with_line(b"content-length: 0x1"),
        with_line(b"content-length: "),
        with_line(b"content-length: 1\r\ncontent-length: 1"),
        with_line(b"content-length: " + b"9" * 19),
        with_line("content-length: \N{ARABIC-INDIC DIGIT ONE}".encode()),
        with_line(b"transfer-encoding: gzip"),
        with_line(b"transfer-encoding: gzip, chunked"),
        with_line(b"transfer-encoding: chunked, chunked"),
        with_line(b"transfer-encoding: chunked\r\ntransfer-encoding: chunked"),
        with_line(b"transfer-encoding: xchunked"),
        with_line(b"transfer-encoding: chunked\r\ncontent-length: 3"),
        with_line(b"content-length: 3\r\ntransfer-encoding: chunked"),
    )

    def test_malformed_heads(self) -> None:
        for data in self.BAD:
            with self.subTest(data=data), self.assertRaises(BadRequest) as raised:
                parse_head(data)
            self.assertEqual(raised.exception.status, 400)

    def test_other_versions_and_expectations_have_their_own_status(self) -> None:
        for data, status in (
            (b"GET / HTTP/1.0\r\nhost: a", 505),
            (b"GET / HTTP/2.0\r\nhost: a", 505),
            (b"PRI * HTTP/2.0", 505),
            (with_line(b"expect: 200-maybe"), 417),
        ):
            with self.subTest(data=data), self.assertRaises(BadRequest) as raised:
                parse_head(data)
            self.assertEqual(raised.exception.status, status)
