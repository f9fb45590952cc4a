"""From stored values to modality values (PS3.3 C.11.1): Modality LUT Sequence or linear rescale.

Pure functions. The linear rescale is normally not applied to pixels at all: it is folded into the
window's table; ``rescale`` exists for values that are shown as numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def apply_table(values: NDArray[Any], first: int, table: NDArray[Any]) -> NDArray[Any]:
    """Map integers through a look-up table whose first entry is for ``first``.

    Values outside the table take its first or last entry (PS3.3 C.11.1.1.1).
    """
    last = table.shape[0] - 1
    if values.dtype.itemsize <= 2:
        info = np.iinfo(values.dtype)
        domain = np.arange(info.min, info.max + 1, dtype=np.int64)
        whole = table[np.clip(domain - first, 0, last)]
        # Stored values as offsets into the table over the whole type.
        return np.take(whole, values.astype(np.int64) - info.min)
    return np.asarray(table[np.clip(values.astype(np.int64) - first, 0, last)])


def rescale(values: NDArray[Any], slope: float, intercept: float) -> NDArray[np.float64]:
    """Modality values: ``values * slope + intercept``."""
    return values.astype(np.float64) * slope + intercept
