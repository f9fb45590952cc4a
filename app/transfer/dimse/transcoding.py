"""Another transfer syntax for a peer that does not take an object's own (PS3.5 section 10).

Only the encoding changes: the same attributes, the same SOP Instance UID, and pixels as they decode. What cannot be
rewritten without touching more is refused. Decoding runs in this process; whoever does not trust a file gives a
function that decodes elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.core.errors import EnvironmentFault

# Writes the object of the first path to the second, in Explicit VR Little Endian.
Transcode = Callable[[Path, Path], None]

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
_DEFLATED, _BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
# Inflated without a limit, or swapped byte by byte in every element: neither is done for a peer's sake.
_AS_IT_IS = frozenset({_DEFLATED, _BIG_ENDIAN})
_MOST_BYTES = 1 << 30


def decompress(source: Path, target: Path) -> None:
    """Write an object in Explicit VR Little Endian.

    Raises
    ------
    EnvironmentFault
        ``dimse.syntax_refused`` when that cannot be done without loss.
    """
    from pydicom import dcmread

    try:
        dataset = dcmread(source)
        syntax = dataset.file_meta.TransferSyntaxUID
        if syntax in _AS_IT_IS or _decoded_bytes(dataset) > _MOST_BYTES:
            raise EnvironmentFault("dimse.syntax_refused")
        if syntax.is_compressed:
            # Colours stay in the space they decode in; the number stays: it is the same image.
            dataset.decompress(as_rgb=False, generate_instance_uid=False)
        dataset.file_meta.TransferSyntaxUID = EXPLICIT
        dataset.save_as(target, implicit_vr=False, little_endian=True, enforce_file_format=True)
    # pydicom's decoders raise whatever their codecs do (RELIABILITY B6).
    except (ValueError, RuntimeError, AttributeError, NotImplementedError, KeyError, TypeError, IndexError) as error:
        raise EnvironmentFault("dimse.syntax_refused") from error


def _decoded_bytes(dataset: Any) -> int:
    frames = int(dataset.get("NumberOfFrames") or 1)
    samples, bits = int(dataset.get("SamplesPerPixel") or 1), int(dataset.get("BitsAllocated") or 8)
    return int(dataset.get("Rows") or 0) * int(dataset.get("Columns") or 0) * frames * samples * bits // 8
