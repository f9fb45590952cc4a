"""The copy that is published: made while somebody is there to hear of it, kept until it is proven to be there."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from app.core.files import replace_durably, sha256_file, translate_os_error
from app.core.paths import LibraryPaths
from app.domain.image import ImageRecord
from app.domain.publication import PublicForm
from app.imaging.render_args import RenderArgs
from app.services.decoders import Decoders
from app.services.locating import Locator


@dataclass(frozen=True, slots=True)
class MadeCopy:
    """A file among those that are to be published."""

    path: Path
    sha256: str
    size_bytes: int


class PublicCopies:
    """Makes copies of one library's images. Any thread."""

    def __init__(self, paths: LibraryPaths, locator: Locator, decoders: Decoders) -> None:
        self._paths = paths
        self._locator = locator
        self._decoders = decoders

    def make(self, record: ImageRecord, form: PublicForm) -> MadeCopy:
        """Make a copy that says nothing of whose it is.

        Raises
        ------
        BitewingError
            ``image.file_missing``; what is wrong with a file that cannot be decoded; ``disk.full`` and kin.
        """
        target = self._paths.to_publish / f"{secrets.token_hex(16)}.{form.value}"
        part = target.with_name(f"{target.name}.part")
        try:
            self._paths.outgoing.mkdir(mode=0o700, exist_ok=True)
            self._paths.to_publish.mkdir(mode=0o700, exist_ok=True)
            picture = Image.fromarray(self._decoders.importing().render(self._locator.path_of(record), RenderArgs()))
            picture.save(part, "JPEG", quality=88)
            replace_durably(part, target)
            digest, size = sha256_file(target)
        except OSError as error:
            raise translate_os_error(error) from error
        finally:
            part.unlink(missing_ok=True)
        return MadeCopy(target, digest, size)
