"""Dataclasses to JSON plus arrays and back, driven by type hints.

No pickle: what comes from the child is built only as the type that the caller expects, out of
numbers, texts and checked array descriptions. Knows nothing of pipes and processes.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
import typing
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

_PLAIN = (bool, int, float, str)


class CodecError(ValueError):
    """The other side sent something that is not what was asked for."""


def encode(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """Turn ``value`` into what JSON can hold; arrays and bytes are appended to ``arrays``."""
    if isinstance(value, Enum):
        return encode(value.value, arrays)
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"$array": len(arrays) - 1}
    if isinstance(value, bytes):
        arrays.append(np.frombuffer(value, np.uint8))
        return {"$array": len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if dataclasses.is_dataclass(value):
        return {
            field.name: encode(getattr(value, field.name), arrays) for field in dataclasses.fields(value) if field.init
        }
    if isinstance(value, dict):
        return {str(key): encode(item, arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [encode(item, arrays) for item in value]
    raise TypeError(type(value).__name__)


def decode(kind: Any, value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """Build a ``kind`` (a type or type hint) out of JSON ``value``.

    Raises
    ------
    CodecError
        When ``value`` does not fit.
    """
    try:
        return _decode(kind, value, arrays)
    except CodecError:
        raise
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise CodecError(str(error)) from error


def _decode(kind: Any, value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(typing.get_args(kind), value, arrays)
    if origin is np.ndarray or kind is np.ndarray:
        return arrays[value["$array"]]
    if origin in (tuple, list, set, frozenset):
        return _decode_sequence(origin, typing.get_args(kind), value, arrays)
    if origin is dict:
        item = typing.get_args(kind)[1]
        return {str(key): _decode(item, entry, arrays) for key, entry in value.items()}
    if kind is Any or kind is None or kind is type(None):
        return value
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, value, arrays)
    if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return kind(*_decode_sequence(tuple, tuple(_hints(kind).values()), value, arrays))
    return _decode_scalar(kind, value, arrays)


def _decode_union(options: tuple[Any, ...], value: Any, arrays: list[Any]) -> Any:
    if value is None:
        if type(None) in options:
            return None
        raise CodecError("unexpected null")
    failure: Exception | None = None
    for option in options:
        if option is type(None):
            continue
        try:
            return _decode(option, value, arrays)
        except (CodecError, TypeError, ValueError, KeyError, IndexError) as error:
            failure = error
    raise CodecError("no option fits") from failure


def _decode_sequence(origin: Any, args: tuple[Any, ...], value: Any, arrays: list[Any]) -> Any:
    if not isinstance(value, list):
        raise CodecError("list expected")
    if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
        if len(args) != len(value):
            raise CodecError("tuple of another length")
        return tuple(_decode(arg, item, arrays) for arg, item in zip(args, value, strict=True))
    return origin(_decode(args[0], item, arrays) for item in value)


def _decode_dataclass(kind: Any, value: Any, arrays: list[Any]) -> Any:
    if not isinstance(value, dict):
        raise CodecError("object expected")
    hints = _hints(kind)
    return kind(**{name: _decode(hints[name], item, arrays) for name, item in value.items()})


def _decode_scalar(kind: Any, value: Any, arrays: list[Any]) -> Any:
    if kind is bytes:
        return arrays[value["$array"]].tobytes()
    if kind is float and isinstance(value, int):
        return float(value)
    if kind in _PLAIN:
        if type(value) is not kind:
            raise CodecError(f"{kind.__name__} expected")
        return value
    if kind is Path:
        return Path(value)
    if kind in (dt.datetime, dt.date, dt.time):
        return kind.fromisoformat(value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    raise CodecError(f"type not known: {kind!r}")


@lru_cache(maxsize=64)
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)
