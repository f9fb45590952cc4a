"""The screens about cases: an empty list, a full one, attaching images, the images of one."""

from __future__ import annotations

from collections.abc import Iterator


def case_screens(window: object) -> Iterator[tuple[str, object]]:
    """Go through them; every case is taken away again."""
    from app.ui.later import part
    from app.ui.tree.place import Place

    session = window.session
    library, actor = session.library, session.actor
    empty = part("CasesDialog")(session, window)
    empty.show()
    yield "cases-none", empty
    empty.close()
    attached = []
    for chart, reference in (("BW-1001", "2026-0142"), ("BW-1002", "REF Dr. Haddad 17"), ("BW-1003", "2026-0090")):
        patient = library.patients.resolve(actor, chart)
        images = [image.id for image in library.images.list(actor, patient_id=patient.id)][:4]
        library.cases.attach(actor, images, reference)
        attached += images
    cases = part("CasesDialog")(session, window)
    cases.show()
    yield "cases", cases
    cases.close()
    patient = library.patients.resolve(actor, "BW-1001")
    window.open_place(Place(patient.id, case_reference="2026-0142"))
    yield "case-images", window
    images = library.cases.images(actor, "2026-0142")
    attach = part("AttachDialog")(session, library.patients.summary(actor, patient.id), images, window)
    attach.show()
    yield "case-attach", attach
    attach.close()
    for image_id in attached:
        library.cases.attach(actor, [image_id], "")
    window.open_place(Place(patient.id))
