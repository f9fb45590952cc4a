"""The one place where exceptions of pydicom and the codecs become ours.

pydicom's documented exceptions are not the ones it raises (unknown VRs, odd lengths, bad
numbers each raise their own), so the whole family of data errors is translated here.
Messages of pydicom may quote values of the file; they are neither logged nor shown.
"""

from __future__ import annotations

import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydicom.errors import BytesLengthException, InvalidDicomError

from app.core.errors import EnvironmentFault

log = logging.getLogger(__name__)

# pydicom's messages repeat values, among them names: they must not reach our log.
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)

DATA_ERRORS: tuple[type[Exception], ...] = (
    InvalidDicomError,
    BytesLengthException,
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What broken data makes parsers and codecs raise (NotImplementedError and RecursionError are RuntimeErrors)."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Run pydicom and codecs on a file, translating whatever its data makes them raise.

    Raises
    ------
    EnvironmentFault
        ``file.undecodable`` for broken data, ``file.missing`` and ``file.unreadable`` when the
        system will not give the bytes, ``decoder.memory`` when they do not fit.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except DATA_ERRORS as error:
        log.info("undecodable DICOM data: %s", type(error).__name__)
        raise EnvironmentFault("file.undecodable", error=type(error).__name__) from error
    except MemoryError as error:
        raise EnvironmentFault("decoder.memory") from error
    except FileNotFoundError as error:
        raise EnvironmentFault("file.missing", name=path.name) from error
    except OSError as error:
        if error.errno is None:
            # pydicom raises it for data, without a system's error number.
            raise EnvironmentFault("file.undecodable", error=type(error).__name__) from error
        raise EnvironmentFault("file.unreadable", name=path.name, error=type(error).__name__) from error
