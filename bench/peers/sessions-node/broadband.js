// Who offers internet around a point: FCC rows gathered by H3 cell in a Map, with the plans that providers sell.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { cellToLatLng, greatCircleDistance, gridDisk, latLngToCell } from "h3-js";

const TECHNOLOGIES = {
  0: "Other", 10: "DSL", 40: "Cable", 50: "Fiber", 60: "Satellite", 61: "Satellite", 70: "Fixed Wireless",
  71: "Licensed Fixed Wireless", 72: "Licensed Fixed Wireless",
};
const SOURCE = "FCC Broadband Data Collection";

/** Reads an availability file of the FCC and the plans: `{"provider id": {…, "products": [product, …]}}`. */
export function loadBroadband(availability, plans, vintage) {
  const cells = new Map();
  const cards = new Map();
  const sold = JSON.parse(readFileSync(plans, "utf8"));
  const [header, ...rows] = readFileSync(availability, "utf8").trimEnd().split("\n");
  const column = Object.fromEntries(header.split(",").map((name, index) => [name, index]));
  for (const row of rows) {
    const field = row.split(",");
    const [id, brand] = [field[column.provider_id], field[column.brand_name]];
    if (field[column.business_residential_code] === "B") continue;
    if (!cards.has(id)) cards.set(id, card(id, brand, sold[id]));
    const at = field[column.h3_res8_id];
    const location = field[column.location_id];
    let cell = cells.get(at);
    if (!cell) cells.set(at, (cell = { locations: new Set(), offers: new Map(), center: cellToLatLng(at) }));
    cell.locations.add(location);
    let offer = cell.offers.get(id);
    if (!offer) cell.offers.set(id, (offer = { locations: new Set(), offerings: new Map() }));
    offer.locations.add(location);
    const technology = TECHNOLOGIES[field[column.technology]];
    const before = offer.offerings.get(technology);
    offer.offerings.set(technology, {
      technology,
      technology_category: technology === "Satellite" ? "Satellite" : "Terrestrial",
      max_download_speed: Math.max(before?.max_download_speed ?? 0, Number(field[column.max_advertised_download_speed])),
      max_upload_speed: Math.max(before?.max_upload_speed ?? 0, Number(field[column.max_advertised_upload_speed])),
      low_latency: field[column.low_latency] === "1" && before?.low_latency !== false,
    });
  }
  for (const cell of cells.values()) {
    cell.known = cell.locations.size;
    cell.offers = [...cell.offers].map(([id, { locations, offerings }]) => ({
      id,
      served: locations.size,
      offerings: [...offerings.values()],
    }));
    delete cell.locations;
  }
  return { cells, cards, vintage, dataSet: `fcc-bdc-${vintage}` };
}

/** What is the same in every answer, and the catalogue by technology. */
function card(id, brand, { products, ...rest }) {
  const hash = createHash("sha1").update(brand).digest("hex");
  const uuid = [hash.slice(0, 8), hash.slice(8, 12), `5${hash.slice(13, 16)}`, `a${hash.slice(17, 20)}`, hash.slice(20, 32)];
  return { fixed: { provider_id: uuid.join("-"), provider_name: brand, ...rest }, products };
}

/** The providers at a place, the best evidence and then the fastest first. */
export function providersAt({ cells, cards, vintage }, { latitude, longitude, precision }) {
  const around = gridDisk(latLngToCell(latitude, longitude, 8), 1)
    .map((cell) => cells.get(cell))
    .filter(Boolean)
    .map((cell) => ({ ...cell, distance: greatCircleDistance([latitude, longitude], cell.center, "m") }))
    .sort((a, b) => a.distance - b.distance);
  const isZip = precision === "zip_centroid";
  const knownAround = around.reduce((sum, cell) => sum + cell.known, 0);
  const found = new Map();
  for (const [nth, cell] of around.entries()) {
    for (const { id, served, offerings } of cell.offers) {
      let one = found.get(id);
      if (!one) {
        found.set(id, (one = { id, nth, distance: cell.distance, known: isZip ? knownAround : cell.known, served: 0, offerings: new Map() }));
      } else if (!isZip && one.nth !== nth) continue;
      one.served += served;
      for (const offering of offerings) {
        const before = one.offerings.get(offering.technology);
        if (!before || offering.max_download_speed > before.max_download_speed) one.offerings.set(offering.technology, offering);
      }
    }
  }
  return [...found.values()]
    .map((one) => view(cards.get(one.id), one, isZip, vintage))
    .sort((a, b) => b.offerings[0].max_download_speed - a.offerings[0].max_download_speed);
}

function view({ fixed, products }, { nth, distance, known, served, offerings }, isZip, vintage) {
  const offered = [...offerings.values()].sort((a, b) => b.max_download_speed - a.max_download_speed);
  const technologies = offered.map(({ technology }) => technology.toLowerCase());
  const here = products.filter((product) => technologies.includes(product.technology));
  const cheapest = here.reduce((least, { price }) => (least && least.amount_cents <= price.amount_cents ? least : price), null);
  const share = served / known;
  let confidence = "unknown";
  if (!isZip && nth === 0) confidence = share === 1 && known >= 3 ? "confirmed" : share >= 0.5 ? "likely" : "unknown";
  return {
    ...fixed,
    min_plan_price: cheapest,
    offerings: offered,
    product_catalog: here.length === 0 ? [] : [
      {
        category: "internet",
        category_name: "Internet Service",
        category_description: "High-speed internet access plans",
        products: here,
      },
    ],
    evidence: {
      source: SOURCE,
      vintage,
      grain: isZip ? "zip" : "cell",
      distance_m: Math.round(distance),
      share_of_locations_served: share,
      confidence,
    },
  };
}
