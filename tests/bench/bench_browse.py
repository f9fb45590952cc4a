"""Looking into an archive of 10,000 studies, and a study of 500 CT slices, against what Orthanc itself can do.

Run: ``python -m tests.bench.bench_browse [--studies N] [--slices N]``. Goals (issue 4, item 8): a page of a search at
most 300 ms after Orthanc's own answer; the first image at most 1 s after the click. Needs Debian's ``orthanc`` and its
DICOMweb plug-in. Exits 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import httpx
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from PySide6.QtWidgets import QApplication

from app.bootstrap.library import Library, open_library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.domain.roles import owner
from app.jobs.calls import Calls
from app.jobs.change_bus import ChangeBus
from app.jobs.runner import JobRunner
from app.services.archiving.fetching import Wanted
from app.transfer.connection import OrthancArgs
from app.transfer.dicomweb import DicomWeb
from app.transfer.found import StudyQuery
from app.transfer.retrieval import Allowance, Retrieval, retrieve
from app.ui.main_window.window import MainWindow
from app.ui.session import Session
from tests.servers import PASSWORD, USER, OrthancServer, orthanc

OWNER, QUIET = owner("bench"), JobContext.silent()
ROUNDS, LINES = 7, 4
VOLUME, CT = "1.2.826.0.2.1", "1.2.840.10008.5.1.4.1.1.2"
PAGE_MS, FIRST_IMAGE_MS = 300.0, 1000.0


def written(study: str, series: str, sop: str, pixels: np.ndarray, **values: object) -> bytes:
    """Return a small file."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = CT, sop
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
    dataset.PatientBirthDate, dataset.PatientSex, dataset.StudyTime = "19700101", "F", "101112"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.PixelData = pixels.tobytes()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = CT, sop
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def fill(server: OrthancServer, studies: int, slices: int) -> None:
    """Put in many small studies over sixteen years, and one volume."""
    small = np.zeros((16, 16), np.uint16)
    volume = np.random.default_rng(1).integers(0, 4000, (512, 512)).astype(np.uint16)

    def study(number: int) -> bytes:
        day = date(2026, 11, 28) - timedelta(days=number * 37 % 6000)
        uid = f"1.2.826.0.1.{number}"
        return written(
            uid, f"{uid}.1", f"{uid}.1.1", small, Modality=("IO", "PX", "CT", "XC")[number % 4],
            PatientName=f"Family{number % 997}^Given{number}", PatientID=f"P{number}",
            StudyDate=day.strftime("%Y%m%d"), StudyDescription=("Bitewing", "Panoramic", "CBCT", "Photo")[number % 4],
        )  # fmt: skip

    def slice_of(number: int) -> bytes:
        return written(
            VOLUME, f"{VOLUME}.1", f"{VOLUME}.1.{number + 1}", np.roll(volume, number, 0), Modality="CT",
            PatientName="Volume^Vera", PatientID="V1", StudyDate="20261101", StudyDescription="CBCT",
            InstanceNumber=number + 1, ImagePositionPatient=[0, 0, number * 0.3],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[0.3, 0.3],
        )  # fmt: skip

    with server.client() as client, ThreadPoolExecutor(LINES) as pool:
        for make, count in ((study, studies), (slice_of, slices)):
            for answer in pool.map(
                lambda number, make=make: client.post("/instances", content=make(number)), range(count)
            ):
                answer.raise_for_status()


def median_ms(work: Callable[[], object]) -> float:
    """Return the median of some rounds, after one that warms up."""
    work()
    times = []
    for _round in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def pages(library: Library, client: httpx.Client) -> bool:
    """Compare the first page of some searches with Orthanc's own answer to them."""
    good = True
    for name, query, words in (
        ("everything", StudyQuery(), ""),
        ("a name", StudyQuery(name="family18"), "&PatientName=*family18*"),
        ("a patient", StudyQuery(patient_id="P77"), "&PatientID=*P77*"),
        ("a month of CT", StudyQuery(since=date(2026, 10, 1), until=date(2026, 10, 31), modality="CT"),
         "&StudyDate=20261001-20261031&ModalitiesInStudy=CT"),
        ("a description", StudyQuery(description="noram"), "&StudyDescription=*noram*"),
    ):  # fmt: skip
        url = httpx.URL(f"{str(client.base_url).rstrip('/')}/dicom-web/studies?limit=50&includefield=00081030{words}")
        theirs = median_ms(lambda url=url: client.get(url).raise_for_status().json())
        ours = median_ms(lambda query=query: library.browsing.search(OWNER, query))
        good &= ours - theirs <= PAGE_MS
        print(f"first page, {name:15} ours {ours:7.1f} ms  Orthanc {theirs:7.1f} ms  +{ours - theirs:6.1f} ms"
              f"  ratio {ours / theirs:4.1f}  (goal +{PAGE_MS:.0f} ms)")  # fmt: skip
    return good


