"""What a restored library is told as, wherever its backup came from."""

from __future__ import annotations

from app.cli import output
from app.cli.session import Session
from app.services.restoring import RestoreReport
from app.words import t, tn


def say_restored(session: Session, name: str, report: RestoreReport) -> int:
    """Say what was restored out of the backup ``name`` and return the exit code."""
    if report.missing:
        output.fail(name, "restore.files_missing", {"count": report.missing})
    if session.json:
        output.emit(
            {
                "library": session.root(),
                "created_at": report.heading.created_at,
                "contents": report.heading.contents,
                "images": report.images,
                "missing": report.missing,
                "kept": report.kept,
            }
        )
    else:
        output.say(t("{images} restored.", images=tn("{n} image", "{n} images", report.images)))
        if report.kept is not None:
            output.say(t("What was there before is kept as {path}.", path=report.kept))
    return 1 if report.missing else 0
