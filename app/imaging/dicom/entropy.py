"""Noticing damage inside the entropy-coded part of a JPEG stream that decodes without an error.

libjpeg only warns when codes are impossible or data runs out, and imagecodecs drops the warnings. What is left
are markers that have no business there, and, for lossless streams of predictor 1, bits that are left over or
missing: the samples tell how many bits their codes have. For imports, not for display: costs two fifths of a decode.

Measured on 150 random damages each, a noisy and a partly flat picture, of those that decode without an error
(of 512 random bytes the codec refuses four fifths itself). Lossless: one bit 7 and 27 % noticed, one byte 15 and
16 %, 16 bytes 40 and 59 %, 512 random bytes 93 and 100 %, 512 zeros all; no false alarm in 360 sound streams.
DCT: only stray markers show, 512 random bytes 21 to 44 %, less and blocks of zeros next to never; no false alarm
in 1,600. Decoding these again with the last bytes flipped noticed more, but called 13 % of sound streams damaged.
Huffman codes fall into step again after a few samples: what is left is a picture with a wrong streak and the
right number of codes, which no decoder could tell from a sound one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.imaging.display.window_fast import look_up

_EOI, _SOS, _DRI, _DHT = 0xD9, 0xDA, 0xDD, 0xC4
_LOSSLESS, _DCT = 0xC3, (0xC0, 0xC1)
_NO_CODE = 255
_SPARE_BITS = 16
"""Up to seven bits fill the last byte; one byte more does no harm in streams of careless encoders."""


class _Scan(NamedTuple):
    """The first scan: frame type, precision, components, restart interval, predictor, code lengths, data start."""

    frame: int
    precision: int
    components: int
    restart: int
    predictor: int
    point_transform: int
    lengths: dict[int, int]
    start: int


def is_damaged(stream: bytes, samples: NDArray[Any]) -> bool:
    """Whether a JPEG stream (processes 1, 2, 4 and 14) that decoded to ``samples`` shows signs of damage.

    False where nothing can be said: several components, progressive streams. ``samples`` are (rows, columns), as
    the codec gave them.
    """
    scan = _find_scan(stream)
    if scan is None or scan.components != 1 or scan.frame not in (_LOSSLESS, *_DCT):
        return False
    body = np.frombuffer(stream, np.uint8, offset=scan.start)
    marks = np.flatnonzero(body[:-1] == 0xFF)
    kinds = body[marks + 1]
    stuffed, real = marks[kinds == 0], (kinds != 0) & (kinds != 0xFF)
    marks, kinds = marks[real], kinds[real]
    others = np.flatnonzero((kinds < 0xD0) | (kinds > 0xD7))
    if not len(others) or kinds[others[0]] != _EOI:
        return True
    end, restarts = int(marks[others[0]]), kinds[: others[0]]
    if scan.restart:
        # Each interval starts afresh: only the order of the restarts can be looked at.
        return bool(np.any((restarts - 0xD0) != np.arange(len(restarts)) % 8))
    if len(restarts):
        return True
    if scan.frame != _LOSSLESS:
        return False
    while end and body[end - 1] == 0xFF:
        end -= 1  # fill bytes before the end marker
    given = (end - int(np.searchsorted(stuffed, end))) * 8
    needed = _bits_of_lossless(scan, samples)
    return needed is not None and not 0 <= given - needed < _SPARE_BITS


def _bits_of_lossless(scan: _Scan, samples: NDArray[Any]) -> int | None:
    """How many bits ITU-T T.81 annex H takes for ``samples``; None for predictors other than the left sample."""
    if scan.predictor != 1 or scan.point_transform:
        return None
    values = samples.astype(np.uint16, copy=False)
    differences = np.empty_like(values)
    differences[0, 0] = (int(values[0, 0]) - (1 << (scan.precision - 1))) & 0xFFFF
    np.subtract(values[:, 1:], values[:, :-1], out=differences[:, 1:])
    np.subtract(values[1:, 0], values[:-1, 0], out=differences[1:, 0])
    sizes = np.full(17, _NO_CODE, np.uint8)
    for category, length in scan.lengths.items():
        if category <= 16:
            sizes[category] = length + (category if category < 16 else 0)
    magnitudes = np.abs(np.arange(1 << 16).astype(np.int16).astype(np.int32))
    categories = np.frexp(magnitudes.astype(np.float64))[1]
    return int(look_up(differences, sizes[categories]).sum(dtype=np.int64))


def _find_scan(stream: bytes) -> _Scan | None:
    frame = precision = components = restart = 0
    tables: dict[int, dict[int, int]] = {}
    position = 2
    while position + 4 <= len(stream) and stream[position] == 0xFF:
        marker = stream[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        length = int.from_bytes(stream[position + 2 : position + 4], "big")
        body = stream[position + 4 : position + 2 + length]
        position += 2 + length
        if marker == _DHT:
            _read_tables(body, tables)
        elif marker == _DRI:
            restart = int.from_bytes(body[:2], "big")
        elif marker == _SOS and len(body) >= 6:
            table = tables.get(body[2] >> 4, {})
            return _Scan(frame, precision, components, restart, body[-3], body[-1] & 15, table, position)
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC8, 0xCC) and len(body) >= 6:
            frame, precision, components = marker, body[0], body[5]
    return None


def _read_tables(body: bytes, tables: dict[int, dict[int, int]]) -> None:
    """Code lengths by symbol of the tables of a DHT segment (T.81 B.2.4.2)."""
    at = 0
    while at + 17 <= len(body):
        counts, symbols = body[at + 1 : at + 17], at + 17
        lengths: dict[int, int] = {}
        for length, count in enumerate(counts, start=1):
            for symbol in body[symbols : symbols + count]:
                lengths[symbol] = length
            symbols += count
        if body[at] >> 4 == 0:
            tables[body[at] & 15] = lengths
        at = symbols
