"""What is shared, made ready: copies in a private folder, looked at by a person before they go."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, UserError
from app.core.files import translate_os_error
from app.core.progress import Progress
from app.domain.image import ImageRecord
from app.domain.roles import Action, Actor
from app.services.decoders import Decoders
from app.services.door import Door
from app.services.export.model import Exportable
from app.services.images import required_image
from app.services.locating import Locator
from app.services.outgoing.copies import CopyMaker
from app.services.outgoing.looking import Look, look_at
from app.services.outgoing.model import OutgoingArgs, OutgoingCopy, Warn
from app.services.settings import SettingsService
from app.services.sharing.model import Prepared
from app.services.workroom import private_folder
from app.storage.catalogue import Catalogue

MOST_IMAGES = 500
_NO_DATE = (1980, 1, 1, 0, 0, 0)


class Preparing:
    """Makes copies ready. Any thread."""

    def __init__(self, door: Door, locator: Locator, decoders: Decoders, settings: SettingsService) -> None:
        self._door = door
        self._locator = locator
        self._decoders = decoders
        self._settings = settings

    def prepare(self, actor: Actor, ids: Sequence[str], args: OutgoingArgs, ctx: JobContext) -> Prepared:
        """Make the copies of these images; close the result when it is done with.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``image.none``; ``share.nothing``, ``share.too_many``; ``share.several_patients`` where the copies would say
            whose they are.
        EnvironmentFault
            What the decoder or the disk says; ``export.cannot_clean``.
        Cancelled
            Nothing is left then.
        """
        with self._door.reading(actor, Action.SHARE_CREATE) as store:
            records = [required_image(store.images.get(image_id), image_id) for image_id in dict.fromkeys(ids)]
            images = [_exportable(store, record, number) for number, record in enumerate(records, 1)]
        if not images:
            raise UserError("share.nothing")
        if len(images) > MOST_IMAGES:
            raise UserError("share.too_many", most=MOST_IMAGES)
        clinic = self._settings.clinic()
        # Whoever asks, a link holds no more than the clinic wants.
        args = replace(args, limit_bytes=min(args.limit_bytes, clinic.share_limit_bytes))
        several = len({record.patient_id for record in records}) > 1
        if several and args.identified:
            raise UserError("share.several_patients")
        with contextlib.ExitStack() as keeps:
            folder = keeps.enter_context(private_folder(self._door.store))
            maker = CopyMaker(folder, args, self._decoders.importing(), clinic)
            copies: list[OutgoingCopy] = []
            for make, record in zip(images, records, strict=True):
                image = make(self._locator.path_of(record, ctx))
                made = maker.make(image, ctx)
                copies.append(replace(made, warnings=(Warn.SEVERAL_PATIENTS, *made.warnings)) if several else made)
                ctx.report(Progress(len(copies), len(images), "images", ""))
            prepared = _put_together(folder, args, tuple(copies))
            prepared.keeps = keeps.pop_all()
            return prepared

    def look(self, actor: Actor, copy: OutgoingCopy, index: int) -> Look:
        """Draw one picture of a copy, as whoever gets it will see it.

        Raises
        ------
        RefusedError
            ``role.refused``.
        BitewingError
            What the decoder says: nobody can look at it then.
        """
        self._door.require(actor, Action.SHARE_CREATE)
        return look_at(copy, index, self._decoders.viewer())


def locked(prepared: Prepared, code: str, folder: Path) -> Prepared:
    """Return what goes out where a code is to open it: a zip sealed with it, of the same copies.

    Raises
    ------
    EnvironmentFault
        ``disk.full`` and its kin.
    """
    import pyzipper
    from pyzipper.zipfile_aes import AESZipInfo

    path = folder / "images.zip"
    try:
        with pyzipper.AESZipFile(path, "w", compression=pyzipper.ZIP_STORED, encryption=pyzipper.WZ_AES) as archive:
            archive.setpassword(code.encode("utf-8"))
            archive.setencryption(pyzipper.WZ_AES, nbits=256)
            for copy in prepared.copies:
                archive.writestr(AESZipInfo(copy.path.name, _NO_DATE), copy.path.read_bytes())
        size = path.stat().st_size
    except OSError as error:
        raise translate_os_error(error) from error
    return Prepared(prepared.args, prepared.copies, path, path.name, "application/zip", size)


class _Later:
    """An image to take out, but for where its file is."""

    def __init__(self, store: Catalogue, record: ImageRecord, number: int) -> None:
        self._record, self._number = record, number
        self._patient = store.patients.get(record.patient_id) if record.patient_id else None
        self._expected = store.expected.of_image(record.id)

    def __call__(self, path: Path) -> Exportable:
        return Exportable(self._record, self._patient, path, self._number, self._expected)


def _exportable(store: Catalogue, record: ImageRecord, number: int) -> _Later:
    return _Later(store, record, number)


def _put_together(folder: Path, args: OutgoingArgs, copies: tuple[OutgoingCopy, ...]) -> Prepared:
    if len(copies) == 1:
        (one,) = copies
        return Prepared(args, copies, one.path, one.path.name, one.mime_type, one.size_bytes)
    path = folder / "images.zip"
    try:
        # Stored: pictures do not get smaller. Without dates: the zip says nothing that its files do not.
        with zipfile.ZipFile(path, "x", zipfile.ZIP_STORED) as archive:
            for copy in copies:
                archive.writestr(zipfile.ZipInfo(copy.path.name, _NO_DATE), copy.path.read_bytes())
        size = path.stat().st_size
    except OSError as error:
        raise translate_os_error(error) from error
    except zipfile.LargeZipFile as error:
        raise EnvironmentFault(
            "share.too_large", has=sum(copy.size_bytes for copy in copies), limit=args.limit_bytes
        ) from error
    return Prepared(args, copies, path, path.name, "application/zip", size)
