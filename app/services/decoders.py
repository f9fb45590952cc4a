"""The decoding children that services share: one for looking, up to two for importing. Started when needed."""

from __future__ import annotations

import base64
import logging
import tempfile
import threading
from pathlib import Path

from app.core.cancel import CancelToken
from app.core.errors import BitewingError, Cancelled, EnvironmentFault
from app.imaging.child.client import Decoder
from app.imaging.examined import Examined
from app.imaging.header import HeaderFacts

log = logging.getLogger(__name__)

IMPORT_CHILDREN = 2
# One grey pixel. A decoder that cannot read this PNG says nothing about any file.
_SOUND_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)
_DECODER_FAULTS = frozenset({"decoder.died", "decoder.timeout", "decoder.memory"})


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
        self._is_unavailable = False

    def examine(self, path: Path) -> Examined:
        """Decode everything once.

        Raises
        ------
        BitewingError
            What is wrong with the file, or ``decoder.unavailable`` when the decoder fails at any file.
        """
        if self._is_unavailable:
            raise EnvironmentFault("decoder.unavailable")
        try:
            return self._decoder.examine(path, token=self._token)
        except BitewingError as error:
            if error.code not in _DECODER_FAULTS:
                raise
            self._require_working(error)
            raise

    def _require_working(self, cause: BitewingError) -> None:
        """Tell a file that ends the decoder from a decoder that does not work: the latter fails at a sound file."""
        with tempfile.TemporaryDirectory(prefix="bitewing-") as folder:
            sound = Path(folder) / "sound.png"
            sound.write_bytes(_SOUND_PNG)
            try:
                self._decoder.examine(sound, token=self._token)
            except BitewingError as error:
                if isinstance(error, Cancelled) or error.code == "decoder.closed":
                    raise
                log.warning("the decoder does not work: %s at a sound file after %s", error.code, cause.code)
                self._is_unavailable = True
                raise EnvironmentFault("decoder.unavailable") from cause


class HeaderFallback:
    """Headers that the fast parser found strange, read in a child that is started only for them."""

    def __init__(self, decoders: Decoders, token: CancelToken) -> None:
        self._decoders = decoders
        self._token = token

    def __call__(self, path: Path) -> HeaderFacts | None:
        """Return the header. Raises BitewingError."""
        return self._decoders.importing().header(path, token=self._token)
