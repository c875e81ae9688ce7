"""Who offers internet around a point: FCC rows gathered by H3 cell in a dict, with the plans that providers sell."""

import csv
import json
import uuid
from dataclasses import dataclass, field

import h3

TECHNOLOGIES = {
    "0": "Other", "10": "DSL", "40": "Cable", "50": "Fiber", "60": "Satellite", "61": "Satellite", "70": "Fixed Wireless",
    "71": "Licensed Fixed Wireless", "72": "Licensed Fixed Wireless",
}  # fmt: skip
SOURCE = "FCC Broadband Data Collection"


@dataclass(slots=True)
class Offer:
    locations: set[str] = field(default_factory=set)
    served: int = 0
    offerings: dict[str, dict] = field(default_factory=dict)


@dataclass(slots=True)
class Cell:
    center: tuple[float, float]
    locations: set[str] = field(default_factory=set)
    known: int = 0
    offers: dict[str, Offer] = field(default_factory=dict)


@dataclass(slots=True)
class Found:
    nth: int
    distance: float
    known: int
    served: int = 0
    offerings: dict[str, dict] = field(default_factory=dict)


class Broadband:
    """Reads an availability file of the FCC and the plans: `{"provider id": {…, "products": [product, …]}}`."""

    def __init__(self, availability: str, plans: str, vintage: str):
        self.vintage = vintage
        self.data_set = f"fcc-bdc-{vintage}"
        self.cells: dict[str, Cell] = {}
        self.cards: dict[str, dict] = {}
        self.products: dict[str, list[dict]] = {}
        with open(plans, encoding="utf-8") as file:
            sold = json.load(file)
        with open(availability, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["business_residential_code"] != "B":
                    self._add(row, sold)
        for cell in self.cells.values():
            cell.known = len(cell.locations)
            cell.locations.clear()
            for offer in cell.offers.values():
                offer.served = len(offer.locations)
                offer.locations.clear()

    def _add(self, row: dict[str, str], sold: dict[str, dict]) -> None:
        provider = row["provider_id"]
        if provider not in self.cards:
            brand = row["brand_name"]
            fixed = {"provider_id": str(uuid.uuid5(uuid.NAMESPACE_URL, brand)), "provider_name": brand}
            self.cards[provider] = fixed | {key: value for key, value in sold[provider].items() if key != "products"}
            self.products[provider] = sold[provider]["products"]
        at = row["h3_res8_id"]
        cell = self.cells.get(at)
        if cell is None:
            cell = self.cells[at] = Cell(h3.cell_to_latlng(at))
        cell.locations.add(row["location_id"])
        offer = cell.offers.setdefault(provider, Offer())
        offer.locations.add(row["location_id"])
        technology = TECHNOLOGIES[row["technology"]]
        before = offer.offerings.get(technology, {})
        offer.offerings[technology] = {
            "technology": technology,
            "technology_category": "Satellite" if technology == "Satellite" else "Terrestrial",
            "max_download_speed": max(before.get("max_download_speed", 0), int(row["max_advertised_download_speed"])),
            "max_upload_speed": max(before.get("max_upload_speed", 0), int(row["max_advertised_upload_speed"])),
            "low_latency": row["low_latency"] == "1" and before.get("low_latency", True),
        }

    def providers_at(self, latitude: float, longitude: float, is_zip: bool) -> list[dict]:
        """The providers at a place, the best evidence and then the fastest first."""
        position = (latitude, longitude)
        around = [
            (h3.great_circle_distance(position, cell.center, unit="m"), cell)
            for cell in map(self.cells.get, h3.grid_disk(h3.latlng_to_cell(latitude, longitude, 8), 1))
            if cell is not None
        ]
        around.sort(key=lambda one: one[0])
        known_around = sum(cell.known for _, cell in around)
        found: dict[str, Found] = {}
        for nth, (distance, cell) in enumerate(around):
            for provider, offer in cell.offers.items():
                one = found.get(provider)
                if one is None:
                    one = found[provider] = Found(nth, distance, known_around if is_zip else cell.known)
                elif not is_zip and one.nth != nth:
                    continue
                one.served += offer.served
                for technology, offering in offer.offerings.items():
                    before = one.offerings.get(technology)
                    if before is None or offering["max_download_speed"] > before["max_download_speed"]:
                        one.offerings[technology] = offering
        providers = [self._view(provider, one, is_zip) for provider, one in found.items()]
        providers.sort(key=lambda provider: -provider["offerings"][0]["max_download_speed"])
        return providers

    def _view(self, provider: str, found: Found, is_zip: bool) -> dict:
        offerings = sorted(found.offerings.values(), key=lambda offering: -offering["max_download_speed"])
        technologies = {offering["technology"].lower() for offering in offerings}
        products = [product for product in self.products[provider] if product["technology"] in technologies]
        share = found.served / found.known
        confidence = "unknown"
        if not is_zip and found.nth == 0:
            confidence = "confirmed" if share == 1 and found.known >= 3 else "likely" if share >= 0.5 else "unknown"
        catalogue = {
            "category": "internet",
            "category_name": "Internet Service",
            "category_description": "High-speed internet access plans",
            "products": products,
        }
        return self.cards[provider] | {
            "min_plan_price": min((product["price"] for product in products), key=lambda price: price["amount_cents"], default=None),
            "offerings": offerings,
            "product_catalog": [catalogue] if products else [],
            "evidence": {
                "source": SOURCE,
                "vintage": self.vintage,
                "grain": "zip" if is_zip else "cell",
                "distance_m": round(found.distance),
                "share_of_locations_served": share,
                "confidence": confidence,
            },
        }
