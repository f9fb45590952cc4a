"""The screens of publishing, over a real web server: form, risk, what would go, what is public, what is stuck."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from app.core.context import JobContext

QUIET = JobContext.silent()
# So many of what is published the web server shows.
SEEN = 3


def publish_screens(window: object, out: Path) -> Iterator[tuple[str, object]]:
    """Go through them, yielding what to grab."""
    from app.ui.later import part
    from app.ui.settings.destination_fields import Destination
    from app.ui.tree.place import Place

    session = window.session
    library, actor = session.library, session.actor
    place = out / "web"
    (place / "published").mkdir(parents=True, exist_ok=True)
    kept: dict[str, bytes] = {}
    emptied = threading.Event()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            path = Path(self.translate_path(self.path))
            is_copy = not path.name.startswith("bitewing-") and path.suffix == ".jpg"
            if is_copy and len(kept) == SEEN and self.path not in kept:
                self.send_error(403)
                return
            if is_copy and path.is_file() and not emptied.is_set():
                kept[self.path] = path.read_bytes()
            elif self.path in kept:
                # A cache that has not heard yet.
                self.send_response(200)
                self.end_headers()
                self.wfile.write(kept[self.path])
                return
            super().do_GET()

        def list_directory(self, _path: object) -> None:
            self.send_error(403)

        def log_message(self, *_what: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(place / "published")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    values = {"path": str(place), "publish": True, "public_url": f"http://127.0.0.1:{server.server_port}"}
    library.settings.set_destination(actor, "mirror", "web", values, {})
    form = part("DestinationForm")(
        session,
        "mirror",
        Destination("web", {"kind": "folder", "enabled": False, **values}),
        frozenset(),
        lambda _one: [],
    )
    form.show()
    bar = form.editors["public_url"].widget.parent().parent().parent().verticalScrollBar()
    bar.setValue(bar.maximum())
    yield "publish-form", form
    form.close()
    consent = part("PublishConsentDialog")(window)
    consent.show()
    yield "publish-consent", consent
    consent.close()
    patient = library.patients.resolve(actor, "BW-1001")
    summary = library.patients.summary(actor, patient.id)
    images = library.images.list(actor, patient_id=patient.id)
    photo = next(image for image in images if image.view.value == "extraoral_photo")
    xray = next(image for image in images if image.view.value == "periapical")
    for name, ids in (("publish-one", [photo.id]), ("publish-several", [photo.id, xray.id, images[-1].id])):
        dialog = part("PublishDialog")(session, summary, ids, window)
        dialog.show()
        yield name, dialog
        dialog.close()
    chosen = [photo, xray, *[image for image in images if image.id not in {photo.id, xray.id}][:2]]
    prepared = library.publishing.prepare(actor, [image.id for image in chosen], QUIET)
    library.publishing.publish(actor, prepared, looked=True)
    _until(lambda: len(kept) == SEEN and any(row.entry.code for row in library.publishing.public(actor)))
    seen = next(row for row in library.publishing.public(actor) if row.entry.publication.public_at)
    library.publishing.withdraw(actor, [seen.entry.publication.image_id], QUIET)
    _until(lambda: sum(bool(row.entry.code) for row in library.publishing.public(actor)) == 2)
    overview = part("PublicImagesDialog")(session, window)
    overview.show()
    yield "public-images", overview
    rows = [overview.list.topLevelItem(row) for row in range(overview.list.topLevelItemCount())]
    overview.list.setCurrentItem(next(row for row in rows if row.data(0, 0x0100).entry.code))
    yield "public-images-stuck", overview
    overview.close()
    window.open_place(Place(patient.id), photo.id)
    yield "public-details", window
    destinations = part("DestinationsDialog")(session, window, first="public.web")
    destinations.show()
    yield "destinations-public.web", destinations
    destinations.close()
    # One that is being sent just now is not to be kept, either.
    emptied.set()
    kept.clear()
    library.publishing.withdraw(actor, [image.id for image in chosen], QUIET)
    library.store.outbox.release("public.web")
    _until(lambda: not library.publishing.public(actor))
    empty = part("PublicImagesDialog")(session, window)
    empty.show()
    yield "public-none", empty
    empty.close()
    library.settings.forget(actor, "mirror", "web")
    server.shutdown()
    server.server_close()


def _until(done: Callable[[], bool]) -> None:
    """Wait for the background, which sends in threads of its own."""
    deadline = time.monotonic() + 60
    while not done() and time.monotonic() < deadline:
        time.sleep(0.1)
