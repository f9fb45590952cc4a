"""What Test does with any store: a small file is written, read back, compared and deleted again."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, TransientFault
from app.transfer.stores.store import Store

LITTLE_SPACE_BYTES = 1 << 30


def try_out(store: Store, ctx: JobContext) -> None:
    """Write, read back and delete a small file in the base folder.

    Raises
    ------
    TransientFault, EnvironmentFault
        What the store raises; ``store.altered`` when it gives back something else.
    """
    name = f"bitewing-test-{secrets.token_hex(8)}.txt"
    data = secrets.token_hex(32).encode("ascii")
    with tempfile.TemporaryDirectory(prefix="bitewing-") as folder:
        sent, fetched = Path(folder) / "sent", Path(folder) / "fetched"
        sent.write_bytes(data)
        try:
            store.put(sent, name, ctx)
            store.get(name, fetched, ctx)
        finally:
            removed = store.delete(name)
        if fetched.read_bytes() != data:
            raise TransientFault("store.altered", name=name)
        if not removed:
            raise EnvironmentFault("store.not_there", name=name)


def space_warnings(free_bytes: int | None) -> tuple[str, ...]:
    """Return ``store.little_space`` when less than a gibibyte is known to be free."""
    return ("store.little_space",) if free_bytes is not None and free_bytes < LITTLE_SPACE_BYTES else ()
