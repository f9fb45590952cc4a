"""Jobs: one fate each, one per key, everything in the window's thread, nothing left behind."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from app.core.errors import UserError
from app.core.progress import Progress
from app.jobs.handle import JobHandle, JobState
from app.jobs.runner import JobRunner


class Watch:
    """Collects what a handle says, and in which thread."""

    def __init__(self, handle: JobHandle) -> None:
        self.said: list[str] = []
        self.threads: set[int] = set()
        for name in ("succeeded", "failed", "cancelled", "finished"):
            getattr(handle, name).connect(self._noting(name))

    def _noting(self, name: str) -> Any:
        def note(*_values: object) -> None:
            self.said.append(name)
            self.threads.add(threading.get_ident())

        return note


@pytest.fixture
def runner(application, until):
    made = JobRunner()
    yield made
    assert made.shutdown(5.0), "a job's thread outlived the test"


def test_success_comes_once_then_finished_in_the_gui_thread(runner, until):
    handle = runner.start("a", "A", lambda args, _ctx: args * 2, 21)
    watch = Watch(handle)
    until(lambda: not runner.running())
    assert watch.said == ["succeeded", "finished"]
    assert watch.threads == {threading.get_ident()}
    assert handle.report == 42
    assert runner.history() == [handle]


def test_the_engine_runs_elsewhere(runner, until):
    seen = []
    runner.start("a", "A", lambda _args, _ctx: seen.append(threading.get_ident()))
    until(lambda: not runner.running())
    assert seen[0] != threading.get_ident()


def test_an_expected_failure_keeps_its_code(runner, until):
    def engine(_args, _ctx):
        raise UserError("patient.none", text="x")

    handle = runner.start("a", "A", engine)
    watch = Watch(handle)
    until(lambda: not runner.running())
    assert watch.said == ["failed", "finished"]
    assert handle.error.code == "patient.none"


def test_a_fault_of_ours_is_a_failure_not_a_hang(runner, until):
    handle = runner.start("a", "A", lambda _args, _ctx: 1 / 0)
    watch = Watch(handle)
    until(lambda: not runner.running())
    assert watch.said == ["failed", "finished"]
    assert handle.error.code == "program.fault"
    assert handle.state is JobState.FAILED


def test_cancel_wakes_a_sleeping_engine(runner, until):
    begun = threading.Event()

    def engine(_args, ctx):
        begun.set()
        ctx.wait(60)

    handle = runner.start("a", "A", engine)
    watch = Watch(handle)
    until(begun.is_set)
    started = time.monotonic()
    handle.cancel()
    until(lambda: not runner.running())
    assert time.monotonic() - started < 2
    assert watch.said == ["cancelled", "finished"]


def test_a_running_key_returns_the_running_job(runner, until):
    release = threading.Event()
    count = []

    def engine(_args, _ctx):
        count.append(1)
        release.wait(5)

    first = runner.start("same", "A", engine)
    assert runner.start("same", "A", engine) is first
    release.set()
    until(lambda: not runner.running())
    assert count == [1]
    assert runner.start("same", "A", lambda _a, _c: None) is not first
    until(lambda: not runner.running())


def test_large_counts_survive_and_progress_never_runs_backwards(runner, until):
    def engine(_args, ctx):
        ctx.report(Progress(5_000_000_000, 6_000_000_000, "bytes"))
        ctx.wait(0.15)
        ctx.report(Progress(4_000_000_000, 6_000_000_000, "bytes"))
        ctx.wait(0.15)
        ctx.report(Progress(6_000_000_000, 6_000_000_000, "bytes"))

    handle = runner.start("a", "A", engine)
    done = []
    handle.progressed.connect(lambda progress: done.append(progress.done))
    until(lambda: not runner.running())
    assert done == [5_000_000_000, 6_000_000_000]


def test_shutdown_stops_what_runs_and_lets_nothing_start(application, until):
    runner = JobRunner()
    runner.start("a", "A", lambda _args, ctx: ctx.wait(60))
    started = time.monotonic()
    assert runner.shutdown(5.0)
    assert time.monotonic() - started < 2
    late = runner.start("b", "B", lambda _args, _ctx: 1)
    assert late.state is JobState.CANCELLED
    assert runner.running() == []


def test_shutdown_says_when_a_job_does_not_stop(application, until):
    runner = JobRunner()
    begun, release = threading.Event(), threading.Event()
    runner.start("deaf", "A", lambda _args, _ctx: begun.set() or release.wait(20))
    until(begun.is_set)
    assert not runner.shutdown(0.2)
    assert len(runner.running()) == 1
    release.set()
    assert runner.shutdown(5.0)


def test_a_jobs_thread_lets_go_of_what_it_held_whatever_happened(application, until):
    left: list[int] = []
    runner = JobRunner(leave=lambda: left.append(threading.get_ident()))
    worked: list[int] = []

    def engine(args, _ctx):
        worked.append(threading.get_ident())
        if args == "fail":
            raise UserError("patient.none", text="x")

    for key in ("fine", "fail"):
        runner.start(key, key, engine, key)
    until(lambda: not runner.running())
    assert sorted(left) == sorted(worked)
    assert threading.get_ident() not in left


def test_a_job_that_does_not_stop_is_told_of_once(application, until, caplog):
    runner, begun, go_on = JobRunner(), threading.Event(), threading.Event()
    runner.start("a", "A", lambda _args, _ctx: (begun.set(), go_on.wait(10)))
    assert begun.wait(5)
    for _time in range(4):
        assert not runner.shutdown(0)
    assert caplog.text.count("did not stop in time") == 1
    go_on.set()
    assert runner.shutdown(5.0)
