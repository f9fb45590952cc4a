"""Tooth numbers and codes in every system the field uses.

Source: ISO 3950 (FDI), PS3.16 CID 4018 and CID 4019 (current SNOMED CT codes), the older SNOMED CT codes
still in IHE DENT-OIP, and the retired SRT scheme. All are read, the current ones are written.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToothCode:
    """One tooth in every numbering and coding scheme."""

    universal: str
    fdi: str
    palmer: str
    sct: str
    older_sct: tuple[str, ...]
    srt: tuple[str, ...]
    meaning: str


TOOTH_CODES: tuple[ToothCode, ...] = (
    ToothCode("1", "18", "UR8", "68085002", (), ("T-54210",), "Permanent maxillary right third molar tooth"),
    ToothCode(
        "2", "17", "UR7", "863902006", ("7121006",), ("T-54220",), "Permanent maxillary right second molar tooth"
    ),
    ToothCode("3", "16", "UR6", "865995000", ("5140004",), ("T-54230",), "Permanent maxillary right first molar tooth"),
    ToothCode("4", "15", "UR5", "36492000", (), ("T-54240",), "Permanent maxillary right second premolar tooth"),
    ToothCode("5", "14", "UR4", "57826002", (), ("T-54250",), "Permanent maxillary right first premolar tooth"),
    ToothCode("6", "13", "UR3", "860767006", ("80647007",), ("T-54260",), "Permanent maxillary right canine tooth"),
    ToothCode(
        "7",
        "12",
        "UR2",
        "424877001",
        ("11712009",),
        ("T-54270", "T-54272"),
        "Permanent maxillary right lateral incisor tooth",
    ),
    ToothCode(
        "8",
        "11",
        "UR1",
        "422653006",
        ("22120004",),
        ("T-54280", "T-54282"),
        "Permanent maxillary right central incisor tooth",
    ),
    ToothCode(
        "9",
        "21",
        "UL1",
        "424399000",
        ("31982000",),
        ("T-54290", "T-54292"),
        "Permanent maxillary left central incisor tooth",
    ),
    ToothCode(
        "10",
        "22",
        "UL2",
        "423185002",
        ("25748002",),
        ("T-54300", "T-54302"),
        "Permanent maxillary left lateral incisor tooth",
    ),
    ToothCode("11", "23", "UL3", "860780009", ("72876007",), ("T-54310",), "Permanent maxillary left canine tooth"),
    ToothCode("12", "24", "UL4", "61897005", (), ("T-54320",), "Permanent maxillary left first premolar tooth"),
    ToothCode("13", "25", "UL5", "23226009", (), ("T-54330",), "Permanent maxillary left second premolar tooth"),
    ToothCode(
        "14", "26", "UL6", "865988009", ("23427002",), ("T-54340",), "Permanent maxillary left first molar tooth"
    ),
    ToothCode(
        "15", "27", "UL7", "863901004", ("66303006",), ("T-54350",), "Permanent maxillary left second molar tooth"
    ),
    ToothCode("16", "28", "UL8", "87704003", (), ("T-54360",), "Permanent maxillary left third molar tooth"),
    ToothCode("17", "38", "LL8", "74344005", (), ("T-54370",), "Mandibular left third molar tooth"),
    ToothCode("18", "37", "LL7", "863898000", ("48402004",), ("T-54380",), "Mandibular left second molar tooth"),
    ToothCode("19", "36", "LL6", "866006002", ("89625000",), ("T-54390",), "Mandibular left first molar tooth"),
    ToothCode("20", "35", "LL5", "24573005", (), ("T-54400",), "Mandibular left second premolar tooth"),
    ToothCode("21", "34", "LL4", "2400006", (), ("T-54410",), "Mandibular left first premolar tooth"),
    ToothCode("22", "33", "LL3", "860782001", ("39844006",), ("T-54420",), "Mandibular left canine tooth"),
    ToothCode("23", "32", "LL2", "423331005", ("77130001",), ("T-54430", "T-54432"), "Mandibular left lateral tooth"),
    ToothCode(
        "24", "31", "LL1", "425106001", ("113278005",), ("T-54440", "T-54442"), "Mandibular left central incisor tooth"
    ),
    ToothCode(
        "25", "41", "LR1", "424575004", ("15422005",), ("T-54450", "T-54452"), "Mandibular right central incisor tooth"
    ),
    ToothCode(
        "26", "42", "LR2", "423937004", ("82628004",), ("T-54460", "T-54462"), "Mandibular right lateral incisor tooth"
    ),
    ToothCode("27", "43", "LR3", "860785004", ("47055002",), ("T-54470",), "Mandibular right canine tooth"),
    ToothCode("28", "44", "LR4", "80140008", (), ("T-54480",), "Mandibular right first premolar tooth"),
    ToothCode("29", "45", "LR5", "8873007", (), ("T-54490",), "Mandibular right second premolar tooth"),
    ToothCode("30", "46", "LR6", "866005003", ("28480000",), ("T-54500",), "Mandibular right first molar tooth"),
    ToothCode("31", "47", "LR7", "863899008", ("40005008",), ("T-54510",), "Mandibular right second molar tooth"),
    ToothCode("32", "48", "LR8", "38994002", (), ("T-54520",), "Mandibular right third molar tooth"),
    ToothCode("A", "55", "URE", "27855007", (), ("T-54650",), "Deciduous maxillary right second molar tooth"),
    ToothCode(
        "B",
        "54",
        "URD",
        "17505006",
        ("245616001",),
        ("T-54641", "T-54640"),
        "Deciduous maxillary right first molar tooth",
    ),
    ToothCode("C", "53", "URC", "30618001", (), ("T-54630",), "Deciduous maxillary right canine tooth"),
    ToothCode(
        "D",
        "52",
        "URB",
        "65624003",
        ("245619008",),
        ("T-54621", "T-54620"),
        "Deciduous maxillary right lateral incisor tooth",
    ),
    ToothCode(
        "E",
        "51",
        "URA",
        "88824007",
        ("245620002",),
        ("T-54611", "T-54610"),
        "Deciduous maxillary right central incisor tooth",
    ),
    ToothCode("F", "61", "ULA", "51678005", (), ("T-54660",), "Deciduous maxillary left central incisor tooth"),
    ToothCode("G", "62", "ULB", "43622005", (), ("T-54670",), "Deciduous maxillary left lateral incisor tooth"),
    ToothCode("H", "63", "ULC", "73937000", (), ("T-54680",), "Deciduous maxillary left canine tooth"),
    ToothCode("I", "64", "ULD", "45234009", (), ("T-54690",), "Deciduous maxillary left first molar tooth"),
    ToothCode("J", "65", "ULE", "51943008", (), ("T-54700",), "Deciduous maxillary left second molar tooth"),
    ToothCode("K", "75", "LLE", "49330006", (), ("T-54800",), "Deciduous mandibular left second molar tooth"),
    ToothCode("L", "74", "LLD", "38896004", (), ("T-54790",), "Deciduous mandibular left first molar tooth"),
    ToothCode(
        "M", "73", "LLC", "43281008", ("245639007",), ("T-54781", "T-54780"), "Deciduous mandibular left canine tooth"
    ),
    ToothCode("N", "72", "LLB", "14770005", (), ("T-54770",), "Deciduous mandibular left lateral incisor tooth"),
    ToothCode("O", "71", "LLA", "89552004", (), ("T-54760",), "Deciduous mandibular left central incisor tooth"),
    ToothCode("P", "81", "LRA", "67834006", (), ("T-54710",), "Deciduous mandibular right central incisor tooth"),
    ToothCode("Q", "82", "LRB", "22445006", (), ("T-54720",), "Deciduous mandibular right lateral incisor tooth"),
    ToothCode("R", "83", "LRC", "6062009", (), ("T-54730",), "Deciduous mandibular right canine tooth"),
    ToothCode(
        "S",
        "84",
        "LRD",
        "58646007",
        ("245631005",),
        ("T-54741", "T-54740"),
        "Deciduous mandibular right first molar tooth",
    ),
    ToothCode("T", "85", "LRE", "61868007", (), ("T-54750",), "Deciduous mandibular right second molar tooth"),
)

BY_UNIVERSAL: dict[str, ToothCode] = {code.universal: code for code in TOOTH_CODES}
_BY_FDI = {code.fdi: code.universal for code in TOOTH_CODES}
_BY_PALMER = {code.palmer: code.universal for code in TOOTH_CODES}
_BY_SCT = {value: code.universal for code in TOOTH_CODES for value in (code.sct, *code.older_sct)}
_BY_SRT = {value: code.universal for code in TOOTH_CODES for value in code.srt}
# Coding Scheme Designators seen for each generation (PS3.16 section 8).
_SCT_SCHEMES = frozenset({"SCT", "SNOMED", "SNOMED-CT"})
_SRT_SCHEMES = frozenset({"SRT", "SNM3", "99SDM"})


def tooth_from_code(value: str, scheme: str) -> str | None:
    """Return the Universal number for a DICOM code, or ``None`` for a code that is no tooth's.

    Parameters
    ----------
    value
        Code Value (0008,0100).
    scheme
        Coding Scheme Designator (0008,0102).
    """
    scheme = scheme.strip().upper()
    if scheme in _SCT_SCHEMES:
        return _BY_SCT.get(value.strip())
    if scheme in _SRT_SCHEMES:
        return _BY_SRT.get(value.strip().upper())
    if scheme in {"ISO3950", "ISO 3950"}:
        return _BY_FDI.get(value.strip())
    return None


def universal_from_fdi(fdi: str) -> str | None:
    """Return the Universal number of an FDI number such as ``11``."""
    return _BY_FDI.get(fdi)


def universal_from_palmer(palmer: str) -> str | None:
    """Return the Universal number of a Palmer notation such as ``UR1`` or ``URA``."""
    return _BY_PALMER.get(palmer.upper())
