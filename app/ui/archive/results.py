"""The studies that were found, as a table that grows while it is scrolled; pictures for what is in sight."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QImage

from app.ui.archive.study_words import held_words, kinds_of, line_of, name_of, taken
from app.ui.formats import isolated, joined, number
from app.ui.session import Session
from app.words import t

if TYPE_CHECKING:
    from app.core.errors import BitewingError
    from app.services.archiving.matching import ArchiveStudy

STUDY_ROLE = Qt.ItemDataRole.UserRole + 1
PICTURE_ROLE = Qt.ItemDataRole.UserRole + 2
KEPT_PICTURES = 500
# One at a time: searches wait in the same queue.
AT_ONCE = 1
AnyIndex = QModelIndex | QPersistentModelIndex


class StudiesModel(QAbstractTableModel):
    """Rows are :class:`ArchiveStudy`. GUI thread only.

    ``more_wanted`` asks for the next page; who fetches it calls :meth:`add`.
    """

    more_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._rows: list[ArchiveStudy] = []
        self._known: set[tuple[str, str]] = set()
        self._has_more = False
        self._asked = False
        self._pictures: OrderedDict[str, QImage | None] = OrderedDict()
        self._wanted: list[str] = []
        self._underway: set[str] = set()
        self._heads = (t("Patient"), t("Study"), t("Kind"), t("Description"), t("Images"), t("In the library"))

    def clear(self) -> None:
        """Show nothing; pictures that are here stay for the next search."""
        self.beginResetModel()
        self._rows, self._known = [], set()
        self._has_more = self._asked = False
        self._wanted = []
        self.endResetModel()

    def add(self, studies: Iterable[ArchiveStudy], *, has_more: bool) -> None:
        """Take a page; a study that moved between two pages is not shown twice."""
        fresh = [study for study in studies if study.found.key not in self._known]
        self._has_more, self._asked = has_more, False
        if fresh:
            first = len(self._rows)
            self.beginInsertRows(QModelIndex(), first, first + len(fresh) - 1)
            self._rows += fresh
            self._known.update(study.found.key for study in fresh)
            self.endInsertRows()

    def page_failed(self) -> None:
        """Let the page be asked for again when somebody scrolls."""
        self._asked = False

    def update(self, study: ArchiveStudy) -> None:
        """Show a study as it is known by now."""
        for row, old in enumerate(self._rows):
            if old.found.key == study.found.key:
                self._rows[row] = study
                self.dataChanged.emit(self.index(row, 0), self.index(row, self.columnCount() - 1))

    def study(self, row: int) -> ArchiveStudy | None:
        """Return a row's study."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    @property
    def has_more(self) -> bool:
        """Whether the archive has more than is shown."""
        return self._has_more

    def canFetchMore(self, parent: AnyIndex) -> bool:
        """Whether scrolling to the end brings more."""
        return not parent.isValid() and self._has_more and not self._asked

    def fetchMore(self, parent: AnyIndex) -> None:
        """Ask for the next page, in the background."""
        if self.canFetchMore(parent):
            self._asked = True
            self.more_wanted.emit()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Return how many studies are shown."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self._heads)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> Any:
        """Return a column's title."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._heads[section]
        return None

    def data(self, index: AnyIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Return a study, its picture or its words."""
        study = self.study(index.row()) if index.isValid() else None
        if study is None:
            return None
        if role == STUDY_ROLE:
            return study
        if role == PICTURE_ROLE:
            return self._pictures.get(study.found.study_uid)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(study, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._text(study, index.column())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return joined(name_of(study.found), line_of(study.found), taken(study.found), study.found.description)
        return None

    @staticmethod
    def _text(study: ArchiveStudy, column: int) -> str:
        found = study.found
        texts = (
            isolated(name_of(found)),
            taken(found),
            kinds_of(found),
            isolated(found.description),
            number(found.instances),
            held_words(study),
        )
        return texts[column]

    # -- pictures ------------------------------------------------------------------------------------------

    def want(self, rows: Sequence[int]) -> None:
        """Fetch pictures for these rows, in this order, and no longer for others not yet begun."""
        uids = [study.found.study_uid for row in rows if (study := self.study(row)) is not None]
        self._wanted = [uid for uid in uids if uid not in self._pictures and uid not in self._underway]
        self._fetch()

    def stop(self) -> None:
        """Fetch nothing more."""
        self._wanted = []
        for uid in self._underway:
            self._session.calls.drop(("archive-picture", id(self), uid))
        self._underway.clear()

    def _fetch(self) -> None:
        library, actor = self._session.library, self._session.actor
        while self._wanted and len(self._underway) < AT_ONCE:
            uid = self._wanted.pop(0)
            self._underway.add(uid)
            self._session.calls.ask(
                ("archive-picture", id(self), uid),
                partial(library.browsing.thumbnail, actor, uid),
                partial(self._on_picture_arrived, uid),
                partial(self._on_picture_failed, uid),
            )

    def _on_picture_arrived(self, uid: str, jpeg: bytes | None) -> None:
        self._underway.discard(uid)
        picture = QImage.fromData(jpeg) if jpeg else QImage()
        self._pictures[uid] = None if picture.isNull() else picture
        while len(self._pictures) > KEPT_PICTURES:
            self._pictures.popitem(last=False)
        row = next((row for row, study in enumerate(self._rows) if study.found.study_uid == uid), -1)
        if row >= 0:
            self.dataChanged.emit(self.index(row, 0), self.index(row, 0), [PICTURE_ROLE])
        self._fetch()

    def _on_picture_failed(self, uid: str, _error: BitewingError) -> None:
        # The study itself can be opened all the same, and says then what is wrong.
        self._on_picture_arrived(uid, None)
