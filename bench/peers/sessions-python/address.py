"""A modest normal form after USPS Publication 28: upper case, directionals, suffixes, units."""

import re
from dataclasses import dataclass

DIRECTIONALS = {
    "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W",
    "NORTHEAST": "NE", "NORTHWEST": "NW", "SOUTHEAST": "SE", "SOUTHWEST": "SW",
}  # fmt: skip
SHORT_DIRECTIONALS = frozenset(DIRECTIONALS.values())
SUFFIXES = {
    "ALLEY": "ALY", "AVENUE": "AVE", "AV": "AVE", "BEND": "BND", "BLUFF": "BLF", "BOULEVARD": "BLVD", "BRANCH": "BR",
    "BRIDGE": "BRG", "BROOK": "BRK", "BYPASS": "BYP", "CENTER": "CTR", "CIRCLE": "CIR", "COMMONS": "CMNS", "COURT": "CT",
    "COVE": "CV", "CREEK": "CRK", "CRESCENT": "CRES", "CROSSING": "XING", "DRIVE": "DR", "ESTATES": "ESTS",
    "EXPRESSWAY": "EXPY", "EXTENSION": "EXT", "FREEWAY": "FWY", "GARDENS": "GDNS", "GLEN": "GLN", "GREEN": "GRN",
    "GROVE": "GRV", "HARBOR": "HBR", "HEIGHTS": "HTS", "HIGHWAY": "HWY", "HILL": "HL", "HILLS": "HLS", "HOLLOW": "HOLW",
    "ISLAND": "IS", "JUNCTION": "JCT", "KNOLL": "KNL", "LAKE": "LK", "LANDING": "LNDG", "LANE": "LN", "MANOR": "MNR",
    "MEADOWS": "MDWS", "MILL": "ML", "MOUNTAIN": "MTN", "PARKWAY": "PKWY", "PLACE": "PL", "PLAZA": "PLZ", "POINT": "PT",
    "RIDGE": "RDG", "RIVER": "RIV", "ROAD": "RD", "ROUTE": "RTE", "SHORE": "SHR", "SPRING": "SPG", "SPRINGS": "SPGS",
    "SQUARE": "SQ", "STATION": "STA", "STREET": "ST", "STR": "ST", "TERRACE": "TER", "TRACE": "TRCE", "TRAIL": "TRL",
    "TURNPIKE": "TPKE", "VALLEY": "VLY", "VIEW": "VW", "VILLAGE": "VLG", "VISTA": "VIS",
}  # fmt: skip
UNITS = {
    "APARTMENT": "APT", "APT": "APT", "BUILDING": "BLDG", "BLDG": "BLDG", "FLOOR": "FL", "FL": "FL", "LOT": "LOT",
    "ROOM": "RM", "RM": "RM", "SPACE": "SPC", "SUITE": "STE", "STE": "STE", "TRAILER": "TRLR", "UNIT": "UNIT", "#": "#",
}  # fmt: skip
PUNCTUATION = re.compile(r"[.,;]")


@dataclass(slots=True)
class Address:
    street: str
    unit: str | None
    city: str | None
    state: str | None
    zip5: str | None
    plus4: str | None

    def line(self) -> str:
        """One line: `29090 TIFFANY DR E APT A2, SOUTHFIELD, MI 48034`."""
        zip_code = f"{self.zip5}-{self.plus4}" if self.plus4 else self.zip5
        street = f"{self.street} {self.unit}" if self.unit else self.street
        end = " ".join(part for part in (self.state, zip_code) if part)
        return ", ".join(part for part in (street, self.city, end) if part)


def words(text: str) -> list[str]:
    return PUNCTUATION.sub(" ", text.upper().replace("#", " # ")).split()


def normalize(street1: str, street2: str | None, city: str | None, state: str | None, zip_code: str | None) -> Address | None:
    """The normal form, or `None` when there is no house number."""
    street = words(street1)
    if len(street) < 2 or not any(char.isdigit() for char in street[0]):
        return None
    unit = words(street2) if street2 else []
    if not unit:
        for index in range(len(street) - 1, 1, -1):
            if street[index] in UNITS:
                street, unit = street[:index], street[index:]
                break
    if unit:
        unit = [UNITS[unit[0]], *unit[1:]] if unit[0] in UNITS else ["APT", *unit]
    last = len(street) - 1
    suffix = last - 1 if street[last] in DIRECTIONALS or street[last] in SHORT_DIRECTIONALS else last
    for index in range(1, len(street)):
        word = street[index]
        if index == suffix and index > 1:
            street[index] = SUFFIXES.get(word, word)
        elif (index == 1 and last > 2) or index > suffix:
            street[index] = DIRECTIONALS.get(word, word)
    zip5, _, plus4 = (zip_code or "").partition("-")
    normal_city = " ".join(words(city)) if city else None
    return Address(" ".join(street), " ".join(unit) or None, normal_city, state, zip5 or None, plus4 or None)
