"""Threads that requests use one after another."""

from __future__ import annotations

from threading import Event

from intellispark.http_handler import _idle, _thread


def test_a_thread_that_still_works_for_a_client_who_left_is_not_lent_again() -> None:
    ended = Event()
    with _thread() as left:
        work = left.submit(ended.wait)
    with _thread() as other:
        assert other is not left
        assert other.submit(lambda: "at once").result(timeout=30) == "at once"
    ended.set()
    assert work.result(timeout=30)
    left.submit(lambda: None).result(timeout=30)  # behind what puts it back
    assert {id(left), id(other)} <= {id(each) for each in _idle}
