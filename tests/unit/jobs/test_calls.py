"""Short calls: the newest answer only, in the window's thread."""

from __future__ import annotations

import threading
import time

import pytest

from app.core.errors import UserError
from app.jobs.calls import Calls


@pytest.fixture
def calls(application):
    made = Calls()
    yield made
    made.shutdown()


def test_the_answer_arrives_in_the_gui_thread(calls, until):
    got = []
    calls.ask("a", threading.get_ident, lambda answer: got.append((answer, threading.get_ident())))
    until(lambda: bool(got))
    worker, here = got[0]
    assert here == threading.get_ident()
    assert worker != here


def test_only_the_newest_answer_is_delivered(calls, until):
    got = []
    release = threading.Event()

    def slow():
        release.wait(5)
        return "old"

    calls.ask("search", slow, got.append)
    calls.ask("search", lambda: "new", got.append)
    until(lambda: bool(got))
    release.set()
    time.sleep(0.05)
    until(lambda: not calls.waiting())
    assert got == ["new"]


def test_a_superseded_call_is_never_begun(application, until):
    calls = Calls(threads=1)
    begun, got = [], []
    release = threading.Event()
    calls.ask("block", lambda: release.wait(5), lambda _answer: None)
    for number in range(20):
        calls.ask("search", lambda number=number: begun.append(number) or number, got.append)
    release.set()
    until(lambda: bool(got))
    calls.shutdown()
    assert begun == [19]
    assert got == [19]


def test_lanes_do_not_disturb_each_other(calls, until):
    got = []
    for lane in "abc":
        calls.ask(lane, lambda lane=lane: lane, got.append)
    until(lambda: len(got) == 3)
    assert sorted(got) == ["a", "b", "c"]


def test_failures_go_to_their_own_callback_or_to_the_signal(calls, until):
    own, signalled = [], []

    def refuse():
        raise UserError("patient.none")

    calls.failed.connect(signalled.append)
    calls.ask("a", refuse, pytest.fail, own.append)
    calls.ask("b", refuse, pytest.fail)
    until(lambda: bool(own) and bool(signalled))
    assert [own[0].code, signalled[0].code] == ["patient.none", "patient.none"]


def test_a_dropped_request_is_not_delivered(calls, until):
    got = []
    release = threading.Event()
    calls.ask("a", lambda: release.wait(5), got.append)
    calls.drop("a")
    release.set()
    calls.ask("b", lambda: 1, got.append)
    until(lambda: bool(got))
    assert got == [1]
    assert not calls.busy("a")
