"""The decoding children that services share: one for looking, up to two for importing. Started when needed."""

from __future__ import annotations

import threading
from pathlib import Path

from app.core.cancel import CancelToken
from app.imaging.child.client import Decoder
from app.imaging.examined import Examined
from app.imaging.header import HeaderFacts

IMPORT_CHILDREN = 2


class Decoders:
    """Owns every decoder of one library. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._viewer: Decoder | None = None
        self._importing: Decoder | None = None

    def viewer(self) -> Decoder:
        """Return the decoder for what a person looks at."""
        with self._lock:
            if self._viewer is None:
                self._viewer = Decoder()
            return self._viewer

    def importing(self) -> Decoder:
        """Return the decoder for bulk work."""
        with self._lock:
            if self._importing is None:
                self._importing = Decoder(IMPORT_CHILDREN)
            return self._importing

    def close(self) -> None:
        """End all children."""
        with self._lock:
            decoders, self._viewer, self._importing = (self._viewer, self._importing), None, None
        for decoder in decoders:
            if decoder is not None:
                decoder.close()


class DecoderExaminer:
    """Examines files in the decoding children; cancelling ends a decode that is running."""

    def __init__(self, decoder: Decoder, token: CancelToken) -> None:
        self._decoder = decoder
        self._token = token

    def examine(self, path: Path) -> Examined:
        """Decode everything once. Raises BitewingError."""
        return self._decoder.examine(path, token=self._token)


class HeaderFallback:
    """Headers that the fast parser found strange, read in a child that is started only for them."""

    def __init__(self, decoders: Decoders, token: CancelToken) -> None:
        self._decoders = decoders
        self._token = token

    def __call__(self, path: Path) -> HeaderFacts | None:
        """Return the header. Raises BitewingError."""
        return self._decoders.importing().header(path, token=self._token)
