"""A study that is looked at without being imported: its files lie in a private folder for as long as it is open.

An image comes when it is asked for, or in its turn; whoever asks for one that is on its way waits for the same answer.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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

LINES = 4


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
            except BaseException as error:
                file.set_exception(error)
                raise
        return file.result()

    def fill(self, ctx: JobContext) -> int:
        """Fetch all that is not here yet, in order, over several connections; return how many images are here.

        Raises
        ------
        Cancelled
            When stopped; the study stays open.
        BitewingError
            The first fault; what came before it is here.
        """
        waiting = iter(self.instances)
        done, total = 0, len(self.instances)
        with ThreadPoolExecutor(LINES, thread_name_prefix="archive") as lines:

            def work() -> None:
                nonlocal done
                while True:
                    if ctx.token.cancelled or self.is_closed:
                        raise Cancelled
                    with self._lock:
                        instance = next(waiting, None)
                    if instance is None:
                        return
                    self.path(instance.sop_uid)
                    with self._lock:
                        done += 1
                        now = done
                    ctx.report(Progress(now, total, "images"))

            running = [lines.submit(work) for _line in range(LINES)]
            faults = [error for line in running if (error := line.exception()) is not None]
        for fault in faults:
            raise fault
        return done

    def close(self) -> None:
        """Stop fetching and remove its files."""
        self._token.cancel()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _fetched(self, sop_uid: str) -> Path:
        instance = self._by_uid[sop_uid]
        study_uid = self.study.found.study_uid
        came: list[Path] = []
        # Numbered by its place, so that no name comes from the server.
        prefix = f"{self.instances.index(instance):06d}-{threading.get_ident()}-"
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
