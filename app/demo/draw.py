"""One planned picture to one file: chooses the drawing and the format.

The only module that knows both the plan and the drawings. Any thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from app.demo import cbct, cephalometric, face, intraoral, panoramic, photos, scene, texture
from app.demo.clinic import PlannedImage
from app.demo.dicom_writer import Exposure, write_extraoral, write_intraoral
from app.demo.enhanced_ct import write_volume
from app.demo.jpeg_writer import write_photo
from app.demo.story import Story, mouth_on
from app.domain.image import ImageView


@contextmanager
def session() -> Iterator[None]:
    """Keep OpenCV to one thread per picture while pictures are drawn, and drop all caches at the end.

    Two drawing threads with OpenCV's own threads beneath them took twice as long as without.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
        for cache in (scene.cached_maps, panoramic.surroundings, texture.trabeculae):
            cache.cache_clear()


def file_name(planned: PlannedImage) -> str:
    """Return the file's name: the chart number, a running number, no person's name."""
    photo = planned.view in (ImageView.INTRAORAL_PHOTO, ImageView.EXTRAORAL_PHOTO)
    ending = "jpg" if photo else "dcm"
    return f"{planned.patient.chart_number}-{planned.number:03d}-{planned.view}.{ending}"


def draw(planned: PlannedImage, story: Story, path: Path) -> tuple[str, ...]:
    """Draw a picture, write it to `path` and return the teeth it shows."""
    mouth = mouth_on(story, planned.captured_at.date())
    if planned.view == ImageView.PERIAPICAL:
        film = intraoral.periapical(mouth, planned.tooth, planned.key)
        write_intraoral(path, _exposure(planned, film.teeth), film.pixels, film.bits, film.mm_per_pixel)
        return film.teeth
    if planned.view == ImageView.BITEWING:
        film = intraoral.bitewing(mouth, right=planned.subject == "right", exposure=planned.key)
        write_intraoral(path, _exposure(planned, film.teeth), film.pixels, film.bits, film.mm_per_pixel)
        return film.teeth
    if planned.view in (ImageView.PANORAMIC, ImageView.CEPHALOMETRIC):
        side = planned.view == ImageView.CEPHALOMETRIC
        film = (
            cephalometric.cephalometric(mouth, planned.key, planned.patient.sex)
            if side
            else panoramic.panoramic(mouth, planned.key)
        )
        write_extraoral(
            path, _exposure(planned, film.teeth), film.pixels, film.bits, film.mm_per_pixel, cephalometric=side
        )
        return film.teeth
    if planned.view == ImageView.CBCT:
        teeth = tuple(tooth for tooth in mouth.lower if mouth.state(tooth).present)
        write_volume(path, _exposure(planned, teeth), cbct.lower_jaw(mouth, planned.key))
        return teeth
    return _photo(planned, story, path)


def _photo(planned: PlannedImage, story: Story, path: Path) -> tuple[str, ...]:
    mouth = mouth_on(story, planned.captured_at.date())
    patient = planned.patient
    if planned.view == ImageView.EXTRAORAL_PHOTO:
        age = patient.age_on(planned.captured_at.date())
        picture = face.portrait(patient.key, patient.sex, age, patient.skin, planned.key)
        teeth: tuple[str, ...] = ()
    elif planned.subject == "close":
        picture, teeth = photos.close_up(mouth, planned.tooth, planned.key), (planned.tooth,)
    elif planned.subject == "upper":
        picture, teeth = photos.upper_arch(mouth, planned.key), mouth.upper
    else:
        picture, teeth = photos.front_view(mouth, planned.key), _front_teeth(mouth.upper) + _front_teeth(mouth.lower)
    write_photo(path, picture, planned.captured_at)
    return tuple(tooth for tooth in teeth if mouth.state(tooth).present)


def _front_teeth(row: tuple[str, ...]) -> tuple[str, ...]:
    middle = len(row) // 2
    return row[max(0, middle - 5) : middle + 5]


def _exposure(planned: PlannedImage, teeth: tuple[str, ...]) -> Exposure:
    return Exposure(planned.patient, planned.key, planned.number, planned.captured_at, planned.caption, teeth)
