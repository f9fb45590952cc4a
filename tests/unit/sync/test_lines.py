"""Lines: order within each, several at once, bounded, and stopped by what one item raises."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.sync.lines import Lines


def test_order_within_a_line_and_several_at_once() -> None:
    served: dict[int, list[int]] = defaultdict(list)
    busy, most, lock = set(), 0, threading.Lock()

    def serve(item: tuple[int, int]) -> None:
        nonlocal most
        line, number = item
        with lock:
            assert line not in busy
            busy.add(line)
            most = max(most, len(busy))
        time.sleep(random.uniform(0, 0.002))
        served[line].append(number)
        with lock:
            busy.discard(line)

    with ThreadPoolExecutor(4) as pool:
        lines = Lines(pool, serve, 10)
        for number in range(300):
            lines.feed(number % 7, (number % 7, number))
        lines.join()
    assert most > 1
    assert sorted(number for row in served.values() for number in row) == list(range(300))
    assert all(row == sorted(row) for row in served.values())


def test_feeding_waits_for_room() -> None:
    may_go, served = threading.Event(), []

    def serve(item: int) -> None:
        may_go.wait(10)
        served.append(item)

    with ThreadPoolExecutor(2) as pool:
        lines = Lines(pool, serve, 3)
        fed = []
        feeder = threading.Thread(target=lambda: [fed.append(lines.feed(number, number)) for number in range(5)])
        feeder.start()
        feeder.join(0.3)
        assert (feeder.is_alive(), len(fed)) == (True, 3)
        may_go.set()
        feeder.join(10)
        lines.join()
    assert sorted(served) == [0, 1, 2, 3, 4]


def test_what_one_item_raises_stops_the_rest_and_is_told() -> None:
    served = []

    def serve(item: int) -> None:
        if item == 3:
            raise ZeroDivisionError
        served.append(item)

    with ThreadPoolExecutor(1) as pool:
        lines = Lines(pool, serve, 100)
        for number in range(50):
            lines.feed("one", number)
        with pytest.raises(ZeroDivisionError):
            lines.join()
    assert served == [0, 1, 2]
