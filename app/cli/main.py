"""The root of the command line: its commands by name, its exit codes, its last words."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Any

import click

from app import __version__
from app.cli import output
from app.cli.lazy import Entry, LazyGroup
from app.cli.places import PlaceRefused
from app.cli.session import Session, common
from app.core import logs
from app.core.errors import BitewingError, Cancelled, RefusedError
from app.core.paths import log_directory
from app.words import errors as error_words
from app.words import t

log = logging.getLogger(__name__)

DONE, FAILED, USAGE, REFUSED = 0, 1, 2, 3


class _Root(LazyGroup):
    entries = {  # noqa: RUF012 - read only
        "gui": Entry("app.cli.gui", lambda: t("Open the window.")),
        "demo": Entry("app.cli.demo", lambda: t("Fill a library with a made-up clinic.")),
        "scan": Entry("app.cli.scan", lambda: t("Count what there is to import, without importing.")),
        "import": Entry("app.cli.importing", lambda: t("Import files, folders, archives and discs.")),
        "inbox": Entry("app.cli.inbox", lambda: t("What waits for somebody to decide.")),
        "info": Entry("app.cli.info", lambda: t("Say what a file is.")),
        "render": Entry("app.cli.render", lambda: t("Write a picture of a file as the viewer shows it.")),
        "list": Entry("app.cli.listing", lambda: t("List patients, images or studies.")),
        "patients": Entry("app.cli.patients", lambda: t("Add, edit, merge and import patients.")),
        "images": Entry("app.cli.images", lambda: t("Move, delete and restore images.")),
        "treatments": Entry("app.cli.treatments", lambda: t("What was done to which teeth, with its images.")),
        "export": Entry("app.cli.export", lambda: t("Write images, or everything, to a folder.")),
        "share": Entry("app.cli.share", lambda: t("Share images by links that expire.")),
        "check": Entry("app.cli.check", lambda: t("Check that every image has its file and every file its image.")),
        "agent": Entry("app.cli.agent", lambda: t("Do all background work without a window.")),
        "receive": Entry("app.cli.receive", lambda: t("Take what sensors and modalities send by DICOM.")),
        "push": Entry("app.cli.push", lambda: t("Send what is queued to the archive.")),
        "queue": Entry("app.cli.queue", lambda: t("What waits to be sent, and what waits for a decision.")),
        "mirror": Entry("app.cli.mirror", lambda: t("Send what waits to the mirrors.")),
        "archive": Entry("app.cli.archive", lambda: t("Search the archive, and fetch studies from it.")),
        "worklist": Entry("app.cli.worklist", lambda: t("Show who is expected today.")),
        "watch": Entry("app.cli.watch", lambda: t("Watch folders and import what arrives.")),
        "migrate": Entry(
            "app.cli.migrate", lambda: t("Bring in the images, patients and treatments of an earlier program.")
        ),
        "backup": Entry("app.cli.backup", lambda: t("Make, verify, list and restore backups.")),
        "drive": Entry("app.cli.drive", lambda: t("Keep backups on Google Drive, and bring them back.")),
        "log": Entry("app.cli.log", lambda: t("What ran, what was found and what failed; no patient data.")),
        "audit": Entry(
            "app.cli.audit", lambda: t("Who did what: prove that nothing of it was changed, or write it out.")
        ),
        "settings": Entry("app.cli.settings", lambda: t("Show and change settings.")),
        "status": Entry("app.cli.status", lambda: t("Show how the library stands.")),
    }


@click.group(
    cls=_Root,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=f"{t('An image library and viewer for dental and small medical clinics.')} {t('Without a command it opens.')}",
)
@common
@click.version_option(__version__, prog_name="Bitewing")
@click.pass_context
def bitewing(ctx: click.Context) -> None:
    """Run a command, or open the window."""
    ctx.ensure_object(Session)
    if ctx.invoked_subcommand is None:
        window = bitewing.get_command(ctx, "gui")
        assert window is not None
        ctx.exit(window.main([], parent=ctx, standalone_mode=False) or DONE)


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 not done yet."""
    output.use_utf8()
    try:
        return _run(arguments)
    except output.UndeliveredError as error:
        output.silence(sys.stdout)
        if error.code is not None:
            output.fail("bitewing", error.code)
        return FAILED


def _run(arguments: Sequence[str]) -> int:
    logs.set_up(log_directory())
    session = Session()
    try:
        code: Any = bitewing.main(list(arguments), prog_name="bitewing", obj=session, standalone_mode=False)
    except click.UsageError as error:
        return _usage(error, session, arguments)
    except PlaceRefused as error:
        output.complain(f"{error.path}: {error.message}")
        if session.json:
            output.emit({"error": {"code": error.code, "reason": error.message}})
        return FAILED
    except click.ClickException as error:
        error.show()
        return FAILED
    except (click.Abort, KeyboardInterrupt, Cancelled):
        return _end(session, "cancelled", {}, "bitewing", FAILED)
    except RefusedError as error:
        return _end(session, error.code, error.facts, output.name_of(error, _command(arguments)), REFUSED)
    except BitewingError as error:
        return _end(session, error.code, error.facts, output.name_of(error, _command(arguments)), FAILED)
    except output.UndeliveredError:
        raise
    except BrokenPipeError as error:  # help, which click prints itself
        raise output.UndeliveredError(None) from error
    except Exception as error:  # the last hook: a bug is logged and said in words
        log.exception("command failed")
        return _end(session, "program.fault", {"kind": type(error).__name__}, "bitewing", FAILED)
    return code if isinstance(code, int) else DONE


def _end(session: Session, code: str, facts: dict[str, Any], name: str, exit_code: int) -> int:
    output.fail(name, code, facts)
    advice = error_words.describe(code, facts).what_to_do
    if advice:
        output.complain(advice)
    if session.json:
        output.emit({"error": output.refusal(code, facts)})
    return exit_code


def _usage(error: click.UsageError, session: Session, arguments: Sequence[str]) -> int:
    error.show()
    if session.json or "--json" in arguments:
        output.emit({"error": {"code": "usage", "reason": error.format_message()}})
    return USAGE


def _command(arguments: Sequence[str]) -> str:
    return next((argument for argument in arguments if argument in _Root.entries), "bitewing")
