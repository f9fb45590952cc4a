"""The boxes for kinds of file: never none, and each change is said."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox

from app.domain.image import IMPORTABLE, FileKind
from app.ui.dialogs.wanted_files import WantedFiles


def test_the_last_kind_stays_on(qtbot):
    wanted = WantedFiles()
    qtbot.addWidget(wanted)
    assert (wanted.kinds, wanted.recursive) == (IMPORTABLE, True)
    dicom, photos, documents, deep = wanted.findChildren(QCheckBox)
    with qtbot.waitSignal(wanted.changed):
        photos.click()
    documents.click()
    assert wanted.kinds == {FileKind.DICOM}
    dicom.click()
    assert wanted.kinds == {FileKind.DICOM}
    photos.click()
    dicom.click()
    assert wanted.kinds == {FileKind.PHOTO}
    deep.click()
    assert not wanted.recursive
