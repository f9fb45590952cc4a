"""What a person sees of a copy before it goes: drawn from the very file that goes out, each of its pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.core.cancel import CancelToken
from app.imaging.child.client import Decoder
from app.imaging.render_args import RenderArgs
from app.services.outgoing.model import OutgoingCopy

# As many pixels as a large window shows at once; more is what looking closer is for.
FITTED_SIDE = 1600


@dataclass(frozen=True, slots=True)
class Look:
    """One picture as arrays, (rows, columns) grey or (rows, columns, 3) RGB: every pixel, and what fits a window."""

    whole: NDArray[np.uint8]
    fitted: NDArray[np.uint8]


def look_at(copy: OutgoingCopy, index: int, decoder: Decoder, token: CancelToken | None = None) -> Look:
    """Draw one picture of a copy. Raises what the decoder says of a file that cannot be drawn."""
    whole = decoder.render(copy.path, RenderArgs(frame=index), token=token)
    if max(whole.shape[:2]) <= FITTED_SIDE:
        return Look(whole, whole)
    fitted = Image.fromarray(whole)
    fitted.thumbnail((FITTED_SIDE, FITTED_SIDE), Image.Resampling.LANCZOS)
    return Look(whole, np.asarray(fitted))
