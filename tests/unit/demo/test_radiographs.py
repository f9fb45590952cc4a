"""Drawn radiographs obey physics: white where dense, black where air, the same tooth through the years."""

from __future__ import annotations

import numpy as np
import pytest

from app.demo import cbct, cephalometric, intraoral, panoramic
from app.demo.mouth import Mouth
from app.demo.raster import RASTER_MM, ToothMaps
from app.demo.seeds import array_random
from app.demo.tooth_solid import tooth_maps
from app.demo.tooth_state import SOUND, ToothState, tooth_place

PERSON = "test/1"


def at(maps: ToothMaps, x_mm: float, y_mm: float, radius: int = 2) -> float:
    """Return the mean attenuation near a place in tooth coordinates."""
    column, row = (round(value / RASTER_MM + origin) for value, origin in zip((x_mm, y_mm), maps.origin, strict=True))
    return float(maps.attenuation[row - radius : row + radius + 1, column - radius : column + radius + 1].mean())


@pytest.fixture(scope="module")
def molar() -> ToothMaps:
    return tooth_maps(PERSON, "30", 30.0, SOUND)


def test_enamel_is_denser_than_dentine_and_dentine_than_pulp(molar: ToothMaps) -> None:
    enamel = at(molar, molar.width_mm / 2 - 0.45, -molar.crown_mm * 0.55)
    dentine = at(molar, 0.0, -molar.crown_mm * 0.62)
    pulp = at(molar, 0.0, -0.1)
    assert enamel > dentine * 1.15
    assert dentine > pulp * 1.2
    assert pulp > 0


def test_there_is_nothing_beside_the_tooth(molar: ToothMaps) -> None:
    assert molar.attenuation[molar.inside < -0.3].max() == 0


def test_caries_takes_mineral_away_and_amalgam_adds_much(molar: ToothMaps) -> None:
    decayed = tooth_maps(PERSON, "30", 30.0, ToothState(caries=0.7, site="distal"))
    filled = tooth_maps(PERSON, "30", 30.0, ToothState(filling="amalgam", site="distal"))
    place = (molar.width_mm * 0.40, -molar.crown_mm * 0.48)
    assert at(decayed, *place) < 0.8 * at(molar, *place)
    assert at(filled, *place) > 2 * at(molar, *place)


def test_a_root_filling_is_denser_than_the_canal_it_fills() -> None:
    sound, treated = (tooth_maps(PERSON, "8", 40.0, ToothState(root_filled=done)) for done in (False, True))
    assert at(treated, 0.1, sound.root_mm * 0.4, 4) > at(sound, 0.1, sound.root_mm * 0.4, 4) + 0.5


def test_an_apical_lesion_removes_bone() -> None:
    sound, sick = (tooth_maps(PERSON, "29", 40.0, ToothState(apical_mm=size)) for size in (0.0, 2.5))
    assert sick.socket.sum() > sound.socket.sum() * 1.05


def test_the_same_person_keeps_the_same_tooth_and_another_has_another() -> None:
    first, again = (tooth_maps(PERSON, "14", 30.0, SOUND) for _ in range(2))
    other = tooth_maps("test/2", "14", 30.0, SOUND)
    assert np.array_equal(first.attenuation, again.attenuation)
    assert first.width_mm != other.width_mm


@pytest.mark.parametrize("tooth", ["1", "6", "8", "13", "14", "19", "24", "28", "32", "A", "E", "L", "M", "T"])
def test_every_class_of_tooth_is_drawn_whole(tooth: str) -> None:
    maps = tooth_maps(PERSON, tooth, 9.0, SOUND)
    rows = np.flatnonzero((maps.inside > 0).any(axis=1))
    height = (rows[-1] - rows[0]) * RASTER_MM
    assert height == pytest.approx(maps.crown_mm + maps.root_mm, rel=0.12)
    assert rows[0] > 0
    assert rows[-1] < maps.inside.shape[0] - 1


def test_molars_have_separate_roots_and_incisors_one() -> None:
    def pieces(tooth: str) -> int:
        maps = tooth_maps(PERSON, tooth, 30.0, SOUND)
        row = maps.inside[int(maps.origin[1] + maps.root_mm * 0.75 / RASTER_MM)] > 0
        return int(np.count_nonzero(np.diff(row.astype(int)) == 1))

    assert pieces("30") == 2
    assert pieces("14") == 2
    assert pieces("8") == 1


@pytest.fixture(scope="module")
def lower_film() -> intraoral.Radiograph:
    return intraoral.periapical(Mouth(PERSON, 30.0), "30", "a")


def test_a_lower_film_has_dark_above_the_crowns_and_bone_below(lower_film: intraoral.Radiograph) -> None:
    pixels = lower_film.pixels
    beyond = float(np.median(pixels[:25]))
    crowns = float(np.median(pixels[140:260]))
    bone = float(np.median(pixels[-120:]))
    assert beyond < bone < crowns
    assert beyond < 0.2 * 4095
    assert crowns > 0.45 * 4095


