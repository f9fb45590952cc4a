"""Look-up tables and windows as a data set holds them: Modality LUT, VOI LUT, palette, windows.

Reads descriptors and data into arrays (PS3.3 C.11.1, C.11.2, C.7.9); applies nothing. Broken tables are
left out rather than guessed at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from app.core.errors import EnvironmentFault
from app.imaging.dicom.guard import DATA_ERRORS
from app.imaging.dicom.values import every, is_big_endian, items, number, numbers, raw, text
from app.imaging.display.voi import usable
from app.imaging.frame import WINDOW_FUNCTIONS, VoiLut, WindowSetting

_SEGMENTED = "Segmented{}PaletteColorLookupTableData"
_PLAIN = "{}PaletteColorLookupTableData"


@dataclass(frozen=True)
class Table:
    """A table of ``bits``-bit entries, the first of which is for ``first``."""

    first: int
    bits: int
    entries: NDArray[np.uint16]


@dataclass(frozen=True)
class Palette:
    """Red, green and blue entries of ``bits`` bits, the first of which are for ``first``."""

    first: int
    bits: int
    tables: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def windows_of(dataset: Dataset) -> tuple[WindowSetting, ...]:
    """The usable windows of a data set (or functional group item) in file order."""
    centers, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    names = [str(name).strip() for name in every(dataset, "WindowCenterWidthExplanation")]
    function = text(dataset, "VOILUTFunction").upper()
    if function not in WINDOW_FUNCTIONS:
        function = "LINEAR"
    found = []
    for index, (center, width) in enumerate(zip(centers, widths, strict=False)):
        window = WindowSetting(center, width, names[index] if index < len(names) else "", function)
        if usable(window):
            found.append(window)
    return tuple(found)


def voi_luts_of(dataset: Dataset, *, is_signed: bool) -> tuple[VoiLut, ...]:
    """The readable items of the VOI LUT Sequence."""
    found = []
    for item in items(dataset, "VOILUTSequence"):
        table = table_of(item, is_signed=is_signed)
        if table is not None:
            found.append(VoiLut(table.first, table.bits, table.entries, text(item, "LUTExplanation")))
    return tuple(found)


def modality_table_of(dataset: Dataset, *, is_signed: bool) -> Table | None:
    """The first readable item of the Modality LUT Sequence."""
    for item in items(dataset, "ModalityLUTSequence"):
        table = table_of(item, is_signed=is_signed)
        if table is not None:
            return table
    return None


def rescale_of(dataset: Dataset) -> tuple[float, float]:
    """(slope, intercept); a slope of zero would hide the image and is taken as one."""
    slope, intercept = number(dataset, "RescaleSlope"), number(dataset, "RescaleIntercept")
    return (slope if slope else 1.0), (intercept or 0.0)


def table_of(item: Dataset, *, is_signed: bool) -> Table | None:
    """One LUT item: LUT Descriptor (0028,3002) and LUT Data (0028,3006)."""
    descriptor = numbers(item, "LUTDescriptor")
    data = raw(item, "LUTData")
    if len(descriptor) != 3 or data is None:
        return None
    count, first, bits = _descriptor(descriptor, is_signed=is_signed)
    entries = _entries(data, count, _word_order(item))
    if entries is None:
        return None
    # Descriptors that promise fewer bits than the entries use are a known fault: the entries tell.
    return Table(first, max(bits, int(entries.max()).bit_length(), 1), entries)


def palette_of(dataset: Dataset) -> Palette:
    """The colour palette (PS3.3 C.7.9), plain or segmented.

    Raises
    ------
    EnvironmentFault
        ``file.undecodable`` when there is no whole palette.
    """
    descriptor = numbers(dataset, "RedPaletteColorLookupTableDescriptor")
    if len(descriptor) != 3:
        raise EnvironmentFault("file.undecodable", error="palette missing")
    count, first, bits = _descriptor(descriptor, is_signed=False)
    tables = []
    for colour in ("Red", "Green", "Blue"):
        segmented = raw(dataset, _SEGMENTED.format(colour))
        data = raw(dataset, _PLAIN.format(colour))
        order = _word_order(dataset)
        entries = _expand(segmented, bits, count, order) if segmented is not None else _entries(data, count, order)
        if entries is None:
            raise EnvironmentFault("file.undecodable", error="palette incomplete")
        tables.append(entries)
    return Palette(first, bits, (tables[0], tables[1], tables[2]))


def _descriptor(values: list[float], *, is_signed: bool) -> tuple[int, int, int]:
    count, first, bits = (int(value) for value in values)
    if is_signed and first > 32767:
        first -= 65536
    return count % 65536 or 65536, first, min(max(bits, 1), 16)


def _word_order(dataset: Dataset) -> str:
    return ">" if is_big_endian(dataset) else "<"


def _entries(data: Any, count: int, order: str) -> NDArray[np.uint16] | None:
    """Entries from words or bytes: one per 16-bit word, or packed two to a word when they are bytes."""
    if isinstance(data, (bytes, bytearray)):
        if len(data) >= 2 * count:
            return np.frombuffer(data, f"{order}u2", count).astype(np.uint16)
        if len(data) >= count:
            return np.frombuffer(data, np.uint8, count).astype(np.uint16)
        return None
    try:
        values = np.atleast_1d(np.asarray(data, np.int64)) & 0xFFFF
    except DATA_ERRORS:
        return None
    if values.size < count:
        # Two bytes to a word, low byte first.
        values = np.stack([values & 0xFF, values >> 8], axis=-1).reshape(-1)
    return values[:count].astype(np.uint16) if values.size >= count else None


def _expand(data: Any, bits: int, count: int, order: str) -> NDArray[np.uint16] | None:
    """Expand a segmented palette table: discrete, linear and indirect segments (PS3.3 C.7.9.2)."""
    if not isinstance(data, (bytes, bytearray)):
        return None
    words = np.frombuffer(data[: len(data) & ~1], f"{order}u2") if bits > 8 else np.frombuffer(data, np.uint8)
    try:
        entries = _segments([int(word) for word in words], bits, count)
    except (IndexError, ValueError):
        return None
    return np.asarray(entries[:count], np.uint16) if len(entries) >= count else None


def _segments(words: list[int], bits: int, count: int) -> list[int]:
    entries: list[int] = []
    per_offset = 2 if bits > 8 else 4
    position = 0
    pending: list[tuple[int, int]] = []  # where to go on after an indirect segment, and how many are left
    remaining = -1
    while position < len(words) and len(entries) < count:
        opcode, length = words[position], words[position + 1]
        body = position + 2
        if opcode == 0:
            entries.extend(words[body : body + length])
            position = body + length
        elif opcode == 1:
            start, end = entries[-1], words[body]
            entries.extend(round(start + (end - start) * step / length) for step in range(1, length + 1))
            position = body + 1
        elif opcode == 2 and not pending:
            size = 16 if bits > 8 else 8
            offset = sum(words[body + part] << (size * part) for part in range(per_offset))
            pending.append((body + per_offset, 0))
            position, remaining = offset // (2 if bits > 8 else 1), length
            continue
        else:
            raise ValueError(opcode)
        if pending:
            remaining -= 1
            if remaining == 0:
                position = pending.pop()[0]
    return entries
