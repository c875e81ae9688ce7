"""Where an address is: the middle of its ZIP code, or what the client says when that is near it."""

from collections import defaultdict
from dataclasses import dataclass, replace

import h3

from address import Address


@dataclass(slots=True)
class Place:
    zip: str
    state: str
    position: tuple[float, float]
    reach_km: float
    city: str


@dataclass(slots=True)
class Candidate:
    address: Address
    latitude: float
    longitude: float
    match_type: str
    precision: str
    source: str

    def view(self) -> dict:
        return {
            "latitude": self.latitude,
            "longitude": self.longitude,
            "match_type": self.match_type,
            "precision": self.precision,
            "block_geoid": None,
            "source": self.source,
        }


class Places:
    """Reads `48034\tMI\t42.4969\t-83.2910\t25\tSOUTHFIELD`."""

    def __init__(self, file: str):
        self.by_zip: dict[str, Place] = {}
        self.by_city: dict[tuple[str, str], list[Place]] = defaultdict(list)
        with open(file, encoding="utf-8") as rows:
            for row in rows:
                zip_code, state, latitude, longitude, reach, city = row.rstrip("\n").split("\t")
                place = Place(zip_code, state, (float(latitude), float(longitude)), float(reach), city)
                self.by_zip[zip_code] = place
                self.by_city[state, city].append(place)

    def geocode(self, address: Address, given: tuple[float, float] | None) -> list[Candidate]:
        """All places that the address may mean."""
        if address.zip5:
            known = [self.by_zip[address.zip5]] if address.zip5 in self.by_zip else []
        else:
            known = self.by_city.get((address.state, address.city), [])
        return [candidate(address, place, given) for place in known if address.state in (None, place.state)]


def candidate(address: Address, place: Place, given: tuple[float, float] | None) -> Candidate:
    complete = replace(address, city=address.city or place.city, state=place.state, zip5=place.zip)
    if given and h3.great_circle_distance(place.position, given, unit="km") <= place.reach_km:
        return Candidate(complete, *given, "given", "rooftop", "caller")
    return Candidate(complete, *place.position, "area", "zip_centroid", "zip-table")