def test_an_upper_film_is_the_other_way_up() -> None:
    pixels = intraoral.periapical(Mouth(PERSON, 30.0), "3", "a").pixels
    assert np.median(pixels[-25:]) < np.median(pixels[:25]) < np.median(pixels[-260:-140])


def test_films_use_their_bits_without_leaving_them(lower_film: intraoral.Radiograph) -> None:
    assert lower_film.bits == 12
    assert lower_film.pixels.max() <= 4095
    assert lower_film.pixels.max() > 3000
    assert np.unique(lower_film.pixels).size > 1500


def test_a_film_has_noise_of_a_believable_size(lower_film: intraoral.Radiograph) -> None:
    patch = lower_film.pixels[:20, 40:140].astype(float)
    detail = patch - patch.mean()
    assert 2 < detail.std() < 60


def test_bone_is_a_connected_pattern_not_salt_and_pepper(lower_film: intraoral.Radiograph) -> None:
    # Neighbours two pixels (0.06 mm) apart must be much alike, ten pixels apart much less.
    bone = lower_film.pixels[-110:-10, 300:900].astype(float)
    bone -= bone.mean(axis=1, keepdims=True)
    near = np.corrcoef(bone[:, :-2].ravel(), bone[:, 2:].ravel())[0, 1]
    assert near > 0.75


def test_two_visits_show_the_same_anatomy_from_a_slightly_different_angle() -> None:
    mouth = Mouth(PERSON, 30.0)
    first, second = (intraoral.periapical(mouth, "14", visit) for visit in ("2023", "2025"))
    again = intraoral.periapical(mouth, "14", "2023")
    assert np.array_equal(first.pixels, again.pixels)
    assert not np.array_equal(first.pixels, second.pixels)
    assert set(first.teeth) & set(second.teeth) >= {"13", "14", "15"}


def test_a_bitewing_shows_eight_teeth_of_one_side_and_both_jaws() -> None:
    film = intraoral.bitewing(Mouth(PERSON, 30.0), right=True, exposure="a")
    assert len(film.teeth) == 8
    places = [tooth_place(tooth) for tooth in film.teeth]
    assert all(place.right for place in places)
    assert {place.upper for place in places} == {True, False}


def test_metal_is_the_whitest_thing_in_a_bitewing() -> None:
    plain = Mouth(PERSON, 30.0)
    worked = Mouth(PERSON, 30.0, states={"30": ToothState(crown="metal", root_filled=True)})
    before, after = (intraoral.bitewing(mouth, right=True, exposure="a").pixels for mouth in (plain, worked))
    assert np.count_nonzero(after > 4000) > np.count_nonzero(before > 4000) + 20000


def test_bone_loss_lowers_the_edge_of_the_bone() -> None:
    sick = Mouth(PERSON, 60.0, states={str(n): ToothState(bone_loss_mm=4.0) for n in range(17, 33)})
    sound_film, sick_film = (intraoral.periapical(mouth, "30", "a").pixels for mouth in (Mouth(PERSON, 60.0), sick))
    band = slice(330, 430)
    assert sick_film[band].mean() < sound_film[band].mean() - 60


def test_a_panoramic_shows_all_teeth_and_dark_sinuses() -> None:
    film = panoramic.panoramic(Mouth(PERSON, 30.0), "a")
    assert film.pixels.shape == (panoramic.ROWS, panoramic.COLUMNS)
    assert len(film.teeth) == 32
    assert film.bits == 14
    assert film.pixels.max() < 1 << 14
    crowns = film.pixels[540:760, 600:1800].mean()
    sinus = np.median(film.pixels[120:280, 690:850])
    assert crowns > 1.5 * sinus


def test_a_ceph_is_black_before_the_face_and_white_at_the_ear_bone() -> None:
    film = cephalometric.cephalometric(Mouth(PERSON, 30.0), "a", "F")
    before_face = np.median(film.pixels[1300:1500, -120:])
    ear = np.median(film.pixels[800:900, 520:600])
    assert before_face < 0.08 * (1 << 14)
    assert ear > 4 * max(before_face, 1)


def test_the_volume_has_air_flesh_bone_and_enamel_in_hounsfield_units() -> None:
    volume = cbct.lower_jaw(Mouth(PERSON, 30.0), "a")
    assert volume.pixels.shape == (cbct.SLICES, cbct.SIZE, cbct.SIZE)
    hounsfield = volume.pixels.astype(np.float32) + cbct.INTERCEPT
    assert hounsfield.min() == -1000
    tongue = hounsfield[40, 150:200, 110:146]
    assert abs(float(tongue.mean()) - 45) < 40
    # The lowest frame lies below the jaw's roots, the crowns are near the top: more enamel there.
    enamel = (hounsfield > 2000).sum(axis=(1, 2))
    assert enamel[70:].sum() > 20 * max(enamel[:20].sum(), 1)


def test_random_streams_do_not_depend_on_the_process() -> None:
    assert array_random("a", 1).integers(0, 1 << 30) == 1048748337