def first_image(library: Library, bus: ChangeBus) -> bool:
    """Click on "open" in a real window and wait for pixels; then for all of the study."""
    application = QApplication.instance() or QApplication(sys.argv[:1])
    calls, pictures, runner = Calls(), Calls(), JobRunner(leave=library.close_thread)
    settings = library.settings
    session = Session(library, OWNER, calls, runner, bus, settings.clinic(), settings.workstation())
    window = MainWindow(session, pictures)
    window.show()
    library.viewing.warm()

    def wait(until: Callable[[], bool]) -> None:
        while not until():
            application.processEvents()
            time.sleep(0.001)

    wait(lambda: not calls.waiting())
    times, whole = [], []
    for _round in range(ROUNDS):
        window.patient.close()
        wait(lambda: not calls.waiting() and window.table.pane.cell.item is None)
        began = time.perf_counter()
        window.archive.open_study(VOLUME)
        wait(lambda: window.table.pane.cell.item is not None and window.table.pane.cell.has_picture)
        times.append((time.perf_counter() - began) * 1000)
        wait(lambda: not runner.running())
        whole.append((time.perf_counter() - began) * 1000)
    print(f"first image after the click: median {statistics.median(times):.0f} ms, worst {max(times):.0f} ms"
          f"  (goal {FIRST_IMAGE_MS:.0f} ms); all slices after {statistics.median(whole):.0f} ms")  # fmt: skip
    window.close()
    bus.stop()
    runner.shutdown(5)
    calls.shutdown()
    pictures.shutdown()
    return max(times) <= FIRST_IMAGE_MS


def fetching(library: Library, server: OrthancServer, folder: Path, slices: int) -> None:
    """Compare fetching a study with bare downloads of its images over as many connections."""
    limits = httpx.Limits(max_connections=LINES)
    with httpx.Client(base_url=server.url, auth=(USER, PASSWORD), timeout=60, limits=limits) as client:
        client.headers["Accept-Encoding"] = "identity"
        urls = [f"/dicom-web/studies/{VOLUME}/series/{VOLUME}.1/instances/{VOLUME}.1.{n + 1}" for n in range(slices)]
        began = time.perf_counter()
        with ThreadPoolExecutor(LINES) as pool:
            size = sum(pool.map(lambda url: len(client.get(url).raise_for_status().content), urls))
        bare = time.perf_counter() - began
    web = DicomWeb(OrthancArgs(server.url, USER, PASSWORD))
    folder.mkdir()
    began = time.perf_counter()
    how = Retrieval(folder, CancelToken(), Allowance(1 << 40), lambda _path: None)
    retrieve(web.server, (VOLUME, f"{VOLUME}.1"), "", how)
    streamed = time.perf_counter() - began
    web.close()
    began = time.perf_counter()
    report = library.browsing.fetch(OWNER, QUIET, Wanted(VOLUME))
    ours = time.perf_counter() - began
    assert report.fetched == slices
    print(f"{slices} slices, {size >> 20} MB: bare downloads over {LINES} lines {bare:.2f} s; our download to the disk"
          f" {streamed:.2f} s (ratio {streamed / bare:.2f}); downloaded, examined and imported {ours:.2f} s"
          f" (ratio {ours / bare:.2f})")  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=10_000)
    parser.add_argument("--slices", type=int, default=500)
    given = parser.parse_args()
    executable = shutil.which("Orthanc", path=f"{os.environ['PATH']}:/usr/sbin")
    if executable is None:
        sys.exit("Orthanc is not installed")
    with tempfile.TemporaryDirectory(prefix="bitewing-bench-") as name, orthanc(executable, Path(name) / "o") as server:
        folder = Path(name)
        os.environ.setdefault("BITEWING_SECRETS_FILE", str(folder / "secrets.json"))
        fill(server, given.studies, given.slices)
        bus = ChangeBus()
        with open_library(folder / "library", create=True, publish=bus.publish) as library, server.client() as client:
            for key, value in (("url", server.url), ("username", USER), ("password", PASSWORD)):
                library.settings.set(OWNER, f"orthanc.{key}", value)
            client.headers["Accept-Encoding"] = "identity"
            good = pages(library, client)
            good &= first_image(library, bus)
            fetching(library, server, folder / "bare", given.slices)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
