"""Responses as bytes: framing, and what an app may not say."""

from __future__ import annotations

import unittest
from typing import Any

from portico_runner.answer import Answer, plain_answer


def started(head_only: bool = False, close: bool = False, **message: Any) -> Answer:
    answer = Answer(head_only)
    answer.start({"status": 200, **message}, close=close)
    return answer


def joined(parts: list[bytes]) -> bytes:
    return b"".join(parts)


class Framing(unittest.TestCase):
    def test_a_response_sent_at_once_has_its_length(self) -> None:
        answer = started()
        self.assertEqual(joined(answer.body(b"hi", False)), b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
        self.assertTrue(answer.ended)

    def test_a_response_in_parts_is_chunked(self) -> None:
        answer = started()
        self.assertEqual(answer.flush(), b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        self.assertEqual(answer.flush(), b"")
        self.assertEqual(joined(answer.body(b"hello world!", True)), b"c\r\nhello world!\r\n")
        self.assertEqual(joined(answer.body(b"", True)), b"")
        self.assertEqual(joined(answer.body(b"", False)), b"0\r\n\r\n")

    def test_a_length_of_the_app_is_kept(self) -> None:
        answer = started(headers=[(b"Content-Length", b"4")])
        self.assertEqual(joined(answer.body(b"ab", True)), b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab")
        self.assertEqual(joined(answer.body(bytearray(b"cd"), False)), b"cd")

    def test_head_204_and_304_have_no_body(self) -> None:
        head = started(head_only=True, headers=[(b"content-length", b"10")])
        self.assertEqual(joined(head.body(b"0123456789", False)), b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")
        none = started(status=204, headers=[(b"content-length", b"3")])
        self.assertEqual(joined(none.body(b"abc", False)), b"HTTP/1.1 204 No Content\r\n\r\n")
        same = started(status=304, headers=[(b"content-length", b"3")])
        self.assertEqual(joined(same.body(b"", False)), b"HTTP/1.1 304 Not Modified\r\ncontent-length: 3\r\n\r\n")

    def test_trailers_follow_the_last_chunk(self) -> None:
        answer = started(trailers=True, headers=[(b"content-length", b"2")])
        sent = joined(answer.body(b"hi", False))
        self.assertEqual(sent, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n")
        self.assertFalse(answer.ended)
        more = answer.trailers({"headers": [(b"a", b"1")], "more_trailers": True})
        self.assertEqual(joined(more), b"a: 1\r\n")
        self.assertEqual(joined(answer.trailers({"headers": [(b"b", b"2")]})), b"b: 2\r\n\r\n")
        self.assertTrue(answer.ended)

    def test_hop_by_hop_headers_are_ours(self) -> None:
        answer = started(headers=[(b"Transfer-Encoding", b"gzip"), (b"Connection", b"close"), (b"keep-alive", b"x")])
        self.assertEqual(
            joined(answer.body(b"", False)), b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
        self.assertTrue(answer.close)

    def test_unknown_statuses_have_a_line(self) -> None:
        self.assertTrue(joined(started(status=299).body(b"", False)).startswith(b"HTTP/1.1 299 \r\n"))

    def test_a_plain_answer_can_be_without_its_body(self) -> None:
        self.assertTrue(plain_answer(500, "text", close=True).endswith(b"connection: close\r\n\r\ntext"))
        self.assertTrue(plain_answer(500, "text", close=False, head_only=True).endswith(b"content-length: 4\r\n\r\n"))


class Refused(unittest.TestCase):
    def test_headers_cannot_split_the_response(self) -> None:
        for name, value in (
            (b"a", b"b\r\nc: d"),
            (b"a", b"b\nc"),
            (b"a", b"b\rc"),
            (b"a", b"b\0c"),
            (b"a\r\nb", b"c"),
            (b"a b", b"c"),
            (b"", b"c"),
            (b"content-length", b"1 2"),
            (b"content-length", b"-2"),
            ("text", b"c"),
        ):
            with self.subTest(name=name, value=value), self.assertRaises((ValueError, TypeError)):
                started(headers=[(name, value)])

    def test_only_final_statuses(self) -> None:
        for status in (100, 101, 199, 1000):
            with self.subTest(status=status), self.assertRaises(ValueError):
                started(status=status)

    def test_the_length_must_be_true(self) -> None:
        with self.assertRaisesRegex(RuntimeError, "longer"):
            started(headers=[(b"content-length", b"1")]).body(b"ab", True)
        with self.assertRaisesRegex(RuntimeError, "shorter"):
            started(headers=[(b"content-length", b"3")]).body(b"ab", False)

    def test_messages_have_an_order(self) -> None:
        answer = Answer(False)
        with self.assertRaises(RuntimeError):
            answer.body(b"", False)
        with self.assertRaises(RuntimeError):
            answer.trailers({})
        answer.start({"status": 200}, close=False)
        with self.assertRaises(RuntimeError):
            answer.start({"status": 200}, close=False)
        answer.body(b"", False)
        with self.assertRaises(RuntimeError):
            answer.body(b"", False)
        with self.assertRaises(RuntimeError):
            answer.start({"status": 200}, close=False)
