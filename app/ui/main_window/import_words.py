"""How an import ended, in words for a notice. Loaded when the first import ends."""

from __future__ import annotations

from app.sync.report import ImportReport, ItemStatus
from app.ui.formats import joined, number
from app.ui.notices import NoticeKind
from app.words import errors as error_words
from app.words import t, tn


def ending_words(report: ImportReport) -> tuple[str, str, NoticeKind]:
    """Return title, text and kind of the notice."""
    count = report.count
    troubled = count(ItemStatus.FAILED) + count(ItemStatus.QUARANTINED)
    parts = [tn("{n} image", "{n} images", count(ItemStatus.IMPORTED))]
    for status, text in (
        (ItemStatus.DUPLICATE, t("{n} already there", n=number(count(ItemStatus.DUPLICATE)))),
        (ItemStatus.INBOX, t("{n} in the inbox", n=number(count(ItemStatus.INBOX)))),
        (ItemStatus.SKIPPED, t("{n} not images", n=number(count(ItemStatus.SKIPPED)))),
    ):
        parts += [text] if count(status) else []
    parts += [t("{n} with problems", n=number(troubled))] if troubled else []
    title = t("Import finished")
    if report.stopped:
        words = error_words.describe(report.stopped, report.stop_facts)
        title, parts = t("Import ended early"), [words.explanation, *parts]
    noteworthy = troubled or report.stopped or count(ItemStatus.INBOX)
    return title, joined(*parts), NoticeKind.WARNING if noteworthy else NoticeKind.DONE
