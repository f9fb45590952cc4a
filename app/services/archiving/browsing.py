"""Looking into the archive: searching, opening a study without importing it, small pictures. Live; nothing is kept.

Every search, and every study that is opened, stands in the audit log: the fields searched, not what for (SEC-9).
"""

from __future__ import annotations

import itertools
import threading
import uuid
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.core.files import translate_os_error
from app.core.paths import LibraryPaths
from app.domain.changes import Entity
from app.domain.folding import fold, fold_tokens
from app.domain.roles import Action, Actor
from app.services.archiving.access import archive_args
from app.services.archiving.fetching import Fetching, FetchReport, Wanted
from app.services.archiving.matching import ArchiveStudy, matched
from app.services.archiving.opened import OpenedStudy
from app.services.decoders import Decoders, HeaderFallback
from app.services.door import Door
from app.services.imports import ImportsService
from app.services.settings import SettingsService
from app.services.workroom import private_folder
from app.sync.importer import OnItem
from app.transfer.connection import OrthancArgs
from app.transfer.dicomweb import DicomWeb
from app.transfer.found import InstanceFound, SeriesFound, StudyFound, StudyQuery
from app.transfer.newest import Page, Place, page_of

PAGE = 50
SIDE = 160
# Pages without a single study that fits, before the person sees that there is more to come.
_EMPTY_PAGES = 5
# Letters that are written one way here and another way there (domain.folding).
_VARIANTS = str.maketrans(dict.fromkeys("أإآاىيةه", "*"))
_WILD = frozenset("*?")


@dataclass(frozen=True, slots=True)
class Findings:
    """A page of a search, newest first; ``following`` asks for the next one, ``None`` at the end."""

    studies: tuple[ArchiveStudy, ...]
    following: Place | None = None


