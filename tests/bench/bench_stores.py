"""Mirroring to FTP, FTPS, SFTP and S3 on loopback, against lftp and rclone sending the same files.

Run: ``python -m tests.bench.bench_stores [--files N] [--rounds N]``. Goals (PERFORMANCE, "Mirroring"): FTP at most
``lftp --parallel=4``, FTPS at least 1.4 times faster than one connection, SFTP at most 1.3 times ``rclone
--transfers 4``, each with size or hash proven. Needs vsftpd and sshd; lftp and rclone where they are installed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from app.core.context import JobContext
from app.transfer.stores.ftp_link import FtpArgs
from app.transfer.stores.opening import StoreArgs, open_store
from app.transfer.stores.ssh import SftpArgs
from tests.certificates import Authority
from tests.store_servers import FTP_PASSWORD, FTP_USER, FtpServer, SshServer, sshd, vsftpd

QUIET = JobContext.silent()
FILES, BYTES, CONNECTIONS, ROUNDS = 2000, 200 << 10, 4, 9


def make(folder: Path, count: int) -> None:
    """Make incompressible files in forty folders, as many patients have."""
    for number in range(count):
        path = folder / f"{number % 40:02}" / f"{number:05}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(BYTES))


def ours(args: StoreArgs, source: Path, connections: int) -> float:
    """Send everything through the program's stores, each connection taking the next file as the mirror's do."""
    paths = sorted(path for path in source.rglob("*") if path.is_file())
    waiting = deque((path, path.relative_to(source).as_posix()) for path in paths)
    store = open_store(args, connections=connections)

    def line(_number: int) -> list[int]:
        told = []
        while waiting:
            with suppress(IndexError):
                path, name = waiting.popleft()
                told.append(store.put(path, name, QUIET).size)
        return told

    started = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        told = [size for sizes in pool.map(line, range(connections)) for size in sizes]
    took = time.perf_counter() - started
    assert told == [BYTES] * len(paths)
    store.close()
    return took


def timed(command: list[str], environment: dict[str, str] | None = None) -> float:
    """Run another program and return its seconds."""
    started = time.perf_counter()
    done = subprocess.run(
        command, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - started
    assert done.returncode == 0, done.stderr
    return took


def lftp(server: FtpServer, source: Path, target: str) -> float:
    script = (
        "set ssl:verify-certificate no; set ftp:ssl-allow no; set xfer:log no; set net:max-retries 1;"
        f" open -u {FTP_USER},{FTP_PASSWORD} ftp://127.0.0.1:{server.port};"
        f" mirror -R --parallel={CONNECTIONS} {source} {target}; bye"
    )
    return timed(["lftp", "-c", script])


def rclone_sftp(server: SshServer, source: Path, target: str) -> float:
    remote = f":sftp,host=127.0.0.1,port={server.port},user={server.username},key_file={server.key},shell_type=none:"
    command = ["rclone", "copy", "--transfers", str(CONNECTIONS), "--config", os.devnull, str(source), remote + target]
    return timed(command)


def measure(name: str, rounds: int, ways: dict[str, Callable[[str], float]], root: Path) -> dict[str, float]:
    """Run the ways in rounds, each time in another order, each into a folder of its own, and return the medians.

    Who comes after a larger clearing up is slower for it (measured: a tenth), which must not always be the same.
    """
    taken: dict[str, list[float]] = {way: [] for way in ways}
    order, chance = list(ways.items()), random.Random(1)
    for _ in range(rounds):
        chance.shuffle(order)
        for way, run in order:
            target = root / uuid.uuid4().hex
            target.mkdir()
            taken[way].append(run(str(target)))
            shutil.rmtree(target)
    return told(name, taken)


def told(name: str, taken: dict[str, list[float]]) -> dict[str, float]:
    """Print the medians of what was measured, in seconds, and return them."""
    medians = {way: statistics.median(values) for way, values in taken.items() if values}
    for way, median in medians.items():
        values = taken[way]
        print(f"{name:5} {way:24} {median:6.3f} s  ({min(values):.3f}-{max(values):.3f})", flush=True)
    return medians


def ratio(what: str, value: float, goal: str) -> None:
    print(f"      {what}: {value:.2f} (goal {goal})", flush=True)


@contextmanager
def in_memory() -> Iterator[Path]:
    """Give a folder in memory, where there is such: the disk is not what is measured."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args()
    with in_memory() as folder:
        source = folder / "source"
        make(source, chosen.files)
        ftp(folder, source, chosen.rounds)
        ftps(folder, source, chosen.rounds)
        sftp(folder, source, chosen.rounds)


def ftp(folder: Path, source: Path, rounds: int) -> None:
    with vsftpd(folder / "ftp") as server:

        def send(target: str, connections: int) -> float:
            args = FtpArgs("127.0.0.1", FTP_USER, FTP_PASSWORD, server.port, target, secure=False, allow_plain=True)
            return ours(args, source, connections)

        ways: dict[str, Callable[[str], float]] = {
            "ours, 4 connections": lambda target: send(target, CONNECTIONS),
            "ours, 1 connection": lambda target: send(target, 1),
        }
        if shutil.which("lftp"):
            ways["lftp --parallel=4"] = lambda target: lftp(server, source, target)
        found = measure("ftp", rounds, ways, server.root)
        if "lftp --parallel=4" in found:
            ratio("ours / lftp", found["ours, 4 connections"] / found["lftp --parallel=4"], "at most 1.00")


def ftps(folder: Path, source: Path, rounds: int) -> None:
    authority = Authority(folder / "authority")
    with vsftpd(folder / "ftps", authority.sign().both) as server:

        def send(target: str, connections: int) -> float:
            args = FtpArgs("127.0.0.1", FTP_USER, FTP_PASSWORD, server.port, target, trust=str(authority.pem))
            return ours(args, source, connections)

        found = measure(
            "ftps",
            rounds,
            {
                "ours, 4 connections": lambda target: send(target, CONNECTIONS),
                "ours, 1 connection": lambda target: send(target, 1),
            },
            server.root,
        )
        ratio("1 / 4", found["ours, 1 connection"] / found["ours, 4 connections"], "at least 1.40")


def sftp(folder: Path, source: Path, rounds: int) -> None:
    with sshd(folder / "sftp") as server:

        def send(target: str, connections: int, reread_every: int = 20) -> float:
            args = SftpArgs(
                "127.0.0.1",
                server.username,
                key_file=str(server.key),
                port=server.port,
                path=target,
                trust=server.fingerprint,
                reread_every=reread_every,
            )
            return ours(args, source, connections)

        ways: dict[str, Callable[[str], float]] = {
            "ours, 4 connections": lambda target: send(target, CONNECTIONS),
            "ours, 2 connections": lambda target: send(target, 2),
            "ours, 1 connection": lambda target: send(target, 1),
            "ours, 4, all read back": lambda target: send(target, CONNECTIONS, 1),
        }
        if shutil.which("rclone"):
            ways["rclone --transfers 4"] = lambda target: rclone_sftp(server, source, target)
        found = measure("sftp", rounds, ways, server.root)
        if "rclone --transfers 4" in found:
            ratio("ours / rclone", found["ours, 4 connections"] / found["rclone --transfers 4"], "at most 1.30")


if __name__ == "__main__":
    main()
