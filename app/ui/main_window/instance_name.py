"""The name under which a library's window can be reached, and a cheap look whether it may be there.

Without Qt's network module, which a first start need not wait for.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path


def socket_name(library: Path) -> str:
    """Return the socket's name for a library."""
    digest = hashlib.sha256(str(library.resolve()).encode("utf-8")).hexdigest()
    return f"bitewing-{digest[:24]}"


def may_be_running(library: Path) -> bool:
    """Whether somebody may listen: where sockets are files, only if there is one."""
    if sys.platform == "win32":
        return True
    return (Path(tempfile.gettempdir()) / socket_name(library)).exists()
