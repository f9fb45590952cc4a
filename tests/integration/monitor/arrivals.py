"""Files that arrive in a folder as devices, scanners and people bring them: slowly, renamed, copied, in bursts.

The folder may go away meanwhile; then whoever wants to begin a file waits for it, as a network drive's user does.
"""

from __future__ import annotations

import random
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.import_material import photograph, radiograph

WAYS = ("slowly", "renamed", "copied", "bursts")


@dataclass
class Arrivals:
    """Brings ``count`` files into ``folder``; remembers when the last byte of each was there."""

    folder: Path
    stock: Path
    count: int
    longest_pause_s: float
    seed: int = 1
    done_at: dict[str, float] = field(default_factory=dict)
    returned_at: list[float] = field(default_factory=list)
    _gone: threading.Lock = field(default_factory=threading.Lock)

    def make(self) -> dict[str, Path]:
        """Make the files first, so that making them takes no time later."""
        made = {}
        for number in range(self.count):
            if number % 3:
                path = photograph(self.stock / f"p{number}.jpg", number)
            else:
                path = radiograph(self.stock / f"r{number}.dcm", number, PatientID=str(number % 40), PatientName="A^B")
            made[path.name] = path
        return made

    def bring(self, files: dict[str, Path], threads: int = 8) -> None:
        """Bring all files, several at once, each in its own way."""
        rng = random.Random(self.seed)
        plans = [(path, WAYS[number % len(WAYS)], rng.random()) for number, path in enumerate(files.values())]
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda plan: self._one(*plan), plans))

    def vanish(self, times: int, away_s: float, every_s: float) -> None:
        """Take the folder away and bring it back, again and again."""
        hidden = self.folder.with_name("away")
        for _time in range(times):
            time.sleep(every_s)
            with self._gone:
                self.folder.rename(hidden)
                time.sleep(away_s)
                hidden.rename(self.folder)
                self.returned_at.append(time.time())

    def _one(self, source: Path, way: str, luck: float) -> None:
        target = self.folder / source.name
        pause_s = 0.1 + luck * self.longest_pause_s
        if way == "renamed":
            part = self.folder / f"{source.name}.part"
            self._copy(source, part)
            time.sleep(pause_s / 4)
            with self._gone:
                part.rename(target)
        elif way == "copied":
            self._copy(source, target)
        else:
            self._write(source.read_bytes(), target, 4 if way == "slowly" else 9, pause_s, burst=way == "bursts")
        self.done_at[source.name] = time.time()

    def _copy(self, source: Path, target: Path) -> None:
        with self._gone:
            shutil.copyfile(source, target)

    def _write(self, data: bytes, target: Path, pieces: int, pause_s: float, *, burst: bool) -> None:
        with self._gone:
            file = target.open("wb", buffering=0)
        with file:
            step = -(-len(data) // pieces)
            for number in range(pieces):
                file.write(data[number * step : (number + 1) * step])
                if number < pieces - 1:
                    time.sleep(pause_s if not burst or number % 3 == 2 else 0.01)