class BrowsingService:
    """The archive of one library, to be looked into. Any thread."""

    def __init__(
        self, door: Door, paths: LibraryPaths, settings: SettingsService, imports: ImportsService, decoders: Decoders
    ) -> None:
        self._door = door
        self._settings = settings
        self._decoders = decoders
        self._fetching = Fetching(door, paths, settings, imports, decoders)
        self._lock = threading.Lock()
        self._webs: list[tuple[OrthancArgs, DicomWeb]] = []
        self._opened: OpenedStudy | None = None

    def search(self, actor: Actor, query: StudyQuery, place: Place | None = None, size: int = PAGE) -> Findings:
        """Return a page of studies that match, newest first.

        A name's words may stand in any order; a text without ``*`` matches anywhere.

        Raises
        ------
        RefusedError
            ``role.refused``.
        BitewingError
            As :meth:`DicomWeb.studies` and :func:`archive_args`.
        """
        self._door.require(actor, Action.ARCHIVE_BROWSE)
        if place is None:
            with self._door.writing(actor, Action.ARCHIVE_BROWSE) as unit:
                unit.audit(Entity.STUDY, "", fields=list(query.fields))
        web, asked, words = self._connected(), asked_for(query), words_of(query)
        for _page in range(_EMPTY_PAGES):
            page: Page = page_of(web.studies, asked, place, size, date.today())  # noqa: DTZ011 - the clinic's day
            fitting = [study for study in web.in_full(page.studies) if has_words(study, words)]
            place = page.following
            if fitting or place is None:
                break
        return Findings(matched(self._door.store, fitting), place)

    def study(self, actor: Actor, study_uid: str) -> ArchiveStudy:
        """Return one study. Raises as :meth:`search`, and ``pacs.gone``."""
        self._door.require(actor, Action.ARCHIVE_BROWSE)
        found = self._connected().study(study_uid)
        if found is None:
            raise EnvironmentFault("pacs.gone")
        return matched(self._door.store, [found])[0]

    def series(self, actor: Actor, study_uid: str) -> list[SeriesFound]:
        """Return the series of a study. Raises as :meth:`search`."""
        self._door.require(actor, Action.ARCHIVE_BROWSE)
        return self._connected().series(study_uid)

    def instances(self, actor: Actor, study_uid: str, series_uid: str) -> list[InstanceFound]:
        """Return the images of a series. Raises as :meth:`search`."""
        self._door.require(actor, Action.ARCHIVE_BROWSE)
        return self._connected().instances(study_uid, series_uid)

    def thumbnail(
        self, actor: Actor, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None
    ) -> bytes | None:
        """Return a small JPEG of a study, a series or an image; ``None`` where there is no picture to show.

        What the server sends is decoded in the child process and written anew.
        """
        self._door.require(actor, Action.ARCHIVE_BROWSE)
        web = self._connected()
        if series_uid is None:
            series = next((one for one in web.series(study_uid) if one.modality not in _NO_PICTURES), None)
            if series is None:
                return None
            series_uid = series.series_uid
        if sop_uid is None:
            instance = next(iter(web.instances(study_uid, series_uid, 1)), None)
            if instance is None:
                return None
            sop_uid = instance.sop_uid
        try:
            picture = web.picture(study_uid, series_uid, sop_uid, SIDE)
        except EnvironmentFault as error:
            if error.code == "pacs.no_picture":
                return None
            raise
        return self._harmless(picture)

    def open(self, actor: Actor, study_uid: str, series_uid: str | None = None) -> OpenedStudy:
        """Open a study, or one series of it, to be looked at without importing; another one is closed.

        Raises as :meth:`study`.
        """
        self._door.require(actor, Action.ARCHIVE_BROWSE)
        web, study = self._connected(), self.study(actor, study_uid)
        series = [one for one in web.series(study_uid) if series_uid in {None, one.series_uid}]
        listed = [web.instances(study_uid, one.series_uid) for one in series if one.modality not in _NO_PICTURES]
        instances = list(itertools.chain.from_iterable(listed))
        if not instances:
            raise EnvironmentFault("pacs.gone")
        with self._door.writing(actor, Action.ARCHIVE_BROWSE) as unit:
            unit.audit(Entity.STUDY, study_uid, images=len(instances))
        try:
            folder = self._door.store.files.work_folder()
        except OSError as error:
            raise translate_os_error(error) from error
        fallback = HeaderFallback(self._decoders, JobContext.silent().token)
        opened = OpenedStudy(web, study, instances, folder, self._fetching.allowance(), fallback)
        with self._lock:
            before, self._opened = self._opened, opened
        if before is not None:
            before.close()
        return opened

    def opened_image(self, sop_uid: str) -> Path:
        """Return the file of an image of the study that is open. Raises as :meth:`OpenedStudy.path`."""
        with self._lock:
            opened = self._opened
        if opened is None:
            raise EnvironmentFault("pacs.gone")
        return opened.path(sop_uid)

    def opened_thumbnail(self, sop_uid: str) -> bytes | None:
        """Return a small JPEG of an image of the study that is open. Raises as :meth:`OpenedStudy.path`."""
        return self._decoders.viewer().thumbnail(self.opened_image(sop_uid))

    def fetch(self, actor: Actor, ctx: JobContext, wanted: Wanted, on_item: OnItem | None = None) -> FetchReport:
        """Bring a study, series or an image into the library. Raises as :meth:`Fetching.run`."""
        self._door.require(actor, Action.ARCHIVE_FETCH)
        return self._fetching.run(actor, self._connected(), wanted, ctx, on_item)

    def leave(self) -> None:
        """Close the study that is open, if one is, and remove its files."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def close(self) -> None:
        """Leave, and close the connections."""
        self.leave()
        with self._lock:
            webs, self._webs = self._webs, []
        for _args, web in webs:
            web.close()

    def _connected(self) -> DicomWeb:
        args = archive_args(self._settings)
        with self._lock:
            if not self._webs or self._webs[-1][0] != args:
                # Requests may still run over the one before: it is closed with the library.
                self._webs.append((args, DicomWeb(args)))
            return self._webs[-1][1]

    def _harmless(self, picture: bytes) -> bytes | None:
        with private_folder(self._door.store) as folder:
            path = folder / f"{uuid.uuid4().hex}.jpg"
            try:
                path.write_bytes(picture)
            except OSError as error:
                raise translate_os_error(error) from error
            return self._decoders.viewer().thumbnail(path)


# Reports, presentation states and the like: nothing that could be rendered.
_NO_PICTURES = frozenset({"SR", "PR", "KO", "REG", "SEG", "DOC", "RTSTRUCT", "RTPLAN", "RTDOSE", "AU", "ECG"})


def asked_for(query: StudyQuery) -> StudyQuery:
    """Return what the server is asked for: the longest word of a name, texts that match anywhere."""
    name = query.name.strip()
    if name and not _WILD & set(name):
        longest = max(name.split(), key=len).translate(_VARIANTS)
        name = f"*{longest}*"
    wide = partial(map, _anywhere)
    patient_id, description = wide((query.patient_id.strip(), query.description.strip()))
    return replace(query, name=name, patient_id=patient_id, description=description, modality=query.modality.strip())


def _anywhere(text: str) -> str:
    return text if not text or _WILD & set(text) else f"*{text}*"


def words_of(query: StudyQuery) -> tuple[str, ...]:
    """Return the words that a name must hold, folded; the server was asked for one of them only."""
    return () if _WILD & set(query.name) else tuple(fold_tokens(query.name))


def has_words(study: StudyFound, words: tuple[str, ...]) -> bool:
    """Whether a study's name holds every one of these folded words."""
    name = fold(study.patient_name)
    return all(word in name for word in words)
