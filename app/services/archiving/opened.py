"""A study that is looked at without being imported: its files lie in a private folder for as long as it is open.

An image comes when it is asked for, or in its turn; whoever asks for one that is on its way waits for the same answer.
"""

from __future__ import annotations

import logging
import shutil
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault
from app.core.progress import Progress
from app.services.archiving.arrival import require_asked_for
from app.services.archiving.matching import ArchiveStudy
from app.services.decoders import HeaderFallback
from app.transfer.dicomweb import DicomWeb
from app.transfer.found import InstanceFound
from app.transfer.retrieval import Allowance, Retrieval, retrieve

log = logging.getLogger(__name__)

LINES = 4
_LONG_SERIES = 12
_OF_ONE_IMAGE = frozenset({"pacs.something_else", "pacs.gone"})


class OpenedStudy:
    """One study, opened. Any thread.

    Parameters
    ----------
    folder
        Private and empty; removed by :meth:`close`.
    """

    def __init__(
        self,
        web: DicomWeb,
        study: ArchiveStudy,
        instances: Sequence[InstanceFound],
        folder: Path,
        allowance: Allowance,
        fallback: HeaderFallback,
    ) -> None:
        self.study = study
        self.instances = tuple(instances)
        self._web = web
        self._folder = folder
        self._allowance = allowance
        self._fallback = fallback
        self._token = CancelToken()
        self._lock = threading.Lock()
        self._files: dict[str, Future[Path]] = {}
        self._here = 0
        self._by_uid = {instance.sop_uid: instance for instance in instances}

    @property
    def is_closed(self) -> bool:
        """Whether it is not looked at any more."""
        return self._token.cancelled

    def holds(self, sop_uid: str) -> bool:
        """Whether an image's file is here already."""
        with self._lock:
            file = self._files.get(sop_uid)
        return file is not None and file.done() and file.exception() is None

    def path(self, sop_uid: str) -> Path:
        """Return an image's file, fetching it first where it is not here.

        Raises
        ------
        BitewingError
            As :func:`retrieve`; ``pacs.gone`` for what is none of its images or was closed.
        """
        if sop_uid not in self._by_uid or self.is_closed:
            raise EnvironmentFault("pacs.gone")
        with self._lock:
            file = self._files.get(sop_uid)
            mine = file is None or (file.done() and file.exception() is not None)
            if mine:
                file = self._files[sop_uid] = Future()
        assert file is not None
        if mine:
            try:
                file.set_result(self._fetched(sop_uid))
                with self._lock:
                    self._here += 1
            except BaseException as error:
                file.set_exception(error)
                raise
        return file.result()

    def fill(self, ctx: JobContext) -> int:
        """Fetch all that is not here yet, over several connections; return how many images are here.

        A long series comes in one stream, ten times as fast as image by image; what is missing then, and the rest, in
        order.

        Raises
        ------
        Cancelled
            When stopped; the study stays open.
        BitewingError
            The first fault; what came before it is here.
        """
        sizes = Counter(instance.series_uid for instance in self.instances)
        # Ends filling alone: what is looked at is fetched all the same.
        filling = CancelToken()
        for token in (ctx.token, self._token):
            token.on_cancel(filling.cancel)
        self._together(
            [
                partial(self._stream, series_uid, ctx, filling)
                for series_uid, size in sizes.items()
                if size >= _LONG_SERIES
            ]
        )
        waiting = iter(self.instances)
        self._together([partial(self._one_by_one, waiting, ctx)] * LINES)
        return sum(self.holds(instance.sop_uid) for instance in self.instances)

    def _together(self, work: Sequence[Callable[[], None]]) -> None:
        with ThreadPoolExecutor(LINES, thread_name_prefix="archive") as lines:
            running = [lines.submit(piece) for piece in work]
            faults = [error for line in running if (error := line.exception()) is not None]
        for fault in faults:
            raise fault

    def _one_by_one(self, waiting: Iterator[InstanceFound], ctx: JobContext) -> None:
        while True:
            self._require_going_on(ctx)
            with self._lock:
                instance = next(waiting, None)
            if instance is None:
                return
            try:
                self.path(instance.sop_uid)
            except EnvironmentFault as error:
                # It says so itself when it is looked at; the others come all the same.
                if error.code not in _OF_ONE_IMAGE:
                    raise
            self._report(ctx)

    def _stream(self, series_uid: str, ctx: JobContext, filling: CancelToken) -> None:
        def came(path: Path) -> None:
            self._require_going_on(ctx)
            self._take(path, series_uid)
            self._report(ctx)

        # Of its own each time: what an earlier, stopped stream brought must not be written over.
        prefix = f"{uuid.uuid4().hex}-"
        how = Retrieval(self._folder, filling, self._allowance, came)
        try:
            retrieve(self._web.server, (self.study.found.study_uid, series_uid), prefix, how)
        except Cancelled:
            raise
        except BitewingError as error:
            # Asked for one by one, each image says for itself what is wrong.
            log.info("a series did not come whole: %s", error.code)

    def _take(self, path: Path, series_uid: str) -> None:
        """Keep a file of a stream as the image that it is, unless that is here or was not asked for."""
        study = self.study.found
        try:
            header = require_asked_for(path, self._fallback, study.study_uid, None, study.patient_id)
        except EnvironmentFault:
            path.unlink(missing_ok=True)
            return
        instance = self._by_uid.get(header.sop_instance_uid)
        with self._lock:
            is_wanted = instance is not None and instance.series_uid == series_uid
            if is_wanted and header.sop_instance_uid not in self._files:
                file: Future[Path] = Future()
                file.set_result(path)
                self._files[header.sop_instance_uid] = file
                self._here += 1
                return
        path.unlink(missing_ok=True)

    def _require_going_on(self, ctx: JobContext) -> None:
        if ctx.token.cancelled or self.is_closed:
            raise Cancelled

    def _report(self, ctx: JobContext) -> None:
        with self._lock:
            here = self._here
        ctx.report(Progress(here, len(self.instances), "images"))

    def close(self) -> None:
        """Stop fetching and remove its files."""
        self._token.cancel()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _fetched(self, sop_uid: str) -> Path:
        instance = self._by_uid[sop_uid]
        study_uid = self.study.found.study_uid
        came: list[Path] = []
        # No name comes from the server.
        prefix = f"{uuid.uuid4().hex}-"
        how = Retrieval(self._folder, self._token, self._allowance, came.append)
        try:
            retrieve(self._web.server, (study_uid, instance.series_uid, sop_uid), prefix, how)
            if len(came) != 1:
                raise EnvironmentFault("pacs.not_an_archive")
            require_asked_for(came[0], self._fallback, study_uid, sop_uid, self.study.found.patient_id)
        except BitewingError:
            for path in came:
                path.unlink(missing_ok=True)
            raise
        return came[0]
