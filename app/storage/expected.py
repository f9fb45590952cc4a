"""What worklists expect: for a patient's next image until that came, for an image ever after."""

from __future__ import annotations

from app.domain.expectation import Expectation
from app.storage.state import State


class Expected:
    """The expectations of one library, among what it remembers. Any thread."""

    def __init__(self, state: State) -> None:
        self._state = state

    def expect(self, expectation: Expectation) -> None:
        """Expect something of a patient's next image, instead of what was expected before."""
        self._state.set(_next(expectation.patient_id), expectation.plain())

    def forget(self, patient_id: str) -> bool:
        """Expect nothing more of a patient; whether something was."""
        return self._state.remove(_next(patient_id))

    def of_next(self, patient_id: str, day: str) -> Expectation | None:
        """Return what is expected of a patient's next image on a day (``YYYY-MM-DD``)."""
        found = self._of(_next(patient_id))
        return found if found is not None and found.day == day else None

    def meet(self, expectation: Expectation, image_id: str) -> None:
        """Write down that this image is what was expected; the next one is not."""
        self.forget(expectation.patient_id)
        self._state.set(_image(image_id), expectation.plain())

    def of_image(self, image_id: str) -> Expectation | None:
        """Return what was expected of an image."""
        return self._of(_image(image_id))

    def _of(self, key: str) -> Expectation | None:
        found = self._state.get(key)
        return Expectation.of(found) if isinstance(found, dict) else None


def _next(patient_id: str) -> str:
    return f"expected.next.{patient_id}"


def _image(image_id: str) -> str:
    return f"expected.image.{image_id}"
