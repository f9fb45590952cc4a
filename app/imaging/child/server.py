"""The decoding child's main loop: one request at a time until the parent hangs up.

Puts limits on itself first, then loads the heavy packages, then serves. Every failure of a
request is reported as a code; nothing a file contains may end the loop except through the caps.
"""

from __future__ import annotations

import faulthandler
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.errors import BitewingError
from app.imaging.child import caps

if TYPE_CHECKING:
    from app.imaging.child.channel import Channel, Message
    from app.imaging.child.operations import Operation


def main(arguments: list[str]) -> int:
    """Run the child: ``arguments`` are parent pid, memory limit in bytes, descriptor or ``pipe``."""
    faulthandler.enable()
    parent_pid, memory_bytes, line = int(arguments[0]), int(arguments[1]), arguments[2]
    applied = caps.apply_caps(memory_bytes, parent_pid)
    channel = _channel(line)
    load_and_serve(channel, applied, memory_bytes)
    # Native libraries may hold threads or fail in their destructors; there is nothing to save.
    os._exit(0)


def load_and_serve(channel: Channel, applied: dict[str, Any], memory_bytes: int) -> None:
    """Load what decoding needs, say so, and serve until the line closes."""
    # By name, after the caps: an import statement above would run first, outside of them.
    import importlib

    messages = importlib.import_module("app.imaging.child.channel")
    operations = importlib.import_module("app.imaging.child.operations")
    codec = importlib.import_module("app.imaging.child.codec")
    channel.send(messages.Message({"type": "ready", "caps": applied}))
    while True:
        try:
            request = channel.receive(None)
            caps.renew_cpu_limit()
            caps.allow_mapping(Path(str(request.header.get("path", ""))), memory_bytes)
            channel.send(_answer(request, channel, operations.OPERATIONS, messages.Message, codec))
        except ConnectionError:
            return


def _channel(line: str) -> Channel:
    import importlib

    module = importlib.import_module("app.imaging.child.channel")
    if line == "pipe":
        writer = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # stray prints must not break messages
        channel: Channel = module.PipeChannel(sys.stdin.buffer, writer)
        return channel
    channel = module.SocketChannel(socket.socket(fileno=int(line)))
    caps.exit_with_parent(int(line))
    return channel


def _answer(
    request: Message,
    channel: Channel,
    operations: dict[str, Operation],
    message_type: type[Message],
    codec: Any,
) -> Message:
    def alive() -> None:
        channel.send(message_type({"type": "alive"}))

    try:
        operation = operations[str(request.header["op"])]
        arrays: list[Any] = []
        value = codec.encode(operation(request.header, alive), arrays)
        return message_type({"type": "result", "value": value}, arrays)
    except BitewingError as error:
        facts = {key: _plain(value) for key, value in error.facts.items()}
        kind = "UserError" if type(error).__name__ == "UserError" else "EnvironmentFault"
        return message_type({"type": "error", "kind": kind, "code": error.code, "facts": facts})
    except MemoryError:
        return message_type({"type": "error", "code": "decoder.memory"})
    except RecursionError:
        return message_type({"type": "error", "code": "file.hostile", "facts": {"why": "nesting"}})
    except ConnectionError:
        raise
    except Exception as error:  # noqa: BLE001 - the loop of this worker: any file may raise anything
        facts = {"detail": type(error).__name__}
        return message_type({"type": "error", "code": "file.undecodable", "facts": facts})


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
