"""Words for what trying a connection found, for the window and the command line alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.words.catalogue import t


def dimse_lines(
    *,
    host: str,
    port: int,
    called_aet: str,
    calling_aet: str,
    encrypted: bool,
    answer_ms: int,
    stores: bool,
    answers_queries: bool,
    commits: bool,
    has_worklist: bool,
    isolate: Callable[[str], str] = str,
    **_more: Any,
) -> list[str]:
    """Return what was asked of a DICOM peer and what came back; ``isolate`` keeps names apart from their sentence."""
    way = t("encrypted (TLS)") if encrypted else t("not encrypted")
    asked = t(
        "“{called}” at {address} answered “{calling}” in {ms} ms, {way}.",
        called=isolate(called_aet),
        address=isolate(f"{host}:{port}"),
        calling=isolate(calling_aet),
        ms=answer_ms,
        way=way,
    )
    offers = [
        words
        for is_there, words in (
            (stores, t("takes images")),
            (commits, t("commits to storage")),
            (answers_queries, t("answers queries")),
            (has_worklist, t("has a worklist")),
        )
        if is_there
    ]
    return [asked, t("It {offers}.", offers=t(", ").join(offers)) if offers else t("It answers, and offers nothing.")]
