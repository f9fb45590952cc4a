"""The copy that is published: made and looked at while somebody is there, kept until it is proven to be public.

What is sent is what was looked at: the very file waits in the queue, whatever becomes of the image meanwhile.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, fields
from pathlib import Path

from app.core.context import JobContext
from app.core.errors import UserError
from app.core.files import replace_durably, translate_os_error
from app.core.paths import LibraryPaths
from app.domain.image import FileKind, ImageRecord
from app.domain.publication import PublicForm
from app.services.decoders import Decoders
from app.services.export.model import Exportable
from app.services.locating import Locator
from app.services.outgoing.copies import CopyMaker
from app.services.outgoing.looking import Look, look_at
from app.services.outgoing.model import Form, OutgoingArgs, OutgoingCopy
from app.services.settings import SettingsService
from app.services.workroom import private_folder
from app.storage.catalogue import Catalogue

_FORMS = {PublicForm.JPEG: Form.OPTIMISED, PublicForm.DICOM: Form.ORIGINAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeCopy(OutgoingCopy):
    """A copy among those that may be published. ``made_of`` is the SHA-256 of the original."""

    form: PublicForm
    made_of: str


class PublicCopies:
    """Makes copies of one library's images. Any thread."""

    def __init__(
        self, store: Catalogue, paths: LibraryPaths, settings: SettingsService, locator: Locator, decoders: Decoders
    ) -> None:
        self._store = store
        self._paths = paths
        self._settings = settings
        self._locator = locator
        self._decoders = decoders

    def make(self, record: ImageRecord, form: PublicForm, ctx: JobContext) -> MadeCopy:
        """Make a copy that says nothing of whose it is.

        Raises
        ------
        UserError
            ``publish.not_dicom`` for an image that has no DICOM object.
        BitewingError
            ``image.file_missing``, ``export.cannot_clean``; what is wrong with a file that cannot be decoded;
            ``disk.full`` and kin.
        """
        if form is PublicForm.DICOM and record.kind is not FileKind.DICOM:
            raise UserError("publish.not_dicom", text=record.id)
        # Without its patient and its worklist: what nobody hands over cannot slip through.
        image = Exportable(record, None, self._locator.path_of(record), 1)
        with private_folder(self._store) as work:
            maker = CopyMaker(work, OutgoingArgs(_FORMS[form]), self._decoders.importing(), self._settings.clinic())
            made = maker.make(image, ctx)
            path = self._kept(made.path)
            picture = path if made.picture == made.path else self._kept(made.picture)
        values = {field.name: getattr(made, field.name) for field in fields(made)}
        return MadeCopy(**{**values, "path": path, "picture": picture}, form=form, made_of=record.sha256)

    def look(self, copy: MadeCopy, index: int) -> Look:
        """Draw one picture of a copy, as everybody will see it. Raises what the decoder says."""
        return look_at(copy, index, self._decoders.viewer())

    def _kept(self, made: Path) -> Path:
        folder = self._paths.to_publish
        target = folder / f"{secrets.token_hex(16)}{made.suffix}"
        try:
            self._paths.outgoing.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            replace_durably(made, target)
        except OSError as error:
            raise translate_os_error(error) from error
        return target
