"""The bus: any thread publishes, the window's thread hears, bursts come together, polls bring others' changes."""

from __future__ import annotations

import threading

from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.jobs.calls import Calls
from app.jobs.change_bus import ChangeBus


def change(name: str) -> ChangeSet:
    return ChangeSet((Change(Entity.IMAGE, ChangeKind.ADDED, name, "p"),))


def test_a_burst_from_another_thread_is_heard_once_here(application, until):
    bus, heard = ChangeBus(), []
    bus.changed.connect(lambda changes: heard.append((threading.get_ident(), changes)))
    thread = threading.Thread(target=lambda: [bus.publish(change(str(number))) for number in range(500)])
    thread.start()
    thread.join()
    until(lambda: sum(len(changes.changes) for _thread, changes in heard) == 500)
    assert {where for where, _changes in heard} == {threading.get_ident()}
    assert len(heard) <= 5


def test_nothing_changed_says_nothing(application, until):
    bus, heard = ChangeBus(), []
    bus.changed.connect(heard.append)
    bus.publish(ChangeSet())
    bus.publish(change("x"))
    until(lambda: bool(heard))
    assert len(heard) == 1


def test_polling_goes_on_from_the_last_number(application, until):
    bus, calls, asked, heard = ChangeBus(), Calls(), [], []
    bus.changed.connect(heard.append)

    def poll(seq):
        asked.append(seq)
        if seq is None:
            return ChangeSet((), 7)
        return ChangeSet(change("other").changes, 8) if seq == 7 else ChangeSet((), seq)

    bus.watch(calls, poll)
    until(lambda: len(asked) >= 3 and bool(heard))
    bus.stop()
    calls.shutdown()
    assert asked[:3] == [None, 7, 8]
    assert [entry.id for entry in heard[0].changes] == ["other"]
